#!/usr/bin/python3
"""broker-crooked - the broker before banks that are wrong in ways the test bank is not: in their certificates beyond the
chain, in their TLS, in their names' addresses, and in how they end.

Usage: B=BUILD broker-crooked.t, as root. Prints TAP. A policy of its own is signed with the demonstration's keys; DNS,
authorities and banks are this program's, in a namespace that is the tunnel's far end.
"""
import os, queue, resource, socket, ssl, struct, sys, tempfile, threading, time, warnings

sys.dont_write_bytecode = True
import tap
from banks import DNS, PAGE, Authority, Bank, go_home, new_world, serve_names, sign_policy
from broker_rig import Rig, TIMEOUT, ending, loop_bytes
from tap import check

warnings.simplefilter("ignore", DeprecationWarning)  # the old TLS here is old on purpose


# --- banks ----------------------------------------------------------------------------------------------------------

LARGE = 8 << 20


def serve_large(tls):
    tls.recv(65536)
    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
    for at in range(0, LARGE, 65536):
        tls.sendall(bytes([at >> 16 & 255]) * 65536)
    tls.unwrap()


def serve_upload(tls):
    """Reads slowly at first: what the broker holds meanwhile must stay bounded."""
    time.sleep(2)
    got = 0
    while got < LARGE:
        got += len(tls.recv(65536))
    tls.sendall(PAGE)


def serve_cut(tls):
    tls.recv(65536)
    tls.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf a page")
    os.close(tls.detach())  # no close_notify


def serve_half_closed(tls):
    """An answer after the browser has said its last word, and a good end."""
    asked = b""
    while chunk := tls.recv(65536):
        asked += chunk
    tls.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + asked[:3])
    tls.unwrap()


def serve_reset(tls):
    tls.recv(65536)
    tls.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf a page")
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(tls.detach())


def serve_oversized(tls):
    """A record that says it is larger than RFC 8446 section 5.2 lets it be."""
    tls.recv(65536)
    os.write(tls.fileno(), b"\x17\x03\x03\xff\xff" + bytes(65535))
    time.sleep(TIMEOUT)


def serve_endless(tls):
    tls.recv(65536)
    tls.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        tls.sendall(b"X-And-More: " + bytes([97]) * 16000 + b"\r\n")


def serve_slow(tls):
    tls.recv(65536)
    for byte in PAGE:
        tls.sendall(bytes([byte]))
        time.sleep(0.05)


# --- the rig --------------------------------------------------------------------------------------------------------

def page(rig, name):
    """The first bytes of a host's page, or the exception's text."""
    tls = rig.browse(f"{name}.{ZONE}")
    if isinstance(tls, str):
        return tls
    try:
        tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
        return tls.recv(65536)
    except (OSError, ssl.SSLError) as error:
        return str(error)


