#!/usr/bin/python3
"""wall - the underlay's rules against real frames, in two network namespaces joined by a cable.

Usage: B=BUILD wall.t, as root (of a user namespace is enough). Prints TAP.
"Out" frames are sent by packet socket on the stick's side and looked for on the far side of the cable, "in" frames
the other way round: what a packet socket cannot get out nothing can. What the IP stack itself may send and hear is
tried with ordinary sockets behind that.
"""
import errno, os, re, select, signal, socket, struct, subprocess, sys, time

sys.dont_write_bytecode = True
from tap import check, must, plan, run
from wallrig import MSG_READY, MSG_WALL_GATEWAYS, MSG_WALL_STANDS, Wall, six

MARK, PORT = 0x5ECA, 51820
GATEWAY4, OTHER4 = "203.0.113.11", "203.0.113.99"
GATEWAY6, OTHER6 = "2001:db8::11", "2001:db8::99"
OWN4, OWN6, FAR_LL, OWN_LL = "192.168.77.100", "2001:db8:77::100", "fe80::1", "fe80::2"


# --- frames ---------------------------------------------------------------------------------------------------------

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(source, to, protocol, payload, fragment=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(to))
    return 0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(source, to, next_header, payload, hops=64):
    return 0x86DD, struct.pack("!IHBB", 6 << 28, len(payload), next_header, hops) + six(source) + six(to) + payload


def udp(sport, dport, data):
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def udp6(source, to, sport, dport, data, hops=64):
    body = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    pseudo = six(source) + six(to) + struct.pack("!II", len(body), 17)
    return ip6(source, to, 17, body[:6] + struct.pack("!H", checksum(pseudo + body)) + body[8:], hops)


def icmp6(source, to, kind, data, hops, hop_by_hop=False):
    body = struct.pack("!BBH", kind, 0, 0) + data
    pseudo = six(source) + six(to) + struct.pack("!II", len(body), 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    if hop_by_hop:  # router alert, RFC 2711
        return ip6(source, to, 0, bytes([58, 0, 5, 2, 0, 0, 1, 0]) + body, hops)
    return ip6(source, to, 58, body, hops)


def icmp4(source, to, kind, code, data):
    body = struct.pack("!BBHI", kind, code, 0, 0) + data
    return ip4(source, to, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:])


def fragment6(source, to, offset, data):
    return ip6(source, to, 44, struct.pack("!BBHI", 17, 0, offset << 3, 7) + data)


class Cable:
    """One end: a packet socket that sends whole frames and sees those that came over the cable."""

    def __init__(self, interface, namespace):
        os.setns(namespace)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 0))
        os.setns(STICK)

    def send(self, frame, mark=0):
        kind, body = frame
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        try:
            self.socket.send(b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + struct.pack("!H", kind) + body)
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # what the sender of a dropped frame is told
                raise

    def sees(self, needle, wait=1.0):
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                data, address = self.socket.recvfrom(65535)
                if address[2] != socket.PACKET_OUTGOING and needle in data:
                    return True
        return False


token_number = 0


def token():
    global token_number
    token_number += 1
    return f"token-{token_number:04d}-".encode()


def cross(sender, receiver, make, mark=0):
    """Does the frame arrive? A frame that always passes is sent behind it: once that is seen, the wait is over."""
    needle, last = token(), token()
    sender.send(make(needle), mark)
    sender.send((0x0806, last), 0)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if select.select([receiver.socket], [], [], 3)[0]:
            data, address = receiver.socket.recvfrom(65535)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            if needle in data:
                return True
            if last in data:
                return False
    sys.exit("Bail out! the frame that always passes did not pass")


# --- the wall itself ------------------------------------------------------------------------------------------------

def links():
    """The kernel's view by `ip`: /sys shows the namespace it was mounted in."""
    return run("ip", "-o", "link").stdout


