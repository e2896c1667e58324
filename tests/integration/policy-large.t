#!/usr/bin/python3
"""policy-large - a policy of a whole country, 100 banks with 100 hosts each, on its way: from the gateway's file by the
agent to the policy process, into the record, and back at the next start. One byte more than there may be is refused.

Usage: B=BUILD policy-large.t, as root. Prints TAP. The gateway is tests/rig/gateway; agent, policy process and record are
the stick's, each spoken to as the launcher does (frames.py).
"""
import base64
import json
import os
import shutil
import socket
import ssl
import struct
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import national
import rigs
from frames import Child, blob, blobs, frame, FRAME, FIRST, NEXT, WHOLE
from tap import check, must, plan, run

B = os.path.realpath(os.environ["B"])
HERE = os.path.dirname(os.path.realpath(__file__))
READY, CONTENT, FAILED, STORE, STORED = 1, 20, 21, 22, 23
LOAD, LOADED, REFUSED, OFFER = 50, 51, 52, 53
CONFIG, ADMISSION, FETCH, FETCHED, BEACON_NOW = 80, 82, 83, 84, 88
MOST = 4194304
work = tempfile.mkdtemp()
os.chmod(work, 0o755)


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def desk():
    return json.loads(must(f"{B}/sekisho", "gateway", "stick", "list", "--socket", gateway["socket"], "--json"))


def put_in_place(path, data):
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)
    os.kill(gateway["gatewayd"], 1)


def padded(envelope, size):
    """The same envelope, signatures and all, in so many bytes."""
    return envelope.rstrip()[:-1] + b" " * (size - len(envelope.rstrip())) + b"}"


def publish(path, *words):
    return run(f"{B}/sekisho", "gateway", "policy", "--config", f"{gateway['directory']}/gateway.conf", *words, path)


def test_refusals():
    """What is wrong is said, and nothing is changed."""
    with open(f"{gateway['directory']}/policy.dsse.json", "rb") as file:
        before = file.read()
    small = national.policy(6, banks=2)
    one = f"{work}/one"
    must(f"{B}/sekisho", "policy", "sign", "--key", f"{B}/demo/keys/root-1.key", "-o", one, f"{work}/large.json")
    cases = [("older", national.sign({**small, "version": 4}, f"{work}/older"), "older"),
             ("the same", full, "version 5"),
             ("another tenant's", national.sign({**small, "tenant": "other"}, f"{work}/other"), "tenant other"),
             ("signed by one", open(one, "rb").read(), "too few of the known keys"),
             ("not signed", json.dumps(small).encode(), "not signed"),
             ("a byte too large", padded(large, MOST + 1), "larger"),
             ("cut short", full[:-100], "")]
    for what, text, words in cases:
        with open(f"{work}/case", "wb") as file:
            file.write(text)
        done = publish(f"{work}/case")
        check(done.returncode == 1 and words in done.stderr and done.stderr.startswith("sekisho: "), f"one that is {what} it refuses", done)
    done = publish(f"{work}/case", "--json")
    check(done.returncode == 1 and json.loads(done.stdout)["error"], "with --json in JSON", done)
    done = publish(f"{work}/nowhere")
    check(done.returncode == 1 and "nowhere" in done.stderr, "a file that is not there is named", done)
    check(run(f"{B}/sekisho", "gateway", "policy").returncode == 2, "none at all is a wrong use")
    with open(f"{gateway['directory']}/policy.dsse.json", "rb") as file:
        check(file.read() == before, "and what was in place is there still")


def agent_configured():
    agent = Child("agent", before=["nsenter", f"--net=/run/netns/{stick['netns']}"])
    agent.expect(READY)
    control = json.load(open(f"{gateway['directory']}/demo/gateways.json"))["gateways"][0]["control"]
    agent.send(CONFIG, blob("ST-000001") + blob("00112233445566778899aabbccddeeff") + blob("10.77.0.1") + struct.pack("<H", 8444) +
               blob(control["name"]) + blob(control["certificate"]) + blob(base64.b64decode(control["pin"])) + blob("7") +
               blob(bytes(32)) + struct.pack("<QB", 3, 1))
    agent.expect(ADMISSION)
    return agent


def read(name):
    with open(f"{B}/demo/{name}", "rb") as file:
        return file.read()


def announced(agent):
    """The versions of policy and gateways that the gateway names in its answer to a beacon."""
    agent.send(BEACON_NOW)
    _, rest = blobs(agent.expect(ADMISSION)[1:], 1)
    return struct.unpack("<QIQQ", rest[:28])[2:]


