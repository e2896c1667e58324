#!/usr/bin/python3
"""tls - what the broker's TLS is on the wire, towards banks and towards the browser: what it offers, byte by byte, and
what it takes of servers with odd settings (openssl s_server) and of clients with odd wishes (openssl s_client).

Usage: B=BUILD tls.t, as root. Prints TAP. The rig is broker-crooked.t's: a policy of its own, DNS and banks in a namespace
that is the tunnel's far end. In front of each server stands a tap that keeps the ClientHello.
"""
import json, os, queue, socket, struct, subprocess, sys, tempfile, threading, time

sys.dont_write_bytecode = True
import tap
from broker_rig import B, Rig, TIMEOUT, home, within
from tap import check, must

ZONE = "wire.example"
START = 12  # bytes of an answer that say how it went


# --- the ClientHello ------------------------------------------------------------------------------------------------

def vectors(data, width, item):
    """A vector with a length of `width` bytes in front: its items of `item` bytes as numbers."""
    size = int.from_bytes(data[:width], "big")
    assert size == len(data) - width
    return [int.from_bytes(data[width + i:width + i + item], "big") for i in range(0, size, item)]


def read_hello(record):
    """RFC 8446 section 4.1.2: what was offered, extensions by number."""
    assert record[0] == 22 and record[5] == 1
    at = 5 + 4 + 2 + 32
    at += 1 + record[at]
    size = struct.unpack(">H", record[at:at + 2])[0]
    suites = [int.from_bytes(record[at + 2 + i:at + 4 + i], "big") for i in range(0, size, 2)]
    at += 2 + size
    compression = list(record[at + 1:at + 1 + record[at]])
    at += 1 + record[at]
    end = at + 2 + struct.unpack(">H", record[at:at + 2])[0]
    at += 2
    extensions = []
    while at < end:
        kind, size = struct.unpack(">HH", record[at:at + 4])
        extensions.append((kind, record[at + 4:at + 4 + size]))
        at += 4 + size
    return {"suites": suites, "compression": compression, "kinds": [k for k, _ in extensions], "extensions": dict(extensions)}


class Tap:
    """Listens for a bank, keeps each ClientHello, and carries everything to the server on `port`."""

    def __init__(self, address, port):
        self.port, self.hellos = port, queue.Queue()
        self.socket = socket.create_server((address, 443))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            plain, _ = self.socket.accept()
            threading.Thread(target=self.carry, args=(plain, self.world), daemon=True).start()

    def carry(self, plain, world):
        os.setns(world, os.CLONE_NEWNET)  # of this thread
        try:
            first = self.record(plain)
            self.hellos.put(first)
            server = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
            threading.Thread(target=self.hand_on, args=(first, server, plain), daemon=True).start()
            self.pump(plain, server)
        except OSError:
            plain.close()

    @staticmethod
    def record(source):
        """One TLS record, whole."""
        got = b""
        while len(got) < 5 or len(got) < 5 + int.from_bytes(got[3:5], "big"):
            more = source.recv(5 - len(got) if len(got) < 5 else 5 + int.from_bytes(got[3:5], "big") - len(got))
            if not more:
                raise ConnectionError
            got += more
        return got

    def hand_on(self, first, server, plain):
        server.sendall(first)
        self.pump(server, plain)

    @staticmethod
    def pump(source, target):
        try:
            while got := source.recv(65536):
                target.sendall(got)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()


class Between(Tap):
    """Somebody who wants TLS 1.2, before a bank that speaks 1.3: the first connection is made to fail as with a server
    that mbedTLS cannot read, all others pass as they are."""

    def hand_on(self, first, server, plain):
        if self.meddled:
            return super().hand_on(first, server, plain)
        self.meddled = True
        hello = read_hello(first)["extensions"][43]
        server.sendall(first.replace(struct.pack(">HH", 43, len(hello)) + hello,
                                     struct.pack(">HH", 43, len(hello)) + b"\x04\x03\x03\x03\x03"))
        try:
            while record := bytearray(self.record(server)):
                kind = record[5]  # each message has a record of its own
                if kind == 2:  # ServerHello: RFC 8446 section 4.1.3's words are taken out of its random bytes
                    self.said = bytes(record[35:43])
                    record[35:43] = bytes(8)
                if kind == 12:  # ServerKeyExchange (RFC 8422 section 5.4): the algorithm behind the key
                    at = 9 + 4 + record[9 + 3]
                    record[at:at + 2] = b"\x08\x04"
                plain.sendall(record)
        except OSError:
            plain.close()

    meddled, said = False, None