def wait_for(condition, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        select.select([], [], [], 0.05)
    return False


def up(interface):
    return re.search(rf"{interface}[@:].*<[^>]*\bUP\b", links()) is not None


def counter(name):
    text = run("nft", "list", "counter", "netdev", "underlay", name).stdout
    return int(re.search(r"packets (\d+)", text).group(1))


os.unshare(os.CLONE_NEWNET)
STICK = os.open("/proc/self/ns/net", os.O_RDONLY)
os.unshare(os.CLONE_NEWNET)
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)


def cable(stick_end, home_end):
    os.setns(HOME)
    must("ip", "link", "add", home_end, "type", "veth", "peer", "name", stick_end, "netns",
         f"/proc/{os.getpid()}/fd/{STICK}")
    must("ip", "link", "set", home_end, "up")
    os.setns(STICK)


cable("stick0", "home0")
wall = Wall()
check(wall.expect(MSG_READY), "the wall stands within ten seconds, in its sandbox")
check(up("stick0"), "an interface that was there is up, after it was covered")
rules = run("nft", "list", "table", "netdev", "underlay").stdout
check('device "stick0"' in rules and "egress_stick0" in rules and "ingress_stick0" in rules,
      "it has an ingress and an egress chain")
stick, home = Cable("stick0", STICK), Cable("home0", HOME)

ARP = lambda n: (0x0806, n)
EAPOL = lambda n: (0x888E, n)
DHCP_OUT = lambda n: ip4("0.0.0.0", "255.255.255.255", 17, udp(68, 67, n))
DHCP_IN = lambda n: ip4("192.168.77.1", "255.255.255.255", 17, udp(67, 68, n))
DHCP6_OUT = lambda n: udp6(OWN_LL, "ff02::1:2", 546, 547, n)
DHCP6_IN = lambda n: udp6(FAR_LL, OWN_LL, 547, 546, n)
WG_OUT = lambda n: ip4(OWN4, GATEWAY4, 17, udp(40000, PORT, n))
WG_IN = lambda n: ip4(GATEWAY4, OWN4, 17, udp(PORT, 40000, n))
WG6_OUT = lambda n: udp6(OWN6, GATEWAY6, 40000, PORT, n)
WG6_IN = lambda n: udp6(GATEWAY6, OWN6, PORT, 40000, n)


def out(expected, make, what, mark=0):
    check(cross(stick, home, make, mark) == expected, f"out: {what} {'passes' if expected else 'is dropped'}")



def enters(expected, make, what):
    """In: a packet socket of one protocol sits behind the ingress hook (one of all protocols sits before it)."""
    kind = make(b"")[0]
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
    ear.bind(("stick0", kind))
    fence = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    fence.bind(("stick0", 0x0806))
    needle, last = token(), token()
    home.send(make(needle))
    home.send((0x0806, last))
    seen = False
    end = time.monotonic() + 3
    while time.monotonic() < end and not seen:
        ready = select.select([ear, fence], [], [], 3)[0]
        if ear in ready:
            seen = needle in ear.recv(65535)
        elif fence in ready and last in fence.recv(65535):
            break
    ear.close()
    fence.close()
    check(seen == expected, f"in: {what} {'passes' if expected else 'is dropped'}")


out(True, ARP, "ARP")
out(True, EAPOL, "EAPOL")
out(True, DHCP_OUT, "DHCP from 68 to 67")
out(False, lambda n: ip4(OWN4, OTHER4, 17, udp(68, 67, n)), "DHCP to one host by name, which may be anywhere")
out(True, DHCP6_OUT, "DHCPv6 to all servers")
out(True, lambda n: icmp6(OWN_LL, "ff02::2", 133, bytes(4) + n, 255), "a router solicitation")
out(True, lambda n: icmp6(OWN_LL, "ff02::1:ff00:1", 135, bytes(20) + n, 255), "a neighbour solicitation")
out(True, lambda n: icmp6(OWN_LL, FAR_LL, 136, bytes(20) + n, 255), "a neighbour advertisement")
out(True, lambda n: icmp6(OWN_LL, "ff02::16", 143, bytes(4) + n, 1, True), "an MLD report")
out(False, lambda n: icmp6(OWN_LL, "ff02::1", 134, bytes(12) + n, 255), "a router advertisement")
out(True, lambda n: icmp6(OWN6, OTHER6, 136, bytes(4) + n.ljust(16)[:16] + b"\2\1" + bytes(6), 255),
    "a plain neighbour advertisement to a router with a global address")
