#!/usr/bin/python3
"""policy-power - nothing half-written replaces a good policy: the power may go at any moment.

Usage: B=BUILD policy-power.t. Prints TAP. `sekisho policy sign -o` writes over a policy and is followed system call by system
call (ptrace). First it is killed before each one of them: the file is the old or the new one, whole. Then the same calls are
played to a disk that, when its power goes, has lost what POSIX allows: bytes that were not synced, names whose directory was
not. Every cut must leave the old or the new one, and after the end of the program only the new one.
"""
import ctypes, os, signal, subprocess, sys, tempfile

sys.dont_write_bytecode = True
from tap import bail, check, plan

SEKISHO = os.path.abspath(os.environ["B"]) + "/sekisho"
EXAMPLE = os.path.abspath("whitelist/examples/banks-of-japan.json")
AT = "2026-12-01T00:00:00Z"
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
TRACEME, SYSCALL, GETREGS, SETOPTIONS = 0, 24, 12, 0x4200
TRACESYSGOOD, EXITKILL = 1, 0x100000
WRITE, CLOSE, FSYNC, FDATASYNC, RENAME, UNLINK, OPENAT, OPEN = 1, 3, 74, 75, 82, 87, 257, 2
RENAMEAT, RENAMEAT2 = 264, 316
NAMES = {WRITE: "write", FSYNC: "fsync", FDATASYNC: "fdatasync", RENAME: "rename", RENAMEAT: "rename", RENAMEAT2: "rename",
         UNLINK: "unlink", OPENAT: "open", OPEN: "open", CLOSE: "close"}


class Registers(ctypes.Structure):  # user_regs_struct of x86-64
    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs"
    ).split()]


def registers(pid):
    regs = Registers()
    libc.ptrace(GETREGS, pid, None, ctypes.byref(regs))
    return regs


def text(pid, address):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(256).split(b"\0")[0].decode(errors="replace")


def data(pid, address, size):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size)


