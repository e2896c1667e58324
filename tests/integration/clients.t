#!/usr/bin/python3
"""clients - the customer's certificate towards banks that ask for one: a real nginx, the broker, and the key holder that
proves it; and the key holder by itself, asked for what it must not sign.

Usage: B=BUILD clients.t, as root. Prints TAP. A policy of its own is signed with the demonstration's keys.
"""
import base64, json, os, select, signal, socket, struct, subprocess, sys, tempfile, time

sys.dont_write_bytecode = True
from broker_rig import B, Rig, TIMEOUT, home
from customers import PIN, authority, fill_token, issue, must, pin
from memory import holds
from tap import bail, check, plan, run

ZONE = "clients.example"
KEY_CLIENT, KEY_CLIENT_KNOWN, KEY_SESSION, CLIENT_CERTIFICATE, CLIENT_SIGN, CLIENT_SIGNATURE = 93, 94, 95, 97, 98, 99
KEY_TOKEN, KEY_TOKEN_STATE = 150, 155
READY = 1
TOKEN_PIN, TOKEN_STATE = 151, 152
OPEN, WANTS_PIN, WRONG_PIN, LOCKED, ABSENT, FAILED, OTHER_KEY, SILENT, NONE = range(9)
NOT_SAID, FEW, LAST = range(3)
RECORD_HEADER_BYTES = 64


# --- the bank -------------------------------------------------------------------------------------------------------

HOSTS = {  # name -> what nginx is told beside its certificate
    "tls13": "ssl_protocols TLSv1.3; ssl_verify_client on;",
    "tls12": "ssl_protocols TLSv1.2; ssl_verify_client on;",
    "tls12-384": "ssl_protocols TLSv1.2; ssl_verify_client on; ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;",
    "retry": "ssl_protocols TLSv1.3; ssl_verify_client on; ssl_ecdh_curve prime256v1;",
    "plain": "",
    "greedy13": "ssl_protocols TLSv1.3; ssl_verify_client optional_no_ca;",
    "greedy12": "ssl_protocols TLSv1.2; ssl_verify_client optional_no_ca;",
    "strict": "ssl_protocols TLSv1.3; ssl_verify_client on;",
}
NAMED = ["tls13", "tls12", "tls12-384", "retry", "plain"]


def start_bank(directory, root, clients):
    """In a new namespace: addresses, DNS, nginx. The namespace's descriptor and the processes."""
    os.unshare(os.CLONE_NEWNET)
    world = os.open("/proc/self/ns/net", os.O_RDONLY)
    must("ip", "link", "set", "lo", "up")
    servers, addresses = "", ["198.51.100.53"]
    with open(f"{directory}/hosts", "w") as hosts:
        for number, (name, told) in enumerate(HOSTS.items(), 60):
            path = issue(root, f"{directory}/{name}", f"/CN={name}",
                         ["extendedKeyUsage=serverAuth", f"subjectAltName=DNS:{name}.{ZONE}"])
            addresses.append(f"198.51.100.{number}")
            hosts.write(f"198.51.100.{number} {name}.{ZONE}\n")
            servers += (f"server {{ listen 198.51.100.{number}:443 ssl; server_name {name}.{ZONE};\n"
                        f"ssl_certificate {path}.crt; ssl_certificate_key {path}.key;\n"
                        f"ssl_client_certificate {clients}.crt; {told}\n"
                        'location / { return 200 "$ssl_protocol $ssl_client_verify $ssl_client_s_dn\\n"; } }\n')
    for address in addresses:
        must("ip", "address", "add", f"{address}/32", "dev", "lo")
    with open(f"{directory}/nginx.conf", "w") as file:
        file.write(f"worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;\n"
                   f"events {{}}\nhttp {{ access_log off; ssl_session_tickets off;\n{servers}}}\n")
    processes = [subprocess.Popen(["nginx", "-p", directory, "-c", f"{directory}/nginx.conf", "-e",
                                   f"{directory}/error.log", "-g", "daemon off; user root;"]),
                 subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root",
                                   "--group=root", "--pid-file=", "--no-resolv", "--no-hosts",
                                   f"--addn-hosts={directory}/hosts", "--listen-address=198.51.100.53",
                                   "--bind-interfaces", "--local=/example/"], stderr=subprocess.DEVNULL)]
    end = time.monotonic() + TIMEOUT
    while not (os.path.exists(f"{directory}/nginx.pid") and "198.51.100.53:53" in run("ss", "-Hlun").stdout):
        if time.monotonic() > end:
            bail("nginx or dnsmasq does not start")
        time.sleep(0.05)  # a server that is not there yet gives no event to wait for
    os.setns(home, os.CLONE_NEWNET)
    return world, processes