out(False, lambda n: icmp6(OWN6, OTHER6, 136, bytes(28) + n, 255), "one with more in it than it needs")
out(False, lambda n: icmp6(OWN6, OTHER6, 135, bytes(20) + n, 255), "a neighbour solicitation to a stranger")
out(False, lambda n: icmp6(OWN6, OTHER6, 133, bytes(4) + n, 255), "a router solicitation to a stranger")
out(False, lambda n: icmp6(OWN6, OTHER6, 135, bytes(20) + n, 64), "a neighbour solicitation that may cross routers")
out(False, lambda n: icmp6(OWN6, OTHER6, 128, bytes(4) + n, 64), "an ICMPv6 echo")
out(False, lambda n: icmp4(OWN4, OTHER4, 8, 0, n), "an ICMP echo")
out(False, lambda n: ip4(OWN4, "198.51.100.53", 17, udp(40000, 53, n)), "a DNS question")
out(False, lambda n: ip4(OWN4, "198.51.100.53", 17, udp(40000, 53, n)), "a DNS question with the mark", MARK)
out(False, lambda n: ip4(OWN4, OTHER4, 6, udp(40000, 443, n)), "TCP")
out(False, lambda n: ip4(OWN4, OTHER4, 17, udp(67, 68, n)), "a DHCP server's answer")
out(False, lambda n: ip4(OWN4, OTHER4, 17, struct.pack("!HH", 68, 67) + n, 5), "a fragment that looks like DHCP")
out(False, lambda n: udp6(OWN6, OTHER6, 546, 547, n), "DHCPv6 to the world")
out(False, lambda n: (0x88CC, n), "LLDP")
out(False, lambda n: (0x8100, struct.pack("!HH", 5, 0x0806) + n), "a VLAN tag")
out(False, WG_OUT, "WireGuard before the gateways are known", MARK)
enters(True, ARP, "ARP")
enters(True, EAPOL, "EAPOL")
enters(True, DHCP_IN, "DHCP from 67 to 68")
enters(True, DHCP6_IN, "DHCPv6 from a link-local server")
enters(True, lambda n: icmp6(FAR_LL, "ff02::1", 134, bytes(12) + n, 255), "a router advertisement")
enters(False, lambda n: icmp6(FAR_LL, "ff02::1", 137, bytes(36) + n, 255), "a redirect")
enters(False, lambda n: icmp6(OTHER6, OWN6, 134, bytes(12) + n, 64), "a router advertisement from afar")
enters(False, lambda n: icmp4(OTHER4, OWN4, 8, 0, n), "an ICMP echo")
enters(False, lambda n: ip4(OTHER4, OWN4, 17, udp(53, 40000, n)), "a DNS answer")
enters(False, lambda n: ip4(OTHER4, OWN4, 6, udp(443, 40000, n)), "TCP")
enters(False, WG_IN, "WireGuard before the gateways are known")

