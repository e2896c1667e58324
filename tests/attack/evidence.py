#!/usr/bin/python3
"""evidence - what the build and the tests left behind, put together for a reader who believes nothing else.

Usage: evidence.py BUILD. Writes BUILD/evidence/: README.md to read, and a JSON file beside it for each section. What was
not measured is named as missing; nothing is filled in. Run `make image test` before for all of it.
"""
import collections
import hashlib
import json
import os
import re
import stat
import sys
import tarfile

B = sys.argv[1]
OUT = f"{B}/evidence"
CAPABILITIES = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
                "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT "
                "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE "
                "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ "
                "PERFMON BPF CHECKPOINT_RESTORE").split()
#: folder -> what its processes' names begin with
STATEMENTS = {"firmware/boot": "", "launcher": "", "launcher/kiosk": "", "vpn/gateway": "gatewayd "}
TCP_STATES = {"0A": "listens", "06": "over"}
NETLINK = {0: "routes", 4: "socket diagnosis", 12: "netfilter", 15: "the kernel's events", 16: "generic"}


def load(path):
    try:
        with open(f"{B}/{path}") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def save(name, what):
    with open(f"{OUT}/{name}.json", "w") as out:
        json.dump(what, out, indent=1, ensure_ascii=False)


def figures():
    """All flat figures, as `make report` reads them."""
    total = load("image.json") or {}
    for name in sorted(os.listdir(f"{B}/figures")) if os.path.isdir(f"{B}/figures") else ():
        total |= load(f"figures/{name}") or {}
    return total


def capabilities(mask):
    return [name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1]


def table(heads, rows):
    cell = lambda value: str(value).replace("|", "\\|").replace("\n", " ")
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows])


MISSING = "**Missing**: not measured in this build ({}).\n"
#: what is told first, and is in build/report.json under the same names
FIRST = ("attacks_tried", "attacks_stopped", "packets_captured", "packets_disallowed", "memory_patterns_found",
         "kernel_hardening_ok", "kernel_hardening_fail", "model_states", "model_violations", "fuzz_executions",
         "fuzz_crashes", "fuzz_hours", "limbo_right", "limbo_wrong_accepts", "limbo_wrong_rejects", "setuid_files", "shells")


# --- sections: each returns Markdown and leaves its JSON --------------------------------------------------------------

def spelled(source):
    """With what it calls by another name, a path, written out."""
    for name, value in re.findall(r'^#define (\w+)\s+"([^"]*)"$', source, re.M):
        source = re.sub(rf'\b{name}\s+"', f'"{value}', source)
        source = re.sub(rf"\{{{name},", f'{{"{value}",', source)
    return source


def statements():
    """What each process says of itself at the top of its file: the source of its filter and its Landlock rules."""
    found = {}
    for folder, prefix in STATEMENTS.items():
        for file in sorted(os.listdir(folder)):
            if not file.endswith(".c"):
                continue
            with open(f"{folder}/{file}") as opened:
                source = spelled(opened.read())
                for body in re.findall(r'(\.name = "[^"]+",\s*\.holds =.*?\.open_files_max)', source, re.S):
                    text = lambda key: "".join(re.findall(rf'\.{key} =((?:\s*"[^"]*")+)', body)).strip().replace('"', "")
                    name = prefix + text("name")
                    name = name if name not in found else f"{name}, writing"
                    found[name] = {
                        "source": f"{folder}/{file}", "holds": text("holds"), "reads": text("reads"),
                        "speaks_to": text("speaks_to"), "promises": re.findall(r"PROMISE_(\w+)", body),
                        "mounts": ".mounts = true" in body,
                        "configured": "self.paths[" in source,
                        "landlock": re.findall(r'\{"([^"]+)",\s*([A-Z_ |]+)\}', body)}
    save("statements", found)
    rows = [(name, s["holds"], s["reads"], s["speaks_to"], " ".join(s["promises"]),
             " ".join(f"{path} ({access.replace('ACCESS_', '').lower()})" for path, access in s["landlock"]) or
             ("its view's: it mounts" if s["mounts"] else "what its configuration names" if s["configured"] else "none"))
            for name, s in found.items()]
    return table(("process", "holds", "reads from outside", "speaks to", "promises", "Landlock: files it may open"), rows)


def system_calls():
    known = figures().get("syscalls")
    if not known:
        return MISSING.format("tests/integration/sandbox.t")
    lists = {name: load(f"syscalls/{name}.json") for name in known}
    save("syscalls", {name: {**figure, "names": (lists[name] or {}).get("names")} for name, figure in known.items()})
    rows = [(name, figure["reachable"], figure["dangerous"]) for name, figure in known.items()]
    return table(("process", "reachable system calls", "of dangerous groups"), rows)


