#!/usr/bin/python3
"""sandbox - every process of the stick, as it runs, ends at one forbidden system call, and how many it may make at all.

Usage: B=BUILD sandbox.t, as root. Prints TAP. Each process is waited for until its sandbox is entered, and then made to
ask the kernel from outside (tests/rig/inject): an allowed call must come back, or the injection itself would prove
nothing. Its filters are read from outside as well (tests/rig/filter). The launcher's children are started one by one;
PID 1, the guard, the wall, the launcher with its spawner, the compositor, the kiosk and WebKit's processes as a whole
(tests/rig/stick). The tunnel, which is configured before its sandbox, has the same in tunnel.t, dhcpcd in link.t.
"""
import ctypes, os, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
from filters import B, REACHABLE_MAX, check_filter, check_forbidden, inject
from tap import bail, check, plan

CHILDREN = ("record", "link", "keyholder", "policy", "broker", "agent")
FORBIDDEN = ("ptrace", "socket", "execve", "setuid", "mount")
NOBODYS = ("ptrace", "bpf", "userfaultfd", "keyctl", "kexec_load", "clock_settime")  # third-party programs'
SECONDS = 20
MOUNTS = ("mount", "umount2", "pivot_root", "chroot")  # bubblewrap's, and so the spawner's that it lives below

work = tempfile.mkdtemp()
record = f"{work}/record"
with open(record, "wb") as f:
    f.truncate(1 << 20)


