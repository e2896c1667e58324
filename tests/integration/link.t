#!/usr/bin/python3
"""link - an address and a way out, from a router in another network namespace, behind the wall.

Usage: B=BUILD link.t, as root. Prints TAP. wall and `launcher --as link` run in a root like the stick's: its /etc, no
shell, /run in memory. dnsmasq is the router.
"""
import ctypes, os, re, select, shutil, signal, socket, struct, subprocess, sys, time

sys.dont_write_bytecode = True
from tap import check, must, plan, run

B = os.path.realpath(os.environ["B"])
ROOT, WORK = "/run/stick", "/run/router"
MSG_READY, MSG_LINK_STATE = 1, 30
NO_DEVICE, NO_CARRIER, WAITING_ADDRESS, UP = range(4)
CAPABILITIES = "net_admin,net_raw,net_bind_service,setuid,setgid,kill,sys_chroot"
CLONE_NEWNS = 0x20000


def make_root():
    """What link and dhcpcd find on the stick, and nothing else: no shell among it."""
    os.makedirs(ROOT)
    must("mount", "-t", "tmpfs", "stick", ROOT)
    for folder in ("usr", "proc", "sys", "dev", "run", "tmp", "etc", "var/lib", "var/empty", "sekisho/etc"):
        os.makedirs(f"{ROOT}/{folder}")
    for folder in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{folder}", f"{ROOT}/{folder}")
    must("mount", "--bind", "/usr", f"{ROOT}/usr")
    must("mount", "-t", "tmpfs", "none", f"{ROOT}/usr/lib/dhcpcd")  # Debian's own hooks are not on the stick
    for shell in ("dash", "bash"):
        must("mount", "--bind", "/dev/null", f"{ROOT}/usr/bin/{shell}")
    must("mount", "--rbind", "/proc", f"{ROOT}/proc")
    must("mount", "--rbind", "/dev", f"{ROOT}/dev")
    must("mount", "-t", "sysfs", "sys", f"{ROOT}/sys")
    must("mount", "-t", "tmpfs", "-o", "mode=755", "run", f"{ROOT}/run")
    os.symlink("/run/dhcpcd", f"{ROOT}/var/lib/dhcpcd")
    with open(f"{ROOT}/etc/passwd", "w") as f:
        f.write("root:x:0:0::/:/nonexistent\nlink:x:102:102::/var/empty:/nonexistent\n"
                "dhcpcd:x:109:109::/var/empty:/nonexistent\n")
    with open(f"{ROOT}/etc/group", "w") as f:
        f.write("root:x:0:\nlink:x:102:\ndhcpcd:x:109:\n")
    with open(f"{ROOT}/etc/nsswitch.conf", "w") as f:
        f.write("passwd: files\ngroup: files\n")
    for program in ("launcher", "wall", "dhcp-hook"):
        shutil.copy(f"{B}/{program}", f"{ROOT}/sekisho/{program}")
    shutil.copy("launcher/dhcpcd.conf", f"{ROOT}/sekisho/etc/dhcpcd.conf")


class Child:
    """A program of the stick's, as its parent there starts it: a uid, a few capabilities, a channel at 3."""

    def __init__(self, argv, uid, capabilities):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        plus = ",".join("+" + c for c in capabilities.split(","))

        def enter():
            os.dup2(theirs.fileno(), 3)
            os.set_inheritable(3, True)
            os.chroot(ROOT)
            os.chdir("/")

        self.process = subprocess.Popen(
            ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--inh-caps=-all,{plus}",
             f"--ambient-caps=-all,{plus}", f"--bounding-set=-all,{plus}", "--no-new-privs", *argv],
            preexec_fn=enter, close_fds=False, stdin=subprocess.DEVNULL, env={})
        theirs.close()

    def receive(self, wait):
        if not select.select([self.channel], [], [], wait)[0]:
            return None
        frame = self.channel.recv(65536)
        return (struct.unpack("=HHI", frame[:8])[0], frame[8:]) if len(frame) >= 8 else None

    def expect(self, kind, wait=10):
        frame = self.receive(wait)
        return frame is not None and frame[0] == kind


