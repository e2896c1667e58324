#!/usr/bin/python3
"""Every state of the model (README.md here): no claim is violated, and every row of launcher/states.def is taken.

With a few rows altered, or with --every-row all of them one at a time, a claim must be violated: a proof that holds
for any table would prove nothing. The figures of the sound table go to build/figures/model.json.

    prove.t [PAN [--every-row]]
"""
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

BUILD = os.environ.get("B", "build")
ROW = re.compile(r"ROW\((\w+), (\w+), (\w+), (\w+), (\w+), (\w+)\)")
HOLDS = re.compile(r"HOLDS\((\w+), (\w+)\)")

# The alterations that harm nothing a claim speaks of, each with the reason. Whatever else is not noticed fails.
HARMLESS = {
    ("drop", "LINK_UP", "TUNNEL"): "a new address only makes the gateways be tried again from the first",
    ("action", "LINK_UP", "TUNNEL"): "a new address only makes the gateways be tried again from the first",
    ("action", "ADMISSION_GRANTED", "ADMITTED", "FREE"): "the list of banks is drawn: the model has no screen",
    ("action", "BANK_CHOSEN", "START"): "the customer is told that no bank can be opened now: the model has no screen",
    ("drop", "NEWER_POLICY", "READY", "FREE"): "the next row that fits fetches the policy beside the list of banks",
    ("drop", "NEWER_POLICY", "ADMITTED"): "the model's policies ask for no PIN: that a newer one's is asked for is seen in "
                                          "tests/integration/policy-pin.t",
}
# For every run of the tests: what takes each wall down, and the end.
FEW = [("action", "TUNNEL_LOST", "SESSION"), ("drop", "ADMISSION_LOST", "SESSION"), ("action", "POLICY_LOST", "START"),
       ("action", "POWER_OFF", "START"), ("drop", "FREEZE", "true")]


def read_names(path):
    names = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            _, name, value = line.split()
            names[name] = int(value)
    return names


def alterations(names):
    """(how, event or action, first state or held) -> the MUTANT for rows.h, and the row's line."""
    found = {}
    with open("launcher/states.def", encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            holds, row = HOLDS.match(line), ROW.match(line)
            if holds:
                found[("drop", holds[1], holds[2])] = f"drop {number}"
            if not row:
                continue
            first, _, event, held, following, action = row.groups()
            key = (event, first) if held == "ANY" else (event, first, held)
            for how, altered, differs in (("drop", "", True), ("action", names["ACTION_NONE"], action != "NONE"),
                                          ("next", names["STATE_" + first], following not in ("SAME", first))):
                if differs:
                    found[(how, *key)] = f"{how} {number} {altered}".strip()
    return found


class Search:
    """One run of the checker over all states, or until a claim is violated."""

    def __init__(self, pan, mutant=""):
        # -E: a state from which nothing follows is judged by a claim of the model's own (claims.pml)
        run = subprocess.run([pan, "-E", "-m1000000", "-w22"], cwd=os.path.dirname(pan) or ".", text=True,
                             env=dict(os.environ, MUTANT=mutant), capture_output=True, check=False)
        self.text = run.stdout + run.stderr
        stored, errors = (re.search(p, self.text) for p in (r"(\d\S*) states, stored", r"errors: (\d+)"))
        self.states = int(float(stored[1])) if stored else 0
        self.errors = int(errors[1]) if errors else -1
        self.whole = "Search not completed" not in self.text and "too small" not in self.text
        self.rows = {int(n) for n in re.findall(r"^row (\d+) taken$", self.text, re.M)}
        violated = re.search(r"^pan:1: (.*)", self.text, re.M)
        self.violated = violated[1] if violated else ""


class Tap:
    count = failed = 0

    def ok(self, good, what):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}", flush=True)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def check_rows(tap, search):
    with open("launcher/states.def", encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            if ROW.match(line) and number not in search.rows:
                tap.ok(False, f"launcher/states.def:{number} is taken: {line.strip()}")
    tap.ok(len(search.rows) > 0, f"rows of launcher/states.def are taken: {len(search.rows)}")


def check_sound(tap, pan):
    search = Search(pan)
    tap.ok(search.errors == 0, f"no claim is violated {search.violated}".strip())
    tap.ok(search.whole and search.states > 0, f"every state was looked at: {search.states}")
    if search.errors:
        print("# " + "\n# ".join(search.text.splitlines()[:20]))
        print(f"# the way there: (cd {os.path.dirname(pan)} && ./pan -E -r -n stick.i.trail)")
    else:
        check_rows(tap, search)
    os.makedirs(f"{BUILD}/figures", exist_ok=True)
    with open(f"{BUILD}/figures/model.json", "w", encoding="ascii") as out:
        json.dump({"model_states": search.states, "model_violations": search.errors}, out)


def check_altered(tap, pan, every):
    found = alterations(read_names(os.path.dirname(pan) + "/names.h"))
    keys = list(found) if every else FEW
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda key: Search(pan, found[key]) if key in found else None, keys)
        for key, search in zip(keys, runs):
            name = " ".join(key)
            if search is None:
                tap.ok(False, f"{name}: there is no such row")
            elif key in HARMLESS:
                tap.ok(not search.violated, f"{name}: not noticed, {HARMLESS[key]}")
            else:
                tap.ok(bool(search.violated), f"{name}: noticed")


def main():
    pan = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{BUILD}/model/pan")
    every = "--every-row" in sys.argv
    tap = Tap()
    if not every:
        check_sound(tap, pan)
    check_altered(tap, pan, every)
    return tap.end()


sys.exit(main())