def sign_policy(directory, root):
    backup = pin(issue(root, f"{directory}/backup", "/CN=backup", []))
    with open(root + ".crt") as pem:
        policy = {"format": 1, "tenant": "demo", "version": 9, "issued": "2025-01-01T00:00:00Z",
                  "expires": "2045-01-01T00:00:00Z", "pin": False, "authorities": {"root": pem.read()},
                  "banks": [{"id": "firm", "name": {"ja": "法人銀行", "en": "Firm Bank"},
                             "start": f"https://tls13.{ZONE}/", "support": "+81-3-0000-0000",
                             "hosts": [{"name": f"{name}.{ZONE}", "role": "page", "ports": [443], "anchors": ["root"],
                                        "pins": [pin(f"{directory}/{name}"), backup]} |
                                       ({"client_certificate": True} if name in NAMED else {}) for name in HOSTS]}]}
    plain, once, signed = f"{directory}/policy.json", f"{directory}/policy.once", f"{directory}/policy.dsse.json"
    with open(plain, "w") as file:
        json.dump(policy, file)
    for key, source, target in ("root-1", plain, once), ("root-3", once, signed):
        must(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", f"{B}/demo/keys/{key}.key", "-o", target,
             source)
    return signed


# --- through the broker ---------------------------------------------------------------------------------------------

def page(rig, name):
    body, status, error = rig.curl(f"https://{name}.{ZONE}/", "--resolve", f"{name}.{ZONE}:443:127.0.0.1")
    return body.strip() or f"{status} {error}"


def secret_of(path):
    """Bytes of the private key that no certificate has."""
    text = must("openssl", "pkey", "-in", path + ".key", "-text", "-noout").decode()
    name = "prime1:" if "prime1:" in text else "priv:"
    lines = text.split(name, 1)[1].splitlines()[1:]
    digits = "".join(line.strip() for line in lines[:next(i for i, line in enumerate(lines) if not line[:1].isspace())])
    return bytes.fromhex(digits.replace(":", "")).lstrip(b"\0")


def test_bank(directory, world, policy, kind, client):
    rig = Rig("--bank", "firm", "--policy", policy, "--tunnel", f"/proc/{os.getpid()}/fd/{world}", "--client", client,
              *(option for name in NAMED for option in ("--client-host", f"{name}.{ZONE}")))
    try:
        for name, version in (("tls13", "TLSv1.3"), ("tls12", "TLSv1.2"), ("tls12-384", "TLSv1.2"), ("retry", "TLSv1.3")):
            seen = page(rig, name)
            check(seen == f"{version} SUCCESS CN=Yamada Shoten {kind}", f"{kind}: {name} lets the customer in by its certificate",
                  seen)
        seen = page(rig, "plain")
        told = rig.quiet()
        check(seen.endswith("NONE") and not told, f"{kind}: a host that does not ask gets none, and nothing is said", (seen, told))
        for name in "greedy13", "greedy12":
            seen = page(rig, name)
            told = [(event["event"], event["host"]) for event in rig.quiet()]
            check(seen.endswith("NONE") and told == [("asked_in_vain", f"{name}.{ZONE}")],
                  f"{kind}: {name}, which asks and is not named, gets none, and that is said", (seen, told))
        seen = page(rig, "strict")
        check("No required SSL certificate" in seen, f"{kind}: one that insists and is not named gets none either", seen)
        secret, pids = secret_of(client), rig.about["pids"]
        check(holds(pids["keyholder"], secret) or holds(pids["keyholder"], secret[::-1]),
              f"{kind}: the key is in the key holder's memory")
        check(not holds(pids["broker"], secret) and not holds(pids["broker"], secret[::-1]),
              f"{kind}: and not in the broker's")
    finally:
        rig.end()


