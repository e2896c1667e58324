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
import concurrent.futures, ctypes, json, os, signal, socket, struct, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
from stickrig import B, STATES, Closed, Stick, children_of, differences, left
from tap import check, must, plan

GRACE_S = 0.25  # from the end of the session, or the broker's word that it is frozen, to the last byte under way
WATCH_S = 0.4   # sixteen tries of the browser's

FATAL = ("init", "guard", "wall", "launcher", "spawner")  # each of them is a wall: with it everything ends
RESTARTED = ("link", "tunnel", "keyholder", "policy", "agent", "udevd", "seatd", "kiosk")
STANDS = ("keyholder", "agent", "udevd", "seatd")  # without which a session goes on: every wall stands
DRIVEN = ("link", "tunnel", "agent", "kiosk")
SPEAKING = (*RESTARTED[:5], "kiosk", "broker")     # udevd and seatd have no channel of ours
CHANNEL, PIDFD_GETFD = 3, 438
NO_HEADER = b"\1\2\3"
ANOTHERS = struct.pack("=HHI", 10, 0, 0) + b"\1"  # launcher -> init: restart

FROM = {"link": "LINK", "tunnel": "LINK", "keyholder": "LINK", "policy": "LINK", "agent": "TIME"}  # there from then on


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
        differences(work, "empty", record=None)
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
