#!/usr/bin/python3
"""hostile - a router that means harm: DHCP and router advertisements that want routes, names, proxies, files or a crash.

Usage: B=BUILD hostile.t, as root. Prints TAP. The wall, link and dhcpcd are the stick's, in a root like the stick's; the
router speaks raw frames. Whatever it says, the stick asks nobody for a name, keeps its settings, and a good router
afterwards is a way out again. The gateways' addresses are literal (whitelist/gateways.c), so that no name of theirs can
lead elsewhere: that no question leaves is seen on the wire.
"""
import os, re, select, socket, struct, sys, threading, time

sys.dont_write_bytecode = True
from tap import check, plan, run
from linkrig import MSG_READY, NO_CARRIER, ROOT, ROUTER, STICK, UP, WORK, Child, Link, on_router, on_stick, plug, wait_for

ROUTER_MAC = "52:54:00:5e:00:01"
OWN, STRANGER = "192.168.77.1", "192.168.77.66"
aton = socket.inet_aton


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def option(code, data):
    return bytes([code, len(data)]) + data


def route(prefix, by):
    network, size = prefix.split("/")
    return bytes([int(size)]) + aton(network)[:(int(size) + 7) // 8] + aton(by)


GOOD = option(1, aton("255.255.255.0")) + option(3, aton(OWN))
SHELL = b"$(reboot);`reboot`|reboot\n&& reboot \"'\\"
LEASES = {
    "routes around everything, and to the gateway": ("192.168.77.101", GOOD + option(121, route(
        "0.0.0.0/1", STRANGER) + route("128.0.0.0/1", STRANGER) + route("203.0.113.11/32", STRANGER))),
    "names, servers, times, proxies, boot files": ("192.168.77.102", GOOD + option(6, aton(STRANGER)) + option(
        12, SHELL) + option(15, SHELL) + option(42, aton(STRANGER)) + option(43, SHELL) + option(66, SHELL) + option(
        67, SHELL) + option(77, SHELL) + option(119, b"\4evil\7example\0") + option(252, b"http://wpad.evil.example/")),
    "an MTU of 68 bytes": ("192.168.77.103", GOOD + option(26, struct.pack("!H", 68))),
    "as many bytes as a frame holds": ("192.168.77.104", GOOD + b"".join(option(c, b"A" * 200) for c in range(224, 229))),
    "options that point past the end": ("192.168.77.105", GOOD + option(52, b"\3") + bytes([82, 255]) + b"x"),
    "the gateway's own address": ("203.0.113.11", GOOD),
    "an address of this host": ("127.0.0.2", GOOD),
    "a multicast address": ("224.0.0.9", GOOD),
    "a network that is the whole world": ("192.168.77.106", option(1, aton("0.0.0.0")) + option(3, aton("0.0.0.0"))),
    "a lease of no time": ("192.168.77.107", GOOD + option(51, bytes(4)) + option(58, bytes(4)) + option(59, bytes(4))),
}


class HostileRouter(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        os.setns(ROUTER)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("lan0", 0))
        os.setns(STICK)
        self.mac = bytes.fromhex(ROUTER_MAC.replace(":", ""))
        self.lease, self.said = None, 0
        self.capture = open(f"{WORK}/lan0.pcap", "wb")
        self.capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))

    def frame(self, kind, body, to=b"\xff" * 6):
        self.socket.send(to + self.mac + struct.pack("!H", kind) + body)

    def run(self):
        while True:
            try:
                data = self.socket.recv(65535)
            except OSError:  # the cable is out
                select.select([], [], [], 0.05)
                continue
            self.capture.write(struct.pack("<IIII", int(time.time()), 0, len(data), len(data)) + data)
            if self.lease and data[12:14] == b"\x08\0" and data[23] == 17 and data[34:38] == struct.pack("!HH", 68, 67):
                self.answer(data[42:])

    def answer(self, asked):
        kind = re.search(rb"\x35\x01(.)", asked[240:], re.S)
        if not kind or kind.group(1) not in (b"\1", b"\3"):
            return
        address, options = self.lease
        reply = (b"\2" + asked[1:8] + bytes(8) + aton(address) + aton(OWN) + bytes(4) + asked[28:44] + bytes(192)
                 + b"\x63\x82\x53\x63" + option(53, b"\2" if kind.group(1) == b"\1" else b"\5") + option(54, aton(OWN)))
        if b"\x33\4" not in options:
            reply += option(51, struct.pack("!I", 600))
        reply += options + b"\xff"
        udp = struct.pack("!HHHH", 67, 68, 8 + len(reply), 0) + reply
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0, aton(OWN), aton("255.255.255.255"))
        self.frame(0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp)
        self.said += 1

    def icmp6(self, kind, body, source="fe80::1", to="ff02::1"):
        source, to = (socket.inet_pton(socket.AF_INET6, a) for a in (source, to))
        message = struct.pack("!BBH", kind, 0, 0) + body
        pseudo = source + to + struct.pack("!II", len(message), 58)
        message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
        self.frame(0x86DD, struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + source + to + message, b"\x33\x33\0\0\0\1")


def advertisement(*options):
    return struct.pack("!BBHII", 64, 0, 1800, 0, 0) + b"".join(options)


