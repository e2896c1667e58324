#!/usr/bin/python3
"""suffixes.py LIST - the rules of the public suffix list as a C header for suffix.c, in A-labels and sorted."""
import sys


def labels(name):
    return ".".join(label.encode("idna").decode() if not label.isascii() else label for label in name.split("."))


rules = {}
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        rule = line.split("//")[0].strip().lower()
        if not rule:
            continue
        kind = {"!": "!", "*": "*"}.get(rule[0], "=")
        name = labels(rule.lstrip("!").removeprefix("*."))
        # "*.ck" makes every name below ck a suffix, and ck itself
        if rules.get(name) != "*":
            rules[name] = kind
if len(rules) < 5000:
    sys.exit(f"sekisho: {sys.argv[1]} has {len(rules)} rules only: it is not the public suffix list")
print("/* made by whitelist/suffixes.py */")
print("static const char suffixes[] =")
for name in sorted(rules):
    print(f'"{name}{rules[name]}\\n"')
print(";")