def run(words, stop_before=None):
    """The calls on files, [(name, arguments, result)], and the exit status; killed before call `stop_before`."""
    pid = os.fork()
    if pid == 0:
        libc.ptrace(TRACEME, 0, None, None)
        quiet = os.open("/dev/null", os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.execv(words[0], words)
    os.waitpid(pid, 0)
    libc.ptrace(SETOPTIONS, pid, None, ctypes.c_void_p(TRACESYSGOOD | EXITKILL))
    calls, count, entering, pending = [], 0, True, None
    while True:
        libc.ptrace(SYSCALL, pid, None, None)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            return calls, status, count
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            continue
        regs = registers(pid)
        if entering:
            if count == stop_before:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return calls, None, count
            count += 1
            pending = describe(pid, regs)
        elif pending:
            result = ctypes.c_longlong(regs.rax).value
            calls.append((*pending, result))
        entering = not entering


def describe(pid, regs):
    name = NAMES.get(regs.orig_rax)
    if name == "write":
        return name, (regs.rdi, data(pid, regs.rsi, regs.rdx))
    if name == "open":
        at = regs.rsi if regs.orig_rax == OPENAT else regs.rdi
        flags = regs.rdx if regs.orig_rax == OPENAT else regs.rsi
        return name, (text(pid, at), flags & 0xffffffff)
    if name == "rename":
        both = (regs.rdi, regs.rsi) if regs.orig_rax == RENAME else (regs.rsi, regs.r10)
        return name, tuple(text(pid, at) for at in both)
    if name == "unlink":
        return name, (text(pid, regs.rdi),)
    return (name, (regs.rdi,)) if name else None


# --- a disk that forgets ----------------------------------------------------------------------------------------------

class Disk:
    """Inodes and one directory. `kept` is what surely is on the medium, `now` what programs see."""

    def __init__(self, name, content):
        self.content, self.synced = {1: content}, {1: content}
        self.now, self.kept = {name: 1}, [{name: 1}]  # every state the directory may be found in
        self.open, self.directories, self.next = {}, set(), 2

    def play(self, name, arguments, result):
        if name == "open" and result >= 0:
            path, flags = arguments
            if flags & os.O_DIRECTORY:
                self.directories.add(result)
            elif flags & os.O_CREAT:
                self.content[self.next], self.synced[self.next] = b"", None
                self.now = {**self.now, path: self.next}
                self.kept.append(dict(self.now))
                self.open[result] = self.next
                self.next += 1
        elif name == "write" and arguments[0] in self.open and result > 0:
            self.content[self.open[arguments[0]]] += arguments[1][:result]
        elif name in ("fsync", "fdatasync") and result == 0:
            if arguments[0] in self.open:
                inode = self.open[arguments[0]]
                self.synced[inode] = self.content[inode]
            elif arguments[0] in self.directories:
                self.kept = [dict(self.now)]
        elif name == "rename" and result == 0:
            old, new = arguments
            self.now = {key: value for key, value in self.now.items() if key != old} | {new: self.now[old]}
            self.kept.append(dict(self.now))
        elif name == "unlink" and result == 0:
            self.now = {key: value for key, value in self.now.items() if key != arguments[0]}
            self.kept.append(dict(self.now))
        elif name == "close":
            self.open.pop(arguments[0], None)
            self.directories.discard(arguments[0])

    def found(self, name):
        """Everything that may be read under `name` after the power went now; None: damaged or gone."""
        seen = set()
        for directory in self.kept:
            inode = directory.get(name)
            whole = inode is not None and self.synced.get(inode) == self.content.get(inode) and self.synced.get(inode) is not None
            seen.add(self.synced[inode] if whole else None)
        return seen


directory = tempfile.mkdtemp()
os.chdir(directory)
for person in ("aoki", "baba"):
    subprocess.run([SEKISHO, "policy", "keygen", person], check=True, capture_output=True)


def sign(person, out, source):
    return [SEKISHO, "policy", "sign", "--at", AT, "--key", f"{person}.key", "-o", out, source]


subprocess.run(sign("aoki", "policy", EXAMPLE), check=True, capture_output=True)
old = open("policy", "rb").read()
calls, status, total = run(sign("baba", "policy", "policy"))
new = open("policy", "rb").read()
check(status == 0 and new != old and new.count(b"keyid") == 2, f"a policy is signed over itself in {total} system calls", status)

# killed before each call; the signature differs each time, so that "new" is what has two of them and is whole
bad = stopped = 0
for cut in range(total):
    with open("policy", "wb") as file:
        file.write(old)
    _, status, _ = run(sign("baba", "policy", "policy"), cut)
    left = open("policy", "rb").read()
    whole = left == old or (left.count(b"keyid") == 2 and left.endswith(b"}") and abs(len(left) - len(new)) < 16)
    bad += not whole
    stopped += status is None
check(stopped == total and bad == 0, f"killed before each of its {total} calls it leaves the old one or the new one, whole", bad)


def play(sequence):
    """What may be found after a cut behind each call."""
    disk = Disk("policy", old)
    after = [disk.found("policy")]
    for call in sequence:
        disk.play(*call)
        after.append(disk.found("policy"))
    return disk, after


disk, after = play(calls)
written = disk.content[disk.now["policy"]]
check(written == new, "the calls that were seen write what is there")
check(all(found <= {old, new} for found in after), "a power cut behind any call leaves the old one or the new one, whole",
      [sorted(str(f)[:20] for f in found) for found in after if not found <= {old, new}])
check(after[-1] == {new}, "after the program has said that it is done, the new one", after[-1] == {old, new} and "or the old one")

# the disk must be able to find a fault: without either of the syncs something is lost
syncs = [call for call in calls if call[0] in ("fsync", "fdatasync")]
check(len(syncs) == 2, "the file is synced, and then its directory", syncs)
_, after = play([call for call in calls if call is not syncs[0]])
check(any(None in found for found in after), "without the file's sync this disk finds it damaged")
_, after = play([call for call in calls if call is not syncs[-1]])
check(after[-1] == {old, new}, "without the directory's it may still find the old one at the end")
os.chdir("/")
subprocess.run(["rm", "-rf", directory], check=False)
plan()
