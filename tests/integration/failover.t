#!/usr/bin/python3
"""failover - the tunnel process and three gateways, over user-space WireGuard in namespaces: one dies, then a second.

Usage: B=BUILD failover.t, as root. Prints TAP. Leaves the seconds from a gateway's death to the tunnel at another one in
build/figures/failover.json. How a whole stick goes on at another gateway: tests/attack/failover.t.
"""
import base64, ctypes, json, os, subprocess, sys, time

sys.dont_write_bytecode = True
from tap import check, must, plan
from tunnelrig import (CONFIG, DOWN, LEAVE, PORT, READY, RETRY, UP, Tunnel, config, daemons, gateway, inside, new_namespace,
                       wireguard)

B = os.path.abspath(os.environ["B"])
WITHIN_S = 5
# the first answers at its second address only
ADDRESSES = {"gw1": ("203.0.113.11", "203.0.113.12"), "gw2": ("203.0.113.21",), "gw3": ("203.0.113.31",)}
INNER = {"gw1": "10.77.0.1", "gw2": "10.77.0.3", "gw3": "10.77.0.1"}
TRIALS = 2


def make_gateway(name, public):
    """A gateway in a namespace of its own behind the stick's line: its public key."""
    namespace = new_namespace()
    os.setns(underlay)
    private = must("wg", "genkey")
    must("ip", "link", "add", f"u{name}", "type", "veth", "peer", "name", "line")
    must("ip", "link", "set", "line", "netns", f"/proc/{os.getpid()}/fd/{namespace}")
    must("ip", "link", "set", f"u{name}", "master", "lines", "up")
    inside(namespace, wireguard, name)
    for command in ("ip link set line up", "ip link set lo up", f"ip addr add {INNER[name]}/16 dev {name}",
                    f"ip link set {name} up",
                    f"wg set {name} listen-port {PORT} private-key /dev/stdin peer {public} allowed-ips 10.77.0.2/32"):
        inside(namespace, must, *command.split(), input=private + "\n")
    for address in ADDRESSES[name][-1:]:
        inside(namespace, must, "ip", "addr", "add", f"{address}/24", "dev", "line")
    return base64.b64decode(must("wg", "pubkey", input=private))


def cut(name, up):
    """The gateway is there, or is not: no word of it comes back any more, as of a machine without power."""
    must("ip", "link", "set", f"u{name}", "up" if up else "down")


if not os.path.exists("/dev/net/tun"):
    print("1..0 # SKIP there is no /dev/net/tun here")
    sys.exit(0)
ctypes.CDLL(None).unshare(0x20000)  # mounts of our own
os.makedirs("/var/run/wireguard", exist_ok=True)
must("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/var/run/wireguard")
tunnel_ns, underlay = new_namespace(), new_namespace()
try:
    for command in ("ip link add lines type bridge", "ip link set lines up", "ip addr add 203.0.113.1/24 dev lines",
                    "ip link set lo up"):
        must(*command.split())
    private = base64.b64decode(must("wg", "genkey"))
    public = must("wg", "pubkey", input=base64.b64encode(private).decode())
    keys = {name: make_gateway(name, public) for name in ADDRESSES}
    wireguard("wg0")
    resident = inside(tunnel_ns, subprocess.Popen, ["sleep", "infinity"])
    daemons.append(resident)
    must("ip", "link", "set", "wg0", "netns", str(resident.pid))
    inside(tunnel_ns, lambda: open("/proc/sys/net/ipv4/ping_group_range", "w").write("103 103"))

    tunnel = Tunnel(tunnel_ns)
    tunnel.send(CONFIG, config(private, None, gateways=[gateway(n, keys[n], INNER[n], ADDRESSES[n]) for n in ADDRESSES]))
    frame = tunnel.receive(20)
    check(frame is not None and frame[0] == READY, "the tunnel process is told of three gateways")
    tunnel.send(RETRY)
    up = tunnel.wait(UP, 60)
    check(up is not None and up["gateway"] == "gw1", "it begins with the first of the list", up)

    def death_of(name, probed=True):
        """Seconds until the tunnel is up elsewhere, and where. Just after a probe is the worst moment to die."""
        if probed:
            tunnel.wait(UP, 60, endpoint=ADDRESSES[name][-1])
        cut(name, False)
        died = time.monotonic()
        down, up = tunnel.wait(DOWN, 60), tunnel.wait(UP, 60)
        seconds = time.monotonic() - died
        there = up["gateway"] if up else None
        check(down is not None and there not in (None, name), f"{name} dies: at {there} after {seconds:.1f} s", (down, up))
        return seconds, there

    taken, here = [], "gw1"
    for trial in range(TRIALS):
        seconds, there = death_of(here)
        taken.append(seconds)
        cut(here, True)
        here = there
    check(max(taken) <= WITHIN_S, f"the tunnel is at another gateway within {WITHIN_S} s", taken)

    tunnel.send(LEAVE)
    down, up = tunnel.wait(DOWN, 60), tunnel.wait(UP, 60)
    check(down is not None and "emptied" in down["reason"] and up is not None and up["gateway"] != here,
          "a gateway that is being emptied is left for another", (down, up))
    check(up is not None and down["after"] + up["after"] <= 2, "at once", (down, up))
    here = up["gateway"] if up else here

    dead = here
    seconds, there = death_of(here, probed=False)
    cut(there, False)  # and the one that it turned to is dead as well when it has to turn the next time
    spare = ({"gw1", "gw2", "gw3"} - {dead, there}).pop()
    tunnel.wait(DOWN, 60)
    died = time.monotonic()
    up = tunnel.wait(UP, 60)
    seconds = time.monotonic() - died
    check(up is not None and up["gateway"] == spare, f"two are dead: the third is found after {seconds:.1f} s more", up)
    check(seconds <= 2.5, "in two seconds more at most", seconds)
    tunnel.channel.close()
    check(tunnel.process.wait(60) == 0, "it ends with its launcher")
    os.makedirs(f"{B}/figures", exist_ok=True)
    with open(f"{B}/figures/failover.json", "w") as file:
        json.dump({"failover_s": round(max(taken), 2)}, file)
finally:
    for daemon in daemons:
        daemon.kill()
plan()
