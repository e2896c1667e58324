#!/usr/bin/python3
"""broker - the broker and policy processes between a browser and the test bank, in network namespaces.

Usage: B=BUILD broker.t, as root. Prints TAP. tests/rig/broker starts the same programs the stick runs; the bank and
its bad neighbours are tests/bank. What is looked at: what the browser gets, what the bank's own log and the tunnel's
counters say, and what the broker tells the launcher.
"""
import os, re, signal, socket, ssl, struct, subprocess, sys, threading, time

sys.dont_write_bytecode = True
from broker_rig import Rig, TIMEOUT, ending, loop_bytes, within
from tap import check, plan


def get(tls, path="/", host="www.bank.example"):
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while chunk := tls.recv(65536):
        answer += chunk
    return answer.decode(errors="replace")


def bank_log(rig):
    with open(rig.about["bank"] + "/logs/access.log") as log:
        return log.read()


# --- DNS ------------------------------------------------------------------------------------------------------------

A, AAAA, HTTPS = 1, 28, 65
NOERROR, FORMERR, SERVFAIL, NXDOMAIN = 0, 1, 2, 3


def question(name, kind, ident=0x4242):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def udp(screen, data, timeout=TIMEOUT):
    s = within(screen, socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(timeout)
    s.sendto(data, ("127.0.0.1", 53))
    try:
        return s.recv(4096)
    except TimeoutError:
        return b""


def tcp(rig, data, pieces=1):
    s = rig.connect(53)
    framed = struct.pack("!H", len(data)) + data
    step = -(-len(framed) // pieces)
    for at in range(0, len(framed), step):
        s.sendall(framed[at:at + step])
        time.sleep(0.01 if pieces > 1 else 0)
    try:
        size = struct.unpack("!H", s.recv(2))[0]
        return s.recv(size)
    except (OSError, struct.error):
        return b""


def answer(data):
    """(rcode, addresses of the answer section)"""
    if len(data) < 12:
        return None, []
    ident, flags, questions, answers, _, _ = struct.unpack("!6H", data[:12])
    addresses = re.findall(rb"\xc0\x0c\x00\x01\x00\x01....\x00\x04(....)", data, re.S) if answers else []
    return flags & 15, [socket.inet_ntoa(a) for a in addresses]


# --- ClientHellos made by hand --------------------------------------------------------------------------------------

def vector(data, size):
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return struct.pack("!H", kind) + vector(data, 2)


def server_name(*names):
    return extension(0, vector(b"".join(b"\0" + vector(n, 2) for n in names), 2))


def hello(extensions):
    body = b"\3\3" + bytes(32) + vector(b"", 1) + vector(b"\x13\x01\xc0\x2b", 2) + vector(b"\0", 1)
    message = b"\1" + vector(body + vector(extensions, 2), 3)
    return b"".join(b"\x16\3\1" + vector(message[at:at + 16384], 2) for at in range(0, len(message), 16384))


def send_raw(rig, data):
    """Everything that comes back until the broker closes."""
    s = rig.connect()
    back = b""
    try:
        s.sendall(data)
        while chunk := s.recv(4096):
            back += chunk
    except OSError:
        pass
    return back


# --- the tests ------------------------------------------------------------------------------------------------------

def test_pages(rig):
    body, status, error = rig.curl("https://www.bank.example/")
    check(status == "2 200" and "関所銀行" in body, "the bank's page comes over HTTP/2, its name resolved by the broker",
          f"{status} {error}")
    check('HTTP/2.0 www.bank.example "GET /" 200' in bank_log(rig), "the bank's own log says HTTP/2.0")
    body, status, error = rig.curl("https://static.bank-assets.example/large.bin", "-o", "/dev/null", "-w",
                                   "\n%{size_download} %{http_code}")
    check(status.endswith(" 200") and int(status.split()[0]) > 100000, "a large asset of the second host comes whole",
          f"{status} {error}")

    tls = rig.browse("www.bank.example", protocols=("http/1.1",), version=ssl.TLSVersion.TLSv1_3)
    good = isinstance(tls, ssl.SSLSocket) and tls.version() == "TLSv1.3"
    if check(good and "200 OK" in get(tls, "/whoami"), "a browser of TLS 1.3 is served", tls) and good:
        names = tls.getpeercert()["subjectAltName"]
        check(names == (("DNS", "www.bank.example"),), "its leaf has one name", names)

    tls = rig.browse("www.bank.example", protocols=("h2", "http/1.1"))
    check(isinstance(tls, ssl.SSLSocket) and tls.selected_alpn_protocol() == "h2", "h2 is offered on, and chosen", tls)
    tls = rig.browse("www.bank.example", protocols=("http/1.1",))
    check(isinstance(tls, ssl.SSLSocket) and tls.selected_alpn_protocol() == "http/1.1" and
          "HTTP/1.1 " in get(tls, "/whoami"), "where the browser offers only http/1.1, so does the broker", tls)
    tls = rig.browse("www.bank.example", protocols=())
    check(isinstance(tls, ssl.SSLSocket) and tls.selected_alpn_protocol() is None, "no ALPN offered, none chosen", tls)
    check(rig.quiet() == [], "and nothing of this is an event")


def test_bad_neighbours(rig):
    before = bank_log(rig)
    for host, event, reason in (("wrongpin.bank.example", "pin_failure", "pin"),
                                ("wrongname.bank.example", "certificate", "name"),
                                ("expired.bank.example", "certificate", "dates"),
                                ("unknownca.bank.example", "certificate", "chain")):
        tls = rig.browse(host)
        e = rig.event()
        check(isinstance(tls, str) and (e["event"], e["reason"], e["host"]) == (event, reason, host),
              f"{host} is refused as {reason}", f"{tls} {e}")
    for host in ("phish.example", "www.yamabiko.example", "evil.www.bank.example", "bank.example"):
        tls = rig.browse(host)
        e = rig.event()
        check(isinstance(tls, str) and (e["reason"], e["host"]) == ("not_listed", host), f"{host} is not listed",
              f"{tls} {e}")
    check(bank_log(rig) == before, "and none of them saw a request")


def test_hellos(rig):
    screen = rig.screens[0]
    name = server_name(b"www.bank.example")
    for what, data, reason in (
            ("plain HTTP", b"GET / HTTP/1.1\r\nHost: www.bank.example\r\n\r\n", "bad_hello"),
            ("an SSL 2.0 hello", bytes.fromhex("802e010301001500000010") + bytes(40), "bad_hello"),
            ("a hello without a name", hello(extension(43, b"\x02\x03\x04")), "bad_hello"),
            ("a hello with two names", hello(server_name(b"www.bank.example", b"phish.example")), "bad_hello"),
            ("a hello with its name twice", hello(name + name), "bad_hello"),
            ("a hello for an address", hello(server_name(b"198.51.100.10")), "ip_literal"),
            ("a hello of 20 kB", hello(name + extension(21, bytes(20000))), "bad_hello"),
            ("a hello of TLS 1.1", hello(name + extension(43, b"\x02\x03\x02")), "bad_hello")):
        back = send_raw(rig, data)
        e = rig.event()
        check((e["event"], e["reason"]) == ("bad_client", reason) and back[:5] == b"\x15\3\3\0\2",
              f"{what} is refused: {e['detail']}", f"{e} {back[:16]}")
    for what, data in (("zeros", bytes(2000)), ("random bytes", os.urandom(4096).replace(b"\x16", b"\x17")),
                       ("a hello that announces 16 MB", b"\x16\3\1\x40\0\1\xff\xff\xff")):
        check(send_raw(rig, data)[:5] == b"\x15\3\3\0\2", f"{what}: an alert and the end")
    rig.quiet()

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = rig.context(("http/1.1",)).wrap_bio(incoming, outgoing, server_hostname="www.bank.example")
    s = rig.connect()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    s.sendall(bytes([byte]))
                incoming.write(s.recv(65536))
        check(tls.version() == "TLSv1.3", "a hello that comes byte by byte is read")
    except OSError as error:
        check(False, "a hello that comes byte by byte is read", error)


def test_names(rig):
    screen = rig.screens[0]
    rig.quiet()
    check(answer(udp(screen, question("www.bank.example", A))) == (NOERROR, ["127.0.0.1"]),
          "a listed name is 127.0.0.1")
    for kind, what in ((AAAA, "AAAA"), (HTTPS, "HTTPS"), (64, "SVCB"), (255, "ANY")):
        data = udp(screen, question("www.bank.example", kind))
        check(answer(data) == (NOERROR, []) and b"\x00\x06\x00\x01" in data, f"and has no {what}", data)
    check(answer(tcp(rig, question("www.bank.example", A))) == (NOERROR, ["127.0.0.1"]), "over TCP too")
    check(answer(tcp(rig, question("www.bank.example", A), 40)) == (NOERROR, ["127.0.0.1"]),
          "and in many small pieces")
    check(rig.quiet() == [], "which is no event")

    check(answer(udp(screen, question("tracker.example", A))) == (NXDOMAIN, []), "any other name does not exist")
    e = rig.event()
    check((e["event"], e["reason"], e["host"]) == ("refused", "not_listed", "tracker.example"), "and is told", e)
    answer(udp(screen, question("tracker.example", AAAA)))
    check(rig.quiet() == [], "once, though a browser asks more than once")
    check(answer(udp(screen, question("www.yamabiko.example", A)))[0] == NXDOMAIN, "nor does another bank's")
    for n in range(200):
        udp(screen, question(f"t{n}.tracker.example", A))
    told = len(rig.quiet())
    check(1 <= told <= 60, f"of 200 refused names at once, {told} are told")

    good = question("www.bank.example", A)
    for what, data, rcode in (("cut short", good[:-3], FORMERR), ("with a byte behind it", good + b"\0", FORMERR),
                              ("of two questions", good[:5] + b"\2" + good[6:], FORMERR),
                              ("with a name that points at itself", good[:12] + b"\xc0\x0c\0\1\0\1", FORMERR),
                              ("with a label of 64 bytes", good[:12] + b"\x40" + bytes(64) + b"\0\0\1\0\1", FORMERR)):
        check(answer(udp(screen, data))[0] == rcode, f"a question {what} is a format error")
    e = rig.event()
    check((e["event"], e["reason"]) == ("bad_client", "bad_question"), "of which the launcher hears", e)
    check(rig.quiet() == [], "once in a while")
    for what, data in (("of 11 bytes", good[:11]), ("that is an answer", good[:2] + b"\x81" + good[3:]),
                       ("of 2,000 bytes", good + bytes(2000))):
        check(udp(screen, data, 0.3) == b"", f"a question {what} gets nothing")
    check(tcp(rig, b"") == b"" and tcp(rig, good[:11]) == b"", "nor over TCP")
    check(answer(udp(screen, good)) == (NOERROR, ["127.0.0.1"]), "and the resolver goes on")
    rig.quiet()


def test_walls(rig):
    def direct():
        s = socket.socket()
        s.settimeout(2)
        return s.connect_ex(("198.51.100.10", 443))
    check(within(rig.screens[0], direct) != 0, "the browser's namespace has no other way to the bank")
    _, status, error = rig.curl("https://www.yamabiko.example/", screen=1)
    check(status.endswith(" 200"), "the second bank's session opens the second bank", f"{status} {error}")
    tls = rig.browse("www.bank.example", 1)
    e = rig.event()
    check(isinstance(tls, str) and (e["session"], e["reason"]) == (2, "not_listed"),
          "and nothing of the first bank's", f"{tls} {e}")
    check(answer(udp(rig.screens[1], question("www.bank.example", A)))[0] == NXDOMAIN, "not even its name")
    rig.quiet()


def bank_connections(rig):
    done = subprocess.run(["nsenter", f"--net={rig.about['tunnel']}", "ss", "-Htn", "state", "established",
                           "( dport = 443 )"], capture_output=True, text=True)
    return len(done.stdout.split("\n")) - 1


def test_freeze(rig):
    tunnel = os.open(rig.about["tunnel"], os.O_RDONLY)
    rig.quiet()
    tls = rig.browse("static.bank-assets.example", protocols=("http/1.1",))
    tls.sendall(b"GET /large.bin HTTP/1.1\r\nHost: static.bank-assets.example\r\n\r\n")
    first = tls.recv(1000)
    idle = rig.browse("www.bank.example")
    check(first.startswith(b"HTTP/1.1 200") and isinstance(idle, ssl.SSLSocket), "a download is under way")
    rig.order("freeze")
    check(rig.event()["event"] == "frozen", "the freeze is answered")
    before, open_now = loop_bytes(tunnel), bank_connections(rig)
    time.sleep(1)
    check(loop_bytes(tunnel) == before, "after it not one byte moves in the tunnel", loop_bytes(tunnel) - before)
    check(open_now == 0, "no connection to the bank is left", open_now)
    check(ending(tls) == "cut", "the download ends as cut, not as whole")
    check(ending(idle) == "cut", "an idle connection has ended too")
    check(isinstance(rig.browse("www.bank.example"), str), "a new one is refused")
    check(answer(udp(rig.screens[0], question("www.bank.example", A)))[0] == SERVFAIL, "names are not answered")
    check(loop_bytes(tunnel) == before, "and still nothing moved in the tunnel")
    rig.order("thaw")
    _, status, error = rig.curl("https://www.bank.example/")
    check(status == "2 200", "after the thaw the page comes again", f"{status} {error}")
    rig.quiet()


def test_hang(rig):
    started = time.monotonic()
    _, _, error = rig.curl("https://hang.bank.example/", seconds=40)
    e = rig.event()
    check((e["event"], e["reason"], e["host"]) == ("bank_trouble", "timeout", "hang.bank.example"),
          "a bank that hangs is told as such", e)
    check(time.monotonic() - started < 20 and "alert" in error, "and the browser is not left waiting", error)


def slice_ns(pid):
    """None where the kernel has one slice for all (before Linux 6.12) or does not tell."""
    try:
        with open(f"/proc/{pid}/sched") as lines:
            told = re.search(r"se\.slice\s*:\s*(\d+)", lines.read())
    except OSError:
        told = None
    own = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2]) >= (6, 12)
    return int(told.group(1)) if told and own else None


