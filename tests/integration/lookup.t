#!/usr/bin/python3
"""lookup - a bank's system asks its gateway who a connection was: gatewayd, haproxy and nftables as tests/rig/gateway
starts them, a stick that visits a bank, and clients with certificates, right and wrong.

Usage: B=BUILD lookup.t. Prints TAP. Needs root. Leaves the time of an answer in B/figures/lookup.json.
"""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import jsonschema
import yaml

sys.dont_write_bytecode = True
from rigs import end, inside, start, started, until
from tap import bail, check, must, plan, run

B = os.path.abspath(os.environ["B"])
HERE = os.path.dirname(os.path.realpath(__file__))
RIG = os.path.realpath(HERE + "/../rig")
BOOT = "0123456789abcdef"
WWW, ASSETS, NAME, SOURCE = "198.51.100.10", "198.51.100.11", "www.bank.example", "203.0.113.101"
QUESTIONS = 400


# --- the bank: it writes down from where it is connected to, and repeats what it hears --------------------------------

visits = {}  # what was said first -> (source address, port)


def talk(peer, source, context):
    with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as tls:
        while data := tls.recv(1000):
            visits.setdefault(data, source)
            tls.sendall(data)


def serve_bank(listener, context):
    while True:
        peer, source = listener.accept()
        threading.Thread(target=talk, args=(peer, source, context), daemon=True).start()


def open_bank():
    must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj",
         "/CN=" + NAME, "-keyout", work + "/bank.key", "-out", work + "/bank.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(work + "/bank.crt", work + "/bank.key")
    with inside(rig["world"]):
        for address in (WWW, ASSETS):
            listener = socket.create_server((address, 443), backlog=128)
            threading.Thread(target=serve_bank, args=(listener, context), daemon=True).start()


# --- the stick ----------------------------------------------------------------------------------------------------------

def api(path, body):
    return json.loads(must("nsenter", f"--net=/run/netns/{stick['netns']}", "curl", "-sS", "--max-time", "20", "--cacert", rig["ca"],
                           "--resolve", f"{rig['name']}:8444:10.77.0.1", f"https://{rig['name']}:8444{path}", "--data",
                           json.dumps(body)))


sequence = 0


def beacon():
    global sequence
    sequence += 1
    said = api("/v1/beacon", {"device": "ST-000001", "boot": BOOT, "sequence": sequence, "image": {"version": 7},
                              "policy_version": 4})
    if said["reason"] == "no_statement":
        said = json.loads(must(RIG + "/admit-stick", B, work + "/rig.json", stick["netns"], stick["record"], BOOT))
    return said["state"]


def keep_admitted():
    while not resting.wait(15):
        beacon()


resting = threading.Event()  # no beacons while the gateway is down


