#!/usr/bin/python3
"""drive - visit the bank's page on the emulated stick in pairs, by tests/bench/pacer.c, and write what it took.

Usage: drive SOCKET AUTHORITY PAIRS OUT. Each visit is a new browser's: its first page (cold), then another (warm). The
session and its broker are the same for all of them.
"""
import json
import socket
import sys

sys.dont_write_bytecode = True
from pairs import compare, show

PAGES = {"cold": "first", "warm": "next"}
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
        return said["ms"]

    def visit(self, way):
        self.say(f"browse {way}")
        self.expect("ready")
        times = {kind: self.load(name) for kind, name in PAGES.items()}
        self.say("end")
        self.expect(".")
        return times


def main():
    path, authority, count, out = sys.argv[1:]
    pacer, pairs = Pacer(path), []
    with open(authority) as lines:
        for line in lines:
            pacer.say(f"authority {line.strip()}")
            pacer.expect(".")
    for number in range(int(count)):
        ways = ("broker", "direct") if number % 2 else ("direct", "broker")
        pairs.append({way: pacer.visit(way) for way in ways})
        print(f"# {number + 1:3} " + "  ".join(f"{kind} {pairs[-1]['broker'][kind]:.0f}/{pairs[-1]['direct'][kind]:.0f}"
                                                for kind in PAGES), flush=True)
    kinds = {kind: compare(pairs, kind) for kind in PAGES}
    show({"h2": kinds})
    with open(out, "w") as file:
        json.dump({"ratio_median": kinds["cold"]["ratio_median"], "ratio_p95": kinds["cold"]["ratio_p95"],
                   "ratio_median_warm": kinds["warm"]["ratio_median"], "pairs": len(pairs), "where": "emulated PC",
                   "h2": kinds, "pairs_ms": {"h2": pairs}}, file, indent=1)


main()
