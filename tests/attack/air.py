#!/usr/bin/python3
"""air - judge what was heard on the air: every frame that the stick sent must be one of the kinds below.

Usage: air.py [--json FILE] [--gateway ADDRESS:PORT]... [--since SECONDS] [--first KIND] ACCESS-POINT,... CAPTURE

CAPTURE is a pcap file of radiotap (tests/attack/air.h). Whatever does not come from one of the access points' addresses
the stick has sent, under whatever address. Frames that are not encrypted are judged as those of a cable (wire.py). Prints
how many of each kind there were, and each that is none; fails if there is one, or if a capture holds nothing of the
stick's. With --since only what came at that time of the capture or later is looked at, and nothing is no failure. With
--first nothing is printed but how many seconds after that time the first frame of that kind came.
"""
import argparse
import json
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))
import wire

RADIOTAP = 127
PERMANENT = bytes.fromhex("020000000000")  # of the first radio of mac80211_hwsim
MANAGEMENT = {0: "association request", 2: "association request", 4: "probe request", 10: "disassociation",
              11: "authentication", 12: "deauthentication", 13: "action"}
SHOWN_MAX = 20
SNAP = b"\xaa\xaa\x03\0\0\0"


def frames(path):
    with open(path, "rb") as file:
        head = file.read(24)
        if len(head) < 24 or head[:4] != b"\xd4\xc3\xb2\xa1" or struct.unpack("<I", head[20:])[0] != RADIOTAP:
            sys.exit(f"air: {path} is no pcap file of radiotap")
        while len(record := file.read(16)) == 16:
            seconds, micro, size, _ = struct.unpack("<IIII", record)
            if len(data := file.read(size)) < size:
                break
            skip = struct.unpack("<H", data[2:4])[0] if len(data) >= 4 else size
            yield seconds + micro / 1e6, data[skip:]


def colons(address):
    return ":".join(f"{byte:02x}" for byte in address)


def elements(body):
    while len(body) >= 2 and len(body) >= 2 + body[1]:
        yield body[0], body[2:2 + body[1]]
        body = body[2 + body[1]:]


def management(subtype, frame, joined):
    """Its kind, or None: one that tells everybody a network's name or, where there is none yet, who is searching."""
    name = MANAGEMENT.get(subtype)
    if subtype == 4:
        names = [value for kind, value in elements(frame[24:]) if kind == 0]
        if names != [b""] or (frame[10:16] == PERMANENT and not joined):
            return None
        return name + (" in a network" if joined else "")
    return name and f"{name} to {colons(frame[4:10])}"


def data(subtype, frame, rows):
    if subtype & 4:
        return "no data"
    if frame[1] & 0x40:
        return "encrypted data"
    body = frame[24 + (2 if subtype & 8 else 0) + (4 if frame[1] & 0x80 else 0):]
    if body[:6] != SNAP:
        return None
    ether = wire.Frame(frame[16:22] + frame[10:16] + body[6:])
    kind = next((name for name, fits in rows if fits(ether)), None)
    return kind and f"in the clear: {kind}"


def protects(body):
    """Does this association ask for protected management frames? (RSN element, 9.4.2.24: MFPC of its capabilities)"""
    for kind, value in elements(body):
        if kind == 48 and len(value) >= 10:
            pairs = struct.unpack("<H", value[6:8])[0]
            at = 8 + 4 * pairs
            keys = struct.unpack("<H", value[at:at + 2])[0] if len(value) >= at + 2 else 0
            capabilities = value[at + 2 + 4 * keys:][:2]
            return len(capabilities) == 2 and bool(capabilities[0] & 0x80)
    return False


def proven(frame):
    """Encrypted, or to everybody with a proof of its own (management MIC element)."""
    return bool(frame[1] & 0x40) or any(kind == 76 for kind, _ in elements(frame[26:]))


def joins(frame, joined):
    """Whose network the stick is in, or is about to be, after this frame, and whether its farewells are proven; a forged
    one ends nothing then. None: nobody's."""
    kind, subtype, point = frame[0] >> 2 & 3, frame[0] >> 4, frame[16:22]
    if kind == 0 and subtype in (0, 2):
        return point, protects(frame[28 if subtype == 0 else 34:])
    if joined is None or kind != 0 or subtype not in (10, 12) or point != joined[0] or joined[1] and not proven(frame):
        return joined
    return None


def kind_of(frame, rows, joined):
    kind, subtype = frame[0] >> 2 & 3, frame[0] >> 4
    if kind == 0:
        return management(subtype, frame, joined)
    if kind == 2:
        return data(subtype, frame, rows)
    return "control"


def judge(path, points, gateways, since):
    kinds, firsts, wrong, rows, joined = {}, {}, [], wire.table(gateways), None
    for when, frame in frames(path):
        if len(frame) >= 24:
            joined = joins(frame, joined)
        if when < since or len(frame) < 16 or frame[10:16] in points:
            continue
        if len(frame) < 24 and frame[0] >> 2 & 3 != 1:
            name = None
        else:
            name = kind_of(frame, rows, joined)
        if name is None:
            wrong.append(f"{when:.3f} {frame.hex()[:200]}")
        else:
            kinds[name] = kinds.get(name, 0) + 1
            firsts.setdefault(name, when - since)
    return kinds, firsts, wrong


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--json")
    parser.add_argument("--since", type=float, default=0)
    parser.add_argument("--first")
    parser.add_argument("--gateway", action="append", type=wire.endpoint, default=[])
    parser.add_argument("points")
    parser.add_argument("capture")
    options = parser.parse_args()
    points = {bytes.fromhex(text.replace(":", "")) for text in options.points.split(",")}
    kinds, firsts, wrong = judge(options.capture, points, set(options.gateway), options.since)
    if options.first:
        print(f"{firsts[options.first]:.1f}" if options.first in firsts else "never")
        return
    for name, count in sorted(kinds.items()):
        print(f"{count:7} {name}")
    for line in wrong[:SHOWN_MAX]:
        print(f"may not be sent: {line}")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"packets": sum(kinds.values()) + len(wrong), "kinds": kinds, "disallowed": wrong}, out, indent=1)
    if wrong or not (kinds or options.since):
        sys.exit(f"air: {len(wrong)} frames that may not be sent" if wrong else "air: the stick sent nothing at all")


if __name__ == "__main__":
    main()