def processes(stick):
    if not stick:
        return MISSING.format("tests/e2e/attack.t")
    save("processes", stick["processes"])
    rows = {(p["name"], p["uid"], ", ".join(capabilities(p["capabilities"])) or "none", p["no_new_privs"], p["seccomp"])
            for p in stick["processes"] if p["name"] != "attacker"}
    return table(("process", "uid", "capabilities", "no_new_privs", "seccomp"), sorted(rows, key=lambda r: (r[1], r[0])))


def socket_rows(stick):
    """(inode, kind, own address, other's address, remark) of all that the namespaces have."""
    for tables in stick["sockets"].values():
        for kind, lines in tables.items():
            for f in (line.split() for line in lines):
                if kind == "packet":
                    yield f[8], kind, f"protocol 0x{f[3]}", f"interface {f[4]}", ""
                elif kind == "netlink":
                    groups = f"groups {f[3]}" if int(f[3], 16) else ""
                    yield f[9], f"netlink, {NETLINK.get(int(f[1]), f[1])}", "", "", groups
                else:
                    yield f[9], kind, endpoint(f[1]), endpoint(f[2]), TCP_STATES.get(f[3], "") if kind.startswith("tcp") else ""


def sockets(stick):
    if not stick:
        return MISSING.format("tests/e2e/attack.t")
    save("sockets", stick["sockets"])
    holders, named, rows = {}, set(), set()
    for process in stick["processes"]:
        for descriptor in process["descriptors"]:
            if "socket:[" in descriptor:
                holders.setdefault(descriptor.split("socket:[")[1].rstrip("]"), set()).add(process["name"])
    for inode, kind, *rest in socket_rows(stick):
        # netlink's without a holder are the kernel's ends; another without one is WireGuard's, or a connection's rest
        if inode in holders or not kind.startswith("netlink"):
            rows |= {(name, kind, *rest) for name in holders.get(inode, {"the kernel" + (" (WireGuard)" if kind.startswith("udp") else "")})}
        named.add(inode)
    local = collections.Counter(name for inode, names in holders.items() if inode not in named for name in names)
    rows |= {(name, "between processes of this PC", count, "", "") for name, count in local.items()}
    return table(("process", "kind", "own address", "other's", ""), sorted((row for row in rows if row[0] != "attacker"), key=str))


def endpoint(text):
    """"0100007F:01BB", as /proc/net has it."""
    address, port = text.split(":")
    words = [bytes.fromhex(address[i:i + 8])[::-1] for i in range(0, len(address), 8)]
    raw = b"".join(words)
    shown = ".".join(str(b) for b in raw) if len(raw) == 4 else ":".join(raw[i:i + 2].hex() for i in range(0, 16, 2))
    return f"{shown}:{int(port, 16)}"


def mounts(stick):
    if not stick:
        return MISSING.format("tests/e2e/attack.t")
    save("mounts", {key: stick[key] for key in ("mounts", "filesystems", "block", "command_line", "settings")})
    disk = [f.strip() for f in stick["filesystems"] if f and not f.startswith("nodev")]
    return (table(("what", "where", "kind", "options"), stick["mounts"]) +
            f"\n\nFile systems for disks that the kernel knows: {', '.join(disk)}. "
            f"Command line: `{stick['command_line']}`\n\n" +
            table(("setting", "value"), sorted((name, "not in this kernel" if "ENOENT" in value else value)
                                               for name, value in stick["settings"].items())))


def packets():
    parts = {name[:-5]: (load(f"attack/{name}") or {}).get("wire")
             for name in sorted(os.listdir(f"{B}/attack"))} if os.path.isdir(f"{B}/attack") else {}
    parts = {name: wire for name, wire in parts.items() if wire}
    if not parts:
        return MISSING.format("tests/e2e/first-light.t, tests/e2e/attack.t, tests/integration/attack.t")
    save("packets", parts)
    kinds = sorted({kind for wire in parts.values() for kind in wire["kinds"]})
    rows = [(kind, *(wire["kinds"].get(kind, 0) for wire in parts.values())) for kind in kinds]
    rows.append(("**none of these**", *(len(wire["disallowed"]) for wire in parts.values())))
    return table(("kind of packet that left the PC", *parts), rows)


def air():
    """What the stick sent on the air, in each start of the tests that have radios."""
    starts = {f"{test}, {name}": load(f"e2e/{test}/{name}-air.json")
              for test, name in (("wifi", "first"), ("wifi-blows", "first"), ("wifi-blows", "next"))}
    starts = {name: found for name, found in starts.items() if found}
    if not starts:
        return MISSING.format("`make attack`: tests/attack/wifi.t, tests/attack/wifi-blows.t")
    save("air", starts)
    kinds = sorted({kind for found in starts.values() for kind in found["kinds"]})
    rows = [(kind, *(found["kinds"].get(kind, 0) for found in starts.values())) for kind in kinds]
    rows.append(("**none of these**", *(len(found["disallowed"]) for found in starts.values())))
    return table(("kind of frame that the stick sent", *starts), rows)


