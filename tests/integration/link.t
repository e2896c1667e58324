#!/usr/bin/python3
"""link - an address and a way out, from a router in another network namespace, behind the wall.

Usage: B=BUILD link.t, as root. Prints TAP. wall and `launcher --as link` run in a root like the stick's: its /etc, no
shell, /run in memory. dnsmasq is the router.
"""
import contextlib, os, re, signal, socket, subprocess, sys, time

sys.dont_write_bytecode = True
from filters import check_filter, look
from tap import check, must, plan, run
from linkrig import (MSG_READY, NO_CARRIER, NO_DEVICE, ROOT, ROUTER, STICK, UP, WAITING_ADDRESS, WORK, Child, Link, clients,
                     on_router, on_stick, plug, wait_for)

REPLUG_S = 10


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
# its own halves add filters of their own; the one that may ask for most is what counts
widest = max(clients(), key=lambda pid: (look(pid) or {"reachable": 0})["reachable"])
check_filter("dhcpcd", widest, dangerous=("chroot",))
check_filter("starter", starter, dangerous=("chroot",))
owners = run("ps", "-eo", "user:20,uid,args").stdout
check(re.search(r"^\S+\s+109 dhcpcd", owners, re.M), "dhcpcd's own half that listens runs as uid 109")

# --- a cable pulled and put back
for nth in ("pulled", "pulled again", "and once more"):
    on_router("ip", "link", "set", "lan0", "down")
    check(link.wait_state(NO_CARRIER) is not None, f"the cable {nth}: it says so")
    on_router("ip", "link", "set", "lan0", "up")
    began = time.monotonic()
    check(link.wait_state(UP, 40) is not None and time.monotonic() - began < REPLUG_S, "and put back at once: it is up again soon",
          f"after {time.monotonic() - began:.1f} s")

# --- dhcpcd dies
mine = clients()
for pid in mine:
    with contextlib.suppress(ProcessLookupError):  # the first may have taken it along
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
