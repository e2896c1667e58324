"""stickrig - a whole stick outside the image whose way up a test drives (tests/rig/stick, tests/rig/driven.h): the real
init, guard, wall, launcher, spawner, record, keyholder, policy and broker; link, tunnel and agent say what the test wants
said, and something takes the kiosk's place. What the launcher does is read from its log, and each of its steps has to be
a row of launcher/states.def. Wants B, root, and a network namespace of its own for the bank."""
import json, os, re, select, shutil, signal, socket, ssl, subprocess, time

from tap import bail, must

B = os.path.realpath(os.environ["B"])
BANK, RESOLVER, HOST = "203.0.113.80", "10.77.0.1", "www.bank.example"
SECONDS = 60  # on a machine with much else to do a stick takes half a minute to start
ETH_P_ALL = 3

OURS = ("record", "link", "tunnel", "keyholder", "policy", "broker", "agent")
COMMS = {"udevd": "systemd-udevd", "seatd": "seatd", "kiosk": "kiosk"}
STATES = ("START", "LINK", "TUNNEL", "TIME", "UPDATE", "UNLOCK", "ADMITTED", "READY", "OPENING", "SESSION", "FROZEN", "END")


def rows():
    """(state, event, next state, action) that launcher/states.def allows."""
    with open("launcher/states.h") as f:
        names = ["START", "LINK", "TUNNEL", "TIME", "UPDATE", "UNLOCK", "ADMITTED", "READY", "SESSION", "END"]
        if " -> ".join(names) not in f.read():
            bail("the states are others than this test knows")
    with open("launcher/states.def") as f:
        table = re.findall(r"^ROW\((\w+), (\w+), (\w+), \w+, (\w+), (\w+)\)", f.read(), re.M)
    for first, last, event, to, action in table:
        for state in names[names.index(first):names.index(last) + 1]:
            yield state, event, state if to == "SAME" else to, action


ROWS = set(rows())


def client_hello():
    """What a browser says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=HOST).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def differences(work, name, record=f"{B}/demo/record", policy=f"{B}/demo/policy.dsse.json"):
    """The folder of what one stick has that another has not."""
    folder = f"{work}/{name}"
    os.makedirs(f"{folder}/etc")
    shutil.copy(f"{B}/demo/roots.json", f"{folder}/etc/roots.json")
    shutil.copy(policy, f"{folder}/etc/policy.dsse.json")
    with open(f"{folder}/hello", "wb") as f:
        f.write(client_hello())
    if record:
        shutil.copy(record, f"{folder}/record")


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(child) for child in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def words_of(pid):
    """Its name and its command line; nothing of one that has ended."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            comm, state = re.match(r"\d+ \((.*)\) (\S)", f.read()).groups()
        with open(f"/proc/{pid}/cmdline") as f:
            return ("", []) if state in "ZX" else (comm, f.read().split("\0"))
    except (FileNotFoundError, ProcessLookupError):
        return "", []


class Closed(Exception):
    """Something was not as it has to be."""


def left(stick, since):
    """When the session was over by the launcher's own word, or held by the broker's; it has a second for that."""
    for at, _, _, _, action in stick.steps:
        if at >= since and action in ("DROP", "CANCEL", "CLOSE", "RELOAD", "WIPE"):
            return at
        if at >= since and action == "FREEZE" and (frozen := [said for said in stick.frozen if said >= at]):
            return frozen[0]
    return None