def attacks():
    namespaces, stick = load("attack/namespaces.json"), load("attack/stick.json")
    if not namespaces and not stick:
        return MISSING.format("tests/integration/attack.t, tests/e2e/attack.t")
    save("attacks", {"namespaces": namespaces, "stick": stick and stick["places"]})
    text = []
    if namespaces:
        text.append(f"In namespaces, first without any filter of system calls, then under each process's own: {namespaces['attacks_tried']} tried, "
                    f"{namespaces['attacks_stopped']} stopped.\n")
    if stick:
        rows = [(p["name"], p["uid"] if p["how"] == "itself" else 0, p["how"], ", ".join(capabilities(
            p["capabilities"] if p["how"] == "itself" else p["bounds"])) or "none", len(p["outcomes"]),
                 "; ".join(p["bad"]) or "none", "; ".join(p["left"]) or "") for p in stick["places"]]
        text.append(f"On the stick, in a session: {stick['attacks_tried']} tried, {stick['attacks_stopped']} stopped.\n")
        text.append(table(("in the place of", "uid", "how", "capabilities", "tries", "succeeded",
                           "left to its own filter and Landlock"), rows))
    return "\n".join(text)


def told(*programs):
    """What these test programs said, line by line, from the archives that prove keeps."""
    said = {}
    for level in ("unit", "integration", "e2e", "attack"):
        path = f"{B}/tests/{level}.tar.gz"
        if not os.path.exists(path):
            continue
        with tarfile.open(path) as archive:
            for member in archive.getmembers():
                if any(re.search(rf"/{p}$", member.name) for p in programs):
                    lines = archive.extractfile(member).read().decode(errors="replace").splitlines()
                    said[os.path.basename(member.name)] = [line for line in lines if re.match(r"(not )?ok ", line)]
    return said


def tests(name, *programs):
    said = told(*programs)
    if not said:
        return MISSING.format("tests: " + ", ".join(program.replace("\\", "") for program in programs))
    save(name, said)
    rows = [(program, "**no**" if line.startswith("not") else "yes", re.sub(r"^(not )?ok \d+ - ", "", line))
            for program, lines in sorted(said.items()) for line in lines]
    return table(("test", "holds", "what"), rows)


def numbers(*names):
    known = figures()
    return table(("figure", "value"), [(name, known.get(name, "not measured")) for name in names])


