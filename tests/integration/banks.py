"""banks - banks of a test's own before tests/rig/broker: an authority and what it issues, a policy that the demonstration's
keys sign, and servers in a namespace that is the tunnel's far end. Wants B, and root for the namespaces."""
import json, os, queue, socket, ssl, subprocess, threading

import tap
from broker_rig import B, home

DNS = "198.51.100.53"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbank"


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, **how)
    if done.returncode:
        tap.bail(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


class Authority:
    def __init__(self, directory, name="Crooked Root"):
        self.directory = directory
        self.root = f"{directory}/root"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-sha256",
            "-days", "100", "-config", "/dev/null", "-subj", f"/CN={name}", "-keyout", self.root + ".key", "-out",
            self.root + ".crt", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign", "-addext", "subjectKeyIdentifier=hash")

    def issue(self, host, san=None, ca=False, use="serverAuth", usage="digitalSignature", bits=None, digest="sha256"):
        path = f"{self.directory}/{host}"
        kind = ["RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"] if bits else ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        run("openssl", "genpkey", "-quiet", "-algorithm", *kind, "-out", path + ".key")
        extensions = [f"basicConstraints=critical,CA:{'TRUE' if ca else 'FALSE'}", f"keyUsage=critical,{usage}",
                      "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid:always"]
        extensions += [f"extendedKeyUsage={use}"] if use else []
        extensions += [f"subjectAltName={san}"] if san else []
        with open(path + ".ext", "w") as file:
            file.write("\n".join(extensions) + "\n")
        self.sign(path, digest, "-days", "30")
        return path

    def sign(self, path, digest, *life):
        """A certificate of that key, with the extensions it has."""
        request = run("openssl", "req", "-new", "-config", "/dev/null", "-key", path + ".key", "-subj", "/CN=" + os.path.basename(path))
        run("openssl", "x509", "-req", f"-{digest}", "-CA", self.root + ".crt", "-CAkey", self.root + ".key", *life,
            "-extfile", path + ".ext", "-out", path + ".crt", input=request)

    def pin(self, path):
        der = run("openssl", "pkey", "-in", path + ".key", "-pubout", "-outform", "DER")
        return run("openssl", "base64", "-A", input=run("openssl", "dgst", "-sha256", "-binary", input=der)).decode()


def sign_policy(directory, authority, bank, hosts, **more):
    """`hosts`: name -> pins. Two people's signatures; the envelope's path."""
    laid = [{"name": name, "role": "page", "ports": [443], "anchors": ["root"], "pins": pins}
            for name, pins in hosts.items()]
    with open(authority.root + ".crt") as pem:
        policy = {"format": 1, "tenant": "demo", "version": 9, "issued": "2025-01-01T00:00:00Z",
                  "expires": "2045-01-01T00:00:00Z", "pin": False, "authorities": {"root": pem.read()},
                  "banks": [{**bank, "start": f"https://{laid[0]['name']}/", "support": "+81-3-0000-0000",
                             "hosts": laid}], **more}
    plain, once, signed = f"{directory}/policy.json", f"{directory}/policy.once", f"{directory}/policy.dsse.json"
    with open(plain, "w") as file:
        json.dump(policy, file)
    run(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", f"{B}/demo/keys/root-1.key", "-o", once, plain)
    run(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", f"{B}/demo/keys/root-3.key", "-o", signed, once)
    return signed


def new_world(addresses):
    """A new namespace, which this thread is now in and leaves by go_home(): its descriptor."""
    os.unshare(os.CLONE_NEWNET)
    world = os.open("/proc/self/ns/net", os.O_RDONLY)
    run("ip", "link", "set", "lo", "up")
    for address in (*addresses, DNS):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    return world


def go_home():
    os.setns(home, os.CLONE_NEWNET)


def serve_names(directory, names):
    """`names`: name -> addresses, answered on DNS. The process."""
    with open(f"{directory}/hosts", "w") as file:
        for name, addresses in names.items():
            file.writelines(f"{address} {name}\n" for address in addresses)
    return subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--group=root",
                             "--pid-file=", "--no-resolv", "--no-hosts", f"--addn-hosts={directory}/hosts",
                             f"--listen-address={DNS}", "--bind-interfaces", "--local=/example/", "--local-ttl=30"],
                            stderr=subprocess.DEVNULL)


def serve_page(tls):
    while tls.recv(65536):
        tls.sendall(PAGE)


class Bank:
    """Listens in the namespace it is made in. `seen`: version, resumed, protocol of each handshake."""

    def __init__(self, address, path, serve=serve_page, versions=None, ciphers=None, protocols=()):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if versions:
            self.context.minimum_version, self.context.maximum_version = versions
        if ciphers:
            self.context.set_ciphers(ciphers)
        self.context.load_cert_chain(path + ".crt", path + ".key")
        if protocols:
            self.context.set_alpn_protocols(list(protocols))
        self.serve, self.seen = serve, queue.Queue()
        self.socket = socket.create_server((address, 443))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            plain, _ = self.socket.accept()
            threading.Thread(target=self.talk, args=(plain,), daemon=True).start()

    def talk(self, plain):
        try:
            tls = self.context.wrap_socket(plain, server_side=True)
            self.seen.put((tls.version(), tls.session_reused, tls.selected_alpn_protocol()))
            self.serve(tls)
        except (OSError, ssl.SSLError):
            pass  # what the browser's side saw is looked at
