#!/usr/bin/python3
"""fail-closed - each process of the stick is killed in each state of its machine, and no byte reaches a bank unless every
wall stands.

Usage: B=BUILD fail-closed.t [STATE...], as root. Prints TAP. The real init, guard, wall, launcher, spawner, record,
keyholder, policy and broker run as on the stick (tests/rig/stick); link, tunnel and agent say what this test wants said
(tests/rig/driven_children.c), and in the kiosk's place a browser tries all the time to reach the bank
(tests/rig/customer.c). Each process is also made to say what it must not, on its own channel, and launcher and broker are
left without descriptors and memory. The tunnel's namespace leads to a bank here, which counts every packet for it. What the launcher
does is read from its log, and each of its steps has to be a row of launcher/states.def.
"""
import concurrent.futures, ctypes, json, os, re, select, shutil, signal, socket, ssl, struct, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
from tap import bail, check, must, plan

B = os.path.realpath(os.environ["B"])
BANK, RESOLVER, HOST = "203.0.113.80", "10.77.0.1", "www.bank.example"
SECONDS = 60  # on a machine with much else to do a stick takes half a minute to start
GRACE_S = 0.25  # from the end of the session, or the broker's word that it is frozen, to the last byte under way
WATCH_S = 0.4   # sixteen tries of the browser's
ETH_P_ALL = 3

OURS = ("record", "link", "tunnel", "keyholder", "policy", "broker", "agent")
FATAL = ("init", "guard", "wall", "launcher", "spawner")  # each of them is a wall: with it everything ends
RESTARTED = ("link", "tunnel", "keyholder", "policy", "agent", "udevd", "seatd", "kiosk")
STANDS = ("keyholder", "agent", "udevd", "seatd")  # without which a session goes on: every wall stands
DRIVEN = ("link", "tunnel", "agent", "kiosk")
SPEAKING = (*RESTARTED[:5], "kiosk", "broker")     # udevd and seatd have no channel of ours
COMMS = {"udevd": "systemd-udevd", "seatd": "seatd", "kiosk": "kiosk"}
CHANNEL, PIDFD_GETFD = 3, 438
NO_HEADER = b"\1\2\3"
ANOTHERS = struct.pack("=HHI", 10, 0, 0) + b"\1"  # launcher -> init: restart

STATES = ("START", "LINK", "TUNNEL", "TIME", "UPDATE", "UNLOCK", "ADMITTED", "READY", "OPENING", "SESSION", "FROZEN", "END")
FROM = {"link": "LINK", "tunnel": "LINK", "keyholder": "LINK", "policy": "LINK", "agent": "TIME"}  # there from then on


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


def differences(work, name, record=True, policy=f"{B}/demo/policy.dsse.json"):
    """The folder of what one stick has that another has not."""
    folder = f"{work}/{name}"
    os.makedirs(f"{folder}/etc")
    shutil.copy(f"{B}/demo/roots.json", f"{folder}/etc/roots.json")
    shutil.copy(policy, f"{folder}/etc/policy.dsse.json")
    with open(f"{folder}/hello", "wb") as f:
        f.write(client_hello())
    if record:
        shutil.copy(f"{B}/demo/record", f"{folder}/record")


def policy_with_pin(work):
    with open(f"{B}/demo/policy-3.json") as f:
        policy = json.load(f)
    policy["pin"] = True
    with open(f"{work}/pin.json", "w") as f:
        json.dump(policy, f)
    for person, out, of in ((1, "pin.once", "pin.json"), (3, "pin.dsse.json", "pin.once")):
        must(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", f"{B}/demo/keys/root-{person}.key",
             "-o", f"{work}/{out}", f"{work}/{of}")
    return f"{work}/pin.dsse.json"


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


class Stick:
    """One stick, its bank at the end of its tunnel, and all that was seen of both."""

    def __init__(self, folder):
        self.rig = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "tests/rig/stick", B, "rig/customer"],
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
            name = {"customer": "kiosk"}.get(match[1], match[1])
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

    def open_bank(self):
        """A way out of the tunnel's namespace, which is there once the tunnel's process is."""
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


FOLDERS = {"START": "empty", "UNLOCK": "pin"}


def begin(work, state):
    stick = Stick(f"{work}/{FOLDERS.get(state, 'plain')}")
    try:
        stick.wait("the screen", lambda: stick.driven.get("kiosk", 0) > 0)
        if state != "START":
            stick.open_bank()
        stick.drive(state)
    except Closed as trouble:
        stick.__exit__()
        raise Closed(f"{trouble}; the log: {' | '.join(stick.log[-12:])}") from None
    return stick