def kernel():
    """The scores against the public list, and what of it does not stand, with the table's reasons."""
    kinds = ("", "_cmdline", "_sysctl")
    with open("image/kernel/wanted.tsv", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    left = [(kind, name, wanted, reason) for kind, _, name, wanted, stands, _, reason in rows if stands == "left"]
    save("kernel", {**{key: value for key, value in figures().items() if key.startswith("kernel_hardening")}, "left": left})
    return (numbers(*(f"kernel_hardening{kind}_{result}" for kind in kinds for result in ("ok", "fail"))) + "\n\nLeft:\n\n" +
            table(("kind", "name", "the list wants", "why it is left"), left))


def without():
    """What got through with a wall taken away, in namespaces: the last lines of `make attack`."""
    rows = []
    for wall in ("wall", "tunnel"):
        path = f"{B}/attack-without-{wall}.log"
        if os.path.exists(path):
            with open(path) as file:
                rows += [(wall, line[2:].strip()) for line in file if re.match(r"# \d+ attacks", line)]
    if not rows:
        return MISSING.format("`make attack`")
    save("without", rows)
    return table(("without the", "what came of it"), rows)


def in_short(bodies):
    """The figures, what was not measured, and every line of a test that does not hold: what an auditor asks first."""
    known = figures()
    calls = known.get("syscalls") or {}
    rows = [(name, known.get(name, "**not measured**")) for name in FIRST]
    if calls:
        most = max((name for name in calls if calls[name]["reachable"]), key=lambda name: calls[name]["reachable"])
        rows.append(("system calls, at most", f"{calls[most]['reachable']} ({most})"))
        rows.append(("of dangerous groups, over all processes", sum(figure["dangerous"] for figure in calls.values())))
    missing = [title for title, body in bodies if MISSING.split("{")[0] in body or "not measured" in body]
    broken = [line for _, body in bodies for line in body.splitlines() if "| **no** |" in line]
    return "\n".join((table(("figure", "value"), rows), "", f"Sections with something missing: {', '.join(missing) or 'none'}.", "",
                      "Tests that do not hold: " + ("\n\n| test | holds | what |\n|---|---|---|\n" + "\n".join(broken)
                                                   if broken else "none of those below.")))


def files():
    root, rows = f"{B}/disk/root.img.tree", []
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            digest = "-> " + os.readlink(path) if stat.S_ISLNK(info.st_mode) else sha256(path)
            rows.append((stat.filemode(info.st_mode), info.st_size, digest, path[len(root):]))
    usr = None
    if os.path.exists(f"{B}/disk/usr"):
        with open(f"{B}/disk/usr") as where, open(f"{where.read().strip()}/manifest") as manifest:
            usr = [line.split() for line in manifest]
    if not rows and not usr:
        return MISSING.format("make image")
    save("files", {"root": sorted(rows, key=lambda row: row[3]), "usr": usr})
    special = [row for row in usr or () if row[0] == "f" and int(row[1], 8) & 0o6000]
    return (f"{len(rows)} files and links in the small volume, {len(usr or ())} in /usr, of which setuid or setgid: "
            f"{len(special)}. Modes and SHA-256 digests of all: [files.json](files.json). The small volume:\n\n" +
            table(("mode", "bytes", "SHA-256", "file"), sorted(rows, key=lambda row: row[3])))


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main():
    os.makedirs(OUT, exist_ok=True)
    stick = (load("attack/stick.json") or {}).get("stick")
    image = f"{B}/sekisho.img"
    sections = (
        ("What each process may", "As it says at the top of its file, which is what its sandbox is made from. Landlock lets "
         "INET connect over TCP and LISTEN be connected to, nobody else; signals stay among a process and what it started.", statements()),
        ("System calls", "Read from the running processes' filters; names in syscalls.json.", system_calls()),
        ("Processes and capabilities", "On the stick, in the middle of a session. no_new_privs 1: nothing it starts can gain "
         "rights; seccomp 2: a filter of system calls is in force.", processes(stick)),
        ("Open sockets", "", sockets(stick)),
        ("Mounts and settings", "", mounts(stick)),
        ("Packets", "Every frame that left the PC from power-on to power-off, judged by tests/attack/wire.py.", packets()),
        ("Attacks from inside", "In each process's place: with its uid and capabilities, and as uid 0 with all that its bounding "
         "set leaves, but without its own filter of system calls, which nobody else can borrow. What is left to that filter is tried under it in "
         "tests/integration/sandbox.t. Each try and its answer: attacks.json.", attacks()),
        ("With a wall taken away", "The same attacks in namespaces: a test that cannot fail is none. Other walls that were taken "
         "away are among the tests below: boot-chain.t, disks.t, share.t, unwiped.t, wifi-blows.t.", without()),
        ("Kernel", "Every wanted value: image/kernel/wanted.tsv.", kernel() + "\n\n" + tests("kernel-tests", r"kernel\.t", r"disks\.t")),
        ("Boot chain", "Attacks on it and what answered.", tests("boot", r"secure-boot\.t", r"microsoft\.t", r"signing\.t", r"flash\.t", r"second-boot\.t", r"boot-chain\.t")),
        ("Memory", "What was typed into a bank's page, the key of the start's own certificate authority and the WireGuard key, searched in a dump of "
         "all of the PC's memory. unwiped.t: the wipe taken away.", numbers("memory_patterns_found") + "\n\n" + tests("memory", r"memory\.t", r"unwiped\.t")),
        ("USB", "", tests("usb", r"usb\.t")),
        ("Wi-Fi", "False access points, forged farewells, broken handshakes; every frame on the air judged by tests/attack/air.py.",
         air() + "\n\n" + tests("wifi", r"wifi\.t", r"wifi-blows\.t")),
        ("State machine and parsers", "", numbers("model_states", "model_violations", "fuzz_executions", "fuzz_crashes", "fuzz_hours")),
        ("Failing closed", "", tests("failing", r"exhaust\.t", r"hostile\.t", r"sandbox\.t", r"endings\.t", r"e2e/attack\.t", r"fail-closed\.t", r"attack/share\.t")),
        ("Files", "", files()),
    )
    save("figures", figures())
    with open(f"{OUT}/README.md", "w") as out:
        out.write("# Evidence\n\nMade by `make evidence` from what this build and its tests left behind")
        out.write(f", for the image with SHA-256 `{sha256(image)}`.\n" if os.path.exists(image) else ".\n")
        if stick:
            out.write("\nProcesses, sockets, mounts and attacks are those of a development image: the same kernel, /usr and programs, and one "
                      "program more, the attacker (tests/attack/README.md; tests/e2e/attack.t compares them).\n")
        out.write(f"\n## In short\n\n{in_short([(title, body) for title, _, body in sections])}\n")
        for title, words, body in sections:
            out.write(f"\n## {title}\n\n{words}\n\n{body}\n" if words else f"\n## {title}\n\n{body}\n")
    missing = [title for title, _, body in sections if MISSING.split("{")[0] in body]
    print(f"{OUT}/README.md" + (f"; missing: {', '.join(missing)}" if missing else ""))


if __name__ == "__main__":
    main()