# --- the key in a PKCS#11 token -------------------------------------------------------------------------------------

class Token:
    """The process with the module, its launcher's end, and the key holder's end for a rig."""

    def __init__(self, folder):
        self.folder = folder
        self.say("")
        self.launcher, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.key, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.launcher.settimeout(TIMEOUT)
        self.process = subprocess.Popen(
            ["bash", "-c", f"exec 3<&{theirs.fileno()} 4<&{other.fileno()} {B}/token {B}/rig/token_shim.so {folder}"],
            pass_fds=[theirs.fileno(), other.fileno()],
            env=os.environ | {"SOFTHSM2_CONF": folder + "/softhsm2.conf", "TOKEN_SHIM": folder + "/shim"})
        theirs.close()
        other.close()
        if self.launcher.recv(100)[:2] != struct.pack("=H", READY):
            bail("the token's process does not start")

    def say(self, words):
        with open(self.folder + "/shim", "w") as file:
            file.write(words)

    def state(self):
        """What it told the launcher last: state and tries. One handshake may ask for a signature in several ways."""
        data = None
        while select.select([self.launcher], [], [], 0 if data else TIMEOUT)[0]:
            data = self.launcher.recv(1000)
            if not data:
                break
        if not data or len(data) != 10 or struct.unpack("=H", data[:2])[0] != TOKEN_STATE:
            return data
        return data[8], data[9]

    def pin(self, pin):
        """What it says of this PIN; a late question of the handshake before may still be on its way."""
        self.launcher.send(struct.pack("=HHI", TOKEN_PIN, 0, 0) + blob(pin))
        while (state := self.state()) and state[0] == WANTS_PIN:
            pass
        return state

    def logins(self):
        try:
            return os.path.getsize(self.folder + "/shim.logins")
        except FileNotFoundError:
            return 0

    def end(self):
        self.launcher.close()
        self.process.wait(TIMEOUT)


