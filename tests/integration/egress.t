#!/usr/bin/python3
"""egress - what a stick can reach through the gateway, and what is counted of what it cannot: gatewayd, dnsmasq, haproxy
and nftables as tests/rig/gateway starts them, a stick that says whatever it likes, and banks that write down what came.

Usage: B=BUILD egress.t. Prints TAP. Needs root. Leaves the time to open a session among 1,000 in B/figures/egress.json.
"""
import base64
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import rigs
from rigs import end, inside, start, started
from tap import bail, check, must, plan, run

B = os.path.abspath(os.environ["B"])
HERE = os.path.dirname(os.path.realpath(__file__))
RIG = os.path.realpath(HERE + "/../rig")
BOOT = "0123456789abcdef"
WWW, ASSETS, YAMABIKO, EDGE, WILD = "198.51.100.10", "198.51.100.11", "198.51.100.20", "198.51.100.40", "198.51.100.12"
MANY = 1000


def finish():
    end()
    shutil.rmtree(work, ignore_errors=True)


def until(condition, seconds=10):
    return rigs.until(condition, seconds)


# --- the world: a resolver that says what it is told to, banks that write down what comes ----------------------------

answers = {"www.bank.example": [WWW], "neighbour.example": [WWW], "static.bank-assets.example": [ASSETS],
           "www.yamabiko.example": [YAMABIKO], "alias.bank.example": ["edge.cdn.example", EDGE],
           "two.wild.bank.example": [WILD], "rebind.bank.example": [EDGE], "here.bank.example": ["203.0.113.12"]}
asked = []


def wire_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def answer_one(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode().lower())
        at += data[at] + 1
    name, owner, records = ".".join(labels), b"\xc0\x0c", b""
    asked.append(name)
    list_ = answers.get(name, []) if data[at + 1:at + 3] == b"\0\1" else []
    for value in list_:
        if value[0].isdigit():
            records += owner + struct.pack("!HHIH", 1, 1, 300, 4) + socket.inet_aton(value)
        else:
            target = wire_name(value)
            records += owner + struct.pack("!HHIH", 5, 1, 300, len(target)) + target
            owner = target
    if name in answers:
        return data[:2] + struct.pack("!HHHHH", 0x8180, 1, len(list_), 0, 0) + data[12:at + 5] + records
    soa = wire_name("a.root") + wire_name("b.root") + struct.pack("!IIIII", 1, 60, 60, 60, 60)
    return data[:2] + struct.pack("!HHHHH", 0x8183, 1, 0, 1, 0) + data[12:at + 5] + b"\0" + struct.pack("!HHIH", 6, 1, 60, len(soa)) + soa


def serve_names(sock):
    while True:
        data, peer = sock.recvfrom(4096)
        sock.sendto(answer_one(data), peer)


seen = []  # (address of the bank, first bytes) of each connection that said something


def serve_bank(listener, address, context):
    while True:
        peer, (source, _) = listener.accept()
        threading.Thread(target=talk, args=(peer, source, address, context), daemon=True).start()


def talk(peer, source, address, context):
    with contextlib.suppress(OSError), peer:
        if context:
            peer = context.wrap_socket(peer, server_side=True)
        while data := peer.recv(65536):
            seen.append((address, data))
            if data == b"wait":
                pushed.wait(60)
            if data == b"slowly":
                slowly.wait()
            peer.sendall(f"from {source}\n".encode())
    ended.append(address)


pushed = threading.Event()  # until then a bank that is told to wait says nothing
ended = []  # banks whose connection ended
slowly = threading.Event()  # a bank answers "slowly" when this is set


def open_world(world):
    with inside(world):
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until(lambda: try_bind(names, ("198.51.100.53", 53)))
        threading.Thread(target=serve_names, args=(names,), daemon=True).start()
        must("ip", "address", "add", WILD + "/32", "dev", "lo")
        for address in (WWW, YAMABIKO, EDGE, WILD, ASSETS):
            listener = socket.create_server((address, 443), backlog=128)
            context = tls_server() if address == ASSETS else None
            threading.Thread(target=serve_bank, args=(listener, address, context), daemon=True).start()


