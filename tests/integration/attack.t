#!/usr/bin/python3
"""attack - every process of the stick turned against its network: what the kernel refuses, who hears, what the wire shows.

Usage: B=BUILD attack.t [wall|tunnel], as root. Prints TAP. The wall, the tunnel's process and its rules are the stick's
own, the namespaces are laid as on the stick, and the world around has the demonstration's addresses. The attacker runs
in each namespace as each process of the launcher's table, with its uid and capabilities and as uid 0 with what its
bounding set leaves; first without its filter of system calls, so that what holds here holds without that, then under
the filters that the process itself runs under.

With an argument that wall is left away, for `make attack`: then this must fail.
"""
import base64, ctypes, json, os, re, signal, socket, subprocess, sys, tempfile, threading

sys.dont_write_bytecode = True
sys.path.append("tests/attack")
from figures import leave
from tap import check, must, plan, run
from tunnelrig import B, CONFIG, PORT, READY, RETRY, UP, Tunnel, config, daemons, inside, new_namespace, wireguard
from wallrig import MSG_READY, MSG_WALL_STANDS, Wall

WITHOUT = sys.argv[1] if len(sys.argv) > 1 else ""
ROUTER, WAIT_MS = "52:54:00:5e:00:01", "150"
GATEWAYS = ("203.0.113.11", "203.0.113.12")
WORLD4 = ("198.51.100.40", "198.51.100.53", "169.254.169.254", *GATEWAYS)
PORTS_TCP, PORTS_UDP = (22, 53, 80, 443, 8443, 51820), (53, 67, 123, 443, 51821)
HARMLESS = ("refused", "killed", "unheard", "own")
# Inside the tunnel a bank's port is open on the stick, and which address is a bank's is the gateway's to say: it is
# asked in gateway.t and on the stick itself. The gateway here forwards everything.
GATEWAYS_TO_SAY = {"TCP to a web server", "TCP to the gateway, outside", "TCP to another stick"}
# what this machine's kernel has and the stick's does not: tried on the stick itself (tests/e2e/attack.t)
KERNEL = re.compile(r"^(an? .* socket|a socket to|an? .*socket, |netlink: a (pair|bridge|tunnel|new))")


# --- the world: it answers everything, so that silence is the wall's doing ------------------------------------------

def answer_datagrams(server):
    while True:
        data, who = server.recvfrom(2048)
        if data[:2] == b"\x5e\xca":  # a DNS question: one address
            data = data[:6] + b"\0\1" + data[8:] + bytes.fromhex("c00c00010001000000050004c6336428")
        try:
            server.sendto(data, who)
        except OSError:
            pass


def serve(addresses, udp=PORTS_UDP):
    """In the namespace of the caller, for as long as the test runs."""
    kept = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in PORTS_TCP:
            kept.append(socket.create_server((address, port), family=family, backlog=200))
        for port in udp:
            server = socket.socket(family, socket.SOCK_DGRAM)
            server.bind((address, port))
            threading.Thread(target=answer_datagrams, args=(server,), daemon=True).start()
    return kept


def commands(lines):
    for line in lines.strip().splitlines():
        must(*line.split())


def lay_world():
    for address in WORLD4:
        must("ip", "addr", "add", f"{address}/32", "dev", "lo")
    commands(f"""
        ip link add home0 address {ROUTER} type veth peer name stick0 netns /proc/{os.getpid()}/fd/{NAMESPACES["underlay"]}
        ip addr add 192.168.77.1/24 dev home0
        ip -6 addr add 2001:db8:77::1/64 dev home0 nodad
        ip link set lo up
        ip link set home0 up
        ip route add 192.168.77.100/32 dev home0 src {GATEWAYS[0]}
        ip -6 addr add 2001:db8:ffff::53/128 dev lo nodad""")
    return serve((*WORLD4, "192.168.77.1", "2001:db8:ffff::53"))


def lay_underlay():
    if WITHOUT == "wall":
        must("ip", "link", "set", "stick0", "up")
    commands("""
        ip addr add 192.168.77.100/24 dev stick0
        ip -6 addr add 2001:db8:77::100/64 dev stick0 nodad
        ip route add default via 192.168.77.1
        ip -6 route add default via 2001:db8:77::1""")