def test_gateways(agent):
    """A newer list of gateways: from the gateway's file by the agent to the policy process, and back at the next start."""
    newer = json.loads(read("gateways.json"))
    newer["version"] = 2
    newer["gateways"][0]["addresses"].append("203.0.113.200:51820")
    signed = national.sign(newer, f"{work}/gateways", kind="gateways")
    check(announced(agent)[1] == 1, "the gateway announces the list of gateways that it has")
    put_in_place(f"{gateway['directory']}/demo/gateways.dsse.json", signed)
    check(until(lambda: announced(agent)[1] == 2), "and a newer one as soon as it is in place")
    agent.send(FETCH, b"\1")
    payload = agent.expect(FETCHED)
    check(payload[0] == 1 and blobs(payload[1:], 1)[0] == signed, "the agent brings it as it is")

    def offer(child, envelope):
        child.send(OFFER, blob(envelope) + struct.pack("<Q", int(time.time())))
        return child.hear()

    def list_of(payload):
        return json.loads(blobs(payload[17:], 3)[2])

    child, first = load()
    check(list_of(first)["version"] == 1, "a stick begins with the list in its record")
    one = json.loads(signed)
    one["signatures"] = one["signatures"][:1]
    kind, why = offer(child, json.dumps(one).encode())
    check(kind == REFUSED and b"too few" in why, "a list that one person signed is refused", why)
    kind, payload = offer(child, signed)
    check(kind == LOADED and list_of(payload)["gateways"][0]["addresses"][-1] == "203.0.113.200:51820",
          "the one that two signed is taken", payload[:200])
    kind, why = offer(child, read("gateways.dsse.json"))
    check(kind == REFUSED and b"older" in why, "and the one before is not taken back", why)
    child.end()
    child, again = load(kept_gateways=signed, gateways_floor=2)
    check(list_of(again)["version"] == 2, "the next start begins with it")
    child.end()
    child, again = load(kept_gateways=b"{", gateways_floor=3)
    check(list_of(again)["version"] == 1, "where it cannot be read any more, with the one of the first contact")
    kind, why = offer(child, signed)
    check(kind == REFUSED and b"accepted before" in why, "and with none that is older than what was accepted", why)
    child.end()


def load(kept=b"", floor=0, kept_gateways=b"", gateways_floor=0):
    """A policy process that has begun, and what it says of its policy: (child, version, payload)."""
    child = Child("policy")
    child.expect(READY)
    now = int(time.time())
    child.send(LOAD, blob(read("roots.json")) + blob(read("policy.dsse.json")) + blob(kept) + blob(read("gateways.dsse.json")) +
               blob(kept_gateways) + struct.pack("<QQQ", now, floor, gateways_floor))
    return child, child.expect(LOADED)


def loaded(payload):
    version, _, pin = struct.unpack("<QQB", payload[:17])
    _, policy, _, note, rest = blobs(payload[17:], 4)
    return version, json.loads(policy), note.decode()


def api_memory(field):
    children = open(f"/proc/{gateway['gatewayd']}/task/{gateway['gatewayd']}/children").read().split()
    pid, = (p for p in children if open(f"/proc/{p}/comm").read() == "gatewayd api\n")
    if field is None:
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")  # the peak begins anew
        field = "VmRSS"
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith(field)) / 1024


