#!/usr/bin/python3
"""units - how exposed the package's services are, by `systemd-analyze security`: 0.0 nothing, 10.0 everything.

Usage: units.t. Prints TAP.
"""
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
from tap import check, must, plan

PACKAGE = os.path.realpath(os.path.dirname(os.path.realpath(__file__)) + "/../../vpn/package")
# Below 2.0 is what each is to be. The gateway's parent makes wg0, sockets and users' directories as root, gives each of
# its processes less than it has itself, and they confine themselves further, which this measure does not see.
MOST = {"sekisho-gateway.service": 2.9, "sekisho-proxy.service": 1.9, "sekisho-resolver.service": 1.9}

if not shutil.which("systemd-analyze"):
    print("1..0 # SKIP systemd-analyze is not installed")
    sys.exit(0)
units = sorted(name for name in os.listdir(PACKAGE) if name.endswith(".service"))
check(units == sorted(MOST), "each service of the package has a bound", units)
for unit in units:
    said = must("systemd-analyze", "security", "--no-pager", "--offline=true", f"{PACKAGE}/{unit}")
    exposed = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", said).group(1))
    print(f"# {unit}: {exposed}")
    check(exposed <= MOST.get(unit, 1.9), f"{unit} is no more exposed than {MOST.get(unit, 1.9)}", exposed)
plan()
