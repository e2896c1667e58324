#!/usr/bin/python3
"""policy-pin - `sekisho policy pin HOST`: a server is asked once, judged as on a stick, and its pins are proposed.

Usage: B=BUILD policy-pin.t, in a network namespace whose lo is up. Prints TAP.
"""
import json, os, socket, ssl, subprocess, sys, tempfile, threading

sys.dont_write_bytecode = True
from tap import bail, check, plan

SEKISHO = os.path.abspath(os.environ["B"]) + "/sekisho"
os.chdir(tempfile.mkdtemp())
HOST = "www.mihon.example"


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True)
    if done.returncode:
        bail(f"openssl {' '.join(words)}: {done.stderr}")
    return done.stdout


CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
AKI = "authorityKeyIdentifier=keyid\n"
LEAF = (f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        f"subjectAltName=DNS:{HOST}\n" + AKI)


def make(name, extensions, issuer=None, key=("EC", "ec_paramgen_curve:P-256"), days="365"):
    openssl("genpkey", "-algorithm", key[0], "-pkeyopt", key[1], "-out", f"{name}.key")
    open(f"{name}.ext", "w").write(extensions)
    openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/O=Mihon/CN={name}", "-out", f"{name}.csr", "-config", "/dev/null")
    signer = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else ["-signkey", f"{name}.key"]
    openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-days", days, "-sha256", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


make("root", CA, days="3650")
make("other", CA, days="3650")
make("middle", CA + AKI + "extendedKeyUsage=serverAuth\n", "root")
make("narrow", CA + AKI + "nameConstraints=critical,permitted;DNS:mihon.example\n", "root")
make("mild", CA + AKI + "nameConstraints=permitted;DNS:mihon.example\n", "root")
make("nameless", CA.replace("subjectKeyIdentifier=hash", "subjectKeyIdentifier=none") + AKI, "root")
make("leaf", LEAF, "middle")
make("under-narrow", LEAF, "narrow")
make("under-mild", LEAF, "mild")
make("under-nameless", LEAF.replace(AKI, ""), "nameless")
make("weak", LEAF, "middle", ("RSA", "rsa_keygen_bits:1024"))
make("direct", LEAF, "root")
make("another", LEAF.replace(HOST, "www.other.example"), "middle")
openssl("pkey", "-in", "other.key", "-pubout", "-out", "reserve.pub")


def pem(*names):
    return "".join(open(f"{name}.pem").read() for name in names)