def may_hear(state):
    return state in ("OPENING", "SESSION")


def silent(stick, since, what):
    """Nothing for the bank from then on, however much the browser tries. Where there never was a session there is nothing
    to wait for: it has tried all the time, and still does."""
    if not stick.find("broker") and not stick.packets:
        return
    stick.pump(max(0, since + GRACE_S + WATCH_S - time.monotonic()))
    if heard := stick.heard(since + GRACE_S):
        raise Closed(f"{heard} packets reached the bank {what}")


def left(stick, since):
    """When the session was over by the launcher's own word, or held by the broker's; it has a second for that."""
    for at, _, _, _, action in stick.steps:
        if at >= since and action in ("DROP", "CANCEL", "CLOSE", "RELOAD", "WIPE"):
            return at
        if at >= since and action == "FREEZE" and (frozen := [said for said in stick.frozen if said >= at]):
            return frozen[0]
    return None


def one(stick, state, name, what, harm):
    """Harm done to `name` in `state`: the bank hears nothing without every wall, and the process comes back."""
    before, pid = time.monotonic(), stick.find(name)
    if not pid:
        raise Closed(f"{name} does not run")
    if STATES.index(state) < STATES.index("OPENING") and stick.packets:
        raise Closed(f"the bank was heard in {state}")
    obeyed = stick.driven.get(name, 0)
    harm(pid)
    stick.wait(f"{name} is gone", lambda: stick.find(name) != pid)
    if state in ("SESSION", "OPENING") and name in STANDS:
        now = time.monotonic()
        stick.wait(f"a session goes on without {name}", lambda: state == "OPENING" or stick.heard(now) > 2)
    elif state in ("SESSION", "OPENING"):
        stick.wait(f"the session is over or held without {name}", lambda: left(stick, before))
        silent(stick, left(stick, before), f"after {name} was {what} in {state}")
    else:
        silent(stick, before, f"after {name} was {what} in {state}")
    if state == "END":
        return
    if name in RESTARTED:
        stick.wait(f"{name} is started again", lambda: stick.find(name) and stick.driven.get(name, 0) > obeyed - (name not in DRIVEN))


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def channels_of(pid):
    """Its ends of channels; not the spawner's descriptors of namespaces, nor anybody's pipes."""
    handle = os.pidfd_open(pid)
    for number in sorted(int(fd) for fd in os.listdir(f"/proc/{pid}/fd")):
        fd = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, handle, number, 0)
        if fd < 0:
            raise Closed(f"no descriptor of {pid}: {os.strerror(ctypes.get_errno())}")
        try:
            end = socket.socket(fileno=fd)
        except OSError:
            os.close(fd)
            continue
        if end.family == socket.AF_UNIX and end.type == socket.SOCK_SEQPACKET:
            yield end
        else:
            end.close()
    os.close(handle)


def made_by(end):
    """The process that made the pair."""
    return struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def crooked(frame):
    """As that process, on its channel to its parent: the first that it did not make itself, for a child of its own."""
    def say(pid):
        end = next(end for end in channels_of(pid) if made_by(end) != pid)
        end.send(frame)
        end.close()
    return say


def there(name, state):
    order = STATES.index
    if name == "broker":
        return state in ("OPENING", "SESSION", "FROZEN")
    return name in FATAL or name not in FROM or order(state) >= order(FROM[name])


def harms(state):
    for name in (*RESTARTED, "broker"):
        if there(name, state):
            yield name, "killed", kill
            if name in SPEAKING:
                yield name, "made to say half a frame", crooked(NO_HEADER)
                yield name, "made to say another's words", crooked(ANOTHERS)


def lose(stick, state, name, what):
    """The way itself goes, with everybody alive."""
    before = time.monotonic()
    stick.say(name, 1)
    if state in ("SESSION", "OPENING"):
        stick.wait("the session is over or held", lambda: left(stick, before))
    silent(stick, left(stick, before) or before, f"after {what} in {state}")