class Link(Child):
    def __init__(self):
        super().__init__(["/sekisho/launcher", "--as", "link"], 102, CAPABILITIES)
        self.seen = []

    def wait_state(self, state, seconds=20, detail=None):
        """The next message with this state (and detail); what came before is kept in `seen`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            frame = self.receive(left)
            if frame is None:
                return None
            if frame[0] != MSG_LINK_STATE:
                continue
            got, body, texts = frame[1][0], frame[1][1:], []
            for _ in range(2):
                size = struct.unpack("<I", body[:4])[0]
                texts.append(body[4:4 + size].decode())
                body = body[4 + size:]
            self.seen.append((got, *texts))
            if got == state and (detail is None or detail in texts[1]):
                return texts
        return None


if open("/proc/self/uid_map").read().split()[2:] == ["1"]:
    print("1..0 # SKIP this user namespace knows no uid but 0, and the stick's processes need several")
    sys.exit(0)
ctypes.CDLL(None).unshare(CLONE_NEWNS)
must("mount", "-t", "tmpfs", "run", "/run")
os.makedirs(WORK)
os.unshare(os.CLONE_NEWNET)
STICK = os.open("/proc/self/ns/net", os.O_RDONLY)
os.unshare(os.CLONE_NEWNET)
ROUTER = os.open("/proc/self/ns/net", os.O_RDONLY)


def on_router(*command):
    os.setns(ROUTER)
    try:
        return must(*command)
    finally:
        os.setns(STICK)


def on_stick(*command):
    return run(*command).stdout


def plug(stick_end, router_end, network):
    on_router("ip", "link", "add", router_end, "type", "veth", "peer", "name", stick_end, "netns",
              f"/proc/{os.getpid()}/fd/{STICK}")
    on_router("ip", "addr", "add", f"192.168.{network}.1/24", "dev", router_end)
    on_router("ip", "-6", "addr", "add", f"2001:db8:{network}::1/64", "dev", router_end, "nodad")


def router(interface, network, *more):
    os.setns(ROUTER)
    process = subprocess.Popen(
        ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--bind-interfaces", f"--interface={interface}",
         f"--dhcp-range=192.168.{network}.100,192.168.{network}.150,2m", "--dhcp-rapid-commit",
         "--dhcp-option=option:domain-name,evil.example", "--dhcp-option=option:dns-server,192.168.77.66",
         "--dhcp-option=252,http://wpad.evil.example/wpad.dat", f"--dhcp-leasefile={WORK}/leases.{interface}",
         "--pid-file=", "--log-dhcp", f"--log-facility={WORK}/log.{interface}", *more])
    os.setns(STICK)
    return process


def clients():
    """dhcpcd's processes in this stick's network, nobody else's."""
    mine, found = os.stat("/proc/self/ns/net").st_ino, []
    for pid in run("pgrep", "-f", "dhcpcd").stdout.split():
        try:
            if os.stat(f"/proc/{pid}/ns/net").st_ino == mine and b"dhcpcd" in open(f"/proc/{pid}/cmdline", "rb").read():
                found.append(int(pid))
        except OSError:
            pass
    return found


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < end:
        select.select([], [], [], 0.1)
    return result


os.setns(STICK)
make_root()
wall = Child(["/sekisho/wall"], 108, "net_admin")
check(wall.expect(MSG_READY), "the wall stands")
link = Link()
check(link.expect(MSG_READY), "link is ready, in its sandbox")
check(link.wait_state(NO_DEVICE) is not None, "without an interface it says so")
plug("eth0", "lan0", 77)
check(link.wait_state(NO_CARRIER) == ["eth0", ""], "without a cable it says so")
on_router("ip", "link", "set", "lan0", "up")
check(link.wait_state(WAITING_ADDRESS) is not None, "with a cable and no router it waits for an address")
os.setns(ROUTER)
tap = subprocess.Popen(["tcpdump", "-U", "-i", "lan0", "-w", f"{WORK}/lan0.pcap"], stderr=subprocess.PIPE, text=True)
for line in tap.stderr:
    if "listening on" in line:
        break
os.setns(STICK)
dnsmasq = router("lan0", 77)
up = link.wait_state(UP, 40)
check(up is not None and up[0] == "eth0" and up[1].startswith("192.168.77."), "a router comes, and it has an address")
check("default via 192.168.77.1" in on_stick("ip", "route"), "and a way out")
check(run("find", f"{ROOT}/etc", "-newer", f"{ROOT}/etc/nsswitch.conf", "-type", "f").stdout == "" and
      not os.path.exists(f"{ROOT}/etc/resolv.conf"), "nothing was written into /etc")