wall.gateways((GATEWAY4, PORT), (GATEWAY4, PORT), ("203.0.113.12", PORT), (GATEWAY6, PORT))
check(wall.expect(MSG_WALL_STANDS), "the wall says that the gateways' rules stand")
out(True, WG_OUT, "WireGuard to a gateway", MARK)
out(True, WG6_OUT, "WireGuard to a gateway, IPv6", MARK)
out(False, WG_OUT, "the same without the mark")
out(False, WG6_OUT, "the same without the mark, IPv6")
out(False, lambda n: ip4(OWN4, OTHER4, 17, udp(40000, PORT, n)), "marked, to another address", MARK)
out(False, lambda n: ip4(OWN4, GATEWAY4, 17, udp(40000, 53, n)), "marked, to another port", MARK)
out(False, lambda n: ip4(OWN4, GATEWAY4, 6, udp(40000, PORT, n)), "marked, TCP", MARK)
out(True, lambda n: ip4(OWN4, GATEWAY4, 17, n, 100), "a later fragment to a gateway", MARK)
out(True, lambda n: fragment6(OWN6, GATEWAY6, 100, n), "a later fragment to a gateway, IPv6", MARK)
out(False, lambda n: ip4(OWN4, GATEWAY4, 17, n, 100), "a later fragment without the mark")
out(False, lambda n: ip4(OWN4, OTHER4, 17, n, 100), "a later fragment to another address", MARK)
enters(True, WG_IN, "WireGuard from a gateway")
enters(True, WG6_IN, "WireGuard from a gateway, IPv6")
enters(False, lambda n: ip4(GATEWAY4, OWN4, 17, udp(53, 40000, n)), "another port of a gateway")
enters(False, lambda n: ip4(OTHER4, OWN4, 17, udp(PORT, 40000, n)), "the gateway's port of another address")
check(counter("dropped_out") >= 10 and counter("dropped_in") >= 5, "what was dropped was counted")

# --- the IP stack's own table ---------------------------------------------------------------------------------------
must("ip", "addr", "add", f"{OWN4}/24", "dev", "stick0")
must("ip", "route", "add", "default", "via", "192.168.77.1")
must("ip", "neigh", "add", "192.168.77.1", "lladdr", "02:00:00:00:00:01", "dev", "stick0")


def stack_sends(address, port, mark):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
        needle = token()
        try:
            s.sendto(needle, (address, port))
        except PermissionError:
            return False
        return home.sees(needle)


check(stack_sends(GATEWAY4, PORT, MARK), "stack: a marked datagram to a gateway leaves")
check(not stack_sends(GATEWAY4, PORT, 0), "stack: an unmarked one does not")
check(not stack_sends(OTHER4, PORT, MARK), "stack: nor one to another address")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
    s.bind((OWN4, 40001))
    s.settimeout(2)
    mac = bytes.fromhex(re.search(r"stick0.*?link/ether (\S+)", links(), re.S).group(1).replace(":", ""))

    def reply(source, sport, needle, s=s):
        frame = ip4(source, OWN4, 17, udp(sport, 40001, needle))[1]
        home.socket.send(mac + b"\x02\0\0\0\0\x01" + b"\x08\0" + frame)
        end, got = token(), b""
        home.send((0x0806, end))
        try:
            got = s.recv(2000)
        except TimeoutError:
            pass
        return needle in got

    check(not reply("203.0.113.12", PORT, token()), "stack: a gateway that was not asked is not heard")
    s.sendto(b"hello", (GATEWAY4, PORT))
    check(reply(GATEWAY4, PORT, token()), "stack: the gateway's answer is heard")

# --- tampering ------------------------------------------------------------------------------------------------------
before = run("nft", "list", "ruleset").stdout
for command in (["flush", "ruleset"], ["delete", "table", "inet", "underlay"], ["delete", "table", "netdev", "underlay"],
                ["flush", "chain", "netdev", "underlay", "egress_stick0"],
                ["add", "element", "netdev", "underlay", "gateways4", "{ 198.51.100.1 . 53 }"],
                ["insert", "rule", "inet", "underlay", "output", "accept"]):
    run("nft", *command)
    after = run("nft", "list", "ruleset").stdout
    check(re.sub(r"packets \d+ bytes \d+", "", after) == re.sub(r"packets \d+ bytes \d+", "", before),
          f"another process with CAP_NET_ADMIN changes nothing: nft {' '.join(command)}")

