#!/usr/bin/python3
"""agent - the agent process against a gateway's control API that is good, wrong, slow or not there.

Usage: B=BUILD agent.t, as root of a network namespace of its own (it makes one). Prints TAP. The agent is started as
the launcher starts it and spoken to in its own messages (launcher/messages.h).
"""
import base64, binascii, hashlib, http.server, json, os, queue, socket, ssl, struct, subprocess, sys, tempfile, threading, time

B = os.environ["B"]
ADDRESS, NAME = "10.77.0.1", "gw1.gateway.sekisho"
READY, CONFIG, HEALTH, ADMISSION, FETCH, FETCHED, SESSION, SESSION_REPLY, ERROR, BEACON_NOW, GOODBYE = \
    1, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89
HOST, KNOWN_BAD = 130, 131
ASK_NONCE, NONCE, STATEMENT, NOT_STATED, NOT_FETCHED = 140, 141, 142, 143, 160
TIMEOUT = 15
count = failed = 0


def check(good, what, detail=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)
    if not good and detail != "":
        print(f"# {detail}", flush=True)


# --- the gateway ----------------------------------------------------------------------------------------------------

class Gateway(http.server.ThreadingHTTPServer):
    """A control API on a port of its own. `say` maps paths to (status, body); "hang" never answers."""
    daemon_threads = True

    def __init__(self, certificate, say):
        super().__init__((ADDRESS, 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate + ".crt", certificate + ".key")
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.say, self.seen = say, queue.Queue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.put((self.command, self.path, body))
        said = self.server.say[self.path]
        if said == "hang":
            time.sleep(60)
        status, text = said
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def certificate(directory, file, name=NAME, days=("20250101000000Z", "20450101000000Z")):
    path = f"{directory}/{file}"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                    "-sha256", "-not_before", days[0], "-not_after", days[1], "-config", "/dev/null", "-subj",
                    f"/CN={name}", "-keyout", path + ".key", "-out", path + ".crt", "-addext",
                    "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature", "-addext",
                    "extendedKeyUsage=serverAuth", "-addext", f"subjectAltName=DNS:{name}"],
                   check=True, capture_output=True)
    return path