# --- banks ----------------------------------------------------------------------------------------------------------

#: name -> (key, options of openssl s_server, True: reached, or why it is not)
BANKS = {
    "plain": ("ec", None, True),  # nginx, which takes many at once, and early data
    "tls12": ("ec", ["-tls1_2"], True),
    "p256": ("ec", ["-groups", "P-256"], True),
    "x25519": ("ec", ["-groups", "X25519", "-tls1_3"], True),
    "chacha": ("rsa", ["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"], True),
    # answers in RSA-PSS whoever offers it, wherever in the list
    "pss": ("rsa", ["-tls1_2", "-serverpref", "-sigalgs", "rsa_pss_rsae_sha256:RSA+SHA256"], True),
    # sent behind the bank's own: a certificate that mbedTLS does not read, and the root
    "junk13": ("ec", ["-tls1_3", "-cert_chain", "{directory}/junk.pem"], True),
    "junk12": ("ec", ["-tls1_2", "-cert_chain", "{directory}/junk.pem"], True),
    "between": ("rsa", [], "tls"),
    "tls11": ("ec", ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "tls"),
    "p384": ("ec", ["-groups", "P-384"], "tls"),
    "x448": ("ec", ["-groups", "X448", "-tls1_3"], "tls"),
    "dhe": ("rsa", ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], "tls"),
    "rsakx": ("rsa", ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "tls"),
    "cbc": ("rsa", ["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"], "tls"),
    "ccm": ("ec", ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], "tls"),
    # the bank's own certificate is one that mbedTLS does not read
    "odd13": ("odd", ["-tls1_3"], "unreadable"),
    "odd12": ("odd", ["-tls1_2"], "unreadable"),
}


UNKNOWN = "1.2.3.4=critical,DER:0500\n"


class Authority:
    def __init__(self, directory):
        self.directory, self.root = directory, f"{directory}/root"
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "100",
             "-config", "/dev/null", "-subj", "/CN=Wire Root", "-keyout", self.root + ".key", "-out", self.root + ".crt",
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
             "-addext", "subjectKeyIdentifier=hash")

    def junk(self):
        """OpenSSL reads it, mbedTLS does not: an extension nobody knows, marked critical; the root stands behind it."""
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "100",
             "-config", "/dev/null", "-subj", "/CN=Junk", "-keyout", f"{self.directory}/junk.key", "-out",
             f"{self.directory}/junk.crt", "-addext", UNKNOWN.strip())
        with open(f"{self.directory}/junk.pem", "w") as both:
            for path in f"{self.directory}/junk.crt", self.root + ".crt":
                with open(path) as one:
                    both.write(one.read())

    def issue(self, name, key):
        path, host = f"{self.directory}/{name}", f"{name}.{ZONE}"
        kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if key == "rsa" else ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        must("openssl", "genpkey", "-quiet", "-algorithm", *kind, "-out", path + ".key")
        with open(path + ".ext", "w") as file:
            file.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
                       f"extendedKeyUsage=serverAuth\nsubjectAltName=DNS:{host}\n"
                       "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n" + (UNKNOWN if key == "odd" else ""))
        request = must("openssl", "req", "-new", "-config", "/dev/null", "-key", path + ".key", "-subj", f"/CN={host}")
        must("openssl", "x509", "-req", "-sha256", "-CA", self.root + ".crt", "-CAkey", self.root + ".key", "-days", "30",
             "-extfile", path + ".ext", "-out", path + ".crt", input=request)
        return path

    @staticmethod
    def pin(path):
        done = subprocess.run(f"openssl pkey -in {path}.key -pubout -outform DER | openssl dgst -sha256 -binary | "
                              "openssl base64 -A", shell=True, capture_output=True, text=True, check=True)
        return done.stdout


