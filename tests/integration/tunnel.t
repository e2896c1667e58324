#!/usr/bin/python3
"""tunnel - the tunnel process against a gateway in another namespace, over user-space WireGuard.

Usage: B=BUILD tunnel.t, as root. Prints TAP. The stick's UDP socket is in the underlay, wg0 in the tunnel's namespace,
as on the stick. The gateway has two addresses, of which the first is nobody's.
"""
import base64, ctypes, os, socket, struct, subprocess, sys, time

sys.dont_write_bytecode = True
from filters import REACHABLE_MAX, check_filter, inject
from tap import check, must, plan
from tunnelrig import (ALIVE, CONFIG, CONNECTING, DEAD, DOWN, PORT, PORTS, READY, RENEW, RETRY, UP, Tunnel, config, daemons,
                       inside, new_namespace, wireguard)


def reaches(port, kind=socket.SOCK_STREAM):
    """From the tunnel's namespace to the gateway's inner address."""
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(2)
        try:
            s.connect(("10.77.0.1", port))
            return True
        except OSError:
            return False


if not os.path.exists("/dev/net/tun"):
    print("1..0 # SKIP there is no /dev/net/tun here")
    sys.exit(0)
ctypes.CDLL(None).unshare(0x20000)  # mounts of our own
os.makedirs("/var/run/wireguard", exist_ok=True)
must("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/var/run/wireguard")
gateway_ns, tunnel_ns, underlay_ns = new_namespace(), new_namespace(), new_namespace()
try:
    must("ip", "link", "add", "u0", "type", "veth", "peer", "name", "g0")
    must("ip", "link", "set", "g0", "netns", f"/proc/{os.getpid()}/fd/{gateway_ns}")
    for command in ("ip addr add 203.0.113.1/24 dev u0", "ip link set u0 up", "ip link set lo up"):
        must(*command.split())
    private = base64.b64decode(must("wg", "genkey"))
    gateway_private = must("wg", "genkey")
    gateway_public = base64.b64decode(must("wg", "pubkey", input=gateway_private))
    public = must("wg", "pubkey", input=base64.b64encode(private).decode())
    wireguard("wg0")
    resident = inside(tunnel_ns, subprocess.Popen, ["sleep", "infinity"])
    daemons.append(resident)
    must("ip", "link", "set", "wg0", "netns", str(resident.pid))
    inside(gateway_ns, wireguard, "wgg")
    for command in (f"ip addr add {ALIVE}/24 dev g0", "ip link set g0 up", "ip link set lo up",
                    "ip addr add 10.77.0.1/16 dev wgg", "ip link set wgg up",
                    f"wg set wgg listen-port {PORT} private-key /dev/stdin peer {public} allowed-ips 10.77.0.2/32"):
        inside(gateway_ns, must, *command.split(), input=gateway_private + "\n")
    inside(tunnel_ns, lambda: open("/proc/sys/net/ipv4/ping_group_range", "w").write("103 103"))
    listeners = []
    for port in (443, 8444, 22, 8443):
        listeners.append(inside(gateway_ns, socket.create_server, ("0.0.0.0", port)))

    tunnel = Tunnel(tunnel_ns)
    tunnel.send(CONFIG, config(private, gateway_public))
    frame = tunnel.receive(10)
    check(frame is not None and frame[0] == READY, "it is configured and enters its sandbox")
    check(tunnel.wait(CONNECTING, 1) is None, "it tries no gateway before there is a link")

    tunnel.send(RETRY)
    first = tunnel.wait(CONNECTING)
    check(first is not None and first["endpoint"] == f"{DEAD}:{PORT}", "it begins with the first address")
    up = tunnel.wait(UP)
    check(up is not None and up["endpoint"] == f"{ALIVE}:{PORT}", "and goes on to the second, which answers")
    check(up is not None and 4.5 < up["after"] < 8, f"after five seconds ({up and round(up['after'], 1)})")
    check(up is not None and up["handshake_ms"] < 3000, f"with a handshake ({up and up['handshake_ms']} ms)")

    check(inside(tunnel_ns, reaches, 8444), "the control API's port is open")
    check(not inside(tunnel_ns, reaches, 22), "any other port of the gateway is not")
    check(not inside(tunnel_ns, reaches, 443), "nor is a bank's port on the gateway itself")
    rules = inside(tunnel_ns, must, "nft", "list", "ruleset")
    check(rules.count("policy drop") == 3, "input, forward and output drop what is not named")
    check("tcp dport 443 accept" in rules, "a bank's port is named")
    tunnel.send(PORTS, bytes([2]) + struct.pack("<HH", 443, 8443))
    end = time.monotonic() + 5
    while "8443" not in rules and time.monotonic() < end:
        time.sleep(0.05)
        rules = inside(tunnel_ns, must, "nft", "list", "ruleset")
    check("8443" in rules and rules.count("policy drop") == 3, "a newer policy's ports replace the older one's")

    figures = tunnel.wait(UP, 15)
    check(figures is not None and figures["loss"] == 0, "it reports its figures while all is well")
    inside(gateway_ns, must, "ip", "link", "set", "g0", "down")
    down = tunnel.wait(DOWN)
    check(down is not None and down["after"] <= 5, f"a cut is seen in five seconds ({down and round(down['after'], 1)})")
    check(down is not None and "probes" in down["reason"], "with its reason")
    tried = [tunnel.wait(CONNECTING, 7) for _ in range(3)]
    check(all(tried), "it tries again, round and round")
    check(any(t and "no gateway answers" in t["reason"] for t in tried), "and says when a whole round was in vain")
    inside(gateway_ns, must, "ip", "link", "set", "g0", "up")
    tunnel.send(RETRY)
    check(tunnel.wait(UP) is not None, "it comes up again by itself")
    tunnel.send(RENEW)
    down, up = tunnel.wait(DOWN, 3), tunnel.wait(UP)
    check(down is not None and "clock" in down["reason"] and up is not None, "and shakes hands anew when told to")
    tunnel.channel.close()
    check(tunnel.process.wait(5) == 0, "it ends with its launcher")

    for call in ("getpid", "setns", "unshare", "socket", "execve", "ptrace", "mount"):
        tunnel = Tunnel(tunnel_ns)
        tunnel.send(CONFIG, config(private, gateway_public))
        frame = tunnel.receive(10)
        if frame is None or frame[0] != READY:
            check(False, "it starts again over what it set up before")
            continue
        ended, said = inject(tunnel.process.pid, call)
        if call == "getpid":
            check(said == f"returned {tunnel.process.pid}", "it starts again over what it set up before, and runs")
            check_filter("tunnel", tunnel.process.pid, REACHABLE_MAX)
        else:
            check(ended, f"{call} ends it ({said})")
        tunnel.process.kill()
        tunnel.process.wait()
finally:
    for daemon in daemons:
        daemon.kill()
plan()