def try_bind(sock, address):
    try:
        sock.bind(address)
        return True
    except OSError:
        return False


def tls_server():
    must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj",
         "/CN=static.bank-assets.example", "-addext", "subjectAltName=DNS:static.bank-assets.example", "-keyout",
         work + "/bank.key", "-out", work + "/bank.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work + "/bank.crt", work + "/bank.key")
    return context


# --- what a stick says ------------------------------------------------------------------------------------------------

def extension(kind, data):
    return struct.pack("!HH", kind, len(data)) + data


def names(*list_):
    entries = b"".join(b"\0" + struct.pack("!H", len(name)) + name.encode() for name in list_)
    return extension(0, struct.pack("!H", len(entries)) + entries)


OTHERS = extension(43, b"\x02\x03\x04") + extension(10, b"\0\2\0\x1d") + extension(13, b"\0\2\4\3")
SHARE = extension(51, b"\0\x24\0\x1d\0\x20" + bytes(range(32)))


def hello(*extensions, share=SHARE):
    """A ClientHello with these extensions and a few that are in every one."""
    every = b"".join(extensions) + OTHERS + share
    body = b"\3\3" + os.urandom(32) + b"\0" + b"\0\4\x13\1\xc0\x2b" + b"\1\0" + struct.pack("!H", len(every)) + every
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + struct.pack("!H", len(message)) + message


def connect(address, port=443, seconds=3):
    with inside(stick["netns"]):
        sock = socket.socket()
    sock.settimeout(seconds)
    sock.connect((address, port))
    return sock