def run_state(work, state):
    """(good, description, detail) of all that is done to the stick in one state, one after the other."""
    results, stick, never = [], None, False

    def tried(description, act):
        nonlocal stick, never
        if never:
            return
        try:
            if stick is None:
                never = True
                stick = begin(work, state)
                never = False
            else:
                stick.drive(state)
            act()
            results.append((True, description, ""))
        except Closed as trouble:
            results.append((False, description, f"{trouble}\n# " + "\n# ".join(stick.log[-12:] if stick else [])))
            end()

    def end():
        nonlocal stick
        if stick:
            stick.__exit__()
        stick = None

    for name, what, harm in harms(state):
        if state == "OPENING" and stick:
            end()  # what the agent was told to hold back dies with it, and the launcher gives up after its time
        tried(f"{state}: {name} {what}", lambda: one(stick, state, name, what, harm))
        if state == "END":
            try:
                stick and stick.wait("the end comes", stick.is_over, 10)
            except Closed as trouble:
                results.append((False, f"{state}: the end comes all the same", str(trouble)))
            end()
    for name, what in (("tunnel", "the tunnel was lost"), ("link", "the cable was lost")):
        if there(name, state) and state != "END":
            if state == "OPENING":
                end()
            tried(f"{state}: {what}", lambda: lose(stick, state, name, what))
    for name in FATAL:
        end()
        tried(f"{state}: {name} killed, and all is over", lambda: fall(stick, state, name, kill))
        if name != "init" and state in ("READY", "SESSION"):
            end()
            tried(f"{state}: {name} made to say half a frame, and all is over",
                  lambda: fall(stick, state, name, crooked(NO_HEADER)))
    for name, limit in (("launcher", "nofile"), ("launcher", "as"), ("broker", "nofile"), ("broker", "as")):
        end()
        if there(name, state) and state in ("READY", "SESSION", "FROZEN"):
            tried(f"{state}: {name} left without {WITHOUT[limit]}, then the tunnel lost",
                  lambda: starve(stick, state, name, limit))
    end()
    return results


WITHOUT = {"nofile": "descriptors", "as": "memory"}


def starve(stick, state, name, limit):
    """It has what it has and no more. It may serve on or end; the loss of a wall after that still closes."""
    pid = stick.find(name)
    with open(f"/proc/{pid}/status") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    most = {"nofile": max(int(fd) for fd in os.listdir(f"/proc/{pid}/fd")) + 1, "as": int(status["VmSize"].split()[0]) << 10}
    uid = status["Uid"].split()[0]
    must("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "prlimit", f"--pid={pid}", f"--{limit}={most[limit]}")
    stick.pump(WATCH_S)
    for other in ("keyholder", "policy"):  # what it would have to start again
        if stick.find(other):
            kill(stick.find(other))
    stick.pump(WATCH_S)
    before = time.monotonic()
    if stick.find("tunnel"):
        os.kill(stick.find("tunnel"), signal.SIGRTMIN + 1)
    stick.pump(GRACE_S + WATCH_S)
    if stick.heard(before + GRACE_S):
        raise Closed(f"the bank was heard after the tunnel was lost")


def fall(stick, state, name, harm):
    before = time.monotonic()
    harm(stick.find(name))
    if name == "spawner" and harm is not kill:
        kill(stick.find("udevd"))  # its word is heard when it is asked for something
    stick.wait(f"the end of everything without {name}", stick.is_over, 10)
    over = time.monotonic()
    stick.pump(GRACE_S + WATCH_S)
    if stick.heard(over + GRACE_S):
        raise Closed(f"{stick.heard(over + GRACE_S)} packets reached the bank after the end")
    if not may_hear(state) and stick.heard(before + GRACE_S):
        raise Closed(f"the bank was heard after {name} was killed in {state}")


def in_own_namespace(work, state):
    """This program again, for one state, beside a bank of its own."""
    must("ip", "link", "set", "lo", "up")
    json.dump(run_state(work, state), sys.stdout)


def run_apart(work, state):
    done = subprocess.run(["unshare", "--net", sys.argv[0], "--in", work, state], stdout=subprocess.PIPE)
    return json.loads(done.stdout) if done.returncode == 0 else [(False, f"{state}: the test itself", f"ended with {done.returncode}")]


def main(states):
    with tempfile.TemporaryDirectory() as work:
        differences(work, "plain")
        differences(work, "empty", record=False)
        differences(work, "pin", policy=policy_with_pin(work))
        with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
            for results in pool.map(lambda state: run_apart(work, state), states):
                for good, description, detail in results:
                    check(good, description, detail)
    plan()


if sys.argv[1:2] == ["--in"]:
    in_own_namespace(*sys.argv[2:])
elif open("/proc/self/uid_map").read().split()[2:] == ["4294967295"]:
    main(sys.argv[1:] or STATES)
else:
    check(True, "PID 1 and all it starts # SKIP in a user namespace it cannot be given the capabilities it has on the stick")
    plan()
