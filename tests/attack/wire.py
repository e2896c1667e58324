#!/usr/bin/python3
"""wire - judge a capture: every frame that the PC sent must be one of the kinds of the table below.

Usage: wire.py [--json FILE] [--gateway ADDRESS:PORT]... ROUTER CAPTURE...

ROUTER is the Ethernet address at the other end of the cable: whatever does not come from it the PC has sent, under
whatever address. CAPTURE is a pcap file of Ethernet. Prints how many of each kind there were, and each frame that is
none of them; fails if there is one, or if a capture cannot be read or holds nothing of the PC's. The kinds are those
of the underlay's wall (wall(8)), judged again here from the bytes alone and without its code.
"""
import argparse
import ipaddress
import json
import socket
import struct
import sys

ARP, EAPOL, IPV4, IPV6 = 0x0806, 0x888E, 0x0800, 0x86DD
TCP, UDP, FRAGMENT, ICMP6, HOP_BY_HOP = 6, 17, 44, 58, 0
SERVERS6 = ipaddress.ip_address("ff02::1:2")
LINK6 = ipaddress.ip_network("ff02::/16")
BROADCAST = ipaddress.ip_address("255.255.255.255")


class Frame:
    """What the table's rows ask of a frame; None where it has no such thing."""

    def __init__(self, data):
        self.kind = struct.unpack("!H", data[12:14])[0] if len(data) >= 14 else None
        self.to = self.protocol = self.hops = self.sport = self.dport = self.icmp = None
        self.offset, self.more, self.body = 0, False, b""
        try:
            if self.kind == IPV4:
                self.read4(data[14:])
            elif self.kind == IPV6:
                self.read6(data[14:])
        except (struct.error, IndexError):
            self.protocol = None  # cut short: no row matches

    def read4(self, p):
        self.to = ipaddress.ip_address(p[16:20])
        self.hops, self.protocol = p[8], p[9]
        if p[0] & 15 != 5:
            self.protocol = None  # options: a source route, say
        flags = struct.unpack("!H", p[6:8])[0]
        self.offset, self.more = flags & 0x1FFF, bool(flags & 0x2000)
        self.transport(p[(p[0] & 15) * 4:struct.unpack("!H", p[2:4])[0]])

    def read6(self, p):
        size, self.protocol, self.hops = struct.unpack("!HBB", p[4:8])
        self.to = ipaddress.ip_address(p[24:40])
        body = p[40:40 + size]
        if self.protocol == HOP_BY_HOP:  # MLD's router alert
            self.protocol, body = body[0], body[(body[1] + 1) * 8:]
            if self.protocol != ICMP6 or body[0] not in (131, 132, 143):
                self.protocol = None
        if self.protocol == FRAGMENT:
            self.protocol, flags = body[0], struct.unpack("!H", body[2:4])[0]
            self.offset, self.more, body = flags >> 3, bool(flags & 1), body[8:]
        self.transport(body)

    def transport(self, body):
        self.body = body
        if self.offset:
            return
        if self.protocol in (TCP, UDP):
            self.sport, self.dport = struct.unpack("!HH", body[:4])
            self.body = body[8:] if self.protocol == UDP else b""
        elif self.protocol == ICMP6:
            self.icmp = body[0]

    def whole(self):
        return not self.offset and not self.more

    def udp(self, sport, dport):
        return self.protocol == UDP and (self.sport, self.dport) == (sport, dport) and self.whole()

    def __str__(self):
        what = f"ethertype {self.kind:#06x}" if self.kind else "a frame without a header"
        if self.to:
            what = f"IP protocol {self.protocol} to {self.to} hops {self.hops}"
        for name in ("sport", "dport", "icmp"):
            if getattr(self, name) is not None:
                what += f" {name} {getattr(self, name)}"
        return what + (f" fragment at {self.offset * 8}" if self.offset or self.more else "")


def is_wireguard(body):
    """The four messages, by type, reserved zeros and size (whitepaper, section 5.4)."""
    kind = body[:4]
    sizes = {b"\1\0\0\0": 148, b"\2\0\0\0": 92, b"\3\0\0\0": 64}
    return len(body) == sizes.get(kind, -1) or (kind == b"\4\0\0\0" and len(body) >= 32 and len(body) % 16 == 0)


def table(gateways):
    hosts = {address for address, _ in gateways}
    to_gateway = lambda f: f.protocol == UDP and not f.offset and (f.to, f.dport) in gateways
    return [
        ("ARP", lambda f: f.kind == ARP),
        ("EAPOL", lambda f: f.kind == EAPOL),
        ("DHCP", lambda f: f.kind == IPV4 and f.udp(68, 67) and f.to == BROADCAST),
        ("DHCPv6", lambda f: f.kind == IPV6 and f.udp(546, 547) and (f.to.is_link_local or f.to == SERVERS6)),
        ("neighbour discovery", lambda f: f.icmp in (133, 135, 136) and f.hops == 255 and f.whole() and (
            f.to.is_link_local or f.to in LINK6 or (f.icmp == 136 and len(f.body) == 32))),
        ("multicast listener", lambda f: f.icmp in (131, 132, 143) and f.hops == 1 and f.whole()),
        ("WireGuard", lambda f: to_gateway(f) and (f.more or is_wireguard(f.body))),
        ("WireGuard, a later fragment", lambda f: f.protocol == UDP and f.offset and f.to in hosts),
        # Who may set the mark may say anything there: the gateway's WireGuard does not answer it.
        ("a gateway's WireGuard port", to_gateway),
    ]


def frames(path):
    """(seconds, bytes) of each frame of a pcap file; one cut off at the end, as a running machine leaves it, is left out."""
    with open(path, "rb") as file:
        head = file.read(24)
        if len(head) < 24 or head[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"):
            sys.exit(f"wire: {path} is no pcap file")
        order = "<" if head[:4] == b"\xd4\xc3\xb2\xa1" else ">"
        if struct.unpack(order + "I", head[20:24])[0] != 1:
            sys.exit(f"wire: {path} is not of Ethernet")
        while len(record := file.read(16)) == 16:
            seconds, micro, size, _ = struct.unpack(order + "IIII", record)
            if len(data := file.read(size)) < size:
                break
            yield seconds + micro / 1e6, data


def judge(captures, router, gateways):
    kinds, wrong = {}, []
    rows = table(gateways)
    for path in captures:
        for when, data in frames(path):
            if data[6:12] == router:
                continue
            frame = Frame(data)
            name = next((name for name, fits in rows if fits(frame)), None)
            if name is None:
                wrong.append(f"{when:.3f} {frame} {data[14:].hex()[:160]}")
            else:
                kinds[name] = kinds.get(name, 0) + 1
    return kinds, wrong


def endpoint(text):
    address, _, port = text.rpartition(":")
    return ipaddress.ip_address(address.strip("[]")), int(port)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--json")
    parser.add_argument("--gateway", action="append", type=endpoint, default=[])
    parser.add_argument("router", type=lambda text: bytes.fromhex(text.replace(":", "")))
    parser.add_argument("captures", nargs="+")
    options = parser.parse_args()
    kinds, wrong = judge(options.captures, options.router, set(options.gateway))
    for name, count in sorted(kinds.items()):
        print(f"{count:7} {name}")
    for line in wrong:
        print(f"may not leave: {line}")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"packets": sum(kinds.values()) + len(wrong), "kinds": kinds, "disallowed": wrong}, out, indent=1)
    if wrong or not kinds:
        sys.exit(f"wire: {len(wrong)} frames that may not leave" if wrong else "wire: the PC sent nothing at all")


if __name__ == "__main__":
    main()