def memory_kb(rig):
    with open(f"/proc/{rig.about['pids']['broker']}/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
TLS13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
ZONE = "crooked.example"
BRIEF_S = 15
CONNECTIONS, HOST_CONNECTIONS = 1024, 128  # launcher/broker_limits.h


def lay(authority):
    """name -> (address, what issue() is told, what Bank() is told); the name's certificate is for it unless said."""
    def san(name):
        return {"san": f"DNS:{name}.{ZONE}"}
    plan = {
        "tls12": (san("tls12"), {"versions": TLS12, "protocols": ("http/1.1",)}),
        "tls13": (san("tls13"), {"versions": TLS13, "protocols": ("h2", "http/1.1")}),
        "rsa": ({**san("rsa"), "bits": 2048}, {"versions": TLS13}),
        "rsa12": ({**san("rsa12"), "bits": 3072}, {"versions": TLS12}),
        "wild": ({"san": f"DNS:*.{ZONE}"}, {}),
        "brief12": (san("brief12"), {"versions": TLS12}),
        "brief13": (san("brief13"), {"versions": TLS13}),
        "large": (san("large"), {"serve": serve_large}),
        "upload": (san("upload"), {"serve": serve_upload}),
        "half": (san("half"), {"serve": serve_half_closed}),
        "cut": (san("cut"), {"serve": serve_cut}),
        "second": (san("second"), {}),
        "ahead": (san("ahead"), {"versions": TLS13}),
        "full": (san("full"), {}),
        # whose page or server misbehaves
        "reset": (san("reset"), {"serve": serve_reset}),
        "oversized": (san("oversized"), {"serve": serve_oversized}),
        "endless": (san("endless"), {"serve": serve_endless}),
        "slow": (san("slow"), {"serve": serve_slow}),
        "caspin": (san("caspin"), {}),
        "wrongpin": (san("wrongpin"), {}),
        "revoked": (san("revoked"), {}),
        # wrong
        "nosan": ({}, {}),
        "emailsan": ({"san": f"email:a@nosan.{ZONE}"}, {}),
        "widewild": ({"san": "DNS:*.example"}, {}),
        "deepwild": ({"san": "DNS:*.deeper.crooked.example"}, {}),
        "leafca": ({**san("leafca"), "ca": True, "usage": "digitalSignature,keyCertSign"}, {}),
        "nouse": ({**san("nouse"), "use": None}, {}),
        "emailuse": ({**san("emailuse"), "use": "emailProtection"}, {}),
        "anyuse": ({**san("anyuse"), "use": "2.5.29.37.0"}, {}),
        "weakrsa": ({**san("weakrsa"), "bits": 1024}, {"ciphers": "DEFAULT@SECLEVEL=0"}),
        "sha1": ({**san("sha1"), "digest": "sha1"}, {"ciphers": "DEFAULT@SECLEVEL=0"}),
        "staticrsa": ({**san("staticrsa"), "bits": 2048, "usage": "digitalSignature,keyEncipherment"},
                      {"versions": TLS12, "ciphers": "AES128-GCM-SHA256"}),
        "cbc": ({**san("cbc"), "bits": 2048}, {"versions": TLS12, "ciphers": "ECDHE-RSA-AES128-SHA"}),
        "tls11": (san("tls11"), {"versions": (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1),
                                 "ciphers": "DEFAULT@SECLEVEL=0"}),
    }
    laid = {}
    for number, (name, (issued, served)) in enumerate(plan.items(), 60):
        laid[name] = (f"198.51.100.{number}", authority.issue(f"{name}.{ZONE}", **issued), served)
    return laid


def lay_policy(directory, authority, laid):
    backup = authority.pin(authority.issue(f"backup.{ZONE}"))
    hosts = {}
    for name in [*laid, "closed", "linklocal", "loopback", "nowhere"]:
        path = laid[name][1] if name in laid else laid["tls12"][1]
        pinned = {"caspin": authority.root, "wrongpin": laid["tls12"][1]}
        hosts[f"{name}.{ZONE}"] = [authority.pin(pinned.get(name, path)), backup]
    bank = {"id": "crooked", "name": {"ja": "曲がり銀行", "en": "Crooked Bank"}}
    return sign_policy(directory, authority, bank, hosts, revoked=[authority.pin(laid["revoked"][1])])


def start_world(directory, laid):
    """In a new namespace: addresses, DNS, banks. Its descriptor, the banks, the DNS server."""
    world = new_world([a for a, _, _ in laid.values()] + ["198.51.100.250", "169.254.169.254"])
    names = {f"{name}.{ZONE}": [address] for name, (address, _, _) in laid.items()}
    names[f"second.{ZONE}"].insert(0, "198.51.100.250")  # nobody listens there
    names |= {f"loopback.{ZONE}": ["127.0.0.1"], f"linklocal.{ZONE}": ["169.254.169.254"],
              f"closed.{ZONE}": ["198.51.100.250"]}
    dns = serve_names(directory, names)
    trap = socket.create_server(("127.0.0.1", 443))  # what a rebinding name would reach
    trap.setblocking(False)
    banks = {name: Bank(address, path, **served) for name, (address, path, served) in laid.items()}
    go_home()
    return world, banks, dns, trap


def test_good(rig, banks):
    for name, version, protocol in (("tls12", "TLSv1.2", "http/1.1"), ("tls13", "TLSv1.3", "h2")):
        got = page(rig, name)
        check(got == PAGE, f"a bank of {version} alone is reached", got)
        seen = banks[name].seen.get(timeout=TIMEOUT)
        check(seen == (version, False, protocol), f"which saw {version} and {protocol}", seen)
        check(page(rig, name) == PAGE, "again")
        seen = banks[name].seen.get(timeout=TIMEOUT)
        check(seen == (version, True, protocol), "by a resumed session", seen)
    for name, what in (("rsa", "an RSA key over TLS 1.3"), ("rsa12", "an RSA key over TLS 1.2"),
                       ("wild", "a wildcard for one label"), ("caspin", "a pin on its authority"),
                       ("second", "a dead first address")):
        got = page(rig, name)
        check(got == PAGE, f"a bank with {what} is reached", got)


def told(rig, name):
    """What a browser gets of the host, and what is told of it. The broker tells of so many at once and of a few more each
    second: where it said nothing it is asked again."""
    for _ in range(20):
        got, e = page(rig, name), rig.event(2)
        if e["event"] != "none":
            break
    return got, e


def test_brief(rig, authority, laid, banks):
    """Certificates in their last seconds: who resumes shows none, and is asked for their dates all the same."""
    end = int(time.time()) + BRIEF_S
    for name in ("brief12", "brief13"):
        authority.sign(laid[name][1], "sha256", "-not_after", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(end)))
        banks[name].context.load_cert_chain(laid[name][1] + ".crt", laid[name][1] + ".key")
        got = page(rig, name), page(rig, name)
        seen = [banks[name].seen.get(timeout=TIMEOUT)[1] for _ in range(2)]
        check(got == (PAGE, PAGE) and seen == [False, True], f"{name}: a bank is resumed while its certificate is good", (got, seen))
    time.sleep(max(0, end + 1.5 - time.time()))
    rig.quiet()
    for name in ("brief12", "brief13"):
        got, e = told(rig, name)
        check(isinstance(got, str) and (e["host"], e["reason"]) == (f"{name}.{ZONE}", "dates"),
              f"{name}: no ticket outlives it", (got, e))