def pin_of(path):
    der = subprocess.run(["openssl", "pkey", "-in", path + ".key", "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    return subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, check=True, capture_output=True).stdout


# --- the agent ------------------------------------------------------------------------------------------------------

def blob(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("<I", len(data)) + data


def take_blob(data):
    size = struct.unpack("<I", data[:4])[0]
    return data[4:4 + size], data[4 + size:]


class Agent:
    def __init__(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = ours
        self.channel.settimeout(TIMEOUT)
        # "2>&1" keeps the log out of the way of the shell's own; 3 is where a child finds its launcher
        self.process = subprocess.Popen(["sh", "-c", f"exec 3<&{theirs.fileno()} {B}/launcher --as agent 2>/dev/null"],
                                        pass_fds=[theirs.fileno()])
        theirs.close()

    def send(self, kind, payload=b"", ident=0):
        self.channel.send(struct.pack("=HHI", kind, 0, ident) + payload)

    def hear(self, timeout=TIMEOUT):
        """(type, id, payload); type None if nothing comes."""
        self.channel.settimeout(timeout)
        try:
            data = self.channel.recv(1 << 18)
        except TimeoutError:
            return None, 0, b""
        if not data:
            return "end", 0, b""
        kind, _, ident = struct.unpack("=HHI", data[:8])
        return kind, ident, data[8:]

    def configure(self, path, port, pin=None, dates=False, name=NAME, anchor=None):
        with open((anchor or path) + ".crt") as pem:
            self.send(CONFIG, blob("ST-000001") + blob("00112233445566778899aabbccddeeff") + blob(ADDRESS) +
                      struct.pack("<H", port) + blob(name) + blob(pem.read()) + blob(pin or pin_of(path)) + blob("1") +
                      blob(bytes(32)) + struct.pack("<QB", 3, dates))

    def end(self):
        self.channel.close()
        return self.process.wait(TIMEOUT)


def sentence(payload):
    return take_blob(payload)[0].decode()


ADMITTED = json.dumps({"state": "admitted", "reason": "", "time": 1795330000, "valid_s": 90, "policy_version": 4,
                       "gateways_version": 1}).encode()


def fresh(path, say, **how):
    """A new agent and a new gateway, introduced to each other."""
    gateway, agent = Gateway(path, say), Agent()
    assert agent.hear()[0] == READY
    agent.configure(path, gateway.server_port, **how)
    return gateway, agent


def test_good(good):
    say = {"/v1/beacon": (200, ADMITTED), "/v1/policy": (200, b'{"payloadType":"x"}' + bytes(50000)),
           "/v1/gateways": (200, b"{}"), "/v1/session": (200, b'{"ok":true}')}
    gateway, agent = fresh(good, say, dates=True)
    method, path, body = gateway.seen.get(timeout=TIMEOUT)
    beacon = json.loads(body)
    check((method, path, beacon["device"], beacon["goodbye"]) == ("POST", "/v1/beacon", "ST-000001", False),
          "the first beacon comes by itself", body)
    kind, _, payload = agent.hear()
    state, rest = payload[0], take_blob(payload[1:])[1]
    when, valid, policy, gateways, lease, stated, token, tries = struct.unpack("<QIQQIBIB", rest)
    check((kind, state, when, valid, policy, gateways, lease, stated, token, tries) ==
          (ADMISSION, 1, 1795330000, 90, 4, 1, 0, 0, 0, 255),
          "and its answer is told to the launcher", payload)

    agent.send(HEALTH, blob('{"uptime_s":5,"device":"ST-000002"}'))
    agent.send(BEACON_NOW)
    second = json.loads(gateway.seen.get(timeout=TIMEOUT)[2])
    check(second["uptime_s"] == 5 and second["sequence"] == beacon["sequence"] + 1, "the next one carries the health",
          second)
    check(second["device"] == "ST-000001", "which cannot change who speaks")
    check(agent.hear()[0] == ADMISSION, "and is answered")

    agent.send(FETCH, b"\0")
    kind, _, payload = agent.hear()
    check(kind == FETCHED and payload[0] == 0 and take_blob(payload[1:])[0] == say["/v1/policy"][1],
          "a policy is fetched byte for byte")
    agent.send(FETCH, b"\1")
    kind, _, payload = agent.hear()
    check(kind == FETCHED and payload[0] == 1, "so are the gateways")

    agent.send(SESSION, b"\1" + blob("sekisho-demo"), 7)
    kind, ident, payload = agent.hear()
    check((kind, ident, payload[0]) == (SESSION_REPLY, 7, 1), "a session is opened", (kind, ident, payload))
    say["/v1/session"] = (200, b'{"ok":false,"reason":"not_admitted"}')
    agent.send(SESSION, b"\1" + blob("sekisho-demo"), 8)
    kind, ident, payload = agent.hear()
    check((kind, ident, payload[0], sentence(payload[1:])) == (SESSION_REPLY, 8, 0, "not_admitted"),
          "or refused, with the gateway's reason", payload)

    say["/v1/policy"] = (200, bytes(4194305))
    agent.send(FETCH, b"\0")
    kind, _, payload = agent.hear()
    check(kind == NOT_FETCHED and payload[0] == 0 and "too large" in sentence(payload[1:]),
          "a policy of a byte more than 4 MiB is not taken, and that is told", (kind, payload[:80]))
    say["/v1/policy"] = (200, b"{}")
    check(agent.hear(3)[0] is None, "when it is tried again the launcher decides")
    agent.send(FETCH, b"\0")
    check(agent.hear()[0] == FETCHED, "and then it comes")

    while not gateway.seen.empty():
        gateway.seen.get()
    digest = hashlib.sha256(b"login.evil.example").digest()
    entry = struct.pack("<Q", int.from_bytes(digest[:8], "big") & ~15 | 1)
    say["/v1/indicators"] = (200, json.dumps({"entries": base64.b64encode(entry).decode()}).encode())
    agent.send(HOST, blob("www.login.evil.example"))
    asked = gateway.seen.get(timeout=TIMEOUT)
    prefix = int.from_bytes(hashlib.sha256(b"evil.example").digest()[:2], "big") >> 4
    check(asked == ("POST", "/v1/indicators", json.dumps({"prefix": prefix}, separators=(",", ":")).encode()),
          "about a refused host the gateway hears 12 bits of a hash and nothing else", asked)
    kind, _, payload = agent.hear()
    check((kind, payload) == (KNOWN_BAD, blob("www.login.evil.example") + b"\1"),
          "the answer is compared on the stick, with the parent domains too", (kind, payload))
    for wrong in b"<html>", b'{"entries":"AAAA"}', b'{"entries":"' + b"A" * 400000 + b'"}':
        say["/v1/indicators"] = (200, wrong)
        agent.send(HOST, blob(f"h{len(wrong)}.example"))
        gateway.seen.get(timeout=TIMEOUT)
    agent.send(HOST, blob("www.login.evil.example"))
    kind, _, payload = agent.hear()
    check((kind, payload[-1:]) == (KNOWN_BAD, b"\1") and gateway.seen.empty(),
          "answers that cannot be read say nothing; what is known is not asked again", (kind, payload))
    say["/v1/indicators"] = "hang"
    agent.send(HOST, blob("late.example"))
    gateway.seen.get(timeout=TIMEOUT)
    agent.send(SESSION, b"\1" + blob("sekisho-demo"), 9)
    kind, ident, payload = agent.hear()
    check((kind, ident) == (SESSION_REPLY, 9), "nothing waits for an answer that does not come", (kind, ident))
    while not gateway.seen.empty():
        gateway.seen.get()
    agent.send(GOODBYE)
    last = json.loads(gateway.seen.get(timeout=TIMEOUT)[2])
    check(last["goodbye"] is True, "goodbye is said to the gateway")
    check(agent.hear()[0] == READY, "and that it was said to the launcher")
    check(agent.end() == 0, "when the launcher goes the agent ends")
    gateway.shutdown()


def test_statement(good):
    nonce, token = bytes(range(32)), bytes(range(32, 64))
    base64 = lambda data: binascii.b2a_base64(data, newline=False).decode()
    say = {"/v1/beacon": (200, ADMITTED), "/v1/nonce": (200, json.dumps({"reason": "", "nonce": base64(nonce)}).encode()),
           "/v1/admission": (200, json.dumps(dict(json.loads(ADMITTED), lease_s=600, token=base64(token))).encode())}
    gateway, agent = fresh(good, say)
    check(agent.hear()[0] == ADMISSION, "a beacon is answered")
    agent.send(ASK_NONCE)
    kind, _, payload = agent.hear()
    check((kind, sentence(payload), take_blob(take_blob(payload)[1])[0]) == (NONCE, "", nonce), "a nonce is fetched", payload)
    agent.send(STATEMENT, blob(b"what is said") + blob(b"s" * 64) + blob(b""))
    kind, _, payload = agent.hear()
    rest = take_blob(payload[1:])[1]
    lease, stated = struct.unpack("<IB", rest[28:33])
    check((kind, lease, stated, take_blob(rest[33:])[0]) == (ADMISSION, 600, 1, token),
          "a statement is brought, and what it earned told with its token", payload)
    while True:
        _, path, body = gateway.seen.get(timeout=TIMEOUT)
        if path == "/v1/admission":
            break
    check(json.loads(body) == {"statement": base64(b"what is said"), "signature": base64(b"s" * 64)},
          "without a PIN it has none", body)
    agent.send(STATEMENT, blob(b"x") + blob(b"s" * 64) + blob(b"p" * 64))
    check(agent.hear()[0] == ADMISSION and "pin_signature" in json.loads(gateway.seen.get(timeout=TIMEOUT)[2]),
          "with one it has its signature")
    for what, said in (("of 5 bytes", {"reason": "", "nonce": "AAAAAAA="}), ("missing", {"reason": ""}),
                       ("with a reason", {"reason": "revoked", "nonce": base64(nonce)})):
        say["/v1/nonce"] = (200, json.dumps(said).encode())
        agent.send(ASK_NONCE)
        heard = [agent.hear()[0], agent.hear()[0]]
        check(heard == [ERROR, NOT_STATED], f"a nonce {what} is none", heard)
    say["/v1/admission"] = (500, b"{}")
    agent.send(STATEMENT, blob(b"x") + blob(b"s" * 64) + blob(b""))
    heard = [agent.hear()[0], agent.hear()[0]]
    check(heard == [ERROR, NOT_STATED], "that a statement could not be brought is told", heard)
    agent.end()
    gateway.shutdown()


def test_certificates(directory, good):
    other = certificate(directory, "other")
    named = certificate(directory, "named", name="gw2.gateway.sekisho")
    old = certificate(directory, "old", days=("20200101000000Z", "20210101000000Z"))
    coming = certificate(directory, "coming", days=("20440101000000Z", "20450101000000Z"))
    say = {"/v1/beacon": (200, ADMITTED), "/v1/policy": (200, b"{}")}
    for what, path, how, words in (
            ("another pin", good, {"pin": bytes(32)}, "key is not the one"),
            ("another anchor", good, {"anchor": other}, "certificate is not the one"),
            ("another name", named, {}, "certificate is not the one"),
            ("an expired certificate when the time is known", old, {"dates": True}, "certificate is not the one")):
        for dates in [True] if "dates" in how else [False, True]:
            gateway, agent = fresh(path, say, **{**how, "dates": dates})
            kind, _, payload = agent.hear()
            told = sentence(payload) if kind == ERROR else ""
            check(words in told and gateway.seen.empty(),
                  f"{what} (dates {'' if dates else 'not '}checked): not one request, \"{told}\"", (kind, payload))
            agent.end()
            gateway.shutdown()
    for what, path in (("an expired", old), ("a future", coming)):
        gateway, agent = fresh(path, say, dates=False)
        check(agent.hear()[0] == ADMISSION, f"{what} certificate passes until the time is known")
        agent.configure(path, gateway.server_port, dates=True)
        agent.send(BEACON_NOW)
        agent.send(FETCH, b"\0")
        heard = [agent.hear()[0], agent.hear()[0]]
        check(sorted(heard) == [ERROR, NOT_FETCHED], "and no longer than that, not even on a connection that was kept", heard)
        agent.end()
        gateway.shutdown()


def test_trouble(good):
    for what, said, words in (("is no JSON", (200, b"<html>"), "not a JSON object"),
                              ("admits without a time", (200, b'{"state":"admitted"}'), "no time"),
                              ("is of 1 MB", (200, b" " * (1 << 20)), "too large"),
                              ("is status 403", (403, b'{"error":"x","reason":"not registered"}'), "not registered"),
                              ("is a redirection", (302, b""), "302"),
                              ("does not come", "hang", "within 5 seconds")):
        gateway, agent = fresh(good, {"/v1/beacon": said})
        started = time.monotonic()
        kind, _, payload = agent.hear()
        told = sentence(payload) if kind == ERROR else ""
        check(words in told and time.monotonic() - started < 7, f'an answer that {what}: "{told}"', (kind, payload))
        agent.end()
        gateway.shutdown()

    agent = Agent()
    agent.hear()
    agent.configure(good, 9)
    kind, _, payload = agent.hear()
    check(kind == ERROR and "cannot be reached" in sentence(payload), "a gateway that is not there", payload)
    gateway = Gateway(good, {"/v1/beacon": (200, ADMITTED)})
    agent.configure(good, gateway.server_port)
    check(agent.hear()[0] == ADMISSION, "is found by itself when it comes back")
    agent.send(9999)
    check(agent.hear()[0] == "end" and agent.end() != 0, "a message that is none ends the agent")
    gateway.shutdown()


def main():
    os.unshare(os.CLONE_NEWNET)
    for command in (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", ADDRESS + "/32", "dev", "lo"]):
        subprocess.run(command, check=True)
    with tempfile.TemporaryDirectory() as directory:
        good = certificate(directory, "good")
        test_good(good)
        test_statement(good)
        test_certificates(directory, good)
        test_trouble(good)
    print(f"1..{count}")
    return failed > 0


sys.exit(main())