def lay_screen():
    commands("""
        ip link set lo up
        ip link add dummy0 type veth peer name nowhere0
        ip addr add 192.0.2.1/32 dev dummy0""")
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    return [server, socket.create_server(("127.0.0.1", 443))]


# --- the processes --------------------------------------------------------------------------------------------------

CAPABILITIES = [line.split()[1][4:].lower() for line in re.findall(
    r"#define\s+CAP_\w+\s+\d+", open("/usr/include/linux/capability.h").read())
    if int(line.split()[2]) <= 40 and "LAST" not in line]


def names(mask):
    return ",".join("+" + name for i, name in enumerate(CAPABILITIES) if mask >> i & 1)


def attack(namespace, uid, capabilities, table, *filters):
    """{try: outcome} of one table, as one uid with these capabilities and no way to more."""
    plus = "-all" + ("," + names(capabilities) if capabilities else "")
    command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--inh-caps={plus}",
               f"--ambient-caps={plus}", f"--bounding-set={plus}", "--no-new-privs", f"{B}/attacker", table, WAIT_MS, *filters]
    out = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.setns(namespace)).stdout
    return dict(line.split("\t") for line in out.splitlines())


def rows():
    """The launcher's children, and those that are not in its table: the wall, and the launcher's own two halves."""
    for line in must(f"{B}/rig/rows").splitlines():
        name, namespace, uid, capabilities = line.split()
        yield name, namespace, int(uid), int(capabilities, 16)
    yield "wall", "underlay", 108, 1 << 12
    yield "dhcpcd", "underlay", 109, 0


tried = stopped = 0


def attack_as(name, where, uid, capabilities):
    global tried, stopped
    for how, as_uid in (("itself", uid), ("root", 0)):
        if how == "root" and uid == 0:
            continue
        bad = []
        for table in ("network", "packets"):
            outcomes = attack(NAMESPACES[where], as_uid, capabilities, table)
            check(len(outcomes) > 30, f"{name} as {how}: the whole table of {table} was tried")
            for what, outcome in outcomes.items():
                if outcome == "own" or KERNEL.match(what) or (where == "tunnel" and what in GATEWAYS_TO_SAY):
                    continue
                tried += 1
                if outcome.split()[0] in HARMLESS:
                    stopped += 1
                else:
                    bad.append(f"{what}: {outcome}")
        check(not bad, f"{name} in {where} as {how}: nothing was reached {bad}")


def attack_under_filter(name, where, uid, capabilities, pid):
    """As that process and nothing else: its uid, namespace, capabilities, and the filters it runs under right now."""
    global tried, stopped
    kept = f"{work}/{name}.filters"
    done = run(f"{B}/rig/filter", str(pid), kept)
    if done.returncode == 3:
        check(True, f"{name} under its filter # SKIP this machine does not tell a process's filters")
        return
    os.chmod(kept, 0o644)
    bad, killed = [], 0
    for table in ("network", "packets", "system"):
        for what, outcome in attack(NAMESPACES[where], uid, capabilities, table, kept).items():
            if outcome == "own" or KERNEL.match(what) or (where == "tunnel" and what in GATEWAYS_TO_SAY):
                continue
            tried += 1
            killed += outcome == "killed SIGSYS"
            if outcome.split()[0] in HARMLESS:
                stopped += 1
            else:
                bad.append(f"{what}: {outcome}")
    check(not bad and killed > 60, f"{name} under its own filter: nothing was reached, {killed} tries ended it", bad)


class Child:
    """One of the launcher's children by itself, for its filter."""

    def __init__(self, name):
        self.rig = subprocess.Popen([f"{B}/rig/child", f"{B}/launcher", name, f"{work}/record"], stdout=subprocess.PIPE, text=True)
        self.pid = int(self.rig.stdout.readline() or 0)

    def end(self):
        self.rig.terminate()
        self.rig.wait()


if not os.path.exists("/dev/net/tun"):
    print("1..0 # SKIP there is no /dev/net/tun here")
    sys.exit(0)
