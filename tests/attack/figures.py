#!/usr/bin/python3
"""figures - what each attack left behind, in BUILD/attack/NAME.json, added up for `make report` and `make evidence`.

Usage: B=BUILD figures.py NAME FILE, to leave the object in FILE: {wire: what wire.py wrote, attacks_tried: ...}.
"""
import glob
import json
import os
import sys

B = os.environ["B"]


def leave(name, what):
    """Keep `what` as NAME's own, and add up the four figures over all that is there."""
    os.makedirs(f"{B}/attack", exist_ok=True)
    os.makedirs(f"{B}/figures", exist_ok=True)
    with open(f"{B}/attack/{name}.json", "w") as out:
        json.dump(what, out, indent=1)
    parts = [json.load(open(path)) for path in sorted(glob.glob(f"{B}/attack/*.json"))]
    total = {key: sum(part.get(key, 0) for part in parts) for key in ("attacks_tried", "attacks_stopped")}
    wires = [part["wire"] for part in parts if "wire" in part]
    total["packets_captured"] = sum(wire["packets"] for wire in wires)
    total["packets_disallowed"] = sum(len(wire["disallowed"]) for wire in wires)
    with open(f"{B}/figures/attack.json", "w") as out:
        json.dump(total, out)


if __name__ == "__main__":
    leave(sys.argv[1], json.load(open(sys.argv[2])))