def sign_policy(directory, authority):
    backup = authority.pin(authority.root)
    with open(authority.root + ".crt") as pem:
        hosts = [{"name": f"{name}.{ZONE}", "role": "page", "ports": [443], "anchors": ["root"],
                  "pins": [authority.pin(f"{directory}/{name}"), backup]} for name in BANKS]
        policy = {"format": 1, "tenant": "demo", "version": 9, "issued": "2025-01-01T00:00:00Z",
                  "expires": "2045-01-01T00:00:00Z", "pin": False, "authorities": {"root": pem.read()},
                  "banks": [{"id": "wire", "name": {"ja": "電線銀行", "en": "Wire Bank"}, "support": "+81-3-0000-0000",
                             "start": f"https://plain.{ZONE}/", "hosts": hosts}]}
    plain, once, signed = (f"{directory}/policy.{end}" for end in ("json", "once", "dsse.json"))
    with open(plain, "w") as file:
        json.dump(policy, file)
    for person, out, source in ((1, once, plain), (3, signed, once)):
        must(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", f"{B}/demo/keys/root-{person}.key", "-o", out,
             source)
    return signed


class World:
    """The tunnel's far end: DNS, servers behind taps."""

    def __init__(self, directory):
        os.unshare(os.CLONE_NEWNET)
        self.netns = os.open("/proc/self/ns/net", os.O_RDONLY)
        must("ip", "link", "set", "lo", "up")
        self.servers, self.taps = {}, {}
        hosts = open(f"{directory}/hosts", "w")
        must("ip", "address", "add", "198.51.100.53/32", "dev", "lo")
        for number, (name, (_, options, _)) in enumerate(BANKS.items()):
            address, port = f"198.51.100.{100 + number}", 9000 + number
            must("ip", "address", "add", f"{address}/32", "dev", "lo")
            hosts.write(f"{address} {name}.{ZONE}\n")
            self.servers[name] = subprocess.Popen(
                ["nginx", "-e", f"{directory}/nginx.log", "-c", self.nginx(directory, name, port)] if options is None else
                ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", f"{directory}/{name}.crt", "-key",
                 f"{directory}/{name}.key", *(option.format(directory=directory) for option in options), *([] if name == "tls12" else ["-www"])], stdin=subprocess.PIPE,
                stdout=open(f"{directory}/{name}.log", "wb"), stderr=subprocess.STDOUT)
            self.await_port(port)
            self.taps[name] = (Between if name == "between" else Tap)(address, port)
            self.taps[name].world = self.netns
        hosts.close()
        self.dns = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--group=root", "--pid-file=",
             "--no-resolv", "--no-hosts", f"--addn-hosts={directory}/hosts", "--listen-address=198.51.100.53",
             "--bind-interfaces", "--local=/example/", "--local-ttl=30"], stderr=subprocess.DEVNULL)
        os.setns(home, os.CLONE_NEWNET)

    @staticmethod
    def nginx(directory, name, port):
        path = f"{directory}/nginx.conf"
        with open(path, "w") as file:
            file.write(f"""daemon off; master_process off; pid {directory}/nginx.pid; user root; events {{}}
http {{ access_log off; client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2;
fastcgi_temp_path {directory}/t3; uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {directory}/{name}.crt; ssl_certificate_key {directory}/{name}.key;
ssl_protocols TLSv1.2 TLSv1.3; ssl_early_data on; return 200 bank; }} }}
""")
        return path

    @staticmethod
    def await_port(port):
        for _ in range(500):
            with open("/proc/thread-self/net/tcp") as table:
                if f":{port:04X} 00000000:0000 0A" in table.read():
                    return
            time.sleep(0.02)
        tap.bail(f"no server came up on port {port}")

    def end(self):
        for process in [self.dns, *self.servers.values()]:
            process.kill()
            process.wait()


