#!/usr/bin/python3
"""drive - visit the bank's page on the emulated stick in pairs, by tests/bench/pacer.c, and write what it took.

Usage: drive SOCKET AUTHORITY PAIRS MINUTES IMAGE OUT. Each visit is a new browser's: its first page (cold), then another
(warm). The session and its broker are the same for all of them. OUT is written after each pair; where MINUTES are too few
for PAIRS the rest is another start's, which goes on where OUT ends if its IMAGE was the same.
"""
import hashlib
import json
import os
import socket
import sys
import time

sys.dont_write_bytecode = True
from pairs import compare, show, show_loads, times

PAGES = {"cold": "first", "warm": "next"}
WAYS = ("direct", "broker")
LONGEST_S = 240


class Pacer:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.socket.settimeout(LONGEST_S)
        self.lines = self.socket.makefile("r", newline="\n")

    def say(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def line(self):
        while (line := self.lines.readline().strip("\r\n")) in ("", "pacer ready"):
            pass
        return line

    def expect(self, wanted):
        if (line := self.line()) != wanted:
            sys.exit(f"bench: the stick says {line}, not {wanted}")

    def load(self, name):
        self.say(f"https://www.bank.example/page/{name}.html")
        said = json.loads(self.line())
        if said.get("error") or said["objects"] < 57 or said["scripts"] != 12:
            sys.exit(f"bench: the page did not load whole: {said}")
        return said

    def visit(self, way):
        self.say(f"browse {way}")
        self.expect("ready")
        loads = {kind: self.load(name) for kind, name in PAGES.items()}
        self.say("end")
        self.expect(".")
        return loads


def read_earlier(out, image):
    try:
        with open(out) as file:
            earlier = json.load(file)
    except (OSError, ValueError):
        return [], 0
    return (earlier["visits"], earlier["starts"]) if earlier.get("image") == image else ([], 0)


def write(out, image, visits, starts):
    kinds = {kind: compare(times(visits, PAGES), kind) for kind in PAGES}
    with open(out + ".new", "w") as file:
        json.dump({"ratio_median": kinds["cold"]["ratio_median"], "ratio_p95": kinds["cold"]["ratio_p95"],
                   "ratio_median_warm": kinds["warm"]["ratio_median"], "pairs": len(visits), "starts": starts,
                   "where": "emulated PC", "image": image, "h2": kinds, "pairs_ms": {"h2": times(visits, PAGES)},
                   "visits": visits}, file, indent=1)
    os.replace(out + ".new", out)


def main():
    path, authority, count, minutes, image, out = sys.argv[1:]
    with open(image, "rb") as file:
        image = hashlib.file_digest(file, "sha256").hexdigest()
    visits, starts = read_earlier(out, image)
    began, first = time.monotonic(), len(visits)
    pacer = Pacer(path)
    with open(authority) as lines:
        for line in lines:
            pacer.say(f"authority {line.strip()}")
            pacer.expect(".")
    while len(visits) < int(count):
        spent, made = time.monotonic() - began, len(visits) - first
        if made and spent * (made + 1) / made > 60 * float(minutes):
            break
        visits.append({way: pacer.visit(way) for way in WAYS[:: -1 if len(visits) % 2 else 1]})
        write(out, image, visits, starts + 1)
        last = times(visits, PAGES)[-1]
        print(f"# {len(visits):3} " + "  ".join(f"{kind} {last['broker'][kind]:.0f}/{last['direct'][kind]:.0f}"
                                                 for kind in PAGES), flush=True)
    show_loads(visits, PAGES)
    show({"h2": {kind: compare(times(visits, PAGES), kind) for kind in PAGES}})
    if len(visits) < int(count):
        print(f"# {len(visits)} of {count} pairs in {minutes} minutes: start again for the rest")


main()