def say(address, data, pieces=1, pause=0.0, port=443, seconds=3):
    """What the bank answers; "" if the connection ended without, None if none came up."""
    try:
        with connect(address, port, seconds) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            size = -(-len(data) // pieces)
            for at in range(0, len(data), size):
                sock.sendall(data[at:at + size])
                time.sleep(pause)
            return sock.recv(100).decode()
    except ConnectionResetError:
        return ""
    except OSError:
        return None


def ask(name, *more, netns=None):
    """The resolver's answer to the stick, or to the gateway itself, which is not counted."""
    with inside(netns or stick["netns"]):
        return run("python3", HERE + "/gateway-dns", "10.77.0.1", name, *more or ["A"]).stdout.strip()


def api(path, body):
    said = must("nsenter", f"--net=/run/netns/{stick['netns']}", "curl", "-sS", "--max-time", "8", "--cacert", rig["ca"],
                "--resolve", f"{rig['name']}:8444:10.77.0.1", f"https://{rig['name']}:8444{path}", "--data", json.dumps(body))
    return json.loads(said)


sequence = 0


def beacon(boot=BOOT):
    global sequence
    sequence += 1
    said = api("/v1/beacon", {"device": "ST-000001", "boot": boot, "sequence": sequence, "image": {"version": 7},
                              "policy_version": 5})
    if said["reason"] == "no_statement":
        said = json.loads(must(RIG + "/admit-stick", B, work + "/rig.json", stick["netns"], stick["record"], boot))
    return said["state"]


def keep_admitted():
    while not resting.wait(15):
        beacon()


resting = threading.Event()  # no beacons while the gateway is down


def session(bank, open_):
    return api("/v1/session", {"bank": bank, "open": open_})


# --- what the desk knows ----------------------------------------------------------------------------------------------

def sekisho(*command):
    return must(f"{B}/sekisho", "gateway", *command[:2], "--socket", rig["socket"], *command[2:])


def desk(number=1):
    fleet = json.loads(sekisho("stick", "list", "--json"))
    return next(s for s in fleet["sticks"] if s["id"] == f"ST-{number:06}")


def counted(kind, before, by=1):
    """The desk counts `by` more of this kind, and no other."""
    want = {**before, kind: before.get(kind, 0) + by}
    return until(lambda: desk()["tried"] == want)


def nft(*command):
    with inside(rig["netns"]):
        return must("nft", *command)


def answer_of(connection, data):
    """What comes back, or why nothing does."""
    try:
        connection.sendall(data)
        return connection.recv(100)
    except OSError as error:
        return error


def proxy_lets():
    """Who may have which name, by haproxy's own word: "10.77.0.2/www.bank.example:443"."""
    keys = []
    for map_ in ("names", "families"):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(rig["directory"] + "/run/proxy/control.sock")
            control.sendall(f"show map virt@{map_}\n".encode())
            said = b"".join(iter(lambda: control.recv(65536), b"")).decode()
        keys += [line.split()[1] for line in said.splitlines() if line.startswith("0x")]
    return keys


def in_set(name, address):
    return address in nft("list", "set", "inet", "sekisho", name)


def refused(what, kind, address, data, **more):
    """Sent there, it reaches no bank, and is counted as that."""
    before, had = desk()["tried"], len(seen)
    got = say(address, data, **more)
    check(not got and len(seen) == had, f"{what} reaches nobody", f"{got!r}, {seen[had:]}")
    check(counted(kind, before), f"and is counted as {kind}", f"{before} -> {desk()['tried']}")


# --- the gateway's own ---------------------------------------------------------------------------------------------------

def sign_policy(change):
    with open(rig["directory"] + "/demo/policy-4.json") as file:
        policy = json.load(file)
    change(policy)
    with open(work + "/policy.json", "w") as file:
        json.dump(policy, file)
    keys = rig["directory"] + "/demo/keys"
    must(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", keys + "/root-1.key", "-o", work + "/once", work + "/policy.json")
    must(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", keys + "/root-2.key", "-o", rig["directory"] + "/next",
         work + "/once")
    os.chmod(rig["directory"] + "/next", 0o644)
    os.rename(rig["directory"] + "/next", rig["directory"] + "/policy.dsse.json")
    os.kill(gatewayd, signal.SIGHUP)
    version = policy["version"]
    if not until(lambda: json.loads(sekisho("stick", "list", "--json"))["policy_version"] == version):
        bail(f"policy version {version} is not taken")


def test_hosts(policy):
    policy["version"] = 5
    demo = policy["banks"][0]["hosts"]
    for name in ("alias.bank.example", "*.wild.bank.example", "rebind.bank.example", "here.bank.example"):
        demo.append({**demo[0], "name": name, "role": "asset"})


def stop_gateway():
    open(rig["directory"] + "/hold", "w").close()
    os.kill(gatewayd, signal.SIGTERM)
    until(lambda: " is down\n" in open(rig["directory"] + "/gatewayd.log").read())


def start_gateway(told="the proxy answers\n", name="gatewayd-again.log"):
    log = rig["directory"] + "/" + name
    with open(log, "w") as file:
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{rig['netns']}", rig["directory"] + "/gatewayd", "--config",
                                    rig["directory"] + "/gateway.conf"], stdout=file, stderr=file)
    started.insert(0, process)
    if not until(lambda: told in open(log).read(), 60):
        bail("gatewayd does not start again: " + open(log).read())
    return process.pid


def add_many():
    """MANY sticks that have a bank open, in the resting gateway's database."""
    now = int(time.time())
    data = sqlite3.connect(rig["directory"] + "/lib/gateway.db")
    for n in range(MANY):
        id_, address = f"ST-1{n:05}", f"10.77.{16 + n // 250}.{n % 250 + 1}"
        key = base64.b64encode(os.urandom(32)).decode()
        data.execute("INSERT INTO sticks (tenant, id, name, region, public_key, address, created) VALUES (?,?,?,?,?,?,?)",
                     ("demo", id_, "", "", key, address, now))
        data.execute("INSERT INTO states VALUES (?,?,?,?,?,?,?,?,?)",
                     ("demo", id_, "up", "new_boot", now, now, "ab" * 8, "7", 5))
        data.execute("INSERT INTO sessions VALUES ('demo', ?, ?, ?)", (id_, "sekisho-demo", now))
    data.commit()
    data.close()