# --- tests ----------------------------------------------------------------------------------------------------------

def page(rig, name):
    tls = rig.browse(f"{name}.{ZONE}", protocols=("http/1.1",))
    if isinstance(tls, str):
        return tls
    try:
        tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return tls.recv(START)
    except OSError as error:
        return str(error)


def is_page(got):
    return isinstance(got, bytes) and got.startswith(b"HTTP/1.") and got.endswith(b" 200")


def test_offer(rig, world):
    got = page(rig, "plain")
    check(is_page(got), "a bank is reached", got)
    hello = read_hello(world.taps["plain"].hellos.get(timeout=TIMEOUT))
    extensions = hello["extensions"]
    # 0x00FF: no suite, but the word that renegotiation would be secure (RFC 5746)
    check(set(hello["suites"]) - {0x00FF} == {0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9},
          "ECDHE with AEAD, nothing else, is offered to a bank", [hex(s) for s in hello["suites"]])
    check(hello["compression"] == [0], "no compression", hello["compression"])
    check(vectors(extensions[43], 1, 2) == [0x0304, 0x0303], "TLS 1.3 and 1.2", extensions[43].hex())
    check(vectors(extensions[10], 2, 2) == [0x001D, 0x0017], "X25519 before P-256, no other group", extensions[10].hex())
    name = f"plain.{ZONE}".encode()
    check(extensions[0] == struct.pack(">HBH", len(name) + 3, 0, len(name)) + name, "one server name", extensions[0])
    check(len(hello["kinds"]) == len(set(hello["kinds"])), "no extension twice", hello["kinds"])
    check(42 not in hello["kinds"] and 41 not in hello["kinds"], "no early data, no session yet", hello["kinds"])
    allowed = {0, 10, 11, 13, 16, 22, 23, 35, 41, 43, 44, 45, 51, 65281}
    check(set(hello["kinds"]) <= allowed, "and no extension beyond those that are needed", hello["kinds"])
    got = [page(rig, "plain") for _ in range(4)]
    check(all(map(is_page, got)), "again and again", got)
    kinds = []
    while not any(41 in k for k in kinds) or not world.taps["plain"].hellos.empty():
        kinds.append(read_hello(world.taps["plain"].hellos.get(timeout=TIMEOUT))["kinds"])
    check(not any(42 in k for k in kinds), "sessions that would take early data are resumed without any", kinds)


def test_servers(rig, world):
    for name, (_, options, reached) in BANKS.items():
        if name in ("plain", "tls12", "between"):
            continue
        got = page(rig, name)
        what = f"{name}: a server with {' '.join(options)} is {'reached' if reached is True else 'refused: ' + reached}"
        if reached is True:
            check(is_page(got), what, got)
        else:
            e = rig.event()
            check(isinstance(got, str) and (e["host"], e["reason"]) == (f"{name}.{ZONE}", reached), what, f"{got} {e}")


def offered(hello):
    return vectors(read_hello(hello)["extensions"].get(43, b"\x02\x03\x03"), 1, 2)


def test_downgrade(rig, world):
    first, second = (offered(world.taps["pss"].hellos.get(timeout=TIMEOUT)) for _ in range(2))
    check(first == [0x0304, 0x0303] and second == [0x0303], "for RSA-PSS in TLS 1.2 a bank is asked twice", [first, second])
    got, between = page(rig, "between"), world.taps["between"]
    e = rig.event()
    check(isinstance(got, str) and (e["host"], e["reason"]) == (f"between.{ZONE}", "tls"),
          "a bank that speaks TLS 1.3 is refused where somebody brought it to 1.2", f"{got} {e}")
    hellos = [offered(between.hellos.get(timeout=TIMEOUT)) for _ in range(between.hellos.qsize())]
    check(between.said == b"DOWNGRD\x01" and [0x0303] in hellos,
          "though its word for it was taken out, and the second try was left alone", f"{between.said} {hellos}")
    got = page(rig, "between")
    check(is_page(got), "and is reached by the next", got)


