#!/usr/bin/python3
"""exhaust - what a process of the stick does when its parent's words are broken, and when memory, descriptors or processes
run out: it ends in order, or says no; it never crashes, hangs or goes on without.

Usage: B=BUILD exhaust.t, as root. Prints TAP. Each child of the launcher is started by itself, as sandbox.t does.
"""
import fcntl, os, random, re, resource, socket, struct, subprocess, sys, termios, time

sys.dont_write_bytecode = True
from tap import check, must, plan

B = os.path.realpath(os.environ["B"])
MSG_READY = 1
# by name: the messages that it takes (launcher/messages.h)
TAKES = {"keyholder": (90, 91), "policy": (50, 53, 54, 55, 56), "broker": (70, 72), "agent": (80, 81, 83, 85, 88, 89),
         "link": (), "wall": (12,)}
# with no payload these are well-formed
EMPTY = {"policy": {55}, "agent": {88, 89}}
CAPABILITIES = {"link": "net_admin,setuid,setgid,setpcap,kill,sys_chroot,net_raw,net_bind_service", "wall": "net_admin"}
NOISE = random.Random(0x5ECA)


class Child:
    def __init__(self, name):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(10)
        plus = "-all" + "".join(",+" + c for c in filter(None, CAPABILITIES.get(name, "").split(",")))
        program = [f"{B}/wall"] if name == "wall" else [f"{B}/launcher", "--as", name]
        uid = "102" if name == "link" else "65534"
        self.process = subprocess.Popen(
            ["unshare", "-n", "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--inh-caps={plus}",
             f"--ambient-caps={plus}", f"--bounding-set={plus}", "--no-new-privs", *program],
            # nothing may be locked: a limit on that would come before the one that is tried here
            preexec_fn=lambda: (os.dup2(theirs.fileno(), 3), os.set_inheritable(3, True),
                                resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))), close_fds=False,
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={})
        theirs.close()
        self.ready = self.receive() == MSG_READY

    def receive(self):
        try:
            frame = self.channel.recv(1 << 18)
        except OSError:
            return None
        return struct.unpack("=H", frame[:2])[0] if len(frame) >= 8 else None

    def send(self, kind, payload=b"", fds=()):
        frame = struct.pack("=HHI", kind, 0, 7) + payload
        try:
            socket.send_fds(self.channel, [frame], list(fds)) if fds else self.channel.send(frame)
        except OSError:
            pass  # it has ended already

    def raw(self, data):
        self.channel.send(data)

    def ends(self, seconds=10):
        """Its exit status, negative if a signal ended it; None if it has not."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self):
        self.channel.close()
        status = self.ends()
        self.process.kill()
        self.process.wait()
        return status


def limit(child, what, value):
    """From outside, as its own uid: nobody else may without CAP_SYS_RESOURCE, which a container's root may lack."""
    must("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "prlimit", f"--pid={child.process.pid}", f"--{what}={value}")


# --- words that are broken ------------------------------------------------------------------------------------------

def broken(name):
    """Frames that this process must end over."""
    yield "a frame without a header", lambda c: c.raw(b"\1\2\3")
    for kind in (0, MSG_READY, 19, 999, 65535):
        yield f"message {kind}, which is none", lambda c, kind=kind: c.send(kind, b"x" * 9)
    for kind in sorted({k for kinds in TAKES.values() for k in kinds} - set(TAKES[name])):
        yield f"message {kind}, which is another's", lambda c, kind=kind: c.send(kind, bytes(16))
    for kind in TAKES[name]:
        if kind not in EMPTY.get(name, ()):
            yield f"message {kind} with nothing in it", lambda c, kind=kind: c.send(kind)
        yield f"message {kind} of noise", lambda c, kind=kind: c.send(kind, NOISE.randbytes(200))
        yield f"message {kind} with lengths past its end", lambda c, kind=kind: c.send(kind, b"\xff" * 64)


for name in TAKES:
    for what, say in broken(name):
        child = Child(name)
        say(child)
        status = child.ends()
        check(child.ready and status == 1, f"{name} ends in order over {what}", f"ready {child.ready}, status {status}")
        child.close()

child = Child("keyholder")
child.raw(b"")
check(child.ends() == 0, "a frame without a byte is the same as a parent that closes")
child.close()

# --- descriptors ----------------------------------------------------------------------------------------------------

null = os.open("/dev/null", os.O_RDONLY)
agent = Child("agent")
before = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
for _ in range(200):
    agent.send(81, struct.pack("<I", 2) + b"{}", [null] * 8)


def unread(channel):
    """Bytes that were sent and not yet taken."""
    return struct.unpack("i", fcntl.ioctl(channel, termios.TIOCOUTQ, bytes(4)))[0]


end = time.monotonic() + 20
while (unread(agent.channel) or len(os.listdir(f"/proc/{agent.process.pid}/fd")) != before) and time.monotonic() < end:
    time.sleep(0.05)
check(agent.ends(0) is None and len(os.listdir(f"/proc/{agent.process.pid}/fd")) == before,
      "1,600 descriptors that nobody asked for are all closed again")
agent.close()
policy = Child("policy")
pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
policy.send(54, struct.pack("<I", 4) + b"bank", [pair[1].fileno()])
check(policy.ends() == 1, "a session before there is a policy ends the process that would have to answer")
policy.close()
for name in ("keyholder", "policy", "agent", "broker"):
    child = Child(name)
    limit(child, "nofile", 5)
    child.send(TAKES[name][0], NOISE.randbytes(64), [null] * 8)
    check(child.ends() == 1, f"{name} without a descriptor left ends in order")
    child.close()

# --- memory ---------------------------------------------------------------------------------------------------------

def memory(child):
    with open(f"/proc/{child.process.pid}/status") as lines:
        return int(re.search(r"VmSize:\s+(\d+)", lines.read()).group(1)) << 10


POLICY = open(f"{B}/demo/policy.dsse.json", "rb").read()
ROOTS = open(f"{B}/demo/roots.json", "rb").read()
GATEWAYS = open(f"{B}/demo/gateways.dsse.json", "rb").read()


def blob(data):
    return struct.pack("<I", len(data)) + data


LOAD = blob(ROOTS) + blob(POLICY) + blob(b"") + blob(GATEWAYS) + blob(b"") + struct.pack("<QQQ", int(time.time()), 0, 0)
child = Child("policy")
child.send(50, LOAD)
check(child.receive() == 51, "with memory the policy is loaded")
child.close()
answers = set()
for spare in (0, 1 << 14, 1 << 16, 1 << 18, 1 << 19, 1 << 20):
    child = Child("policy")
    limit(child, "as", memory(child) + spare)
    child.send(50, LOAD)
    said = child.receive()
    status = None if said else child.ends()
    answers.add("loaded" if said == 51 else "refused" if said == 52 else f"ended {status}")
    check(said in (51, 52) or status == 1, f"with {spare} bytes of memory left it loads, refuses or ends", f"{said} {status}")
    child.close()
check(answers - {"loaded"}, f"and there was too little at least once: {answers}")
for name in ("keyholder", "agent", "broker"):
    child = Child(name)
    limit(child, "as", memory(child))
    child.send(TAKES[name][0], bytes(100000))
    check(child.ends() == 1, f"{name} without memory ends in order")
    child.close()

# --- processes ------------------------------------------------------------------------------------------------------

child = Child("link")
starter = int(subprocess.run(["pgrep", "-P", str(child.process.pid)], capture_output=True, text=True).stdout or 0)
check(starter > 0, "link has its starter")
os.kill(starter, 9)
check(child.ends() == 1, "without the one process that may make others, link ends")
child.close()
plan()