def test_token(directory, world, policy, kind, path, label):
    """`path`'s certificate, with its key in the token under `label`."""
    folder, here = f"{directory}/token", f"{directory}/in-token-{label}"
    with open(path + ".crt") as source, open(here + ".crt", "w") as chain, open(here + ".key", "w") as key:
        chain.write(source.read())
        key.write(f"pkcs11:token=firm;object={label}")
    token = Token(folder)
    rig = Rig("--bank", "firm", "--policy", policy, "--tunnel", f"/proc/{os.getpid()}/fd/{world}", "--client", here,
              "--token", str(token.key.fileno()),
              *(option for name in NAMED for option in ("--client-host", f"{name}.{ZONE}")), pass_fds=[token.key.fileno()])
    token.key.close()
    good = {name: f"{version} SUCCESS CN=Yamada Shoten {kind}" for name, version in
            (("tls13", "TLSv1.3"), ("tls12", "TLSv1.2"), ("tls12-384", "TLSv1.2"), ("retry", "TLSv1.3"))}
    try:
        tried = token.logins()
        seen = page(rig, "tls13")
        check("SUCCESS" not in seen and token.state() == (WANTS_PIN, NOT_SAID),
              f"{kind} in a token: without its PIN it signs nothing, and the launcher is told that it wants it", seen)
        check(token.pin("000000") == (WRONG_PIN, FEW) and token.logins() == tried + 1,
              f"{kind} in a token: a wrong PIN is said to be one, with what the token says of the tries left")
        page(rig, "tls13")
        check(token.state() == (WANTS_PIN, FEW) and token.logins() == tried + 1,
              f"{kind} in a token: it is not tried a second time by itself")
        check(token.pin(PIN)[0] == OPEN, f"{kind} in a token: the right one opens it")
        for name, expected in good.items():
            seen = page(rig, name)
            check(seen == expected, f"{kind} in a token: {name} lets the customer in", seen)
        secret, pids = secret_of(path), rig.about["pids"]
        check(not any(holds(pids[p], s) for p in ("keyholder", "broker") for s in (secret, secret[::-1])),
              f"{kind} in a token: the key is in neither the key holder's memory nor the broker's")

        token.say("absent")
        seen = page(rig, "tls13")
        check("SUCCESS" not in seen and token.state()[0] == ABSENT, f"{kind} in a token: pulled out, it is missed, which is said", seen)
        token.say("last")
        page(rig, "tls13")
        check(token.state() == (WANTS_PIN, LAST), f"{kind} in a token: back, it wants its PIN anew; the last try is said to be one")
        tried = token.logins()
        token.say("locked")
        check(token.pin(PIN)[0] == LOCKED and token.logins() == tried, f"{kind} in a token: a locked one is not tried at all")
        token.say("")
        check(token.pin(PIN)[0] == OPEN and page(rig, "tls12") == good["tls12"], f"{kind} in a token: and it goes on when it is open again")
        token.process.kill()
        seen = page(rig, "tls13")
        check("SUCCESS" not in seen and os.path.exists(f"/proc/{pids['keyholder']}/mem") and page(rig, "plain").endswith("NONE"),
              f"{kind} in a token: without the token's process there is no signature, and the rest goes on", seen)
    finally:
        rig.end()
        token.end()


def test_other_key(directory, path):
    """The token names a key that is not the certificate's, and one that is not there."""
    for label, words in ("other", "another key"), ("none", "a key that is not there"):
        here = f"{directory}/token-{label}"
        with open(path + ".crt") as source, open(here + ".crt", "w") as chain, open(here + ".key", "w") as key:
            chain.write(source.read())
            key.write(f"pkcs11:token=firm;object={label}")
        token = Token(f"{directory}/token")
        holder = KeyHolder(here, ["www.firm.example"])
        socket.send_fds(holder.launcher, [struct.pack("=HHI", KEY_TOKEN, 0, 0)], [token.key.fileno()])
        token.key.close()
        der = must("openssl", "x509", "-in", path + ".crt", "-outform", "DER")
        asked = handshake("www.firm.example", der, True)
        holder.sign(0x0403, asked)
        check(token.state()[0] == WANTS_PIN and token.pin(PIN)[0] == OPEN and holder.sign(0x0403, asked) == b"",
              f"{words} in the token: nothing of it is handed on")
        if label == "other":
            check(holder.hear(holder.launcher) == (KEY_TOKEN_STATE, bytes([OTHER_KEY])),
                  f"{words} in the token: the key holder says that it is another's")
            os.kill(token.process.pid, signal.SIGSTOP)
            check(holder.sign(0x0403, asked) == b"" and holder.hear(holder.launcher) == (KEY_TOKEN_STATE, bytes([SILENT])),
                  "a token that does not answer is waited for, and said to be silent")
            os.kill(token.process.pid, signal.SIGCONT)
            check(holder.sign(0x0403, asked) == b"" and holder.hear(holder.launcher) == (KEY_TOKEN_STATE, bytes([OTHER_KEY])),
                  "when it answers again its late answer is not taken for the next one")
            token.process.kill()
            check(holder.sign(0x0403, asked) == b"" and holder.hear(holder.launcher) == (KEY_TOKEN_STATE, bytes([NONE])),
                  "one whose process is gone is out of reach")
        else:
            check(token.state()[0] == FAILED, f"{words} in the token: its process says that it does not sign")
        holder.launcher.close()
        holder.process.wait(TIMEOUT)
        token.end()


# --- the key holder by itself ---------------------------------------------------------------------------------------