def test_renegotiation(rig, world, directory):
    """The server asks in the middle of a connection of TLS 1.2 (HelloRequest)."""
    tls = rig.browse(f"tls12.{ZONE}", protocols=("http/1.1",))
    if not check(not isinstance(tls, str), "a server of TLS 1.2 is reached", tls):
        return
    world.taps["tls12"].hellos.get(timeout=TIMEOUT)
    server = world.servers["tls12"]
    server.stdin.write(b"before\n")
    server.stdin.flush()
    check(tls.recv(100) == b"before\n", "it is heard")
    server.stdin.write(b"R\n")
    server.stdin.flush()
    tls.settimeout(TIMEOUT)
    try:
        ended = tls.recv(100) == b""
    except OSError:
        ended = True
    with open(f"{directory}/tls12.log", errors="replace") as log:
        said = log.read()
    check(ended and said.count("CIPHER is ") == 1, "it asks for a new handshake and gets none", said[-300:])


def s_client(rig, *options, name=("-servername", f"plain.{ZONE}")):
    """What openssl s_client says of a connection to the broker."""
    done = within(rig.screens[0], lambda: subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:443", *name, "-CAfile", rig.about["ca"], "-verify_return_error",
         *options], input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=3 * TIMEOUT))
    return (done.stdout + done.stderr).decode(errors="replace")


def is_open(said):
    return "Verify return code: 0 (ok)" in said and "Cipher is (NONE)" not in said and "alert" not in said


def test_browser_side(rig):
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"):
        said = s_client(rig, "-tls1_3", "-ciphersuites", suite)
        check(is_open(said) and suite in said, f"a browser with {suite} is served", said[-400:])
    for group in ("X25519", "P-256"):
        said = s_client(rig, "-tls1_3", "-groups", group)
        check(is_open(said), f"with {group} too", said[-400:])
    said = s_client(rig, "-tls1_3")
    given = [line for line in said.splitlines() if "Max Early Data:" in line and not line.strip().endswith(" 0")]
    check("New, TLSv1.3" in said and not given, "a ticket that it gets is good for no early data", given)
    check("Compression: NONE" in said and "Early data was not sent" in said, "no compression, no early data", said[-600:])
    for what, options in (("TLS 1.2", ["-tls1_2"]), ("TLS 1.1", ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]),
                          ("AES-CCM", ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"]),
                          ("AES-256 alone", ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"]),
                          ("P-384 alone", ["-tls1_3", "-groups", "P-384"]),
                          ("RSA signatures alone", ["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"])):
        said = s_client(rig, *options)
        check(not is_open(said), f"a browser with {what} is not", said[-400:])
    for what, name in (("an address as its name", ("-servername", "198.51.100.100")), ("no name", ("-noservername",))):
        said = s_client(rig, name=name)
        check(not is_open(said), f"a browser with {what} is not", said[-400:])
    rig.quiet()
    try:
        rig.connect(port=8443).close()
        check(False, "a port that is not the policy's is closed")
    except OSError as error:
        check(isinstance(error, ConnectionRefusedError), "a port that is not the policy's is closed", error)


def main():
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(directory)
        authority.junk()
        for name, (key, _, _) in BANKS.items():
            authority.issue(name, key)
        policy = sign_policy(directory, authority)
        world = World(directory)
        rig = Rig("--policy", policy, "--tunnel", f"/proc/{os.getpid()}/fd/{world.netns}", "--resolver", "198.51.100.53",
                  "--bank", "wire")
        try:
            test_offer(rig, world)
            test_servers(rig, world)
            test_downgrade(rig, world)
            test_renegotiation(rig, world, directory)
            test_browser_side(rig)
        finally:
            rig.end()
            world.end()
    try:
        tap.plan()
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(end.code)  # the taps' threads wait


main()