def test_attack(rig, authority, laid):
    """A good chain with another key than the pinned one: told with what was presented."""
    for _ in range(2):
        got = page(rig, "wrongpin")
        check(isinstance(got, str), "a key that is not pinned is refused, the second time as well", got)
    e = rig.event()
    check((e["event"], e["host"], e["reason"]) == ("pin_failure", f"wrongpin.{ZONE}", "pin"), "as a pin's failure", e)
    check(e["keys"] == [authority.pin(laid["wrongpin"][1]), authority.pin(authority.root)],
          "with the keys that were presented, the server's first", e["keys"])
    got = page(rig, "revoked")
    e = rig.event()
    check(isinstance(got, str) and (e["event"], e["reason"]) == ("pin_failure", "revoked_key"),
          "a key that the policy revokes is refused, though it is pinned", f"{got} {e}")
    check(e["keys"][0] == authority.pin(laid["revoked"][1]), "with its hash", e)


def test_wrong(rig, banks):
    for name, reason in (("nosan", "no_san"), ("emailsan", "name"), ("widewild", "name"), ("deepwild", "name"),
                         ("leafca", "leaf_authority"), ("nouse", "leaf_purpose"),
                         ("emailuse", "leaf_purpose"), ("anyuse", "leaf_purpose"), ("weakrsa", "rsa_bits"),
                         ("sha1", "signature_hash"), ("staticrsa", "tls"), ("cbc", "tls"),
                         ("tls11", "tls"), ("nowhere", "no_address"), ("closed", "unreachable"),
                         ("loopback", "no_address"), ("linklocal", "no_address")):
        got, e = told(rig, name)
        check(isinstance(got, str) and (e["host"], e["reason"]) == (f"{name}.{ZONE}", reason),
              f"{name} is refused as {reason}: {e['detail']}", f"{got} {e}")