def blob(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("<I", len(data)) + data


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def hello(host):
    name = vector(2, b"\0" + vector(2, host.encode()))
    extensions = struct.pack(">H", 0) + vector(2, name) + struct.pack(">H", 43) + vector(2, vector(1, b"\3\4\3\3"))
    return message(1, b"\3\3" + bytes(32) + b"\0" + vector(2, b"\x13\1\xc0\x2b") + b"\1\0" + vector(2, extensions))


def handshake(host, der, tls13, leave_out=None):
    """What a client has seen and said before its CertificateVerify; the contents of most of it are nobody's business."""
    own = vector(3, vector(3, der) + (b"\0\0" if tls13 else b""))
    if tls13:
        answer = b"\3\3" + bytes([7] * 32) + b"\0\x13\1\0" + vector(2, struct.pack(">HHH", 43, 2, 0x0304))
        parts = [(8, b"\0\0"), (13, b"\0\0\0"), (11, b"\0\0\0\0"), (15, b""), (20, bytes(32)), (11, b"\0" + own)]
    else:
        answer = b"\3\3" + bytes([7] * 32) + b"\0\xc0\x2b\0"
        parts = [(11, b"\0\0\0"), (12, b""), (13, b""), (14, b""), (11, own), (16, b"\0")]
    return hello(host) + message(2, answer) + b"".join(message(kind, body) for kind, body in parts if kind != leave_out)


class KeyHolder:
    def __init__(self, path, hosts):
        self.launcher, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(["bash", "-c", f"exec 3<&{theirs.fileno()} {B}/launcher --as keyholder 2>/dev/null"],
                                        pass_fds=[theirs.fileno()])
        theirs.close()
        self.launcher.settimeout(TIMEOUT)
        assert self.hear(self.launcher)[0] == READY
        with open(path + ".crt") as chain, open(path + ".key") as key:
            self.send(self.launcher, KEY_CLIENT, blob("firm") + blob(chain.read() + "\0") + blob(key.read() + "\0"))
        self.known = self.hear(self.launcher)
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(TIMEOUT)
        payload = blob("firm") + bytes([len(hosts)]) + b"".join(blob(host) for host in hosts)
        socket.send_fds(self.launcher, [struct.pack("=HHI", KEY_SESSION, 0, 1) + payload], [theirs.fileno()])
        theirs.close()
        self.offer = self.hear(self.channel)

    def send(self, channel, kind, payload, ident=1):
        channel.send(struct.pack("=HHI", kind, 0, ident) + payload)

    def hear(self, channel):
        try:
            data = channel.recv(1 << 18)
        except TimeoutError:
            return None, b""
        return (struct.unpack("=HHI", data[:8])[0], data[8:]) if data else ("end", b"")

    def sign(self, scheme, messages):
        self.send(self.channel, CLIENT_SIGN, struct.pack("<H", scheme) + blob(messages))
        kind, payload = self.hear(self.channel)
        return payload[4:] if kind == CLIENT_SIGNATURE else kind


def verifies(directory, path, signature, content):
    for name, data in ("signature", signature), ("content", content):
        with open(f"{directory}/{name}", "wb") as file:
            file.write(data)
    must("sh", "-c", f"openssl x509 -in {path}.crt -pubkey -noout >{directory}/public")
    return run("openssl", "dgst", "-sha256", "-verify", f"{directory}/public", "-signature", f"{directory}/signature",
               f"{directory}/content").returncode == 0


def test_key_holder(directory, path, other):
    holder = KeyHolder(path, ["www.firm.example", "*.login.firm.example"])
    der = must("openssl", "x509", "-in", path + ".crt", "-outform", "DER")
    other_der = must("openssl", "x509", "-in", other + ".crt", "-outform", "DER")
    check(holder.known[0] == KEY_CLIENT_KNOWN and b"Yamada Shoten" in holder.known[1] and
          holder.offer[0] == CLIENT_CERTIFICATE and der in holder.offer[1], "the key holder says whose certificate it has",
          (holder.known, holder.offer))
    secret = secret_of(path)
    check(secret not in holder.known[1] + holder.offer[1], "and nothing of its key")
    good = handshake("www.firm.example", der, False)
    check(verifies(directory, path, holder.sign(0x0403, good), good), "a handshake of TLS 1.2 is signed as it is")
    good = handshake("a.login.firm.example", der, True)
    digest = must("openssl", "dgst", "-sha256", "-binary", input=good)
    content = b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + digest
    check(verifies(directory, path, holder.sign(0x0403, good), content),
          "one of TLS 1.3 inside its own words (RFC 8446 section 4.4.3)")
    for tls13 in False, True:
        version = "1.3" if tls13 else "1.2"
        for what, messages in (
                ("another host", handshake("www.other.example", der, tls13)),
                ("a host below the one named", handshake("a.www.firm.example", der, tls13)),
                ("another certificate", handshake("www.firm.example", other_der, tls13)),
                ("no certificate", handshake("www.firm.example", b"", tls13)),
                ("a server that asked for none", handshake("www.firm.example", der, tls13, leave_out=13)),
                ("a handshake without the server's certificate", handshake("www.firm.example", der, tls13, leave_out=11)),
                ("a handshake with something behind", handshake("www.firm.example", der, tls13) + message(20, bytes(12))),
                ("one that is cut short", handshake("www.firm.example", der, tls13)[:-1])):
            check(holder.sign(0x0403, messages) == b"", f"TLS {version}, {what}: refused")
    for what, messages in (("nothing", b""), ("a bare hash", bytes(32)), ("a statement", b"sekisho statement 1\0" + bytes(80)),
                           ("the words of TLS 1.3 around a hash", content)):
        check(holder.sign(0x0403, messages) == b"", f"{what}: refused")
    for scheme in 0x0401, 0x0804, 0x0201, 0x0503, 0xffff:
        check(holder.sign(scheme, handshake("www.firm.example", der, False)) == b"",
              f"signature scheme {scheme:#06x}, which does not fit: refused")
    good = handshake("www.firm.example", der, False)
    check(verifies(directory, path, holder.sign(0x0403, good), good), "after all that it still signs what it may")
    holder.launcher.close()
    check(holder.process.wait(TIMEOUT) == 0, "when the launcher goes the key holder ends")


# --- into the device record -----------------------------------------------------------------------------------------

def device(directory, name, *options):
    return run(f"{B}/sekisho", "device", "new", "--device", "ST-000001", "--tenant", "demo", "--address", "10.77.0.2/32",
               "--gateways", f"{B}/demo/gateways.dsse.json", "--public", f"{directory}/{name}.pub", *options, "-o",
               f"{directory}/{name}")


def test_record(directory, clients, curve, rsa):
    with open(f"{directory}/password", "w") as file:
        file.write("himitsu\n")
    must("openssl", "pkcs12", "-export", "-inkey", rsa + ".key", "-in", rsa + ".crt", "-certfile", clients + ".crt",
         "-passout", f"file:{directory}/password", "-out", f"{directory}/rsa.p12")
    done = device(directory, "good", "--client-certificate", f"firm:{curve}.crt:{curve}.key", "--client-certificate",
                  f"other:{directory}/rsa.p12", "--client-password", f"{directory}/password")
    shown = run(f"{B}/sekisho", "device", "show", f"{directory}/good").stdout
    check(done.returncode == 0 and "for firm" in shown and "for other" in shown,
          "PEM and PKCS #12 go into a device record by the bank's id", (done.stderr, shown))
    check("KEY" not in shown and "CERTIFICATE" not in shown, "and are not shown again", shown)
    check("for firm: CN=Yamada Shoten P-256, until 20" in shown and shown.count("key in the record") == 2,
          "but whose they are, until when, and that their keys are there", shown)
    uri = "pkcs11:token=firm;object=login"
    done = device(directory, "in-token", "--client-certificate", f"firm:{curve}.crt:{uri}")
    shown = run(f"{B}/sekisho", "device", "show", f"{directory}/in-token").stdout
    with open(f"{directory}/in-token", "rb") as file:
        whole = file.read()
    check(done.returncode == 0 and f"for firm: CN=Yamada Shoten P-256, until 20" in shown and f"key {uri}" in shown
          and b"PRIVATE KEY" not in whole and uri.encode() in whole,
          "a certificate whose key is in a token goes there with the key's name, and is shown with it", (done.stderr, shown))
    record = open(f"{directory}/good", "rb").read(1 << 18)
    half = json.loads(record[RECORD_HEADER_BYTES:][:struct.unpack("<I", record[24:28])[0]])["client_certificates"]
    for bank, path in ("firm", curve), ("other", rsa):
        for name, text in ("chain.crt", half[bank]["certificates"]), ("chain.key", half[bank]["key"]):
            with open(f"{directory}/{name}", "w") as file:
                file.write(text)
        holder = KeyHolder(f"{directory}/chain", ["www.firm.example"])
        check(holder.known[0] == KEY_CLIENT_KNOWN, f"the key holder takes what is there for {bank}", holder.known)
        holder.launcher.close()
        holder.process.wait(TIMEOUT)
    with open(f"{directory}/wrong-password", "w") as file:
        file.write("wrong\n")
    for what, words, options in (
            ("a wrong password", "password", [f"firm:{directory}/rsa.p12", "--client-password", f"{directory}/wrong-password"]),
            ("another's key", "belong together", [f"firm:{curve}.crt:{rsa}.key"]),
            ("no key", "cannot be read", [f"firm:{curve}.crt"]),
            ("a token's key with its PIN", "no place in a record", [f"firm:{curve}.crt:{uri}?pin-value=1234"]),
            ("a token's key with the way to its PIN", "no place in a record", [f"firm:{curve}.crt:{uri}?pin-source=file:/pin"]),
            ("a token's key with a module", "module is the image's", [f"firm:{curve}.crt:{uri}?module-path=/x.so"]),
            ("a token without a key", "must name the token and the key", [f"firm:{curve}.crt:pkcs11:token=firm"]),
            ("a token's name longer than one can be", "must name the token", [f"firm:{curve}.crt:pkcs11:token={'x' * 33};object=login"]),
            ("no certificate to a token's key", "cannot be read", [f"firm:{curve}.key:{uri}"]),
            ("no bank", "BANK:FILE", [f"{curve}.crt"]),
            ("one bank twice", "one for each bank",
             [f"firm:{curve}.crt:{curve}.key", "--client-certificate", f"firm:{curve}.crt:{curve}.key"])):
        done = device(directory, "bad", "--client-certificate", *options)
        check(done.returncode == 1 and words in done.stderr and not os.path.exists(f"{directory}/bad"),
              f"{what}: no record is made, and it says why", done.stderr)


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        root, clients = authority(f"{directory}/root"), authority(f"{directory}/clients")
        uses = ["extendedKeyUsage=clientAuth"]
        curve = issue(clients, f"{directory}/customer-ec", "/CN=Yamada Shoten P-256", uses)
        rsa = issue(clients, f"{directory}/customer-rsa", "/CN=Yamada Shoten RSA", uses,
                    ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"))
        test_key_holder(directory, curve, rsa)
        test_record(directory, clients, curve, rsa)
        world, processes = start_bank(directory, root, clients)
        try:
            policy = sign_policy(directory, root)
            test_bank(directory, world, policy, "P-256", curve)
            test_bank(directory, world, policy, "RSA", rsa)
            other = issue(clients, f"{directory}/other", "/CN=Somebody Else", uses)
            fill_token(f"{directory}/token", {"curve": curve, "rsa": rsa, "other": other})
            test_token(directory, world, policy, "P-256", curve, "curve")
            test_token(directory, world, policy, "RSA", rsa, "rsa")
            test_other_key(directory, curve)
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    plan()


main()