def test_slice(rig):
    ours, brokers = slice_ns("self"), slice_ns(rig.about["pids"]["broker"])
    check(ours is None or brokers == 100000 < ours, "the broker asks for the shortest slice, to run as soon as it is woken" +
          (" # SKIP this kernel does not tell" if ours is None else ""), (brokers, ours))


def test_policy_killed(rig):
    rig.quiet()
    tls = rig.browse("www.bank.example", protocols=("http/1.1",))
    check(isinstance(tls, ssl.SSLSocket), "a connection is open", tls)
    os.kill(rig.about["pids"]["policy"], signal.SIGKILL)
    ended = {rig.event()["event"], rig.event()["event"]}
    check(ended == {"ended"}, "when the policy process is killed both brokers end", ended)
    try:
        left = get(tls)
    except (OSError, ssl.SSLError):
        left = ""
    check("HTTP/" not in left, "and give nothing any more", left[:80])
    check(bank_connections(rig) == 0, "no connection to a bank is left")
    check(isinstance(rig.browse("www.bank.example"), str), "and no new one is made")


def main():
    rig = Rig("--bank", "sekisho-demo", "--bank", "yamabiko")
    try:
        for test in (test_pages, test_bad_neighbours, test_hellos, test_names, test_walls, test_freeze, test_slice,
                     test_hang, test_policy_killed):
            test(rig)
    finally:
        rig.end()
    plan()


main()