def test_flow(rig):
    before = memory_kb(rig)
    tls = rig.browse(f"large.{ZONE}", protocols=("http/1.1",))
    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
    got, first = b"", True
    while chunk := tls.recv(65536):
        got += chunk
        if first:
            time.sleep(2)  # the browser does not read for a while: the broker must not read on for it
            check(memory_kb(rig) - before < 2048, "a browser that does not read fills no memory", memory_kb(rig) - before)
            first = False
    body = got.partition(b"\r\n\r\n")[2]
    whole = b"".join(bytes([at >> 16 & 255]) * 65536 for at in range(0, LARGE, 65536))
    check(body == whole, "8 MB come down whole and in order", len(body))

    tls = rig.browse(f"upload.{ZONE}", protocols=("http/1.1",))
    sender = threading.Thread(target=tls.sendall, args=(bytes(LARGE),))
    sender.start()
    time.sleep(1)
    check(memory_kb(rig) - before < 2048, "nor does a bank that does not read", memory_kb(rig) - before)
    check(tls.recv(65536) == PAGE, "8 MB go up whole")
    sender.join()

    tls = rig.browse(f"half.{ZONE}", protocols=("http/1.1",))
    tls.sendall(b"abc")
    incoming = tls
    try:
        incoming.settimeout(TIMEOUT)
        incoming.unwrap()  # close_notify, then waits for the other's
        ended = True
    except (OSError, ssl.SSLError) as error:
        # the bank's answer comes before its close_notify, which the TLS library here calls an error
        ended = "APPLICATION_DATA_AFTER_CLOSE_NOTIFY" in str(error).upper().replace(" ", "_")
    check(ended, "after the browser's close_notify the bank's answer still comes")

    tls = rig.browse(f"cut.{ZONE}", protocols=("http/1.1",))
    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
    check(ending(tls) == "cut", "a page that the bank cut short does not look whole")


def test_freeze(rig, world):
    """In the middle of 8 MB, most of which the bank has still to send."""
    tls = rig.browse(f"large.{ZONE}", protocols=("http/1.1",))
    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
    tls.recv(1000)
    rig.order("freeze")
    check(rig.event()["event"] == "frozen", "a freeze in the middle of a download is answered")
    before = loop_bytes(world)
    check(ending(tls) == "cut", "the download is cut")
    check(loop_bytes(world) == before, "and not one byte more came from the bank", loop_bytes(world) - before)
    rig.order("thaw")


def fetch(tls):
    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
    return tls.recv(65536)


def test_misbehaving(rig):
    """Each costs its own connection: one that was open before goes on."""
    other, before = rig.browse(f"tls13.{ZONE}"), memory_kb(rig)
    for name, what in (("reset", "resets the connection"), ("oversized", "sends a record that is too large")):
        tls = rig.browse(f"{name}.{ZONE}", protocols=("http/1.1",))
        tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
        end = ending(tls)
        check(end == "cut", f"a bank that {what} does not look whole", end)
        check(fetch(other) == PAGE, "and costs no other connection")

    tls, got = rig.browse(f"endless.{ZONE}", protocols=("http/1.1",)), 0
    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
    while got < LARGE:
        got += len(tls.recv(65536))
    check(memory_kb(rig) - before < 2048, "headers without end fill no memory", memory_kb(rig) - before)
    check(fetch(other) == PAGE, "and cost no other connection")
    tls.close()

    tls, got = rig.browse(f"slow.{ZONE}", protocols=("http/1.1",)), b""
    tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
    while len(got) < len(PAGE):
        got += tls.recv(65536)
        if len(got) < 3:
            check(fetch(other) == PAGE, "while a bank answers a byte at a time another connection goes on")
    check(got == PAGE, "and the slow answer comes whole")
    rig.quiet()


def test_host_full(rig):
    """One host's share of the connections is taken; the next is told so, and other hosts are reached."""
    held = [rig.browse(f"full.{ZONE}") for _ in range(HOST_CONNECTIONS)]
    check(all(isinstance(tls, ssl.SSLSocket) for tls in held), f"a host has room for {HOST_CONNECTIONS} connections")
    refused, e = rig.browse(f"full.{ZONE}"), rig.event()
    check(isinstance(refused, str) and e["reason"] == "unreachable" and "too many" in e["detail"],
          "the next one is refused, and why is told", f"{refused} {e}")
    check(page(rig, "tls13") == PAGE, "another host is reached")
    for tls in held:
        tls.close()
    for _ in range(50):  # the broker hears of it in its own time
        if page(rig, "full") == PAGE:
            break
    check(page(rig, "full") == PAGE, "and when they are gone so is the first")
    rig.quiet()