class Server:
    """Answers TLS handshakes on a port of 127.0.0.1 with these certificates; None: takes connections and says nothing."""

    def __init__(self, *names, version=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = None
        if names:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.set_ciphers("ALL:@SECLEVEL=0")
            if version:
                self.context.minimum_version = self.context.maximum_version = version
            open("chain", "w").write(pem(*names))
            self.context.load_cert_chain("chain", f"{names[0]}.key")
        self.kept = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            plain, _ = self.listener.accept()
            try:
                if self.context:
                    tls = self.context.wrap_socket(plain, server_side=True)
                    tls.recv(1)
                    tls.close()
                else:
                    self.kept.append(plain)
            except (OSError, ssl.SSLError):
                pass


def pin(server, *words, host=HOST, anchors="root.pem"):
    done = subprocess.run([SEKISHO, "policy", "pin", "--anchors", anchors, "--connect", f"127.0.0.1:{server}", *words, host],
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def pin_of(name):
    return subprocess.run([SEKISHO, "policy", "pin", f"{name}.pem"], capture_output=True, text=True).stdout.strip()


# --- a good chain ---------------------------------------------------------------------------------------------------

good = Server("leaf", "middle")
code, out, err = pin(good.port, "--json")
answer = json.loads(out)
check(code == 0 and answer["state"] == "good" and answer["refused"] == [], "a good chain is good", out + err)
check([c["pin"] for c in answer["chain"]] == [pin_of("leaf"), pin_of("middle"), pin_of("root")], "it is shown from the server's key to the anchor")
check([c["anchor"] for c in answer["chain"]] == [False, False, True] and answer["anchor"] == pem("root"), "and the anchor is told")
check({p["by"]: p["pins"] for p in answer["proposals"]} ==
      {"leaf": [pin_of("leaf"), pin_of("middle")], "issuer": [pin_of("middle"), pin_of("leaf")]}, "pins by leaf and by issuer, each with a backup")
check(answer["protocol"] == "TLSv1.3" and answer["address"] == "127.0.0.1", "with the protocol and the address")
reserve = subprocess.run([SEKISHO, "policy", "pin", "reserve.pub"], capture_output=True, text=True).stdout.strip()
code, out, err = pin(good.port, "--json", "--reserve", "reserve.pub")
check(json.loads(out)["proposals"][0]["pins"] == [pin_of("leaf"), reserve], "a key in reserve is the backup if there is one")
code, out, err = pin(good.port)
check(code == 0 and "good" in out and f"--pin {pin_of('leaf')} --pin {pin_of('middle')}" in out and "(anchor)" in out, "in words too")
open("store.pem", "w").write("".join(pem("other") for _ in range(20)) + pem("root"))
check(pin(good.port, anchors="store.pem")[0] == 0, "of a store of many the right authority is taken")
check(pin(Server("leaf", "middle", version=ssl.TLSVersion.TLSv1_2).port)[0] == 0, "over TLS 1.2 as well")

# what it prints makes a policy
policy = [SEKISHO, "policy"]
subprocess.run([*policy, "init", "--tenant", "demo", "-o", "p.json"], capture_output=True)
open("anchor.pem", "w").write(answer["anchor"])
subprocess.run([*policy, "add", "p.json", "authority", "root", "anchor.pem"], capture_output=True)
subprocess.run([*policy, "add", "p.json", "bank", "mihon", "--ja", "見本", "--en", "Mihon", "--start", f"https://{HOST}/", "--support",
                "0120-00-0001"], capture_output=True)
pins = answer["proposals"][0]["pins"]
done = subprocess.run([*policy, "add", "p.json", "host", "mihon", HOST, "--anchor", "root", "--pin", pins[0], "--pin", pins[1]],
                      capture_output=True, text=True)
check(done.returncode == 0 and subprocess.run([*policy, "lint", "p.json"], capture_output=True).returncode == 0,
      "what it proposes makes a policy", done.stderr)

# --- what a stick would refuse --------------------------------------------------------------------------------------

for names, code_expected, what in [
    (("under-mild", "mild"), "name_constraints", "name constraints"),
    (("under-nameless", "nameless"), "key_identifier", "a CA without subject key identifier"),
    (("weak", "middle"), "rsa_bits", "an RSA key of 1024 bits"),
    (("another", "middle"), "name", "a certificate for another name"),
    (("leaf",), "chain", "an intermediate that is not sent"),
]:
    code, out, err = pin(Server(*names).port, "--json")
    answer = json.loads(out.split('\n{"error"')[0]) if out else {"refused": [], "proposals": None}
    codes = [fault["code"] for fault in answer.get("refused", [])]
    check(code == 1 and any(code_expected in found for found in codes) and not answer.get("proposals") and "would not open" in err,
          f"{what}: flagged, and no pins proposed", f"{codes} {err}")
code, out, err = pin(Server("under-narrow", "narrow").port)
check(code == 1 and "nameConstraints" in err, "critical ones, which nothing here reads past, are named too", err)
code, out, err = pin(good.port, anchors="other.pem")
check(code == 1 and "--anchors" in err, "without its authority it says what is missing", err)
code, out, err = pin(Server("direct").port)
check(code == 1 and "--reserve" in err, "a certificate by the anchor itself needs a key in reserve", err)
check(pin(Server("direct").port, "--reserve", "reserve.pub")[0] == 0, "and is good with one")
code, out, err = pin(good.port, "--at", "2040-01-01T00:00:00Z", "--json")
check(code == 1 and "dates" in out, "as of a later day it is past", err)

# --- what cannot be reached -----------------------------------------------------------------------------------------

closed = socket.create_server(("127.0.0.1", 0))
port = closed.getsockname()[1]
closed.close()
for done, word, what in [
    (pin(port), "cannot be reached", "nobody listens"),
    (pin(Server().port), "handshake", "a server that says nothing"),
    (pin(Server("leaf", "middle", version=ssl.TLSVersion.TLSv1_1).port), "TLS 1.2", "a server of TLS 1.1"),
    (pin(good.port, host="WWW.x.example"), "host name", "a name in capitals"),
    (pin(good.port, anchors="nowhere.pem"), "nowhere.pem", "no file of authorities"),
]:
    check(done[0] == 1 and word in done[2] and done[1] == "", f"{what}: said", done)
done = subprocess.run([*policy, "pin", "no-such-name.invalid"], capture_output=True, text=True)
check(done.returncode == 1 and "has no address" in done.stderr, "a name without an address: said", done.stderr)
check(subprocess.run([*policy, "pin", "--json", "root.pem"], capture_output=True, text=True).stdout.count(pin_of("root")) == 1,
      "keys in files are pinned as before")
check(subprocess.run([*policy, "pin"], capture_output=True).returncode == 2, "nothing to pin is wrong use")
plan()
