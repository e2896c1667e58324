#!/usr/bin/python3
"""token - a certificate whose key is in a PKCS#11 token, from the launcher down: the real init, launcher, spawner, record,
policy, keyholder, broker and token run as on the stick (tests/rig/stick), the token is SoftHSM with a person's hand on it
(tests/rig/token_shim.c), the bank is a real nginx that wants the certificate. What the screen is told is what
tests/rig/payer.c hears in the kiosk's place; link, tunnel and agent are driven (tests/integration/stickrig.py).

Usage: B=BUILD token.t, as root. Prints TAP.
"""
import json, os, signal, subprocess, sys, tempfile

sys.dont_write_bytecode = True
from customers import PIN, authority, fill_token, issue, must, pin
from filters import check_filter, check_forbidden, inject
from memory import holds
from stickrig import B, BANK, Closed, Stick, differences
from tap import check, plan

ZONE = "firm.example"
HOSTS = {"www": "ssl_verify_client on;", "greedy": "ssl_verify_client optional_no_ca;", "second": "ssl_verify_client on;"}
NAMED = ("www", "second")
FIRM, LEAVE, SECOND, WRONG, RIGHT, THRICE, SHORT = range(7)  # tests/rig/payer.c
OPEN, WANTS_PIN, WRONG_PIN, LOCKED, ABSENT, FAILED, OTHER_KEY, SILENT, NONE = range(9)  # enum token_state
NOT_SAID, FEW, LAST = range(3)
UID = "115"
KERNEL_REFUSES = -97  # EAFNOSUPPORT: the family does not exist for it
UNIX, INET, INET6, NETLINK, ALG, PACKET, VSOCK = 1, 2, 10, 16, 38, 17, 40
STREAM, RAW = 1, 3
ROUTE, NETFILTER, UEVENT = 0, 12, 15


# --- what there is --------------------------------------------------------------------------------------------------

def sign_policy(work, root):
    backup = pin(issue(root, f"{work}/backup", "/CN=backup", []))

    def host(name):
        return {"name": f"{name}.{ZONE}", "role": "page", "ports": [443], "anchors": ["root"],
                "pins": [pin(f"{work}/{name}"), backup]} | ({"client_certificate": True} if name in NAMED else {})

    def bank(name, start, hosts):
        return {"id": name, "name": {"ja": "法人銀行", "en": "Firm Bank"}, "start": f"https://{start}.{ZONE}/",
                "support": "+81-3-0000-0000", "hosts": [host(h) for h in hosts]}
    with open(root + ".crt") as pem:
        policy = {"format": 1, "tenant": "demo", "version": 9, "issued": "2025-01-01T00:00:00Z",
                  "expires": "2045-01-01T00:00:00Z", "pin": False, "authorities": {"root": pem.read()},
                  "banks": [bank("firm", "www", ("www", "greedy")), bank("second", "second", ("second",))]}
    with open(f"{work}/policy.json", "w") as file:
        json.dump(policy, file)
    for key, source, target in ("root-1", "policy.json", "policy.once"), ("root-3", "policy.once", "policy.dsse.json"):
        must(f"{B}/sekisho", "policy", "sign", "--type", "policy", "--key", f"{B}/demo/keys/{key}.key", "-o",
             f"{work}/{target}", f"{work}/{source}")
    return f"{work}/policy.dsse.json"


def make_record(work, customer):
    """Both banks' certificates are the customer's; for the second the record names another key of the token."""
    must(f"{B}/sekisho", "device", "new", "--device", "ST-000001", "--tenant", "demo", "--address", "10.77.0.2/32",
         "--gateways", f"{B}/demo/gateways.dsse.json", "--roots", f"{B}/demo/roots.json", "--public", f"{work}/stick.pub",
         "--client-certificate", f"firm:{customer}.crt:pkcs11:token=firm;object=login",
         "--client-certificate", f"second:{customer}.crt:pkcs11:token=firm;object=other", "-o", f"{work}/record")
    return f"{work}/record"