caps = open(f"/proc/{link.process.pid}/status").read()
check(re.search(r"CapEff:\s*0+$", caps, re.M) and re.search(r"CapPrm:\s*0+$", caps, re.M) and "Seccomp:\t2" in caps,
      "the half that listens has no capability and a filter")
starter = run("pgrep", "-P", str(link.process.pid)).stdout.strip()
check("Seccomp:\t2" in open(f"/proc/{starter}/status").read(), "the half that starts dhcpcd has a filter")
filters = [re.search(r"Seccomp:\t(\d)", open(f"/proc/{pid}/status").read()).group(1) for pid in clients()]
check(len(filters) >= 3 and set(filters) == {"2"}, "and so have all of dhcpcd's processes")
owners = run("ps", "-eo", "user:20,uid,args").stdout
check(re.search(r"^\S+\s+109 dhcpcd", owners, re.M), "dhcpcd's own half that listens runs as uid 109")

# --- a cable pulled and put back
on_router("ip", "link", "set", "lan0", "down")
check(link.wait_state(NO_CARRIER) is not None, "the cable pulled: it says so")
on_router("ip", "link", "set", "lan0", "up")
check(link.wait_state(UP, 30) is not None, "and put back: it is up again")

# --- dhcpcd dies
mine = clients()
for pid in mine:
    os.kill(pid, signal.SIGKILL)
check(bool(mine), "dhcpcd was running")
check(wait_for(lambda: set(clients()) - set(mine), 15), "killed, it is started again")

# --- what was said on the wire
tap.send_signal(signal.SIGINT)
tap.wait()
said = must("tcpdump", "-n", "-vv", "-r", f"{WORK}/lan0.pcap", "ether src " + re.search(
    r"link/ether (\S+)", on_stick("ip", "link", "show", "eth0")).group(1))
check("BOOTP/DHCP, Request" in said, "its requests are on the wire")
for word in ("Hostname", "Vendor-Class", "FQDN", "dhcpcd", socket.gethostname()):
    check(word not in said, f"nothing on the wire says {word}")
asked = " ".join(re.findall(r"Parameter-Request.*?\n(?:\s{10,}.*\n)*", said))
for word in ("Domain-Name-Server", "Domain-Name", "NTP", "Option 252", "WPAD", "Hostname"):
    check(word not in asked, f"nobody is asked for {word}")
others = [line for line in said.splitlines() if re.match(r"\d\d:\d\d:\d\d", line) and
          not re.search(r"ARP|ethertype ARP|BOOTP|\.68 > |ICMP6|IP6|IP \(tos", line)]
check(others == [], f"nothing but ARP, DHCP and discovery leaves: {others[:3]}")

# --- IPv6 by router advertisement, and by DHCPv6
dnsmasq.terminate()
dnsmasq.wait()
plug("eth1", "lan1", 78)
six = router("lan1", 78, "--dhcp-range=2001:db8:78::,ra-stateless,64,2m", "--enable-ra")
on_router("ip", "link", "set", "lan1", "up")
wait_for(lambda: "2001:db8:78:" in on_stick("ip", "-6", "addr", "show", "eth1") and
         "default" in on_stick("ip", "-6", "route", "show", "dev", "eth1"), 30)
check("2001:db8:78:" in on_stick("ip", "-6", "addr", "show", "eth1"), "a router advertisement gives an IPv6 address")
check("default" in on_stick("ip", "-6", "route", "show", "dev", "eth1"), "and an IPv6 way out")
six.terminate()
six.wait()
plug("eth2", "lan2", 79)
six = router("lan2", 79, "--dhcp-range=2001:db8:79::100,2001:db8:79::1ff,64,2m", "--enable-ra")
on_router("ip", "link", "set", "lan2", "up")
check(wait_for(lambda: re.search(r"2001:db8:79::1[0-9a-f]{2}/", on_stick("ip", "-6", "addr", "show", "eth2")), 40),
      "where the router says so, DHCPv6 gives one")
six.terminate()
six.wait()

# --- its end
link.process.kill()
link.process.wait()
check(wait_for(lambda: not clients(), 15), "link killed, its dhcpcd ends too")
wall.process.kill()
plan()