def seen(bank):
    try:
        return bank.seen.get(timeout=TIMEOUT)
    except queue.Empty:
        return None


def test_ahead(rig, banks):
    """The bank sees the handshake before a browser is there, and no second one when it comes."""
    bank = banks["ahead"]
    rig.order("ahead", f"1 ahead.{ZONE}")
    check(seen(bank) is not None, "a connection is opened ahead of the browser")
    check(page(rig, "ahead") == PAGE, "the browser gets its page")
    check(bank.seen.empty(), "over the connection that was there")
    check(page(rig, "ahead") == PAGE and seen(bank) is not None, "the next one is a new connection")

    rig.order("ahead", f"1 ahead.{ZONE}")
    seen(bank)
    plain = rig.browse(f"ahead.{ZONE}", protocols=())
    check(seen(bank) is not None and fetch(plain) == PAGE,
          "a browser that does not speak what was offered ahead gets one of its own")

    rig.order("ahead", f"1 leafca.{ZONE}")
    e = rig.event()
    check((e["host"], e["reason"]) == (f"leafca.{ZONE}", "leaf_authority"), "a wrong certificate is told of ahead too", e)
    rig.order("ahead", "1 phish.example")
    rig.order("ahead", f"1 closed.{ZONE}")
    check(rig.quiet() == [], "a host that is not the bank's, or not there, is nobody's trouble when nobody asked")


def test_tickets(rig):
    context = rig.context(protocols=("http/1.1",))
    first = context.wrap_socket(rig.connect(), server_hostname=f"tls13.{ZONE}")
    fetch(first)
    again = context.wrap_socket(rig.connect(), server_hostname=f"tls13.{ZONE}", session=first.session)
    check(again.session_reused and fetch(again) == PAGE, "a browser that comes back is known by its ticket")
    try:
        other = context.wrap_socket(rig.connect(), server_hostname=f"nosan.{ZONE}", session=first.session)
    except (OSError, ssl.SSLError) as error:
        other = str(error)
    check(isinstance(other, str), "which opens no bank that is refused", other)
    rig.quiet()


def test_many(rig):
    """More at once than the broker takes: those behind wait and are served."""
    pages = []
    def one():
        pages.append(rig.curl(f"https://tls13.{ZONE}/", "--http1.1", seconds=30)[0])
    idle = [rig.connect() for _ in range(CONNECTIONS - 1)]
    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(pages == ["bank"] * 8, f"{CONNECTIONS - 1} idle connections leave room for pages, one after the other", pages)
    for s in idle:
        s.close()
    check(page(rig, "tls13") == PAGE, "and when they are gone all is as before")


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(directory)
        laid = lay(authority)
        policy = lay_policy(directory, authority, laid)
        world, banks, dns, trap = start_world(directory, laid)
        rig = Rig("--policy", policy, "--tunnel", f"/proc/{os.getpid()}/fd/{world}", "--resolver", DNS,
                  "--bank", "crooked")
        try:
            test_good(rig, banks)
            test_brief(rig, authority, laid, banks)
            test_attack(rig, authority, laid)
            test_wrong(rig, banks)
            try:
                trap.accept()
                check(False, "nothing reached the tunnel's own loopback")
            except BlockingIOError:
                check(True, "nothing reached the tunnel's own loopback")
            test_flow(rig)
            test_misbehaving(rig)
            test_ahead(rig, banks)
            test_tickets(rig)
            test_host_full(rig)
            test_freeze(rig, world)
            test_many(rig)
        finally:
            rig.end()
            dns.terminate()
            dns.wait(TIMEOUT)
    try:
        tap.plan()
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(end.code)  # the banks' threads wait for browsers that do not come


main()