ctypes.CDLL(None).unshare(0x20000)  # mounts of our own
os.makedirs("/var/run/wireguard", exist_ok=True)
must("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/var/run/wireguard")
NAMESPACES = {name: new_namespace() for name in ("world", "tunnel", "screen", "nowhere", "underlay")}
keep = inside(NAMESPACES["world"], lay_world)
wall = None if WITHOUT == "wall" else Wall()
check(wall is None or wall.expect(MSG_READY), "the wall stands")
lay_underlay()
keep += inside(NAMESPACES["screen"], lay_screen)
if wall:
    wall.gateways(*((address, PORT) for address in GATEWAYS))
    check(wall.expect(MSG_WALL_STANDS), "and lets WireGuard out to the gateways")

work = tempfile.mkdtemp()
os.chmod(work, 0o755)
with open(f"{work}/record", "wb") as record:
    record.truncate(1 << 20)
tap = inside(NAMESPACES["world"], subprocess.Popen,
             ["tcpdump", "-U", "-i", "home0", "-w", f"{work}/home0.pcap"], stderr=subprocess.PIPE, text=True)
for line in tap.stderr:
    if "listening on" in line:
        break
try:
    private = base64.b64decode(must("wg", "genkey"))
    gateway_private = must("wg", "genkey")
    gateway_public = base64.b64decode(must("wg", "pubkey", input=gateway_private))
    public = must("wg", "pubkey", input=base64.b64encode(private).decode())
    wireguard("wg0")
    resident = inside(NAMESPACES["tunnel"], subprocess.Popen, ["sleep", "infinity"])
    daemons.append(resident)
    must("ip", "link", "set", "wg0", "netns", str(resident.pid))
    inside(NAMESPACES["world"], wireguard, "wgg")
    for command in ("ip addr add 10.77.0.1/16 dev wgg", "ip addr add 10.77.0.3/32 dev wgg", "ip link set wgg up",
                    f"wg set wgg listen-port {PORT} private-key /dev/stdin peer {public} allowed-ips 10.77.0.2/32"):
        inside(NAMESPACES["world"], must, *command.split(), input=gateway_private)
    keep += inside(NAMESPACES["world"], serve, ("10.77.0.1",), ())
    inside(NAMESPACES["tunnel"], lambda: open("/proc/sys/net/ipv4/ping_group_range", "w").write("103 103"))
    tunnel = Tunnel(NAMESPACES["tunnel"])
    tunnel.send(CONFIG, config(private, gateway_public))
    frame = tunnel.receive(10)
    check(frame is not None and frame[0] == READY, "the tunnel's process stands")
    tunnel.send(RETRY)
    check(tunnel.wait(UP, 20) is not None, "and the tunnel is up, through the wall")
    if WITHOUT == "tunnel":
        inside(NAMESPACES["tunnel"], must, "nft", "flush", "ruleset")

    for row in rows():
        attack_as(*row)

    for row in rows():
        if row[0] in ("record", "link", "keyholder", "policy", "broker", "agent"):
            child = Child(row[0])
            # link's capabilities are its starter's; the half that hears has none
            attack_under_filter(*row[:3], 0, child.pid)
            child.end()
    attack_under_filter("tunnel", "tunnel", 103, 1 << 12, tunnel.process.pid)
    if wall:
        attack_under_filter("wall", "underlay", 108, 1 << 12, wall.process.pid)

    check(inside(NAMESPACES["tunnel"], lambda: "policy drop" in must("nft", "list", "ruleset")) and
          tunnel.process.poll() is None, "the tunnel's rules stand, and its process runs")
    check(wall is not None and wall.process.poll() is None, "so does the wall")
finally:
    for daemon in daemons:
        daemon.kill()
    tap.send_signal(signal.SIGINT)
    tap.wait()

verdict = run("tests/attack/wire.py", "--json", f"{work}/wire.json", *(f"--gateway={address}:{PORT}" for address in GATEWAYS),
              ROUTER, f"{work}/home0.pcap")
wire = json.load(open(f"{work}/wire.json"))
check(wire["packets"] > 50 and wire["kinds"].get("WireGuard", 0) > 10, f"the capture holds the whole of it: {wire['kinds']}")
check(wire["disallowed"] == [], f"and nothing else left the stick {wire['disallowed'][:6]}")
print(f"# {tried} attacks, {stopped} stopped, {wire['packets']} packets, {len(wire['disallowed'])} that may not leave")
if not WITHOUT:
    leave("namespaces", {"attacks_tried": tried, "attacks_stopped": stopped, "wire": wire})
plan()