def start_bank(work, clients):
    servers = "".join(
        f"server {{ listen {BANK}:443 ssl; server_name {name}.{ZONE}; ssl_certificate {work}/{name}.crt;\n"
        f"ssl_certificate_key {work}/{name}.key; ssl_client_certificate {clients}.crt; {told}\n"
        'location / { return 200 "$ssl_protocol $ssl_client_verify $ssl_client_s_dn\\n"; } }\n' for name, told in HOSTS.items())
    with open(f"{work}/nginx.conf", "w") as file:
        file.write(f"worker_processes 1; pid {work}/nginx.pid; error_log {work}/error.log;\nevents {{}}\n"
                   f"http {{ access_log off; ssl_session_tickets off; ssl_session_cache off;\n{servers}}}\n")
    return subprocess.Popen(["nginx", "-p", work, "-c", f"{work}/nginx.conf", "-e", f"{work}/error.log", "-g",
                             "daemon off; user root;"])


# --- a stick with a customer ----------------------------------------------------------------------------------------

class Payer(Stick):
    def __init__(self, folder):
        self.told, self.page_of = [], ""  # (state, tries, label), of the payer
        super().__init__(folder, "rig/payer")

    def take_line(self, line):
        super().take_line(line)
        if os.environ.get("SAY"):
            print("#", line, flush=True)
        words = line.split(" ")
        if words[:2] == ["payer:", "told"]:
            self.told.append((int(words[2]), int(words[3]), " ".join(words[4:])))
        elif words[:4] == ["payer:", "the", "page", "of"]:
            self.page_of = words[-1]
        elif line == "payer: no page":
            self.page_of = ""

    def token(self):
        """Its pid, 0 where it does not run."""
        spawner = self.find("spawner")
        for pid in pids_below(spawner) if spawner else []:
            try:
                with open(f"/proc/{pid}/comm") as file:
                    if file.read() == "token\n":
                        return pid
            except OSError:
                pass
        return 0

    def choose(self, word, bank):
        self.say("kiosk", word)
        self.wait(f"the page of {bank}", lambda: self.page_of == bank)

    def leave(self):
        self.say("kiosk", LEAVE)
        self.wait("the bank was left", lambda: self.page_of == "" and not self.token())

    def fetch(self, name):
        """What the bank says, as the browser's own process would ask: in the screen's namespace, of this start's authority."""
        screen, first = self.find("kiosk"), self.find("init")
        ask = subprocess.Popen(
            ["nsenter", f"--net=/proc/{screen}/ns/net", "curl", "-sS", "--cacert", f"/proc/{first}/root/run/sekisho/ca.pem",
             "--max-time", "20", "--resolve", f"{name}.{ZONE}:443:127.0.0.1", f"https://{name}.{ZONE}/"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.wait("curl's end", lambda: ask.poll() is not None)
        return ask.stdout.read().strip()

    def hear(self, act):
        """What the screen is told last because of it; the word that it is there is waited for, and what follows at once."""
        self.told.clear()
        result = act()
        self.wait("a word about the token", lambda: self.told)
        self.pump(0.3)
        return self.told[-1], result

    def type(self, word):
        return self.hear(lambda: self.say("kiosk", word))[0]

    def folder(self):
        return f"/proc/{self.find('init')}/root/sekisho/token.d"

    def hand(self, words):
        with open(self.folder() + "/shim", "w") as file:
            file.write(words)

    def logins(self):
        try:
            return os.path.getsize(self.folder() + "/shim.logins")
        except FileNotFoundError:
            return 0


def pids_below(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def begin(folder):
    stick = Payer(folder)
    stick.wait("the screen", lambda: stick.driven.get("kiosk", 0) > 0)
    stick.open_way()
    return stick


# --- what is asked --------------------------------------------------------------------------------------------------

def test_walls(stick):
    pid = stick.token()
    seen = status_of(pid)
    check(seen["Uid"].split() == [UID] * 4 and seen["Gid"].split() == [UID] * 4 and seen["Groups"].strip() == "",
          "it is a user of its own, in no group beside", (seen["Uid"], seen["Gid"], seen["Groups"]))
    check({int(seen[key], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0} and seen["NoNewPrivs"] == "1",
          "it has no capability and can gain none")
    lines = must("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-brief", "link").decode().split("\n")
    check(all("LOWER_UP" not in line for line in lines), "its network namespace has nothing that is up in it", lines)
    check(all(os.readlink(f"/proc/{pid}/ns/net") != os.readlink(f"/proc/{stick.find(other)}/ns/net")
              for other in ("kiosk", "broker", "tunnel", "link")), "nor is it anybody's who speaks to the outside")
    with open(f"/proc/{pid}/mounts") as file:
        places = {line.split()[1] for line in file}
    check({"/proc", "/run", "/tmp", "/dev/shm"}.isdisjoint(places), "of what lies in memory it sees none of /proc, /run, /tmp",
          places)
    check_filter("token", pid)
    for what, numbers in (("Unix", (UNIX, STREAM, 0)), ("IPv4", (INET, STREAM, 0)), ("IPv6", (INET6, STREAM, 0)),
                          ("AF_ALG", (ALG, 5, 0)), ("packet", (PACKET, RAW, 0)), ("vsock", (VSOCK, STREAM, 0))):
        _, said = inject(pid, "socket", *numbers)
        check(said == f"returned {KERNEL_REFUSES}", f"it has no {what} socket ({said})")
    for what, number in ("routes'", ROUTE), ("netfilter's", NETFILTER):
        _, said = inject(pid, "socket", NETLINK, RAW, number)
        check(said == "returned -93", f"it has no {what} netlink socket ({said})")
    _, said = inject(pid, "socket", NETLINK, RAW, UEVENT)
    check(said.startswith("returned ") and int(said.split()[1]) >= 0, f"it may hear which devices come and go ({said})")


def test_forbidden(stick):
    """Each of these ends it; the launcher starts it again, and the session goes on."""
    for call in "execve", "fork", "ptrace", "mount", "setuid", "listen", "keyctl":
        stick.wait("the token's process", stick.token)
        stick.wait("its walls", lambda: int(status_of(stick.token())["Seccomp_filters"]) >= 3)
        pid = stick.token()
        check_forbidden("token", pid, call)
        stick.wait("it to be buried", lambda: stick.token() != pid)
    stick.wait("the token's process", stick.token)
    check(stick.page_of == "firm", "without it the session goes on, and it is started again")


def test_session(stick):
    stick.drive("READY")
    check(not stick.token(), "without a session there is no process of the token's")
    stick.choose(FIRM, "firm")
    stick.wait("the token's process", stick.token)
    stick.wait("its walls", lambda: stick.token() and int(status_of(stick.token())["Seccomp_filters"]) >= 3)
    test_walls(stick)
    tried = stick.logins()
    told, page = stick.hear(lambda: stick.fetch("www"))
    check("SUCCESS" not in page and told == (WANTS_PIN, NOT_SAID, "firm") and stick.logins() == tried,
          "the bank wants the certificate: the screen is to ask for the PIN, of the token that the record names", (told, page))
    stick.told.clear()
    stick.say("kiosk", SHORT)
    stick.wait("the kiosk that says what is no PIN is ended", lambda: stick.driven.get("kiosk", 0) > 1)
    check(stick.logins() == tried, "what is too short for a PIN does not reach the token, and ends who sends it")
    stick.wait("the list of banks", lambda: stick.state == "READY")
    stick.page_of = ""
    stick.choose(FIRM, "firm")
    stick.hear(lambda: stick.fetch("www"))
    told = stick.type(THRICE)
    check(told == (WRONG_PIN, FEW, "firm") and stick.logins() == tried + 1,
          "a wrong PIN is said to be one, with what the token says of the tries left; three at once are one try", (told, stick.logins() - tried))
    told, page = stick.hear(lambda: stick.fetch("www"))
    check("SUCCESS" not in page and told == (WANTS_PIN, FEW, "firm") and stick.logins() == tried + 1,
          "it is not tried again by itself", told)
    told = stick.type(RIGHT)
    check(told[0] == OPEN and stick.logins() == tried + 2, "the right one opens it", told)
    stick.told.clear()
    page = stick.fetch("www")
    check(page == "TLSv1.3 SUCCESS CN=Yamada Shoten", "the customer is let in by the key in the token", page)
    holders = [name for name in ("init", "launcher", "spawner", "keyholder", "broker") if holds(stick.find(name), PIN.encode())]
    check(not holders and not holds(stick.token(), PIN.encode()), "the PIN is in nobody's memory any more", holders)
    page = stick.fetch("greedy")
    stick.wait("the word about it", lambda: "payer: notice certificate_unnamed" in stick.log)
    check(page.endswith("NONE") and not stick.told,
          "a host that asks and is not named in the policy gets none, and the screen says so", (page, stick.told))
    test_trouble(stick)


def test_trouble(stick):
    stick.hand("absent")
    told, page = stick.hear(lambda: stick.fetch("www"))
    check("SUCCESS" not in page and told[0] == ABSENT, "pulled out, it is missed, and the screen says so", (told, page))
    stick.hand("last")
    told, _ = stick.hear(lambda: stick.fetch("www"))
    check(told == (WANTS_PIN, LAST, "firm"), "back again it wants its PIN anew, and says that one try is left", told)
    tried = stick.logins()
    stick.hand("locked")
    told = stick.type(RIGHT)
    check(told[0] == LOCKED and stick.logins() == tried, "a locked token is not tried at all, and the screen says that it is locked", told)
    stick.hand("")
    stick.hear(lambda: stick.fetch("www"))
    check(stick.type(RIGHT)[0] == OPEN and "SUCCESS" in stick.fetch("www"), "unlocked, it lets the customer in")
    pid = stick.token()
    os.kill(pid, signal.SIGSTOP)
    told, page = stick.hear(lambda: stick.fetch("www"))
    check("SUCCESS" not in page and told[0] == SILENT, "one that does not answer is not waited for, and the screen says so", (told, page))
    os.kill(pid, signal.SIGKILL)
    stick.wait("another process of the token's", lambda: stick.token() not in (0, pid))
    stick.wait("its walls", lambda: int(status_of(stick.token())["Seccomp_filters"]) >= 3)
    told, _ = stick.hear(lambda: stick.fetch("www"))
    check(told[0] == WANTS_PIN and stick.type(RIGHT)[0] == OPEN and "SUCCESS" in stick.fetch("www"),
          "its process died: the new one asks for the PIN again", told)
    stick.leave()
    check(True, "with the session its process ends")
    stick.choose(SECOND, "second")
    told, _ = stick.hear(lambda: stick.fetch("second"))
    check(told[0] == WANTS_PIN, "the next session starts without a log-in", told)
    check(stick.type(RIGHT)[0] == OPEN, "and has its own")
    told, page = stick.hear(lambda: stick.fetch("second"))
    check("SUCCESS" not in page and told == (OTHER_KEY, NOT_SAID, "firm"),
          "a key that is not the certificate's proves nothing, and the screen says whose fault it is", (told, page))
    stick.leave()
    stick.choose(FIRM, "firm")
    test_forbidden(stick)


def test_image_without(stick):
    stick.drive("READY")
    stick.choose(FIRM, "firm")
    told, page = stick.hear(lambda: stick.fetch("www"))
    check("SUCCESS" not in page and told == (NONE, NOT_SAID, "firm") and not stick.token(),
          "an image without it: no such process, and the screen says that this stick cannot use a token", (told, page))
    check(stick.fetch("greedy").endswith("NONE"), "and what needs no certificate goes on")


def run_with(folder, test):
    try:
        with begin(folder) as stick:
            try:
                test(stick)
            except (Closed, OSError, ValueError) as trouble:
                check(False, f"{type(trouble).__name__}: {trouble}", "\n# ".join(stick.log[-20:]))
    except Closed as trouble:
        check(False, f"the stick does not start: {trouble}")


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        must("ip", "link", "set", "lo", "up")
        must("ip", "address", "add", f"{BANK}/32", "dev", "lo")
        root, clients = authority(f"{work}/root"), authority(f"{work}/clients")
        for name in HOSTS:
            issue(root, f"{work}/{name}", f"/CN={name}", ["extendedKeyUsage=serverAuth", f"subjectAltName=DNS:{name}.{ZONE}"])
        customer = issue(clients, f"{work}/customer", "/CN=Yamada Shoten", ["extendedKeyUsage=clientAuth"])
        other = issue(clients, f"{work}/other", "/CN=Somebody Else", ["extendedKeyUsage=clientAuth"])
        policy, record = sign_policy(work, root), make_record(work, customer)
        for name in "with", "without":
            differences(work, name, record, policy)
        fill_token(f"{work}/with/token", {"login": customer, "other": other}, "/sekisho/token.d")
        nginx = start_bank(work, clients)
        try:
            run_with(f"{work}/with", test_session)
            must("ip", "link", "del", f"bank{os.getpid()}") if os.path.exists(f"/sys/class/net/bank{os.getpid()}") else None
            run_with(f"{work}/without", test_image_without)
        finally:
            nginx.terminate()
            nginx.wait()
    plan()


if sys.argv[1:] == ["--in"]:
    main()
elif open("/proc/self/uid_map").read().split()[2:] == ["4294967295"]:
    sys.exit(subprocess.run(["unshare", "--net", sys.argv[0], "--in"]).returncode)
else:
    check(True, "PID 1 and all it starts # SKIP in a user namespace it cannot be given the capabilities it has on the stick")
    plan()
