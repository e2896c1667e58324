#!/usr/bin/python3
"""drive - speak to the attacker in a development image, by its PC's second serial port.

Usage: drive.py SOCKET ready SECONDS         wait until it answers
       drive.py SOCKET report FILE           what the stick says of itself, as JSON
       drive.py SOCKET attack FILE           every table in the place of every process: JSON; fails if one succeeded
       drive.py SOCKET exhaust NAME FILE    take all that there is in that one's place: JSON; fails if there was no end
       drive.py SOCKET share                 the screen's share of the machine and how much of it was taken: JSON
       drive.py SOCKET lift                  take its bounds away
       drive.py SOCKET pid NAME              of the process of that name; fails if there is none
       drive.py SOCKET kill NAME             SIGKILL to it
       drive.py SOCKET tell WORD...          a line of the attacker's own, and what it answers; fails if that failed
       drive.py SOCKET restarted NAME PID SECONDS   another one of that name than PID comes
"""
import json
import socket
import sys
import time

HARMLESS = ("refused", "killed", "unheard", "own")
DAC_OVERRIDE = 1 << 1
PLACES_MIN = 20
SETTINGS = ("kernel/dmesg_restrict", "kernel/kptr_restrict", "kernel/perf_event_paranoid", "kernel/kexec_load_disabled",
            "kernel/modules_disabled", "kernel/unprivileged_bpf_disabled", "kernel/io_uring_disabled", "kernel/sysrq",
            "kernel/yama/ptrace_scope", "kernel/randomize_va_space", "kernel/core_pattern", "fs/suid_dumpable",
            "fs/protected_symlinks", "fs/protected_hardlinks", "fs/protected_fifos", "fs/protected_regular",
            "vm/mmap_min_addr", "vm/mmap_rnd_bits", "vm/memfd_noexec", "vm/unprivileged_userfaultfd", "user/max_user_namespaces",
            "net/core/bpf_jit_harden", "net/ipv4/ip_forward", "net/ipv4/tcp_syncookies",
            "net/ipv4/conf/all/accept_redirects", "net/ipv4/conf/all/accept_source_route",
            "net/ipv4/conf/all/rp_filter", "net/ipv4/conf/all/send_redirects", "net/ipv6/conf/all/accept_redirects",
            "net/ipv6/conf/all/accept_ra", "net/ipv6/conf/all/accept_source_route")


class Attacker:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.rest = b""

    def ask(self, command, seconds=120):
        """The lines of its answer."""
        self.socket.sendall(command.encode() + b"\n")
        self.socket.settimeout(seconds)
        while not self.rest.endswith(b"\n.\n") and self.rest != b".\n":
            try:
                got = self.socket.recv(65536)
            except ConnectionError:
                got = b""
            if not got:
                raise TimeoutError("the stick is gone")
            self.rest += got.replace(b"\r", b"")
        lines = self.rest.decode(errors="replace").split("\n")[:-2]
        self.rest = b""
        return [line for line in lines if line != "attacker ready"]

    def text(self, path):
        return "\n".join(self.ask(f"cat {path}")).strip()

    def processes(self):
        """Every process as a dictionary, with the name it goes by in the launcher's table, or its program's."""
        all_ = {}
        for line in self.ask("ps"):
            fields = line.split("\t")
            if len(fields) < 11:
                continue
            pid, parent, uid = (int(field) for field in fields[:3])
            all_[pid] = {"pid": pid, "parent": parent, "uid": uid, "capabilities": int(fields[3], 16),
                         "bounds": int(fields[4], 16), "no_new_privs": int(fields[5]), "seccomp": int(fields[6]),
                         "netns": fields[7], "userns": fields[8], "mntns": fields[9], "command": fields[10]}
        for process in all_.values():
            process["name"] = name_of(process, all_)
        return sorted(all_.values(), key=lambda p: p["pid"])

    def find(self, name):
        return next((p for p in self.processes() if p["name"] == name), None)


def name_of(process, all_):
    words = process["command"].split()
    program = words[0].rstrip(":").rsplit("/", 1)[-1]
    parent = all_.get(process["parent"], {}).get("command", "")
    if "--as" in words:
        name = words[words.index("--as") + 1]
        return f"{name}'s starter" if parent == process["command"] else name
    if program == "launcher":
        return "spawner" if parent.startswith("/sekisho/launcher") else "launcher"
    return program


def report(stick):
    processes = stick.processes()
    for process in processes:
        process["descriptors"] = stick.ask(f"ls /proc/{process['pid']}/fd")
    nets = {p["netns"]: p["pid"] for p in processes}
    tables = ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "netlink")
    return {
        "processes": processes,
        "mounts": [line.split()[:4] for line in stick.text("/proc/1/mounts").splitlines()],
        "filesystems": stick.text("/proc/filesystems").split("\n"),
        "block": stick.ask("ls /sys/block"),
        "command_line": stick.text("/proc/cmdline"),
        "settings": {name: stick.text(f"/proc/sys/{name}") for name in SETTINGS},
        "sockets": {net: {table: stick.text(f"/proc/{pid}/net/{table}").splitlines()[1:] for table in tables}
                    for net, pid in nets.items()},
    }