# --- new interfaces -------------------------------------------------------------------------------------------------
cable("usb0", "home1")
check(wait_for(lambda: up("usb0")), "an interface that comes later is brought up")
check('device "usb0"' in run("nft", "list", "table", "netdev", "underlay").stdout, "and was covered")
stick2, home2 = Cable("usb0", STICK), Cable("home1", HOME)
check(not cross(stick2, home2, lambda n: ip4(OWN4, OTHER4, 17, udp(1, 2, n)), MARK), "it lets nothing else out")
check(cross(stick2, home2, WG_OUT, MARK), "it lets WireGuard out")
must("ip", "link", "del", "usb0")
cable("usb0", "home1")
check(wait_for(lambda: up("usb0")), "gone and come again, it is brought up")
stick2, home2 = Cable("usb0", STICK), Cable("home1", HOME)
check(not cross(stick2, home2, lambda n: ip4(OWN4, OTHER4, 17, udp(1, 2, n)), MARK), "and is covered again")

wall.gateways((GATEWAY6, PORT))
check(wall.expect(MSG_WALL_STANDS), "a newer list replaces the one before")
out(False, WG_OUT, "WireGuard to a gateway that is in the list no more", MARK)
out(True, WG6_OUT, "WireGuard to one that still is", MARK)

# --- its sandbox ----------------------------------------------------------------------------------------------------
def forced(process, call):
    return run(f"{os.environ['B']}/rig/inject", str(process.pid), call).stdout.strip()


check(forced(wall.process, "getpid") == f"returned {wall.process.pid}", "a call it needs comes back")
for call in ("ptrace", "execve", "setuid", "mount", "open_by_handle_at"):
    spare = Wall(alone=True)
    spare.expect(MSG_READY)
    check(forced(spare.process, call) == "killed by SIGSYS", f"{call} ends it")
    spare.process.wait()

# --- its end --------------------------------------------------------------------------------------------------------
wall.process.send_signal(signal.SIGKILL)
wall.process.wait()
check("policy drop" in run("nft", "list", "table", "inet", "underlay").stdout, "killed, it leaves its tables behind")
out(False, lambda n: ip4(OWN4, OTHER4, 17, udp(40000, 443, n)), "with the wall dead, anything else", MARK)

# --- rules behind the wall's, and an interface carried off ------------------------------------------------------------
BEHIND = ("add table netdev behind; add chain netdev behind out "
          "{ type filter hook egress device \"stick0\" priority 100; }; "
          f"add rule netdev behind out ip6 daddr {GATEWAY6} ip6 daddr set {OTHER6}")


def clear():
    run("nft", "flush", "ruleset")
    for family in ("inet", "netdev"):
        run("nft", "delete", "table", family, "underlay")


must("nft", BEHIND)
stick.send(WG6_OUT(token()), MARK)
check(home.sees(six(OTHER6)), "with nobody there to see it, a table behind sends WireGuard's packets elsewhere")
for done, what in ((BEHIND, "such a table"), ("add table ip underlay", "one that has the wall's name"),
                   ("add table inet other", "one that does nothing yet")):
    clear()
    wall = Wall()
    wall.expect(MSG_READY)
    must("nft", done)
    check(wall.process.wait(10) == 1, f"{what} ends the wall, and with it the stick")
clear()
wall = Wall()
wall.expect(MSG_READY)
must("ip", "link", "set", "usb0", "netns", f"/proc/{os.getpid()}/fd/{HOME}")
check(wall.process.wait(10) == 1, "so does an interface moved to where its rules do not reach")
clear()
for bad, what in ((b"\1", "cut short"), (b"\1\4\4\0\0\0\x7f\0\0\1\x6c\xca", "loopback"), (b"\0\0", "left over")):
    wall = Wall()
    wall.expect(MSG_READY)
    wall.send(MSG_WALL_GATEWAYS, bad)
    check(wall.process.wait(10) == 1, f"a list of gateways that is {what} ends the wall")
plan()
