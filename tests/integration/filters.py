"""filters - what the tests of the sandbox share: a running process's filters, read from outside, and forbidden calls.

Figures go to B/figures/syscalls.json, one object of all processes, whichever test starts them.
"""
import json
import os
import subprocess

from tap import check

B = os.path.realpath(os.environ["B"])
FIGURES = f"{B}/figures/syscalls.json"
REACHABLE_MAX = 60  # of a process that hears from outside
CANNOT_TELL = 3


def look(pid):
    """What `pid` may still ask of the kernel, see tests/rig/filter.c; None where this machine does not tell."""
    done = subprocess.run([f"{B}/rig/filter", str(pid)], capture_output=True, text=True)
    if done.returncode == CANNOT_TELL:
        return None
    if done.returncode:
        raise SystemExit(f"Bail out! {done.stderr}")
    return json.loads(done.stdout)


def keep(name, seen):
    figures = json.load(open(FIGURES)) if os.path.exists(FIGURES) else {"syscalls": {}}
    figures["syscalls"][name] = {"reachable": seen["reachable"], "dangerous": len(seen["dangerous"])}
    os.makedirs(os.path.dirname(FIGURES), exist_ok=True)
    with open(FIGURES, "w") as f:
        json.dump(figures, f)
    os.makedirs(f"{B}/syscalls", exist_ok=True)
    with open(f"{B}/syscalls/{name}.json", "w") as f:  # for `make evidence`
        json.dump(seen, f)


def check_filter(name, pid, reachable_max=None, dangerous=()):
    """The figure of one process, kept and held against its bounds."""
    seen = look(pid)
    if seen is None:
        check(True, f"{name}: its filter # SKIP this machine does not tell a process's filters")
        return {"names": []}
    keep(name, seen)
    bound = "" if reachable_max is None else f", at most {reachable_max}"
    check(reachable_max is None or seen["reachable"] <= reachable_max,
          f"{name}: {seen['reachable']} system calls are reachable{bound}")
    beyond = [call for call in seen["dangerous"] if call not in dangerous]
    allowed = f" but {', '.join(dangerous)}" if dangerous else ""
    check(not beyond, f"{name}: none of the dangerous groups{allowed}{' ' + str(beyond) if beyond else ''}")
    loose = [call for call in dangerous if call in seen["dangerous"] and call not in seen["argued"]]
    check(seen["other_abi"] == 0, f"{name}: nothing by the numbers of i386 and x32")
    return {**seen, "loose": loose}


def inject(pid, call, *numbers):
    """True if that call ended the process, and what the kernel said."""
    done = subprocess.run([f"{B}/rig/inject", str(pid), call, *map(str, numbers)], capture_output=True, text=True)
    return done.returncode == 0, (done.stdout or done.stderr).strip()


def check_forbidden(name, pid, call):
    ended, said = inject(pid, call)
    check(ended, f"{name}: {call} ends it ({said})")
    return ended
