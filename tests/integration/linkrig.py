"""linkrig - the stick's root with wall and link in it, and a cable to a router in another namespace. Imported first: it
enters namespaces of its own, and the test is on the stick from then on.
"""
import ctypes, os, re, select, shutil, socket, struct, subprocess, sys, time

from tap import must, run

B = os.path.realpath(os.environ["B"])
ROOT, WORK = "/run/stick", "/run/router"
MSG_READY, MSG_LINK_STATE = 1, 30
NO_DEVICE, NO_CARRIER, WAITING_ADDRESS, UP = range(4)
CAPABILITIES = "net_admin,net_raw,net_bind_service,setuid,setgid,kill,sys_chroot"
CLONE_NEWNS = 0x20000


def make_root():
    """What link and dhcpcd find on the stick, and nothing else: no shell among it."""
    os.makedirs(ROOT)
    must("mount", "-t", "tmpfs", "stick", ROOT)
    for folder in ("usr", "proc", "sys", "dev", "run", "tmp", "etc", "var/lib", "var/empty", "sekisho/etc"):
        os.makedirs(f"{ROOT}/{folder}")
    for folder in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{folder}", f"{ROOT}/{folder}")
    must("mount", "--bind", "/usr", f"{ROOT}/usr")
    must("mount", "-t", "tmpfs", "none", f"{ROOT}/usr/lib/dhcpcd")  # Debian's own hooks are not on the stick
    for shell in ("dash", "bash"):
        must("mount", "--bind", "/dev/null", f"{ROOT}/usr/bin/{shell}")
    must("mount", "--rbind", "/proc", f"{ROOT}/proc")
    must("mount", "--rbind", "/dev", f"{ROOT}/dev")
    must("mount", "-t", "sysfs", "sys", f"{ROOT}/sys")
    must("mount", "-t", "tmpfs", "-o", "mode=755", "run", f"{ROOT}/run")
    os.symlink("/run/dhcpcd", f"{ROOT}/var/lib/dhcpcd")
    with open(f"{ROOT}/etc/passwd", "w") as f:
        f.write("root:x:0:0::/:/nonexistent\nlink:x:102:102::/var/empty:/nonexistent\n"
                "dhcpcd:x:109:109::/var/empty:/nonexistent\n")
    with open(f"{ROOT}/etc/group", "w") as f:
        f.write("root:x:0:\nlink:x:102:\ndhcpcd:x:109:\n")
    with open(f"{ROOT}/etc/nsswitch.conf", "w") as f:
        f.write("passwd: files\ngroup: files\n")
    for program in ("launcher", "wall", "dhcp-hook"):
        shutil.copy(f"{B}/{program}", f"{ROOT}/sekisho/{program}")
    shutil.copy("launcher/dhcpcd.conf", f"{ROOT}/sekisho/etc/dhcpcd.conf")


class Child:
    """A program of the stick's, as its parent there starts it: a uid, a few capabilities, a channel at 3."""

    def __init__(self, argv, uid, capabilities):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        plus = ",".join("+" + c for c in capabilities.split(","))

        def enter():
            os.dup2(theirs.fileno(), 3)
            os.set_inheritable(3, True)
            os.chroot(ROOT)
            os.chdir("/")

        self.process = subprocess.Popen(
            ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", f"--inh-caps=-all,{plus}",
             f"--ambient-caps=-all,{plus}", f"--bounding-set=-all,{plus}", "--no-new-privs", *argv],
            preexec_fn=enter, close_fds=False, stdin=subprocess.DEVNULL, env={})
        theirs.close()

    def receive(self, wait):
        if not select.select([self.channel], [], [], wait)[0]:
            return None
        frame = self.channel.recv(65536)
        return (struct.unpack("=HHI", frame[:8])[0], frame[8:]) if len(frame) >= 8 else None

    def expect(self, kind, wait=10):
        frame = self.receive(wait)
        return frame is not None and frame[0] == kind


class Link(Child):
    def __init__(self):
        super().__init__(["/sekisho/launcher", "--as", "link"], 102, CAPABILITIES)
        self.seen = []

    def wait_state(self, state, seconds=20, detail=None):
        """The next message with this state (and detail); what came before is kept in `seen`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            frame = self.receive(left)
            if frame is None:
                return None
            if frame[0] != MSG_LINK_STATE:
                continue
            got, body, texts = frame[1][0], frame[1][1:], []
            for _ in range(2):
                size = struct.unpack("<I", body[:4])[0]
                texts.append(body[4:4 + size].decode())
                body = body[4 + size:]
            self.seen.append((got, *texts))
            if got == state and (detail is None or detail in texts[1]):
                return texts
        return None


if open("/proc/self/uid_map").read().split()[2:] == ["1"]:
    print("1..0 # SKIP this user namespace knows no uid but 0, and the stick's processes need several")
    sys.exit(0)
ctypes.CDLL(None).unshare(CLONE_NEWNS)
must("mount", "-t", "tmpfs", "run", "/run")
os.makedirs(WORK)
os.unshare(os.CLONE_NEWNET)
STICK = os.open("/proc/self/ns/net", os.O_RDONLY)
os.unshare(os.CLONE_NEWNET)
ROUTER = os.open("/proc/self/ns/net", os.O_RDONLY)


def on_router(*command):
    os.setns(ROUTER)
    try:
        return must(*command)
    finally:
        os.setns(STICK)


def on_stick(*command):
    return run(*command).stdout


def plug(stick_end, router_end, network):
    on_router("ip", "link", "add", router_end, "type", "veth", "peer", "name", stick_end, "netns",
              f"/proc/{os.getpid()}/fd/{STICK}")
    on_router("ip", "addr", "add", f"192.168.{network}.1/24", "dev", router_end)
    on_router("ip", "-6", "addr", "add", f"2001:db8:{network}::1/64", "dev", router_end, "nodad")


def clients():
    """dhcpcd's processes in this stick's network, nobody else's."""
    mine, found = os.stat("/proc/self/ns/net").st_ino, []
    for pid in run("pgrep", "-f", "dhcpcd").stdout.split():
        try:
            if os.stat(f"/proc/{pid}/ns/net").st_ino == mine and b"dhcpcd" in open(f"/proc/{pid}/cmdline", "rb").read():
                found.append(int(pid))
        except OSError:
            pass
    return found


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < end:
        select.select([], [], [], 0.1)
    return result


os.setns(STICK)
make_root()