class Stick:
    """One stick, its bank at the end of its tunnel, and all that was seen of both."""

    def __init__(self, folder, kiosk="rig/customer"):
        self.kiosk = os.path.basename(kiosk)
        self.rig = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "tests/rig/stick", B, kiosk],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "DRIVEN": folder})
        os.set_blocking(self.rig.stderr.fileno(), False)
        self.log, self.rest, self.silent = [], b"", False
        self.state, self.steps = "START", []  # steps: (time, from, event, to, action)
        self.frozen = []                      # when the broker said so
        self.packets = []                                         # times of packets for the bank
        self.wire = self.resolver = self.bank = None
        self.driven = {}                                          # name -> how often it said that it obeys

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.rig.kill()
        self.rig.wait()
        self.rig.stderr.close()
        for end in (self.wire, self.resolver, self.bank):
            if end:
                end.close()

    # --- what happens ---

    def take_line(self, line):
        self.log.append(line)
        if match := re.match(r"\w+: (\w+): (\w+) -> (\w+), (\w+)$", line):
            event, before, after, action = match.groups()
            self.steps.append((time.monotonic(), before, event, after, action))
            self.state = after
            if (before, event, after, action) not in ROWS:
                raise Closed(f"no row of the table: {line}")
        if line == "broker: frozen":
            self.frozen.append(time.monotonic())
        if match := re.match(r"(\w+): driven$", line):
            name = "kiosk" if match[1] == self.kiosk else match[1]
            self.driven[name] = self.driven.get(name, 0) + 1

    def take_log(self):
        try:
            data = os.read(self.rig.stderr.fileno(), 65536)
        except BlockingIOError:
            return
        self.silent = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.take_line(line.decode(errors="replace"))

    def take_packet(self):
        try:
            frame = self.wire.recv(2048)
        except OSError:  # the stick's end is gone, and this one with it
            self.wire = self.wire.close()
            return
        if frame[12:14] == b"\x08\x00" and frame[30:34] == socket.inet_aton(BANK):
            self.packets.append(time.monotonic())

    def answer_name(self):
        question, peer = self.resolver.recvfrom(512)
        end = question.index(b"\0", 12) + 5
        found = question[end - 4:end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(BANK) if found else b""
        self.resolver.sendto(question[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + bytes(4) +
                             question[12:end] + answer, peer)

    def turn_away(self):
        self.bank.accept()[0].close()  # that there is somebody who listens is enough: what was sent is counted

    def pump(self, seconds, until=lambda: False):
        """Take what happens; True as soon as `until` is."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return until()
            takes = {None if self.silent else self.rig.stderr: self.take_log, self.wire: self.take_packet, self.resolver: self.answer_name,
                     self.bank: self.turn_away}
            for ready in select.select([end for end in takes if end], [], [], min(left, 0.05))[0]:
                takes[ready]()
        return True

    def wait(self, what, until, seconds=SECONDS):
        if not self.pump(seconds, until):
            raise Closed(f"never: {what}")

    # --- who there is ---

    def find(self, name):
        """Its pid, 0 where it does not run."""
        above = {"init": [self.rig.pid], "guard": ["init"], "wall": ["init"], "launcher": ["init"],
                 "spawner": ["launcher"]}.get(name, ["spawner"])[0]
        parent = above if isinstance(above, int) else self.find(above)
        for pid in children_of(parent) if parent else []:
            comm, command = words_of(pid)
            if name in OURS and command[1:3] == ["--as", name] or comm == COMMS.get(name, "launcher" if name == "spawner" else name):
                return pid
        return 0

    def say(self, name, word):
        """To one that is driven, once it obeys."""
        self.wait(f"{name} is there to be told", lambda: self.driven.get(name, 0) > 0 and self.find(name))
        os.kill(self.find(name), signal.SIGRTMIN + word)

    def is_over(self):
        """Nothing runs but PID 1, which shows why before it powers off; or not even that."""
        first = self.find("init")
        return not first or not children_of(first)

    # --- the bank ---

    def open_way(self):
        """A way out of the tunnel's namespace, which is there once the tunnel's process is, and who answers for names."""
        self.wait("the tunnel's process", lambda: self.find("tunnel"))
        pid, near = self.find("tunnel"), f"bank{os.getpid()}"
        must("ip", "link", "add", near, "type", "veth", "peer", "name", "wg0", "netns", str(pid))
        for command in (f"address add {BANK}/32 dev {near}", f"address add {RESOLVER}/16 dev {near}", f"link set {near} up"):
            must("ip", *command.split())
        for command in ("address add 10.77.0.2/16 dev wg0", "link set wg0 up", "route add default dev wg0"):
            must("nsenter", f"--net=/proc/{pid}/ns/net", "ip", *command.split())
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.bind((near, ETH_P_ALL))
        self.resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.resolver.bind((RESOLVER, 53))

    def open_bank(self):
        """Somebody listens there, and what he is sent is counted."""
        self.open_way()
        self.bank = socket.create_server((BANK, 443), backlog=200)

    def heard(self, since):
        return sum(1 for at in self.packets if at >= since)

    # --- the way up ---

    def drive(self, to):
        """Whatever the state, to that one."""
        state = {"OPENING": "READY", "FROZEN": "SESSION", "END": "SESSION"}.get(to, to)
        end = time.monotonic() + SECONDS
        while self.state != state:
            if time.monotonic() > end:
                raise Closed(f"in {self.state}, not in {state}")
            was = self.state
            if self.state == "LINK":
                self.say("link", 0)
            elif self.state == "TUNNEL":
                self.say("tunnel", 0)
            elif self.state in ("TIME", "ADMITTED"):
                self.say("agent", {"UPDATE": 2, "ADMITTED": 1}.get(state, 0))
            elif self.state == "READY":
                self.say("kiosk", 0)
            self.pump(3, lambda: self.state != was)
        if STATES.index(to) >= STATES.index("TIME"):
            self.wait("the agent obeys", lambda: self.driven.get("agent", 0) > 0)
        if to == "OPENING":
            self.say("agent", 3)
            self.say("kiosk", 0)
            self.wait("a session being opened", lambda: self.find("broker"))
        elif to in ("SESSION", "FROZEN", "END"):
            since = time.monotonic()
            self.wait("the bank is heard in a session", lambda: self.heard(since) > 0)
        if to == "FROZEN":
            since = time.monotonic()
            self.say("tunnel", 1)
            self.wait("the session is held", lambda: left(self, since))
        elif to == "END":
            self.say("kiosk", 2)
            self.wait("the end is asked for", lambda: self.state == "END")