def places(processes):
    """Each place once: processes of one uid with the same capabilities and namespaces are the same to an attacker."""
    init, found = processes[0], {}
    for process in processes:
        if process is init or process["name"] == "attacker":
            continue
        spaces = process["netns"], process["userns"], process["mntns"]
        found[(*spaces, process["uid"], process["capabilities"])] = process, "itself"
        if process["userns"] == init["userns"]:  # in another no uid is the system's root
            found[(*spaces[:2], 0, process["bounds"])] = process, "root"
    return found.values()


def attack(stick):
    """What does not concern the network is tried as the process itself only, and where that has uid 0 or may open root's
    files not held against it, and in bubblewrap's namespaces, whose own files in memory may be written: those, and what
    the spawner's capabilities are for, are kept from it by its own filter and Landlock (tests/integration/sandbox.t, for
    the page's processes by a program in their cell), which nobody else can borrow. They are listed as left to them."""
    result, tried, stopped = [], 0, 0
    processes = stick.processes()
    for process, how in places(processes):
        outcomes, bad, left = {}, [], []
        caged = process["userns"] != processes[0]["userns"]
        for table in ("network", "packets", "system"):
            if table == "system" and (how == "root" or process["name"] in ("launcher", "spawner")):
                continue
            lines = stick.ask(f"attack {process['pid']} {how} {table}")
            got = dict(line.split("\t") for line in lines if "\t" in line)
            outcomes |= got
            through = [f"{what}: {outcome}" for what, outcome in got.items() if outcome.split()[0] not in HARMLESS]
            if table == "system" and (process["uid"] == 0 or process["capabilities"] & DAC_OVERRIDE or caged):
                left += through
            else:
                bad += through
        if not outcomes:
            print(f"# {process['name']} ({process['uid']}) as {how}: its place could not be taken {lines}", flush=True)
            continue
        asked = sum(outcome != "own" for outcome in outcomes.values()) - len(left)
        tried += asked
        stopped += max(asked - len(bad), 0)
        result.append({"name": process["name"], "uid": process["uid"], "how": how, "capabilities": process["capabilities"],
                       "bounds": process["bounds"], "outcomes": outcomes, "bad": bad, "left": left})
        print(f"# {process['name']} ({process['uid']}) as {how}: {asked} tried, not stopped {bad}, left to its filter {left}",
              flush=True)
    return {"attacks_tried": tried, "attacks_stopped": stopped, "places": result}


def exhaust(stick, name):
    """The kernel may have ended the greedy one; what it may not do is give without a bound."""
    process = stick.find(name)
    lines = stick.ask(f"attack {process['pid']} itself exhausting", 300)
    outcomes = dict(line.split("\t") for line in lines if "\t" in line)
    bad = [what for what, outcome in outcomes.items() if outcome.split()[0] not in ("refused", "killed")]
    print(f"# {name}: {outcomes}", flush=True)
    return {"attacks_tried": len(outcomes), "attacks_stopped": len(outcomes) - len(bad), "outcomes": outcomes}


SHARE = "/sys/fs/cgroup/screen"


def share(stick):
    events = dict(line.split() for line in stick.text(f"{SHARE}/memory.events").splitlines())
    return {"memory_max": stick.text(f"{SHARE}/memory.max"), "memory_peak": int(stick.text(f"{SHARE}/memory.peak")),
            "threads_max": stick.text(f"{SHARE}/pids.max"), "ended": int(events["oom_kill"])}


def lift(stick):
    for bound in ("memory.max", "pids.max"):
        if answer := stick.ask(f"put {SHARE}/{bound} max"):
            sys.exit(f"{bound}: {answer}")


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.3)  # the stick has no events for this
    sys.exit(1)


def main():
    path, command, *arguments = sys.argv[1:]
    if command == "ready":
        wait_for(lambda: try_ready(path), float(arguments[0]))
        return
    stick = Attacker(path)
    if command in ("report", "attack"):
        found = report(stick) if command == "report" else attack(stick)
        with open(arguments[0], "w") as out:
            json.dump(found, out, indent=1)
        sys.exit(command == "attack" and (len(found["places"]) < PLACES_MIN or any(place["bad"] for place in found["places"])))
    if command == "tell":
        lines = stick.ask(" ".join(arguments))
        print(*lines, sep="\n", end="\n" if lines else "")
        sys.exit(any(line.startswith("failed ") for line in lines))
    if command == "exhaust":
        found = exhaust(stick, arguments[0])
        with open(arguments[1], "w") as out:
            json.dump(found, out, indent=1)
        sys.exit(found["attacks_stopped"] < 5 or found["attacks_stopped"] < found["attacks_tried"])
    if command == "share":
        print(json.dumps(share(stick)))
        return
    if command == "lift":
        lift(stick)
        return
    if command == "restarted":
        name, pid, seconds = arguments[0], int(arguments[1]), float(arguments[2])
        print(wait_for(lambda: (p := stick.find(name)) and p["pid"] != pid and p, seconds)["pid"])
        return
    process = stick.find(arguments[0])
    if not process:
        sys.exit(f"drive: there is no {arguments[0]}")
    print(process["pid"], flush=True)
    if command == "kill":
        try:
            stick.ask(f"kill {process['pid']} 9", 5)
        except TimeoutError:
            pass  # that was the end of the stick


def try_ready(path):
    try:
        stick = Attacker(path)
        return stick.ask("ps", 2)
    except (OSError, TimeoutError):
        return None


if __name__ == "__main__":
    main()