class Child:
    """One child of the launcher by itself, ready: its sandbox is entered and its loop runs."""

    def __init__(self, name):
        self.rig = subprocess.Popen([f"{B}/rig/child", f"{B}/launcher", name, record], stdout=subprocess.PIPE, text=True)
        self.pid = int(self.rig.stdout.readline() or 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.rig.terminate()
        self.rig.wait()


def test_child(name):
    with Child(name) as child:
        check(child.pid > 0, f"{name} starts and says that it is ready")
        if not child.pid:
            return
        _, said = inject(child.pid, "getpid")
        check(said == f"returned {child.pid}", f"{name}: getpid is allowed and comes back")
        check_filter(name, child.pid, REACHABLE_MAX)
    for call in FORBIDDEN:
        with Child(name) as child:
            check_forbidden(name, child.pid, call)


def status(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def children_of(pid):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[1] == str(pid):
                    found.append(int(entry))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class Stick:
    """PID 1 and all it starts. Where each is found: by name, below whom, and with how many filters it is ready."""

    PLACES = {"init": (None, "init", 1), "guard": ("init", "guard", 1), "wall": ("init", "wall", 1),
              "launcher": ("init", "launcher", 1), "spawner": ("launcher", "launcher", 1), "udevd": ("spawner", "systemd-udevd", 2),
              "seatd": ("spawner", "seatd", 2), "cage": ("spawner", "cage", 2), "kiosk": ("cage", "kiosk", 3),
              "network": ("kiosk", "WebKitNetworkPr", 5), "bwrap": ("kiosk", "bwrap", 3), "jail": ("bwrap", "bwrap", 4),
              "web": ("jail", "WebKitWebProces", 6)}

    def __init__(self, *kiosk):
        self.rig = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "tests/rig/stick",
                                     B, *kiosk], stdout=subprocess.DEVNULL, stderr=open(f"{work}/stick.log", "w"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.rig.kill()
        self.rig.wait()

    def find(self, name):
        """Its pid once it is ready, 0 while it is not."""
        above, comm, filters = self.PLACES[name]
        parent = self.find(above) if above else self.rig.pid
        for pid in children_of(parent) if parent else ():
            seen = status(pid)
            if seen.get("Name") == comm and int(seen.get("Seccomp_filters", 0)) >= filters:
                return pid
        return 0

    def wait(self, name):
        end = time.monotonic() + SECONDS
        while not (pid := self.find(name)):
            if time.monotonic() > end or self.rig.poll() is not None:
                with open(f"{work}/stick.log") as f:
                    sys.stdout.writelines("# " + line for line in f)
                bail(f"{name} does not run")
            time.sleep(0.05)  # the kernel has no event for a filter
        return pid

    def is_over(self):
        """Nothing runs any more but PID 1, which shows why before it powers off."""
        end = time.monotonic() + SECONDS
        while any(children_of(pid) for pid in children_of(self.rig.pid)):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True


def number_of(capabilities):
    return sum(1 << bit for bit in capabilities)


CHOWN, DAC_OVERRIDE, FOWNER, NET_ADMIN = 0, 1, 3, 12


def test_stick_at_rest():
    bounds = {"init": (REACHABLE_MAX, ("reboot", "umount2", "clock_settime")), "wall": (REACHABLE_MAX, ()),
              "guard": (REACHABLE_MAX, ()), "launcher": (REACHABLE_MAX, ()), "spawner": (None, MOUNTS), "udevd": (None, ()), "seatd": (None, ()),
              "cage": (None, MOUNTS), "kiosk": (None, MOUNTS)}
    capabilities = {"guard": (DAC_OVERRIDE,), "wall": (NET_ADMIN,), "launcher": (), "udevd": (NET_ADMIN, CHOWN, FOWNER),
                    "seatd": (CHOWN, FOWNER), "cage": (), "kiosk": ()}
    with Stick() as stick:
        stick.wait("kiosk")
        for name, (most, dangerous) in bounds.items():
            pid = stick.wait(name)
            seen = status(pid)
            inside = seen["NSpid"].split()[-1]
            _, said = inject(pid, "getpid")
            check(said == f"returned {inside}", f"{name}: getpid is allowed and comes back")
            filters = check_filter(name, pid, most, dangerous)
            if name == "init":
                check(not filters.get("loose"), "init: reboot, umount2 and clock_settime by their arguments only")
            check(seen["NoNewPrivs"] == "1", f"{name}: can gain no privilege")
            if name in capabilities:
                has = {int(seen[key], 16) for key in ("CapEff", "CapPrm")}
                check(has == {number_of(capabilities[name])}, f"{name}: has the capabilities {capabilities[name]} and no other")


def mounts_of(pid):
    """Mount point -> file system and options, of what lies uppermost there."""
    with open(f"/proc/{pid}/mounts") as f:
        return {place: (kind, options.split(",")) for _, place, kind, options, *_ in map(str.split, f)}


def test_view():
    """What each sees beside the two volumes, which the rig has as the one it is started in."""
    memory = {"/dev/shm", "/tmp", "/run", "/dev", "/sys", "/proc"}
    views = {"wall": set(), "udevd": memory - {"/dev/shm", "/tmp"}, "seatd": {"/dev", "/run"}, "kiosk": memory}
    with Stick() as stick:
        stick.wait("kiosk")
        own = os.readlink(f"/proc/{stick.wait('init')}/ns/mnt")
        for name, view in views.items():
            pid = stick.wait(name)
            check(os.readlink(f"/proc/{pid}/ns/mnt") != own, f"{name}: has mounts of its own")
            mounts = mounts_of(pid)
            sees = memory & set(mounts)
            check(sees == view, f"{name}: of what lies in memory it sees {', '.join(sorted(view)) or 'nothing'} ({sorted(sees)})")
        with open(f"/proc/{stick.wait('kiosk')}/oom_score_adj") as f:
            check(f.read().strip() == "1000", "kiosk: ends first where memory is short")


VERIFIED = ("/usr/", "/lib/", "/lib64/", "/sekisho/", "[vdso]", "[vsyscall]")


def executable_of(pid):
    """(permissions, file) of all that a process may execute."""
    with open(f"/proc/{pid}/maps") as f:
        lines = [line.split(maxsplit=5) for line in f]
    return {(line[1], line[5].strip() if len(line) > 5 else "") for line in lines if "x" in line[1]}


def test_page():
    """A bank's page: WebKit's processes as the kiosk starts them, in their cells."""
    none = {"ptrace", "process_vm_readv", "perf_event_open", "bpf", "userfaultfd", "io_uring_setup", "keyctl", "kexec_load",
            "init_module", "mount", "unshare", "setns", "setuid", "capset", "execve", "fork", "vfork", "listen", "accept4"}
    with Stick("tests/page") as stick:
        for name in ("network", "web"):
            pid = stick.wait(name)
            filters = check_filter(name, pid)
            check(not none & set(filters["names"]), f"{name}: none of {', '.join(sorted(none))}")
            check({"mmap", "mprotect", "clone"} <= set(filters.get("argued", ["mmap", "mprotect", "clone"])),
                  f"{name}: no further page becomes executable, no process is made")
            seen = status(pid)
            check((seen["NoNewPrivs"], int(seen["CapEff"], 16), int(seen["CapBnd"], 16)) == ("1", 0, 0),
                  f"{name}: has no capability and can gain none")
            code = executable_of(pid)
            check(len(code) > 50 and not [c for c in code if "w" in c[0] or not c[1].startswith(VERIFIED)],
                  f"{name}: executes {len(code)} pieces, all of them files of the volumes and none of them writable")
        web, screen = stick.wait("web"), stick.wait("kiosk")
        check(all(os.readlink(f"/proc/{web}/ns/{kind}") != os.readlink(f"/proc/{screen}/ns/{kind}")
                  for kind in ("net", "mnt", "pid", "user")), "web: bubblewrap gave it namespaces of its own")
        sees = {place for place in mounts_of(web) if place.startswith(("/sekisho", "/run"))}
        check({"/sekisho/cell", "/sekisho/lock.so"} <= sees and "/run/sekisho" not in sees and "/run" not in sees,
              "web: sees of our programs its cell and its lock, and not what lies in /run")
        _, said = inject(web, "getpid")
        check(said == f"returned {status(web)['NSpid'].split()[-1]}", "web: getpid is allowed and comes back")
    for name in ("network", "web"):
        for call in ("ptrace", "execve", "mount", "keyctl"):
            with Stick("tests/page") as stick:
                check_forbidden(name, stick.wait(name), call)


def landlock_abi():
    create_ruleset, version = 444, 1
    return ctypes.CDLL(None).syscall(create_ruleset, None, 0, version)


def test_probe():
    """A program in place of WebKit's, in the same cells, tries what a page would that has taken them over."""
    allowed = {"network": {"read /etc/hosts", "tcp socket"}, "web": {"read /etc/hosts"}}
    with Stick("tests/page", "rig/probe") as stick:
        said = {name: {} for name in allowed}
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and not all("done" in tried for tried in said.values()):
            time.sleep(0.1)
            with open(f"{work}/stick.log") as f:
                words = [line.rstrip("\n").split(" ", 2) for line in f if line.startswith("probe: ")]
            for _, name, rest in words:
                what, _, became = rest.partition(": ")
                said[name][what] = became
        for name, tried in said.items():
            check(tried.pop("done", None) is not None and len(tried) > 20, f"{name}: {len(tried)} things were tried in its place")
            for what, became in tried.items():
                if what == "signal its parent" and landlock_abi() < 6:
                    check(True, f"{name}: {what} # SKIP the stick's kernel keeps signals in, this machine's cannot yet")
                    continue
                check((became == "allowed") == (what in allowed[name]), f"{name}: {what}: {became}")


SAFE_SIGNAL = 0  # asks whether a signal would be let through, and sends none


def test_scopes():
    """What mounts has no Landlock of files; the rest of Landlock holds for it and all below it."""
    if landlock_abi() < 6:
        check(True, "spawner, screen: Landlock # SKIP the stick's kernel keeps signals in, this machine's cannot yet")
        return
    with Stick() as stick:
        pid, cage = stick.wait("spawner"), stick.wait("cage")
        inside = {name: status(stick.wait(name))["NSpid"].split()[-1] for name in ("init", "guard", "wall", "launcher", "cage")}
        check(int(status(pid)["CapEff"], 16) & 1 << 5, "spawner: could signal anybody, but for Landlock")
        _, said = inject(pid, "kill", inside.pop("cage"), SAFE_SIGNAL)
        check(said == "returned 0", f"spawner: what it started it can signal ({said})")
        for name, number in inside.items():
            _, said = inject(pid, "kill", number, SAFE_SIGNAL)
            check(said == "returned -1", f"spawner: not {name} ({said})")
        _, said = inject(cage, "umount2", 0, 0)
        check(said == "returned -14", f"cage: to unmount is a matter of the view, not refused as such ({said})")
    with Stick("rig/probe") as stick:
        end, tried = time.monotonic() + SECONDS, {}
        while "done" not in tried and time.monotonic() < end:
            time.sleep(0.1)
            with open(f"{work}/stick.log") as f:
                words = [line.rstrip("\n").split(" ", 2) for line in f if line.startswith("probe: kiosk")]
            tried = {what: became for what, _, became in (rest.partition(": ") for _, _, rest in words)}
        check(tried.get("tcp socket") == "allowed", "kiosk: has TCP, to the broker")
        for what in ("be connected to", "raw socket", "packet socket", "vsock", "AF_ALG", "netfilter's netlink",
                     "make a written page executable", "map memory for both", "read /dev/input/event0", "write /proc/1/mem"):
            check(tried.get(what, "allowed") != "allowed", f"kiosk: {what}: {tried.get(what, 'not tried')}")


def test_stick(name, calls, all_ends=True):
    for call in calls:
        with Stick() as stick:
            pid = stick.wait(name)
            check_forbidden(name, pid, call)
            if all_ends:
                check(stick.is_over(), f"{name}: without it nothing runs on")


def test_hook():
    for call, ends in (("getpid", False), *((c, True) for c in FORBIDDEN)):
        done = subprocess.run([f"{B}/rig/inject", "--at", "exit_group", call, f"{B}/dhcp-hook"], capture_output=True, text=True,
                              env={"reason": "BOUND", "interface": "eth0"})
        said = done.stdout.strip()
        check((done.returncode == 0) == ends, f"dhcp-hook: {call} {'ends it' if ends else 'comes back'} ({said})")


for name in CHILDREN:
    test_child(name)
test_hook()
if open("/proc/self/uid_map").read().split()[2:] == ["4294967295"]:
    test_stick_at_rest()
    test_view()
    test_page()
    test_probe()
    test_scopes()
    for name in ("init", "guard", "wall", "launcher"):
        test_stick(name, FORBIDDEN)
    test_stick("spawner", NOBODYS)
    for name in ("udevd", "seatd", "cage", "kiosk"):
        test_stick(name, NOBODYS, all_ends=False)
else:
    check(True, "PID 1 and all it starts # SKIP in a user namespace it cannot be given the capabilities it has on the stick")
plan()