work = tempfile.mkdtemp()
os.chmod(work, 0o755)
if not shutil.which("haproxy") or not shutil.which("nft"):
    print("1..0 # SKIP haproxy or nft is not installed")
    sys.exit()
try:
    with open(work + "/rig.json", "w") as file:
        rig = start(RIG + "/gateway", B, work + "/rig")
        json.dump(rig, file)
    stick = start(RIG + "/gateway-stick", work + "/rig.json", "ST-000001", "10.77.0.2")
    gatewayd = rig["gatewayd"]
    os.kill(rig["pids"][0], signal.SIGTERM)  # the rig's resolver of the world: ours says what no hosts file can
    open_world(rig["world"])
    sekisho("stick", "add", "--id", "ST-000001", "--key", stick["key"], "--identity", stick["identity"])
    sign_policy(test_hosts)
    if not until(lambda: run("nsenter", f"--net=/run/netns/{stick['netns']}", "ping", "-q", "-c1", "-W1", "10.77.0.1").returncode == 0):
        bail("there is no tunnel")
    check(beacon() == "admitted", "a stick is admitted")
    threading.Thread(target=keep_admitted, daemon=True).start()
    check(until(lambda: ask("alias.bank.example", netns=rig["netns"]) != "NXDOMAIN"), "the resolver has the policy's names")

    # --- the name decides, not the address
    check(ask("www.bank.example") == "NOERROR " + WWW and in_set("bank_sekisho-demo", WWW),
          "a name's address is in its bank's set before the answer is there")
    check(session("sekisho-demo", True) == {"ok": True}, "a session is opened")
    check(say(WWW, hello(names("www.bank.example"))) == "from 203.0.113.101\n",
          "the bank's name at its address is let through, from that bank's own source address")
    check(say(WWW, hello(names("WWW.Bank.Example"))) == "from 203.0.113.101\n", "in any case of letters")
    first = hello(names("www.bank.example"))
    say(WWW, first)
    check(seen[-1] == (WWW, first), "the ClientHello arrives as it was sent, to the byte")
    check(say(WWW, hello(names("www.bank.example")), pieces=20, pause=0.02) == "from 203.0.113.101\n",
          "a ClientHello in many segments is read whole")
    check(say(WWW, hello(names("www.bank.example"), extension(21, bytes(9000)))) == "from 203.0.113.101\n", "so is a large one")
    check(desk()["tried"] == {} and desk()["differs"] == "", "none of that is counted")

    # --- questions: known by the answer, so that no name is kept
    check(ask("gone.wild.bank.example") == "NXDOMAIN" and ask("www.bank.example", "HTTPS") == "NOERROR",
          "a listed name that the world does not have, and a kind of answer that is not given")
    check(ask("neighbour.example") == "NXDOMAIN" and "neighbour.example" not in asked, "a name outside the policy is not asked for")
    check(counted("question", {}), "and is counted, the two before it are not", desk()["tried"])
    check(until(lambda: desk()["differs"] == "asked"), "the desk is told that the stick asked for what its policy forbids")
    check(ask("secret.neighbour.example", "TXT") == "NXDOMAIN" and counted("question", {"question": 1}),
          "a question of another kind is counted as well", desk()["tried"])
    check(ask("neighbour.example", "A", "tcp") == "NXDOMAIN" and counted("question", {"question": 2}), "and one over TCP", desk()["tried"])

    refused("another name at the same address", "name", WWW, hello(names("neighbour.example")))
    check(until(lambda: desk()["differs"] == "let_out"), "the desk is told that the stick let out what its policy forbids")
    refused("a name above the listed one", "name", WWW, hello(names("bank.example")))
    refused("a name below the listed one", "name", WWW, hello(names("a.www.bank.example")))
    refused("the name with a dot behind it", "name", WWW, hello(names("www.bank.example.")))
    refused("the name with a NUL and more behind it", "malformed", WWW, hello(names("www.bank.example\0.neighbour.example")))
    refused("what the proxy looks for, and a NUL", "malformed", WWW, hello(names("www.bank.example:443\0.neighbour.example")))
    refused("another bank's name", "name", WWW, hello(names("www.yamabiko.example")))
    refused("an address as the name", "name", WWW, hello(names(WWW)))
    refused("no name", "no_name", WWW, hello())
    refused("an empty list of names", "malformed", WWW, hello(extension(0, b"\0\0")))
    refused("a second name in the list", "second_name", WWW, hello(names("www.bank.example", "neighbour.example")))
    refused("a second list of names", "second_name", WWW, hello(names("www.bank.example"), names("neighbour.example")))
    refused("a name only the server can read", "ech", WWW, hello(names("www.bank.example"), extension(0xfe0d, os.urandom(150))))
    refused("that before the name", "ech", WWW, hello(extension(0xfe0d, os.urandom(150)), names("www.bank.example")))
    refused("an extension that leaves the message", "malformed", WWW, hello(names("www.bank.example"), extension(5, b"")[:3] + b"\xff"))
    refused("an extension twice", "malformed", WWW, hello(names("www.bank.example"), extension(5, b"x"), extension(5, b"x")))
    whole = hello(names("www.bank.example"))
    split = whole[:3] + struct.pack("!H", 60) + whole[5:65] + whole[:3] + struct.pack("!H", len(whole) - 65) + whole[65:]
    refused("a ClientHello in two records", "malformed", WWW, split, seconds=14)
    refused("something behind the ClientHello", "malformed", WWW, whole + b"\x17\3\3\0\1x")
    for what, share in (("without a share of a key", b""), ("with an empty list of shares", extension(51, b"\0\0")),
                        ("with a share that few servers take", extension(51, b"\0\x06\0\x1e\0\x02xx")),
                        ("with a share of no bytes", extension(51, b"\0\x04\0\x1d\0\0"))):
        refused("one " + what + ", so that a second is asked for", "malformed", WWW, hello(names("www.bank.example"), share=share))
    refused("what is not TLS", "not_tls", WWW, b"GET / HTTP/1.1\r\nHost: www.bank.example\r\n\r\n")
    before, had, began = desk()["tried"], len(seen), time.monotonic()
    got = say(WWW, hello(names("www.bank.example"))[:-1], seconds=20)
    took = time.monotonic() - began
    check(not got and 8 < took < 15 and len(seen) == had, "one that never ends is closed after ten seconds", f"{got!r} {took}")
    check(counted("incomplete", before), "and is counted as incomplete", desk()["tried"])
    check(say(WWW, hello(names("www.bank.example")), pieces=12, pause=0.5, seconds=10) == "from 203.0.113.101\n",
          "one that takes six seconds is let through")

    # --- wildcards, ports
    check(ask("two.wild.bank.example") == "NOERROR " + WILD and
          say(WILD, hello(names("two.wild.bank.example"))) == "from 203.0.113.101\n", "a wildcard's name is let through")
    refused("a name two labels below a wildcard", "name", WILD, hello(names("a.two.wild.bank.example")))
    refused("the wildcard itself", "name", WILD, hello(names("wild.bank.example")))
    before = desk()["tried"]
    check(say(WWW, whole, port=80) is None, "another port of a bank's address refuses at once")
    check(counted("address", before), "and is counted as an address that is not open")

    # --- end to end
    ask("static.bank-assets.example")
    context = ssl.create_default_context(cafile=work + "/bank.crt")
    with context.wrap_socket(connect(ASSETS), server_hostname="static.bank-assets.example") as tls:
        tls.sendall(b"x" * 100000)
        check(tls.recv(100) == b"from 203.0.113.101\n" and tls.version() == "TLSv1.3",
              "a whole TLS session passes, with the bank's own certificate at its end")

    # --- names and addresses
    check(ask("alias.bank.example") == "NOERROR " + EDGE and in_set("bank_sekisho-demo", EDGE),
          "a name that is another's alias leads to that one's address, outside the policy or not")
    check(say(EDGE, hello(names("alias.bank.example"))) == "from 203.0.113.101\n", "which is open for the policy's name")
    refused("the name behind the alias, at its address", "name", EDGE, hello(names("edge.cdn.example")))
    before = desk()["tried"]
    nowhere = ("10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "0.0.0.0",
                    "198.18.0.1", "224.0.0.1", "255.255.255.255", "10.77.0.3", "192.0.0.8")
    for address in nowhere:
        answers["rebind.bank.example"] = [address]
        check(ask("rebind.bank.example") == "NXDOMAIN" and not in_set("bank_sekisho-demo", address),
              f"an answer with {address} is none, and comes into no set")
    answers["rebind.bank.example"] = [EDGE, "192.168.1.1"]
    check(ask("rebind.bank.example") == "NXDOMAIN", "nor is one that has a good address beside it")
    check(counted("question", before, len(nowhere) + 1), "each is counted as a question", f"{before} -> {desk()['tried']}")
    nft("add", "element", "inet", "sekisho", "bank_sekisho-demo", "{ 192.168.1.1 }")
    before = desk()["tried"]
    check(say("192.168.1.1", hello(names("rebind.bank.example"))) is None, "and were one in the set, no packet would go there")
    check(counted("address", before), "which is counted")
    check(ask("here.bank.example") == "NOERROR 203.0.113.12", "a name may say that it is the gateway itself")
    with inside(rig["netns"]):
        own = socket.create_server(("203.0.113.12", 443))
        own.settimeout(1)
    before = desk()["tried"]
    check(say("203.0.113.12", hello(names("here.bank.example"))) is None, "but nothing of the gateway is reached by that")
    check(counted("address", before), "which is counted")
    own.close()

    # --- the proxy itself is held
    with inside(rig["netns"]):
        probe = ["setpriv", "--reuid", "61191", "--regid", "61191", "--clear-groups", "socat", "-T2", "-"]
        check(run(*probe, f"TCP:{EDGE}:443,bind=203.0.113.101,connect-timeout=2", input="x").returncode == 0,
              "the proxy's user reaches an open address from its bank's address")
        check(run(*probe, f"TCP:{EDGE}:443,bind=203.0.113.102,connect-timeout=2", input="x").returncode != 0, "not from another bank's")
        check(run(*probe, f"TCP:{YAMABIKO}:443,bind=203.0.113.101,connect-timeout=2", input="x").returncode != 0, "no other address")
        check(run(*probe, "TCP:198.51.100.53:53,bind=203.0.113.101,connect-timeout=2", input="x").returncode != 0, "nor port")

    # --- an admission that has run out: nothing of the bank's that was under way comes down any more
    with connect(WWW) as held:
        held.sendall(hello(names("www.bank.example")))
        held.recv(100)
        held.sendall(b"wait")
        check(until(lambda: seen[-1] == (WWW, b"wait")), "a bank takes its time")
        nft("destroy", "element", "inet", "sekisho", "admitted", "{ 10.77.0.2 }")
        pushed.set()
        try:
            got = held.recv(100)
        except OSError as error:
            got = error
        check(not isinstance(got, bytes) or got == b"", "its answer does not reach a stick that is not admitted any more", repr(got))
    beacon()
    check(until(lambda: say(WWW, whole) == "from 203.0.113.101\n"), "which the next beacon admits again")

    # --- the end of a session
    with connect(WWW) as held:
        held.sendall(hello(names("www.bank.example")))
        held.recv(100)
        held.sendall(b"more")
        check(held.recv(100) == b"from 203.0.113.101\n", "a connection is up")
        check("10.77.0.2/www.bank.example:443" in proxy_lets() and in_set("open", "10.77.0.2"), "the proxy and the packet filter know whose it is")
        ended.clear()
        check(session("sekisho-demo", False) == {"ok": True}, "the session is closed")
        check(until(lambda: WWW in ended, 3), "the bank sees its connection end")
        held.settimeout(3)
        try:
            held.sendall(b"still there?")
            got = held.recv(100)
        except OSError as error:
            got = error
        check(got == b"" or isinstance(got, ConnectionError), "and so does the stick", repr(got))
    check(not any(key.startswith("10.77.0.2/") for key in proxy_lets()), "the proxy lets that stick have no name any more", proxy_lets())
    check(not in_set("open", "10.77.0.2"), "and the packet filter no bank")
    check(say(WWW, whole) is None, "a new connection is refused")
    time.sleep(1.5)
    check(desk()["tried"].get("closed", 0) == 0, "one right after the closing was on its way and is not counted")
    check(session("yamabiko", True) == {"ok": True} and ask("www.yamabiko.example") == "NOERROR " + YAMABIKO, "another bank is opened")
    check(say(YAMABIKO, hello(names("www.yamabiko.example"))) == "from 203.0.113.102\n", "and reached, from its own source address")
    before = desk()["tried"]
    check(say(WWW, whole) is None, "the one before is not")
    check(counted("address", before), "which is counted")
    check(session("yamabiko", False) == {"ok": True}, "it is closed too")

    # --- the proxy does not stir while a session is closed: what the kernel holds is enough
    session("sekisho-demo", True)
    with connect(WWW) as held, connect(WWW) as waiting:
        for one in held, waiting:
            one.sendall(hello(names("www.bank.example")))
            one.settimeout(3)
        check(held.recv(100) == waiting.recv(100) == b"from 203.0.113.101\n", "two connections are up")
        waiting.sendall(b"slowly")
        until(lambda: (WWW, b"slowly") in seen)
        haproxy = int(must("pgrep", "-P", str(rig["proxy"])))
        os.kill(haproxy, signal.SIGSTOP)
        session("sekisho-demo", False)
        got = answer_of(held, b"still there?")
        check(isinstance(got, ConnectionError), "a connection ends with its session though the proxy stands still", repr(got))
        slowly.set()  # into the buffer of a proxy that will pass it on before it hears that it must not
        time.sleep(0.2)
        os.kill(haproxy, signal.SIGCONT)
        got = answer_of(waiting, b"")
        check(got == b"" or isinstance(got, OSError), "and what the bank said meanwhile reaches nobody", repr(got))
    check(until(lambda: not any(key.startswith("10.77.0.2/") for key in proxy_lets())), "the proxy is told when it goes on")

    # --- haproxy ends and comes back; a policy changes; the gateway starts again: what is allowed goes on
    session("sekisho-demo", True)
    check(say(WWW, whole) == "from 203.0.113.101\n", "a session is open again")
    os.kill(int(must("pgrep", "-P", str(rig["proxy"]))), signal.SIGKILL)
    check(until(lambda: say(WWW, whole) is None), "without the proxy no bank is reached")
    check(session("yamabiko", True) == {"ok": False, "reason": "egress_failed"}, "and none is opened, which is said")
    with inside(rig["netns"]):
        started.insert(0, subprocess.Popen(["setpriv", "--reuid", "61191", "--regid", "61191", "--clear-groups", rig["directory"] + "/gatewayd",
                                            "--proxy", "--config", rig["directory"] + "/gateway.conf"], stderr=subprocess.DEVNULL))
    check(until(lambda: say(WWW, whole) == "from 203.0.113.101\n"), "a new one is told what is open")
    session("yamabiko", False)
    held = connect(WWW)
    held.sendall(hello(names("www.bank.example")))
    held.recv(100)
    ask("static.bank-assets.example")
    withdrawn = context.wrap_socket(connect(ASSETS, seconds=60), server_hostname="static.bank-assets.example")
    withdrawn.sendall(b"x")
    withdrawn.recv(100)
    sign_policy(lambda policy: (test_hosts(policy), policy.update(version=6), policy["banks"][0]["hosts"].pop(1)))
    try:
        got = withdrawn.recv(100)
    except OSError as error:
        got = error
    check(got == b"" or isinstance(got, (ConnectionError, ssl.SSLEOFError)),
          "a connection to a name that a new policy has no more is ended", repr(got))
    withdrawn.close()
    until(lambda: ask("static.bank-assets.example", netns=rig["netns"]) == "NXDOMAIN")
    held.sendall(b"more")
    check(held.recv(100) == b"from 203.0.113.101\n", "a connection outlives a new policy that still allows it")
    check(say(WWW, whole) == "from 203.0.113.101\n", "and its address is still known, without a question")
    before = desk()["tried"]
    check(not say(ASSETS, hello(names("static.bank-assets.example"))), "a name that the new one has no more is closed")
    check(counted("name", before), "and counted", f"{before} -> {desk()['tried']}")
    resting.set()
    stop_gateway()
    add_many()
    gatewayd = start_gateway()
    held.sendall(b"more")
    check(held.recv(100) == b"from 203.0.113.101\n", f"a connection outlives a restart of the gateway, with {MANY} other sticks in a session")
    check(say(WWW, whole) == "from 203.0.113.101\n", "and a new one comes up without a question")
    in_map = run("socat", "-", f"UNIX-CONNECT:{rig['directory']}/run/proxy/control.sock", input="show map virt@names\n").stdout
    check(in_map.count("/www.bank.example:443 sekisho-demo\n") == MANY + 1, "the proxy knows all of them")
    held.close()

    times = []
    for _ in range(20):
        session("sekisho-demo", False)
        began = time.monotonic()
        good = session("sekisho-demo", True) == {"ok": True} and say(WWW, whole) == "from 203.0.113.101\n"
        times.append((time.monotonic() - began) * 1000 if good else 1e9)
    times.sort()
    check(times[10] < 1000, f"among {MANY} sessions one is opened and its bank answers within a second", times)
    print(f"# opened and answered among {MANY}: median {times[10]:.0f} ms, worst {times[-1]:.0f} ms, a curl(1) and a test's own TLS in it")
    os.makedirs(B + "/figures", exist_ok=True)
    with open(B + "/figures/egress.json", "w") as file:
        json.dump({"session_open_ms": round(times[10]), "sessions_open": MANY}, file)

    with open(rig["directory"] + "/gatewayd-again.log") as log:
        said = log.read()
    check("never promised" not in said and "error:" not in said, "no process complained", said[-600:])

    # --- a gateway that starts and has no policy: its people's keys are others'
    held = connect(WWW, seconds=60)
    held.sendall(whole)
    held.recv(100)
    ended.clear()
    ending = os.pidfd_open(gatewayd)
    os.kill(gatewayd, signal.SIGTERM)
    select.select([ending], [], [], 60)
    for name in ("x", "y"):
        must(f"{B}/sekisho", "policy", "keygen", work + "/" + name)
    roots = must(f"{B}/sekisho", "policy", "roots", "--threshold", "2", work + "/x.pub", work + "/y.pub")
    os.unlink(rig["directory"] + "/demo/roots.json")
    with open(rig["directory"] + "/demo/roots.json", "w") as file:
        file.write(roots)
    gatewayd = start_gateway(" is up\n", "gatewayd-others.log")
    said = session("sekisho-demo", False)
    held.sendall(b"more")
    check(held.recv(100) == b"from 203.0.113.101\n", "what stood before stands for a moment")
    check(said == {"ok": False, "reason": "egress_failed"}, "and that its bank is closed is not said as long as it is open", said)
    check(until(lambda: WWW in ended, 60), "then it ends")
    check(session("sekisho-demo", False) == {"ok": True}, "and its end is said")
    held.close()
finally:
    resting.set()
    finish()
plan()