def visit(word, address=WWW):
    """A connection of the stick's to the bank, which has heard `word` on it; and from where it came."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with inside(stick["netns"]):
        sock = socket.create_connection((address, 443), timeout=20)
    tls = context.wrap_socket(sock, server_hostname=NAME)
    tls.sendall(word)
    tls.recv(100)
    return tls, f"{visits[word][0]}:{visits[word][1]}"


# --- the bank's system ---------------------------------------------------------------------------------------------------

def asking(who):
    """A connection of the client with that certificate (None: without one) to its gateway."""
    context = ssl.create_default_context(cafile=rig["directory"] + "/keys/lookup.crt")
    if who:
        context.load_cert_chain(f"{rig['directory']}/{who}.crt", f"{rig['directory']}/{who}.key")
    host, port = rig["lookup"].split(":")
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)
    with inside(rig["world"]):
        connection.connect()
    return connection


def ask(body, who="sekisho-demo", connection=None, method="POST", path="/v1/connection"):
    """(status, what it says); None if there is no answer."""
    global answered
    try:
        connection = connection or asking(who)
        connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body))
        answer = connection.getresponse()
        said = json.loads(answer.read())
        written_down(answer.status, said)
        answered += answer.status == 200
        return answer.status, said
    except (OSError, ssl.SSLError, http.client.HTTPException):
        return None


answered, asked_first = 0, time.monotonic()
with open(HERE + "/../../vpn/gateway/lookup-api.yaml") as file:
    API = yaml.safe_load(file)
odd = []  # answers that the API's description does not have


def written_down(status, said):
    described = API["paths"]["/v1/connection"]["post"]["responses"].get(str(status))
    if described and "$ref" in described:
        described = API["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    schema = described and {**described["content"]["application/json"]["schema"], "components": API["components"]}
    if not schema or list(jsonschema.Draft202012Validator(schema).iter_errors(said)):
        odd.append((status, said))


def now():
    return time.time()


def refused(what, status, error, body, **more):
    got = ask(body, **more)
    check(got == (status, {"error": error}), what, got)


def unknown(what, body):
    got = ask(body)
    check(got == (200, {"admitted": False, "reason": "unknown"}), what, got)


def closed(source, **more):
    """What is said of the connection once its end has come to the desk."""
    until(lambda: ask({"from": source, **more})[1].get("closed"))
    return ask({"from": source, **more})[1]


# --- the gateway ---------------------------------------------------------------------------------------------------------

def sekisho(*command):
    return must(f"{B}/sekisho", "gateway", *command[:2], "--socket", rig["socket"], *command[2:])


def database():
    return sqlite3.connect(rig["directory"] + "/lib/gateway.db", timeout=20)


def asked_in_log():
    data = database()
    rows = [json.loads(entry) for entry, in data.execute("SELECT entry FROM audit ORDER BY id")]
    data.close()
    return [row for row in rows if row["action"] == "bank_asked"]


def restart_gateway(meanwhile):
    open(rig["directory"] + "/hold", "w").close()
    os.kill(rig["gatewayd"], signal.SIGTERM)
    until(lambda: " is down\n" in open(rig["directory"] + "/gatewayd.log").read())
    kept = meanwhile()
    log = rig["directory"] + "/gatewayd-again.log"
    with open(log, "w") as file:
        started.insert(0, subprocess.Popen(["nsenter", f"--net=/run/netns/{rig['netns']}", rig["directory"] + "/gatewayd",
                                            "--config", rig["directory"] + "/gateway.conf"], stdout=file, stderr=file))
    if not until(lambda: "the proxy answers\n" in open(log).read()):
        bail("gatewayd does not start again: " + open(log).read())
    return kept


def new_proxy():
    os.kill(int(must("pgrep", "-P", str(rig["proxy"]))), signal.SIGKILL)
    with inside(rig["netns"]):
        started.insert(0, subprocess.Popen(["setpriv", "--reuid", "61191", "--regid", "61191", "--clear-groups",
                                            rig["directory"] + "/gatewayd", "--proxy", "--config",
                                            rig["directory"] + "/gateway.conf"], stderr=subprocess.DEVNULL))


def first_visit(word):
    """As visit(), as soon as there is a way."""
    until(lambda: opens(word))
    return kept[word]


kept = {}


def opens(word):
    with contextlib.suppress(OSError):
        kept[word] = visit(word)
    return word in kept


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
    open_bank()
    sekisho("stick", "add", "--id", "ST-000001", "--key", stick["key"], "--identity", stick["identity"])
    if not until(lambda: run("nsenter", f"--net=/run/netns/{stick['netns']}", "ping", "-q", "-c1", "-W1", "10.77.0.1").returncode == 0):
        bail("there is no tunnel")
    before = int(now())
    check(beacon() == "admitted", "a stick is admitted")
    threading.Thread(target=keep_admitted, daemon=True).start()
    with inside(stick["netns"]):
        for name in NAME, "static.bank-assets.example":
            must("python3", HERE + "/gateway-dns", "10.77.0.1", name, "A")
    check(api("/v1/session", {"bank": "sekisho-demo", "open": True}) == {"ok": True}, "and opens its bank")

    # --- a connection that is open
    opened = now()
    held, source = visit(b"first")
    check(source.startswith(SOURCE + ":"), "the bank is visited from its own address", source)
    status, said = ask({"from": source, "at": now()})
    check(status == 200 and said["admitted"] and said["stick"] == "ST-000001", "the bank's system is told which stick it is", said)
    check(opened - 1 <= said["opened"] <= now() and said["closed"] is None, "since when the connection is open, and that it is", said)
    check(before <= said["since"] <= now() and said["state"] == "up", "since when the stick is admitted", said)
    check(said["image"] == {"version": "7", "in_order": True}, "and that its image is in order", said)
    check(ask({"from": source})[1] == said, "without a time the question is about now")
    check(ask({"from": source, "to": WWW + ":443"})[1] == said, "the bank's own address may be said as well")
    unknown("another of its addresses is another connection", {"from": source, "to": ASSETS + ":443"})
    unknown("a minute before there was none", {"from": source, "at": opened - 60})
    other = f"{SOURCE}:{int(source.split(':')[1]) ^ 1}"
    unknown("another port is nobody's", {"from": other})
    with inside(rig["netns"]):
        thief = run("setpriv", "--reuid", "61191", "--regid", "61191", "--clear-groups", "socat", "-T1", "-",
                    f"TCP:{WWW}:443,bind={SOURCE}:39999,connect-timeout=5", input="x")
    check(thief.returncode == 0, "somebody else at the gateway reaches the bank from the same address", thief.stderr)
    unknown("and is no stick", {"from": SOURCE + ":39999"})

    # --- who may ask
    check(ask({"from": source}, who=None) is None, "without a certificate nobody is heard")
    refused("another bank does not learn whose it is", 403, "not_your_address", {"from": source}, who="yamabiko")
    refused("a certificate out of its dates is none", 403, "certificate_expired", {"from": source}, who="late")
    must("openssl", "req", "-x509", "-key", rig["directory"] + "/yamabiko.key", "-days", "2", "-subj", "/CN=sekisho-demo", "-out",
         rig["directory"] + "/renewed.crt")
    shutil.copy(rig["directory"] + "/yamabiko.key", rig["directory"] + "/renewed.key")
    refused("a name in a certificate counts for nothing, its key does", 403, "not_your_address", {"from": source}, who="renewed")
    must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj",
         "/CN=sekisho-demo", "-keyout", rig["directory"] + "/stranger.key", "-out", rig["directory"] + "/stranger.crt")
    refused("a key that is not listed may not ask", 403, "unknown_certificate", {"from": source}, who="stranger")
    refused("nobody may ask about addresses that are not the bank's", 403, "not_your_address", {"from": "203.0.113.11:51820"})

    # --- bad questions
    for what, body in (("no JSON", b"{"), ("an array", []), ("nothing", {}), ("a number for an address", {"from": 7}),
                       ("no port", {"from": SOURCE}), ("port 0", {"from": SOURCE + ":0"}), ("port 65536", {"from": SOURCE + ":65536"}),
                       ("a port with a sign", {"from": SOURCE + ":+443"}), ("a name", {"from": "www.bank.example:443"}),
                       ("IPv6", {"from": "[2001:db8::1]:443"}), ("a time as text", {"from": source, "at": "now"}),
                       ("a time before there was time", {"from": source, "at": -1}),
                       ("a time beyond all", {"from": source, "at": 1e300}), ("a member too many", {"from": source, "stick": "x"}),
                       ("a member twice", b'{"from":"203.0.113.101:1","from":"203.0.113.101:2"}'),
                       ("a `to` that is none", {"from": source, "to": ""}), ("deep JSON", b"[" * 250 + b"]" * 250)):
        refused(f"{what}: said to be malformed", 400, "malformed", body)
    refused("a body without end", 413, "body_too_large", b'{"from":"' + b"1" * 5000 + b'"}')
    refused("another method", 405, "method_not_allowed", b"", method="GET")
    refused("another path", 404, "not_found", b"", path="/v1/beacon")

    # --- one that has ended; one that two had
    held.close()
    said = closed(source)
    check((said.get("closed") or 0) >= said["opened"] and said["stick"] == "ST-000001", "its end is told, and for two seconds it still counts", said)
    unknown("later it is nobody's", {"from": source, "at": said["closed"] + 3})
    check(ask({"from": source, "at": said["opened"] + 0.01})[1] == said, "a question about then is answered as then")
    data = database()
    row = data.execute("SELECT * FROM connections WHERE port = ?", (int(source.split(":")[1]),)).fetchone()
    names = [column[1] for column in data.execute("PRAGMA table_info(connections)")]
    twin = {**dict(zip(names, row)), "destination": ASSETS + ":443", "stick": "ST-000002"}
    data.execute(f"INSERT INTO connections ({','.join(twin)}) VALUES ({','.join('?' * len(twin))})", list(twin.values()))
    data.commit()
    data.close()
    at = said["opened"] + 0.01
    check(ask({"from": source, "at": at}) == (200, {"admitted": False, "reason": "ambiguous"}),
          "where two sticks had that port, to two addresses of the bank, neither is named")
    check(ask({"from": source, "at": at, "to": WWW + ":443"})[1]["stick"] == "ST-000001", "unless the bank says which of its addresses it was")

    # --- what happens in between
    held, source = visit(b"second")
    going, gone = visit(b"one that goes")
    resting.set()
    with contextlib.closing(restart_gateway(lambda: (going.close(), visit(b"while it was down"))[1])[0]):
        missed = "{}:{}".format(*visits[b"while it was down"])
        check(until(lambda: ask({"from": missed})[1].get("stick") == "ST-000001"), "a connection made while gatewayd was down is told of when it is back")
    said = closed(gone)
    check(said.get("closed"), "a connection that ended while gatewayd was down is told of when it is back", said)
    check(ask({"from": source})[1]["closed"] is None, "and the other one is still open")
    resting.clear()
    beacon()
    threading.Thread(target=keep_admitted, daemon=True).start()
    new_proxy()
    _, fresh = first_visit(b"third")
    said = closed(source)
    check(said.get("closed"), "a proxy that was killed has ended all its connections", said)
    check(ask({"from": fresh})[1]["closed"] is None, "the new one's is open")
    files = [f"{rig['directory']}/{name}" for name in ("keys/lookup.crt", "sekisho-demo.crt", "sekisho-demo.key")]
    with inside(rig["world"]):
        sample = [run(HERE + "/../../vpn/gateway/ask-gateway", "https://" + rig["lookup"], *files, SOURCE + ":" + port)
                  for port in (fresh.split(":")[1], "1", "none")]
    answered += 2
    check([done.returncode for done in sample] == [0, 1, 2] and json.loads(sample[0].stdout)["stick"] == "ST-000001" and
          "malformed" in sample[2].stderr, "the sample client asks and understands", [done.stderr for done in sample])
    sekisho("image", "floor", "8")
    check(ask({"from": fresh})[1]["image"] == {"version": "7", "in_order": False}, "an image below the floor is not in order any more")
    sekisho("stick", "revoke", "ST-000001")
    check(ask({"from": fresh})[1]["state"] == "revoked", "that the stick was revoked since is said")

    check(not odd, "every answer is as lookup-api.yaml has it", odd[:3])

    # --- every question is in the log
    with inside(rig["netns"]):
        metrics = must("curl", "-sS", "--cacert", rig["console_ca"], "--resolve", "localhost:8443:127.0.0.1", "-H",
                       "Authorization: Bearer " + open(rig["directory"] + "/keys/metrics.token").read().strip(),
                       "https://localhost:8443/metrics")
    counts = {line.split('"')[1]: int(float(line.split()[-1])) for line in metrics.splitlines()
              if line.startswith("sekisho_bank_questions_total")}
    check(counts["stick"] > 0 and counts["none"] > 0 and counts["ambiguous"] == 0 and counts["refused"] == 1 and
          counts["not_kept"] == 0, "the answers are counted", counts)
    entries = asked_in_log()
    check(len(entries) == answered, "each question that was answered is in the audit log, and no other", f"{len(entries)} of {answered}")
    check(entries[0] == {**entries[0], "who": "sekisho-demo", "stick": "ST-000001"} and entries[0]["detail"].endswith(": stick"),
          "with who asked, about what, and the answer", entries[0])
    done = run(f"{B}/sekisho", "gateway", "audit", "verify", "--socket", rig["socket"], "--config",
               rig["directory"] + "/gateway.conf")
    check(done.returncode == 0, "the log holds", done.stderr)
    with contextlib.closing(asking("sekisho-demo")) as connection:
        times = []
        for _ in range(QUESTIONS):
            began = time.monotonic()
            ask({"from": fresh}, connection=connection)
            times.append((time.monotonic() - began) * 1000)
        before = answered
        got = [ask({"from": fresh}, connection=connection)[0] for _ in range(2 * QUESTIONS)]
        due = 500 + 50 * (time.monotonic() - asked_first)
        check(answered <= due + 5 and set(got) <= {200, 429}, "a client that never stops asking is held to so many a second",
              (before, answered, due, got.count(429)))
        print(f"# {got.count(429)} of {len(got)} were too many")
    times.sort()
    p99 = times[QUESTIONS * 99 // 100]
    print(f"# {QUESTIONS} questions one after the other: median {times[QUESTIONS // 2]:.1f} ms, p99 {p99:.1f} ms")
    check(times[QUESTIONS // 2] < 200, "an answer does not take long", times[QUESTIONS // 2])
    os.makedirs(B + "/figures", exist_ok=True)
    with open(B + "/figures/lookup.json", "w") as file:
        json.dump({"lookup_p99_ms": round(p99, 1)}, file)
    for log in "gatewayd.log", "gatewayd-again.log":
        with open(f"{rig['directory']}/{log}") as file:
            text = file.read()
        check("never promised" not in text and "error:" not in text, f"no process complained in {log}", text[-600:])
finally:
    resting.set()
    end()
    shutil.rmtree(work, ignore_errors=True)
plan()
