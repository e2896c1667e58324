#!/usr/bin/python3
"""policy-change - a newer policy comes while a customer banks: what it still allows goes on, what it takes away ends.

Usage: B=BUILD policy-change.t, as root. Prints TAP. Policy process and broker are the stick's (tests/rig/broker); the newer
policies are the demonstration's, altered here and signed with its keys.
"""
import json, os, shutil, ssl, sys, tempfile, time

sys.dont_write_bytecode = True
from broker_rig import B, Rig, ending
from tap import bail, check, must, plan

WWW, STATIC = "www.bank.example", "static.bank-assets.example"
SPARE = "HNXBJZvKm5i3ZLoOOBLPehwKB91m9l/0AnQyFKKFaYw="
WITHIN_S = 2  # from the offer to the last connection that it ends
directory = tempfile.mkdtemp()
base = json.load(open(f"{B}/demo/policy-4.json"))
version = base["version"]


def sign(policy):
    plain, once, signed = (f"{directory}/{name}" for name in ("plain", "once", f"policy-{policy['version']}"))
    json.dump(policy, open(plain, "w"), ensure_ascii=False)
    must(f"{B}/sekisho", "policy", "sign", "--key", f"{B}/demo/keys/root-1.key", "-o", once, plain)
    must(f"{B}/sekisho", "policy", "sign", "--key", f"{B}/demo/keys/root-3.key", "-o", signed, once)
    return signed


def newer(change):
    """The next version, with the first bank's hosts by name given to `change`."""
    global version
    version += 1
    policy = json.loads(json.dumps(base))
    policy["version"] = version
    bank = policy["banks"][0]
    hosts = {host["name"]: host for host in bank["hosts"]}
    change(policy, hosts)
    bank["hosts"] = list(hosts.values())
    return sign(policy)


def page(tls, host=WWW, path="/"):
    """One answer, on a connection that stays; its status line or what went wrong."""
    try:
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            got = tls.recv(1)
            if not got:
                return "closed"
            head += got
        headers = head.decode().lower()
        if "content-length:" in headers:
            left = int(headers.split("content-length:")[1].split()[0])
            while left > 0:
                left -= len(tls.recv(min(left, 65536)))
        else:  # chunked
            body = b""
            while not body.endswith(b"0\r\n\r\n"):
                body += tls.recv(65536)
        return head.decode().split("\r\n")[0]
    except (OSError, ssl.SSLError) as error:
        return str(error)


def offer(rig, envelope):
    rig.quiet(0.2)
    rig.order("policy", envelope)
    event = rig.event()["event"]
    return check(event == "policy_taken", "the newer policy is taken", event)


def open_both(rig):
    """As a browser does: a connection that was made while the policy changed may be made anew."""
    for _ in range(3):
        www, static = (rig.browse(host, protocols=("http/1.1",)) for host in (WWW, STATIC))
        if isinstance(www, ssl.SSLSocket) and isinstance(static, ssl.SSLSocket) and "200" in page(www):
            break
    else:
        bail(f"the bank does not answer: {www} {static}")
    check(page(www) == "HTTP/1.1 200 OK" and page(static, STATIC, "/bank.css").startswith("HTTP/1.1"), "two hosts answer")
    return www, static


def test_addition(rig):
    www, static = open_both(rig)

    def add(policy, hosts):
        hosts[WWW]["pins"].append(SPARE)
        hosts["new.bank.example"] = {**hosts[WWW], "name": "new.bank.example"}
    offer(rig, newer(add))
    check(page(www) == "HTTP/1.1 200 OK", "a host that got a spare pin goes on, on the connection it had")
    check(page(static, STATIC, "/bank.css").startswith("HTTP/1.1"), "so does one that nothing was said of")
    check(rig.quiet(0.3) == [], "and nothing is told of it")
    return www, static


def test_removed_host(rig):
    www, static = open_both(rig)
    static.sendall(f"GET /large.bin HTTP/1.1\r\nHost: {STATIC}\r\n\r\n".encode())
    check(static.recv(1000).startswith(b"HTTP/1.1 200"), "a download is under way")
    started = time.monotonic()
    offer(rig, newer(lambda policy, hosts: hosts.pop(STATIC)))
    check(ending(static) == "cut", "a host that is taken away is cut, in the midst of a download")
    took = time.monotonic() - started
    check(took < WITHIN_S, f"within {WITHIN_S} s", took)
    event = rig.event()
    check((event["event"], event["host"], event["reason"]) == ("refused", STATIC, "not_listed"), "and told as such", event)
    check(page(www) == "HTTP/1.1 200 OK", "the bank's page goes on, on the connection it had")
    check(isinstance(rig.browse(STATIC), str), "a new connection to that host is refused")
    print(f"# cut {took * 1000:.0f} ms after the offer")


def test_removed_pin(rig):
    www, _ = open_both(rig)

    def exchange(policy, hosts):
        hosts[WWW]["pins"][1] = SPARE
    offer(rig, newer(exchange))
    check(ending(www) == "cut", "where a pin was taken away the connection is made anew")
    again = rig.browse(WWW, protocols=("http/1.1",))
    check(page(again) == "HTTP/1.1 200 OK", "and the bank's page comes again")

    def revoke(policy, hosts):
        hosts[WWW]["pins"] = [SPARE, "uL7ezWyd6P4FPBoN7a7wT/5xLuhdhVuwplEBHhrCm+8="]
    offer(rig, newer(revoke))
    check(ending(again) == "cut", "where the key in use was taken away it ends")
    again = rig.browse(WWW, protocols=("http/1.1",))
    check(not isinstance(again, ssl.SSLSocket) or page(again) != "HTTP/1.1 200 OK", "and is not made again", again)
    event = rig.event()
    check(event["event"] == "pin_failure", "which is told as a wrong key", event)


def test_removed_bank(rig):
    www, _ = open_both(rig)

    def close(policy, hosts):
        policy["banks"][0]["id"] = "another"
    offer(rig, newer(close))
    check(ending(www) == "cut", "a bank that is taken away is cut")
    reasons = {event["reason"] for event in rig.quiet()}
    check(reasons == {"no_session"}, "and that is told", reasons)
    check(isinstance(rig.browse(WWW), str), "none of its hosts answers any more")


def test_refused_policy(rig):
    www, static = open_both(rig)
    envelope = json.load(open(newer(lambda policy, hosts: hosts.pop(STATIC))))
    envelope["signatures"] = envelope["signatures"][:1]
    name = f"{directory}/one-signature"
    json.dump(envelope, open(name, "w"))
    rig.quiet(0.2)
    rig.order("policy", name)
    check(rig.event()["event"] == "policy_refused", "a policy that one person signed is refused")
    check(page(www) == "HTTP/1.1 200 OK" and page(static, STATIC, "/bank.css").startswith("HTTP/1.1"), "and changes nothing")


def main():
    rig = Rig("--bank", "sekisho-demo")
    try:
        for test in (test_addition, test_refused_policy, test_removed_host, test_removed_pin, test_removed_bank):
            test(rig)
            if test is not test_removed_bank:
                offer(rig, newer(lambda policy, hosts: None))  # as it was at the beginning
    finally:
        rig.end()
        shutil.rmtree(directory)
    plan()


main()
