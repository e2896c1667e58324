#!/usr/bin/python3
"""policy - the policy process as the stick runs it, in its sandbox, driven over its channel as the launcher does.

Usage: B=BUILD policy.t. Prints TAP. Keys, policies and envelopes are made with `sekisho policy`, as a bank's IT makes
them; each way a policy can be wrong is offered to a running process and must change nothing.
"""
import base64, json, os, socket, struct, subprocess, sys, tempfile, time

B = os.path.abspath(os.environ["B"])
NOW = 1795305600  # 2026-11-22
READY, LOAD, LOADED, REFUSED, OFFER, SESSION, END, TIME = 1, 50, 51, 52, 53, 54, 55, 56
QUERY_HOST, NO, YES, QUERY_NAME, NAME, OLD = 60, 61, 62, 63, 64, 65
NOT_LISTED, PORT, EXPIRED, NO_SESSION, IP_LITERAL = 1, 2, 3, 4, 5
POLICY = "application/vnd.sekisho.policy+json"
count = failed = 0


def check(good, what):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"Bail out! {' '.join(command)}: {done.stderr}")
    return done.stdout


# --- messages -------------------------------------------------------------------------------------------------------

def blob(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("<I", len(data)) + data


def send(channel, kind, number=0, payload=b"", fds=()):
    socket.send_fds(channel, [struct.pack("=HHI", kind, 0, number) + payload], list(fds))


told_old = 0  # how often a broker was told that its answers are old


def receive(channel):
    """(type, id, payload); (0, 0, b"") when the other end closed."""
    global told_old
    data = channel.recv(1 << 18)
    while data and struct.unpack("=H", data[:2])[0] == OLD:
        told_old += 1
        data = channel.recv(1 << 18)
    return (*struct.unpack("=HxxI", data[:8]), data[8:]) if data else (0, 0, b"")


def fields(payload, layout):
    """By messages.h: b blob, 1 u8, 8 u64."""
    out, at = [], 0
    for kind in layout:
        if kind == "b":
            size = struct.unpack_from("<I", payload, at)[0]
            out.append(payload[at + 4:at + 4 + size])
            at += 4 + size
        else:
            width = int(kind)
            out.append(int.from_bytes(payload[at:at + width], "little"))
            at += width
    return out if at == len(payload) else None


class Process:
    def __init__(self):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(10)

        def take_channel():
            os.dup2(theirs.fileno(), 3)

        self.child = subprocess.Popen([B + "/launcher", "--as", "policy"], preexec_fn=take_channel, pass_fds=(3,),
                                      stderr=subprocess.DEVNULL if not os.environ.get("V") else None, close_fds=True)
        theirs.close()
        if receive(self.channel)[0] != READY:
            sys.exit("Bail out! the policy process does not start")

    def load(self, policy, kept="", gateways=None, kept_gateways="", now=NOW, keys=None, floor=0, gateways_floor=0):
        gateways = good_gateways if gateways is None else gateways
        send(self.channel, LOAD, 0, blob(keys or roots) + blob(policy) + blob(kept) + blob(gateways) +
             blob(kept_gateways) + struct.pack("<QQQ", now, floor, gateways_floor))
        return receive(self.channel)

    def offer(self, envelope, now=NOW):
        send(self.channel, OFFER, 0, blob(envelope) + struct.pack("<Q", now))
        return receive(self.channel)

    def session(self, number, bank):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(10)
        send(self.channel, SESSION, number, blob(bank), [theirs.fileno()])
        theirs.close()
        return ours

    def end(self):
        self.channel.close()
        return self.child.wait(10)


def ask(broker, host, port=443, number=7):
    send(broker, QUERY_HOST, number, blob(host) + struct.pack("<H", port))
    return receive(broker)


def ask_name(broker, host):
    send(broker, QUERY_NAME, 9, blob(host))
    return receive(broker)


# --- keys, policies -------------------------------------------------------------------------------------------------

os.chdir(tempfile.mkdtemp())
for person in "abcx":
    run(B + "/sekisho", "policy", "keygen", person)
run(B + "/sekisho", "policy", "roots", "--threshold", "2", "-o", "roots.json", "a.pub", "b.pub", "c.pub")
roots = open("roots.json").read()
run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-sha256", "-days",
    "3650", "-config", "/dev/null", "-subj", "/CN=Test Root", "-keyout", "ca.key", "-out", "ca.pem", "-addext",
    "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
PINS = [run(B + "/sekisho", "policy", "pin", name).strip() for name in ("a.pub", "b.pub")]


def host(name, role="page"):
    return {"name": name, "role": role, "ports": [443], "anchors": ["root"], "pins": PINS}


def policy(version, expires="2027-11-01T00:00:00Z", more=()):
    return {"format": 1, "tenant": "demo", "version": version, "issued": "2026-11-01T00:00:00Z", "expires": expires,
            "pin": False, "authorities": {"root": open("ca.pem").read()},
            "banks": [{"id": "alpha", "name": {"ja": "あ", "en": "Alpha"}, "start": "https://www.alpha.example/",
                       "support": "+81-3-0000-0000", "hosts": [host("www.alpha.example"), *map(host, more)]},
                      {"id": "beta", "name": {"ja": "べ", "en": "Beta"}, "start": "https://www.beta.example/",
                       "support": "+81-3-0000-0000", "hosts": [host("www.beta.example")]}]}


def signed(payload, who="ab", kind="policy"):
    with open("payload.json", "w") as file:
        json.dump(payload, file, ensure_ascii=False)
    name = "payload.json"
    for person in who:
        run(B + "/sekisho", "policy", "sign", "--force", "--type", kind, "--key", person + ".key", "-o", "signed.json", name)
        name = "signed.json"
    return open("signed.json").read()


GATEWAYS = {"format": 1, "version": 1, "gateways": [
    {"id": "gw1", "addresses": ["203.0.113.11:51820"], "key": PINS[0], "inner": "10.77.0.1",
     "control": {"port": 8444, "name": "gw1.gateway.sekisho", "certificate": open("ca.pem").read(), "pin": PINS[0]}}]}
good_gateways = signed(GATEWAYS, "bc", "gateways")
three = signed(policy(3))


def altered(envelope, old, new):
    parts = json.loads(envelope)
    payload = base64.b64decode(parts["payload"]).decode()
    parts["payload"] = base64.b64encode(payload.replace(old, new).encode()).decode()
    return json.dumps(parts)


def doubled(envelope):
    parts = json.loads(envelope)
    parts["signatures"].append(parts["signatures"][0])
    return json.dumps(parts)


# --- loading --------------------------------------------------------------------------------------------------------

process = Process()
kind, _, payload = process.load(three)
version, expires, pin, authority, policy_json, gateways_json, note = fields(payload, "881bbbb")
check(kind == LOADED and version == 3 and pin == 0 and note == b"", "a policy signed by two of three is loaded")
check(json.loads(policy_json)["version"] == 3 and json.loads(gateways_json)["version"] == 1, "both payloads come back")
open("authority.pem", "wb").write(authority)
check("Sekisho this start only" in run("openssl", "x509", "-in", "authority.pem", "-noout", "-subject"),
      "with the certificate of this start's authority")

# --- a session ------------------------------------------------------------------------------------------------------

alpha = process.session(1, "alpha")
beta = process.session(2, "beta")
kind, number, payload = ask(alpha, "www.alpha.example", number=41)
anchors, pins, pin_a, pin_b, revoked, leaf, key = fields(payload, "b1bb1bb")
check(kind == YES and number == 41 and pins == 2 and revoked == 0, "a listed host is answered under the question's number")
open("leaf.der", "wb").write(leaf)
run("openssl", "x509", "-inform", "DER", "-in", "leaf.der", "-out", "leaf.pem")
check("leaf.pem: OK" in run("openssl", "verify", "-x509_strict", "-attime", str(NOW), "-purpose", "sslserver",
                            "-verify_hostname", "www.alpha.example", "-CAfile", "authority.pem", "leaf.pem"),
      "openssl believes the minted chain, strictly, for that name")
open("key.der", "wb").write(key)
check(run("openssl", "pkey", "-inform", "DER", "-in", "key.der", "-pubout") ==
      run("openssl", "x509", "-in", "leaf.pem", "-noout", "-pubkey"), "the key that comes along is the leaf's")
check(ask(alpha, "www.alpha.example")[2] == payload, "a second question gets the same leaf")
check(ask_name(alpha, "www.alpha.example")[0] == NAME, "a listed name may be resolved")
check(ask(alpha, "www.alpha.example", 8443)[2][0] == PORT, "another port is refused")
check(ask(alpha, "phish.example")[2][0] == NOT_LISTED, "another name is refused")
check(ask(alpha, "www.beta.example")[2][0] == NOT_LISTED, "another bank's host is refused in this bank's session")
check(ask(beta, "www.beta.example")[0] == YES, "and answered in its own")
check(ask(alpha, "198.51.100.10")[2][0] == IP_LITERAL, "an address is refused")

# --- what is offered ------------------------------------------------------------------------------------------------

cut = signed(policy(4))
refused = [
    ("unsigned", json.dumps({**json.loads(three), "signatures": []}), "unsigned"),
    ("under the threshold", signed(policy(4), "a"), "under_threshold"),
    ("signed by a stranger", signed(policy(4), "ax"), "under_threshold"),
    ("signed twice by one key", doubled(signed(policy(4), "a")), "signed_twice"),
    ("altered after signing", altered(signed(policy(4)), "www.alpha.example", "www.phish.example"), "altered"),
    ("expired", signed(policy(4, "2026-11-21T00:00:00Z")), "expired"),
    ("older", signed(policy(2)), "older"),
    ("the same", three, "same"),
    ("cut short", cut[:len(cut) // 2], "not_json"),
    ("not JSON", "<html>404</html>", "not_json"),
    ("empty", "", "absent"),
    ("an older list of gateways", good_gateways, "same"),
]
for what, envelope, expected in refused:
    kind, _, payload = process.offer(envelope)
    offered, code, sentence = fields(payload, "1bb")
    same = ask(alpha, "www.alpha.example")[0] == YES and ask(alpha, "new.alpha.example")[2][0] == NOT_LISTED
    check(kind == REFUSED and offered == 1 and code.decode() == expected and len(sentence) > 20 and same,
          f"a policy that is {what}: refused as {code.decode()}, nothing changes")

kind, _, payload = process.offer(signed(policy(4, more=["new.alpha.example"]), "ca"))
check(kind == LOADED and fields(payload, "881bbbb")[0] == 4, "a newer one is taken")
check(fields(payload, "881bbbb")[3] == authority, "the authority stays")
before = told_old
check(ask(alpha, "new.alpha.example")[0] == YES, "a session that was open goes on with it")
check((before, told_old) == (0, 1), "and was told that what it knew is old, which no refused one did")
kind, _, payload = process.offer(signed({**GATEWAYS, "version": 2}, "ab", "gateways"))
check(kind == LOADED and json.loads(fields(payload, "881bbbb")[5])["version"] == 2, "so is a newer list of gateways")
only_beta = policy(5)
del only_beta["banks"][0]
check(process.offer(signed(only_beta))[0] == LOADED and ask(alpha, "www.alpha.example")[2][0] == NO_SESSION and
      ask(beta, "www.beta.example")[0] == YES, "a bank that is gone is closed, the other goes on")

# --- a stick that has accepted version 4 and cannot read it any more --------------------------------------------------

floored = Process()
kind, _, payload = floored.load(signed(policy(2)), kept="spoilt", floor=4)
check(kind == LOADED and b"older than 4" in fields(payload, "881bbbb")[6], "an older policy than one accepted before is loaded, and said")
closed = floored.session(1, "alpha")
check(ask(closed, "www.alpha.example")[2][0] == EXPIRED, "with its banks closed")
check(fields(floored.offer(three)[2], "1bb")[1] == b"older", "a newer one that is still below that is refused")
check(floored.offer(signed(policy(4)))[0] == LOADED and ask(closed, "www.alpha.example")[0] == YES,
      "one that is as new opens them")
check(floored.end() == 0, "and it ends with its channel")

# --- roots that hand over (bundle.h): a and b let d and e in, b and c leave --------------------------------------------

for person in "de":
    run(B + "/sekisho", "policy", "keygen", person)


def link(version, people, who):
    run(B + "/sekisho", "policy", "roots", "--threshold", "2", "--version", str(version), "-o", "link.json",
        *(f"{p}={p}.pub" for p in people))
    name = "link.json"
    for person in who:
        run(B + "/sekisho", "policy", "sign", "--type", "roots", "--key", person + ".key", "-o", "link.signed", name)
        name = "link.signed"
    return json.load(open("link.signed"))


def bundle(links, envelope):
    return json.dumps({"roots": {str(version): link for version, link in links.items()}, "signed": json.loads(envelope)})


def refused_as(answer):
    return fields(answer[2], "1bb")[1].decode() if answer[0] == REFUSED else "taken"


two = link(2, "ade", "abde")
handed = Process()
check(handed.load(signed(policy(3)))[0] == LOADED, "a stick has the roots that its image came with")
check(refused_as(handed.offer(signed(policy(4), "de"))) == "under_threshold", "people whom they do not know do not count")
check(refused_as(handed.offer(bundle({2: link(2, "ade", "ade")}, signed(policy(4), "de")))) == "under_threshold",
      "nor those whom one of the old people let in")
check(refused_as(handed.offer(bundle({3: link(3, "ade", "abde")}, signed(policy(4), "de")))) == "roots_skipped",
      "nor those behind a version that is skipped")
check(handed.offer(bundle({2: two}, signed(policy(4), "de")))[0] == LOADED, "those whom two of the old let in, and who signed, do")
check(refused_as(handed.offer(signed(policy(5), "bc"))) == "under_threshold", "then those who left do not count any more")
check(refused_as(handed.offer(bundle({2: two}, signed(policy(5), "bc")))) == "under_threshold", "also behind the chain")
check(refused_as(handed.offer(bundle({2: link(2, "bc", "abc")}, signed(policy(5), "bc")))) == "under_threshold",
      "nor behind another version 2 that the old people signed")
check(refused_as(handed.offer(signed(policy(5), "ad"))) == "chain_missing",
      "the next policy brings the chain too: what is kept is all that the next start has")
check(handed.offer(bundle({2: two}, signed(policy(5), "ad")))[0] == LOADED, "with it it is taken")
check(handed.end() == 0, "and it ends with its channel")
again = Process()
kind, _, payload = again.load(signed(policy(3)), kept=bundle({2: two}, signed(policy(4), "de")))
check(kind == LOADED and fields(payload, "881bbbb")[0] == 4, "the chain is kept with the policy, and followed at the next start")
check(refused_as(again.offer(signed(policy(5), "bc"))) == "under_threshold" and again.offer(bundle({2: two}, signed(policy(5), "ae")))[0] == LOADED,
      "so that the same people count as before")
again.end()

# an image whose own policy hands over: who left before it was made signs nothing that is kept, be it newer or a list
ahead = bundle({2: two}, signed(policy(4), "de"))
lists = {n: json.dumps({**GATEWAYS, "version": n}) for n in (2, 3)}
for kept, what in [(signed(policy(9), "bc"), "policy of those who left"),
                   (bundle({2: link(2, "bc", "abc")}, signed(policy(9), "bc")), "policy behind another version 2 of theirs"),
                   (bundle({2: two}, signed(policy(9), "bc")), "policy of theirs behind the chain")]:
    newer = Process()
    kind, _, payload = newer.load(ahead, kept=kept)
    check(kind == LOADED and fields(payload, "881bbbb")[0] == 4 and b"kept policy" in fields(payload, "881bbbb")[6] and
          refused_as(newer.offer(signed(policy(10), "bc"))) == "under_threshold",
          f"an image with a newer policy does not fall back behind a kept {what}")
    newer.end()
newer = Process()
kind, _, payload = newer.load(ahead, kept=signed(policy(5), "ae"), kept_gateways=signed(json.loads(lists[3]), "bc", "gateways"))
check(kind == LOADED and fields(payload, "881bbbb")[0] == 5, "one of those who hold the keys now needs no chain of its own there")
check(json.loads(fields(payload, "881bbbb")[5])["version"] == GATEWAYS["version"], "a kept list of gateways of those who left is left aside")
check(newer.offer(signed(policy(6), "de"))[0] == LOADED, "nor does one that is offered: the next start begins with the image's policy")
newer.end()
newer = Process()
kind, _, payload = newer.load(ahead, kept=signed(policy(2), "bc"))
check(kind == LOADED and fields(payload, "881bbbb")[0] == 4 and refused_as(newer.offer(signed(policy(5), "bc"))) == "under_threshold",
      "and an older kept one does not bring its signers back")
newer.end()

# --- time -----------------------------------------------------------------------------------------------------------

send(process.channel, TIME, 0, struct.pack("<Q", NOW + 400 * 86400))
answer = YES, 0, b""
give_up = time.monotonic() + 10
while answer[0] == YES and time.monotonic() < give_up:  # the two channels are not ordered
    answer = ask(beta, "www.beta.example")
check(answer[2][0] == EXPIRED, "when the policy's time is over its banks are closed")
check(process.offer(signed(policy(6, "2029-01-01T00:00:00Z")), NOW + 400 * 86400)[0] == LOADED,
      "and a newer policy still gets in")
check(ask(beta, "www.beta.example")[0] == YES, "which opens them again")

# --- peers that misbehave, ends -------------------------------------------------------------------------------------

send(beta, QUERY_HOST, 1, b"\xff\xff\xff\xff")
check(receive(beta)[0] == 0, "a broker that does not speak the language is cut off")
check(ask(alpha, "www.alpha.example")[0] == YES, "the other session goes on")
check(receive(process.session(3, "gamma"))[0] == 0, "there is no session of a bank that does not exist")
send(process.channel, END, 1)
check(receive(alpha)[0] == 0, "a session that is ended is closed")
check(process.end() == 0, "it ends with the launcher's channel")
for kind in (LOAD, OFFER, SESSION, 99):
    process = Process()
    send(process.channel, kind, 1, b"\0")
    check(process.child.wait(10) == 1, f"a malformed message {kind} of the launcher ends it")

# --- at start -------------------------------------------------------------------------------------------------------

for what, expected, arguments in [
    ("nothing good", "not_json", dict(policy="{", kept="x")),
    ("no gateways", "absent", dict(policy=three, gateways="")),
    ("no roots", "not_json", dict(policy=three, keys="x")),
    ("one root key only", "bad_roots", dict(policy=three, keys=json.dumps({"threshold": 1, "keys":
                                                                          json.loads(roots)["keys"]}))),
]:
    process = Process()
    kind, _, payload = process.load(**arguments)
    check(kind == REFUSED and fields(payload, "1bb")[0] == 0 and fields(payload, "1bb")[1].decode() == expected,
          f"{what} at the start: refused as {fields(payload, '1bb')[1].decode()}")
    check(process.load(three)[0] == LOADED, "and a good one can still be loaded")
    process.end()
process = Process()
kind, _, payload = process.load(three, kept=signed(policy(2)))
check(kind == LOADED and fields(payload, "881bbbb")[0] == 3 and b"older" in fields(payload, "881bbbb")[6],
      "an older kept policy is left aside, and the desk is told")
process.end()
process = Process()
kind, _, payload = process.load(three, kept=signed(policy(8)))
check(kind == LOADED and fields(payload, "881bbbb")[0] == 8, "a newer kept one stands")
first = fields(payload, "881bbbb")[3]
process.end()
process = Process()
kind, _, payload = process.load(three)
check(fields(payload, "881bbbb")[3] != first, "every start has an authority of its own")
process.end()

print(f"1..{count}")
sys.exit(failed > 0)