def test_many_at_once():
    """A new policy of 4 MiB that all ask for before the first has it, and read slowly."""
    next_one = padded(national.sign(national.policy(6), f"{work}/next"), MOST)
    put_in_place(f"{gateway['directory']}/policy.dsse.json", next_one)
    until(lambda: desk()["policy_version"] == 6)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with rigs.inside(stick["netns"]):
        asking = [context.wrap_socket(socket.create_connection(("10.77.0.1", 8444), 30)) for _ in range(8)]
    before = api_memory(None)
    for one in asking:
        one.sendall(b"GET /v1/policy HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
    got = []
    for one in asking:  # the last one is answered, and most of it unread, while the first is read
        got.append(b"".join(iter(lambda: one.recv(1 << 20), b"")))
    grown = api_memory("VmHWM") - before
    check(all(answer.split(b"\r\n\r\n", 1)[1] == next_one for answer in got), "eight that ask for a new one at once have it, to the byte")
    print(f"# which cost the api process {grown:.1f} MiB at most")
    check(grown < 3 * MOST / 1048576, "and it is held once, not once for each of them", grown)


try:
    large = national.sign(national.policy(5), f"{work}/large")
    print(f"# 100 banks with 100 hosts: {len(large)} bytes signed")
    check(2 << 20 < len(large) <= MOST, "a hundred banks with a hundred hosts each fit", len(large))
    full = padded(large, MOST)

    os.makedirs(f"{work}/rig")
    shutil.copytree(f"{B}/demo", f"{work}/rig/demo")  # the gateway's keys are those that signed
    gateway = rigs.start(f"{HERE}/../rig/gateway", B, f"{work}/rig")
    with open(f"{work}/rig.json", "w") as file:
        json.dump(gateway, file)
    stick = rigs.start(f"{HERE}/../rig/gateway-stick", f"{work}/rig.json", "ST-000001", "10.77.0.2")
    must(f"{B}/sekisho", "gateway", "stick", "add", "--socket", gateway["socket"], "--id", "ST-000001", "--key", stick["key"])
    until(lambda: run("nsenter", f"--net=/run/netns/{stick['netns']}", "ping", "-q", "-c1", "-W1", "10.77.0.1").returncode == 0)

    with open(f"{work}/full", "wb") as file:
        file.write(full)
    took = time.monotonic()
    done = publish(f"{work}/full")
    check(done.returncode == 0 and "version 5 is in place" in done.stdout, "a policy of 4 MiB is put in place by `sekisho gateway policy'", done)
    print(f"# in force after {time.monotonic() - took:.2f} s")
    check(desk()["policy_version"] == 5 and desk()["document_error"] == "", "and the gateway has it, to the byte", desk()["document_error"])
    test_refusals()
    put_in_place(f"{gateway['directory']}/policy.dsse.json", padded(large, MOST + 1))
    check(until(lambda: "larger" in desk()["document_error"]), "one byte more it refuses, in words", desk()["document_error"])
    check(desk()["policy_version"] == 5, "and serves the one that it has")
    table = ("nsenter", f"--net=/run/netns/{gateway['netns']}", "nft", "list", "set", "inet", "sekisho")
    check(until(lambda: all(run(*table, f"bank_bank-{n:03}").returncode == 0 for n in (0, 97))),
          "its packet filter has a set for each bank")

    agent = agent_configured()
    for _ in range(2):
        began = time.monotonic()
        agent.send(FETCH, b"\0")
        payload = agent.expect(FETCHED)
        fetched, = blobs(payload[1:], 1)[:1]
    check(payload[0] == 0 and fetched == full, "the agent brings it as it is")
    print(f"# fetched through the tunnel in {time.monotonic() - began:.2f} s")
    test_gateways(agent)
    agent.end()

    test_many_at_once()

    child, first = load()
    check(loaded(first)[0] == 3, "a stick begins with its own policy")
    began = time.monotonic()
    child.send(OFFER, blob(fetched) + struct.pack("<Q", int(time.time())))
    version, policy, note = loaded(child.expect(LOADED))
    print(f"# verified, parsed and told on in {time.monotonic() - began:.2f} s")
    check(version == 5 and sum(len(bank["hosts"]) for bank in policy["banks"]) > 9800, "the policy process takes it", note)
    child.send(OFFER, blob(padded(large, MOST + 1)) + struct.pack("<Q", int(time.time())))
    refused = child.expect(REFUSED)
    code, sentence, _ = blobs(refused[1:], 2)
    check((refused[0], code) == (1, b"too_large"), "but none that is a byte larger than there may be", sentence)
    child.send_frame(OFFER, FIRST, struct.pack("<I", MOST + 1000) + bytes(FRAME - 4))
    check(child.hear()[0] is None, "one that announces more than a policy's room ends the channel before it has come")
    child.end()
    for what, second in (("another message in the middle of one", frame(56, WHOLE, struct.pack("<Q", 1))),
                         ("a part that is not the next", frame(OFFER, NEXT, bytes(FRAME), ident=1))):
        child, _ = load()
        child.send_frame(OFFER, FIRST, struct.pack("<I", 1 << 20) + bytes(FRAME - 4))
        child.channel.send(second)
        check(child.hear()[0] is None, f"so does {what}")
        child.end()

    record = f"{work}/record"
    with open(record, "wb") as file:
        file.write(read("record"))

    def with_record(flags):
        descriptor = os.open(record, flags)
        child = Child("record", device=descriptor)
        os.close(descriptor)
        child.expect(READY)
        return child

    changing = json.dumps({"format": 1, "policy_version": 5, "policy": fetched.decode()}, separators=(",", ":")).encode()
    for sequence in (1, 2):
        child = with_record(os.O_RDWR)
        child.send(STORE, blob(changing))
        check(struct.unpack("<Q", child.expect(STORED))[0] == sequence, f"the record keeps it, {sequence}. time")
        child.end()
    child = with_record(os.O_RDONLY)
    immutable, kept, _ = blobs(child.expect(CONTENT), 2)
    child.end()
    check(kept == changing and json.loads(immutable)["device"] == "ST-000001", "and gives it back at the next start")
    child, again = load(json.loads(kept)["policy"].encode(), 5)
    version, policy, note = loaded(again)
    check((version, note) == (5, "") and len(policy["banks"]) == 100, "which begins with it", note)
    with open(f"/proc/{child.process.pid}/status") as file:
        peak = {line.split(":")[0]: line.split()[1] for line in file if line.startswith(("VmHWM", "VmPeak", "VmRSS"))}
    print(f"# memory of the policy process in KiB: {peak}")
    child.end()

    child = with_record(os.O_RDWR)
    child.send(STORE, blob(b"{}" + b" " * (5 * 1048576 - 64 - 1)))
    sentence, _ = blobs(child.expect(FAILED), 1)
    check(b"impossible size" in sentence, "what does not fit a half of the record is refused in words", sentence)
    child.end()
    child = with_record(os.O_RDONLY)
    check(blobs(child.expect(CONTENT), 2)[1] == changing, "and costs nothing of what is kept")
    child.end()
finally:
    rigs.end()
plan()