def prefix(number):
    return struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + struct.pack("!HHHH8x", 0x2001, 0xDB8, 0xBAD, number)


def six(address):
    return socket.inet_pton(socket.AF_INET6, address)


ADVERTISEMENTS = {
    "names and search lists": advertisement(prefix(1), struct.pack("!BBHI", 25, 3, 0, 9000) + six("2001:db8::bad"),
                                            struct.pack("!BBHI", 31, 2, 0, 9000) + b"\4evil\2x\0"),
    "an MTU of 40 bytes": advertisement(struct.pack("!BBHI", 5, 1, 0, 40)),
    "a route to half of the world": advertisement(struct.pack("!BBBBI", 24, 1, 1, 8, 9000)),
    "forty networks": advertisement(*(prefix(n) for n in range(40))),
    "an option of no length": advertisement(b"\3\0" + bytes(30)),
    "an option longer than the frame": advertisement(b"\3\xff" + bytes(30)),
}

wall = Child(["/sekisho/wall"], 108, "net_admin")
check(wall.expect(MSG_READY), "the wall stands")
link = Link()
check(link.expect(MSG_READY), "link is ready")
plug("eth0", "lan0", 77)
on_router("ip", "link", "set", "lan0", "address", ROUTER_MAC)
router = HostileRouter()
router.start()


def rules():
    return re.sub(r"packets \d+ bytes \d+", "", run("nft", "list", "ruleset").stdout)


def all_is_well():
    """What is wrong with the stick, in words; nothing, if nothing is."""
    return [what for what, bad in {
        "the wall is gone": wall.process.poll() is not None, "link is gone": link.process.poll() is not None,
        "the wall's rules have changed": rules() != standing,
        "the MTU has changed": "mtu 1500" not in on_stick("ip", "link", "show", "eth0"),
        "a file was written": run("find", f"{ROOT}/etc", "-newer", f"{ROOT}/etc/nsswitch.conf", "-type", "f").stdout,
        "a resolver's list": os.path.exists(f"{ROOT}/etc/resolv.conf"),
        "the name of the PC has changed": socket.gethostname() != host,
        "the router's word on redirects": redirected(),
    }.items() if bad]


def redirected():
    return STRANGER in on_stick("ip", "route", "get", "198.51.100.1") and "0.0.0.0/1" not in on_stick("ip", "route")


standing, host = rules(), socket.gethostname()
wait_for(lambda: 'device "eth0"' in rules(), 10)
standing = rules()
link.wait_state(NO_CARRIER, 10)
for what, lease in LEASES.items():
    router.lease, before = lease, router.said
    # dhcpcd loses its question where the card is not quite up yet, and then is silent for long: plugged in again
    for _ in range(3):
        on_router("ip", "link", "set", "lan0", "up")
        if wait_for(lambda: router.said > before, 8):
            break
        on_router("ip", "link", "set", "lan0", "down")
        link.wait_state(NO_CARRIER, 10)
    taken = wait_for(lambda: lease[0] in on_stick("ip", "-4", "addr", "show", "eth0"), 1.5)
    check(router.said > before and not all_is_well(), f"DHCP with {what}: {all_is_well()} "
          f"({'taken' if taken else 'not taken'}, {router.said - before} answers)")
    on_router("ip", "link", "set", "lan0", "down")
    link.wait_state(NO_CARRIER, 10)
router.lease = None
on_router("ip", "link", "set", "lan0", "up")
wait_for(lambda: "LOWER_UP" in on_stick("ip", "link", "show", "eth0"), 5)

for what, body in ADVERTISEMENTS.items():
    router.icmp6(134, body)
    time.sleep(0.3)  # nothing tells that it was read and thrown away
    check(not all_is_well(), f"a router advertisement with {what}: {all_is_well()}")
resolver = [path for path in (f"{ROOT}/run/resolvconf", f"{ROOT}/run/systemd") if os.path.exists(path)]
check(not resolver, "no resolver was told anything")

router.lease = ("192.168.77.120", GOOD)
check(link.wait_state(UP, 40) is not None, "a good router afterwards is a way out again")
router.icmp6(137, bytes(4) + six("fe80::66") + six("2001:db8::11"))
redirect = aton(STRANGER) + struct.pack("!BBHHHBBH", 0x45, 0, 28, 7, 0, 64, 17, 0) + aton("192.168.77.120") + aton("203.0.113.11")
redirect += struct.pack("!HHHH", 40000, 51820, 8, 0)
body = struct.pack("!BBH", 5, 1, 0) + redirect
body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 7, 0, 255, 1, 0, aton(OWN), aton("192.168.77.120"))
router.frame(0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body)
time.sleep(0.3)
check(STRANGER not in on_stick("ip", "route", "get", "203.0.113.11"), "nobody is led elsewhere by a redirect")
check(not all_is_well(), "and all is as it was")

router.capture.flush()
verdict = run("tests/attack/wire.py", ROUTER_MAC, f"{WORK}/lan0.pcap")
check(verdict.returncode == 0, f"all the while only ARP, DHCP and discovery left the stick {verdict.stdout} {verdict.stderr}")
link.process.kill()
wall.process.kill()
plan()
