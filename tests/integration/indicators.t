#!/usr/bin/python3
"""indicators - known bad hosts from the list to the stick's warning: sekisho gateway indicators, gatewayd as
tests/rig/gateway starts it, and the agent process behind a stick's tunnel, spoken to in the launcher's messages.

Usage: B=BUILD indicators.t, as root. Prints TAP.
"""
import base64, json, os, select, signal, socket, struct, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from tap import bail, check, must, plan, run

B = os.path.realpath(os.environ["B"])
RIG = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "rig"))
READY, CONFIG, HEALTH, ADMISSION, BEACON_NOW, HOST, KNOWN_BAD = 1, 80, 81, 82, 88, 130, 131
PHISHING, MALWARE = 1, 2
TIMEOUT = 20
LISTED = "www.bank-login.example"
BOOT = "00112233445566778899aabbccddeeff"


def blob(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("<I", len(data)) + data


def start(*command):
    """A rig's program, when it has printed its line of JSON."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if not select.select([process.stdout], [], [], 60)[0]:
        bail(f"{command[0]} does not start")
    line = process.stdout.readline()
    if not line:
        bail(f"{command[0]} did not start")
    return process, json.loads(line)


def until(what, good):
    end = time.monotonic() + TIMEOUT
    while not good():
        if time.monotonic() > end:
            return check(False, what)
        time.sleep(0.1)  # a metric gives no event to wait for
    return check(True, what)


class Agent:
    def __init__(self, netns, log):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = ours
        self.process = subprocess.Popen(["nsenter", f"--net=/run/netns/{netns}", "sh", "-c",
                                         f"exec 3<&{theirs.fileno()} {B}/launcher --as agent"],
                                        pass_fds=[theirs.fileno()], stderr=log)
        theirs.close()

    def send(self, kind, payload=b""):
        self.channel.send(struct.pack("=HHI", kind, 0, 0) + payload)

    def hear(self, *kinds):
        """(type, payload) of the next message of one of these kinds."""
        self.channel.settimeout(TIMEOUT)
        while True:
            try:
                data = self.channel.recv(1 << 18)
            except TimeoutError:
                return None, b""
            if not data:
                return "end", b""
            kind = struct.unpack("=HHI", data[:8])[0]
            if kind in kinds:
                return kind, data[8:]

    def ask(self, *hosts):
        for host in hosts:
            self.send(HOST, blob(host))

    def known(self):
        """(host, category) of the next that is known to be bad."""
        kind, payload = self.hear(KNOWN_BAD)
        if kind != KNOWN_BAD:
            return kind, payload
        size = struct.unpack("<I", payload[:4])[0]
        return payload[4:4 + size].decode(), payload[4 + size]

    def configure(self, rig):
        with open(rig["ca"]) as pem:
            self.send(CONFIG, blob("ST-000001") + blob(BOOT) + blob(rig["inner"]) +
                      struct.pack("<H", 8444) + blob(rig["name"]) + blob(pem.read()) +
                      blob(base64.b64decode(rig["pin"])) + blob("7") + blob(bytes(32)) + struct.pack("<QB", 3, 0))


def metrics(rig):
    with open(rig["directory"] + "/keys/metrics.token") as file:
        token = file.read().strip()
    text = must("nsenter", f"--net=/run/netns/{rig['world']}", "curl", "-sS", "--max-time", "10", "--cacert",
                rig["console_ca"], "-H", f"Authorization: Bearer {token}", rig["console"] + "/metrics")
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")


def indicators(*arguments):
    return run(f"{B}/sekisho", "gateway", "indicators", *arguments)


def test_import(work, rig):
    path = rig["directory"] + "/indicators"
    lists = {"jpcert.txt": f"# yesterday's\n{LISTED} phishing\nDownloads.Example.,malware\n",
             "shared.txt": "".join(f"n{i}.pages.example\n" for i in range(600)),
             "wrong.txt": "good.example phishing\nhttps://bad.example/x phishing\n192.0.2.1 malware\nmany.example spam\n"}
    for name, text in lists.items():
        with open(f"{work}/{name}", "w") as file:
            file.write(text)
    files = [f"{work}/{name}" for name in lists]
    done = indicators("import", "--category", "phishing", "--file", path, *files)
    told = [line for line in done.stderr.splitlines() if "wrong.txt:" in line]
    check(done.returncode == 1 and len(told) == 3 and not os.path.exists(path),
          "a list with three wrong lines: all three are told, and nothing is taken", done.stderr)
    done = indicators("import", "--category", "phishing", "--file", path, "--json", *files)
    said = json.loads(done.stdout)
    check(done.returncode == 1 and [f["line"] for f in said["faults"]] == [2, 3, 4] and not said["ok"],
          "in JSON too", done.stdout)
    done = indicators("import", "--category", "phishing", "--file", path, *files[:2])
    check(done.returncode == 0, "without them the file is made", done.stderr)
    done = indicators("show", "--json", "--file", path)
    said = json.loads(done.stdout)
    check(said["categories"] == {"phishing": 601, "malware": 1} and said["crowded_sites"] == 1 and
          said["sources"] == {"jpcert": 2, "shared": 600}, "and holds them by category and source", done.stdout)
    done = indicators("look-up", "--json", "--file", path, "a." + LISTED, "bank-login.example", "x.n7.pages.example")
    check([(f["category"], f["source"]) for f in json.loads(done.stdout)] ==
          [("phishing", "jpcert"), ("", ""), ("phishing", "shared")], "an operator can look a host up", done.stdout)
    before = open(path, "rb").read()
    done = indicators("import", "--file", path, f"{work}/wrong.txt", "/nowhere")
    check(done.returncode == 1 and open(path, "rb").read() == before and "/nowhere" in done.stderr and
          "wrong.txt:4" in done.stderr, "a later import that fails says all of it and leaves the file as it was",
          done.stderr)
    with open(f"{work}/empty.txt", "w") as file:
        file.write("# nothing today\n")
    done = indicators("import", "--file", path, f"{work}/empty.txt")
    check(done.returncode == 1 and open(path, "rb").read() == before, "nor does an empty list replace it", done.stderr)
    check(not [name for name in os.listdir(rig["directory"]) if name.endswith(".new")], "and nothing is left lying about")


def reload(rig):
    os.kill(rig["gatewayd"], signal.SIGHUP)


def test_asking(rig, agent):
    agent.ask("a." + LISTED)
    check(agent.known() == ("a." + LISTED, PHISHING), "a host below a listed one is told as known for phishing")
    agent.ask("clean.example", "downloads.example")
    check(agent.known() == ("downloads.example", MALWARE), "one that is not listed is not told; the next one is, for malware")
    agent.ask("x.n599.pages.example", "neighbour.pages.example", "a." + LISTED)
    told = {agent.known(), agent.known()}
    check(told == {("x.n599.pages.example", PHISHING), ("a." + LISTED, PHISHING)},
          "below a crowded site the name is found and its neighbour is not; what was told once is remembered", told)
    agent.ask("not a host", "192.0.2.1", "", LISTED)
    check(agent.known() == (LISTED, PHISHING), "what is no host name is passed over")


def test_damage(rig, agent):
    path = rig["directory"] + "/indicators"
    with open(path, "rb") as file:
        good = file.read()
    with open(path + ".new", "wb") as file:
        file.write(good[:-1])
    os.rename(path + ".new", path)
    reload(rig)
    until("a file that is cut short is refused, and the desk sees it",
          lambda: metrics(rig)["sekisho_indicators_refused"] == "1")
    agent.ask("n5.pages.example")
    check(agent.known() == ("n5.pages.example", PHISHING), "and the one before stays in force")
    os.unlink(path)
    reload(rig)
    until("without a file there is none in force", lambda: metrics(rig)["sekisho_indicators"] == "0")


def main():
    if run("nft", "--version").returncode:
        print("1..0 # SKIP nft is not installed")
        return
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        gateway, rig = start(f"{RIG}/gateway", B, f"{work}/rig")
        with open(f"{work}/rig.json", "w") as file:
            json.dump(rig, file)
        stick, end = start(f"{RIG}/gateway-stick", f"{work}/rig.json", "ST-000001", "10.77.0.2")
        agent = None
        try:
            must(f"{B}/sekisho", "gateway", "stick", "add", "--socket", rig["socket"], "--id", "ST-000001", "--key",
                 end["key"], "--identity", end["identity"])
            test_import(work, rig)
            reload(rig)
            until("a reload puts the file in force", lambda: metrics(rig)["sekisho_indicators"] == "603")
            with open(f"{work}/agent.log", "w") as log:
                agent = Agent(end["netns"], log)
            agent.hear(READY)
            said = json.loads(must(f"{RIG}/admit-stick", B, f"{work}/rig.json", end["netns"], end["record"], BOOT,
                                   env={**os.environ, "HASH": "00"}))
            agent.configure(rig)
            check(said["state"] == "admitted" and agent.hear(ADMISSION)[0] == ADMISSION, "the stick is admitted", said)
            test_asking(rig, agent)
            agent.send(HEALTH, blob(json.dumps({"refused": {"not_listed": 4, "indicator_phishing": 3}})))
            agent.send(BEACON_NOW)
            agent.hear(ADMISSION)
            until("hits are counted at the desk, by category",
                  lambda: metrics(rig)['sekisho_refusals_total{reason="indicator_phishing"}'] == "3")
            test_damage(rig, agent)
            time_asked = time.monotonic()
            agent.ask("n6.pages.example")
            agent.send(BEACON_NOW)
            check(agent.hear(ADMISSION, KNOWN_BAD)[0] == ADMISSION and time.monotonic() - time_asked < TIMEOUT,
                  "a gateway without a list answers nothing, and the agent goes on")
            until("its log says that there is none", lambda: "no list" in open(f"{work}/agent.log").read())
            with open(rig["directory"] + "/gatewayd.log") as log:
                text = log.read()
            check("bank-login" not in text and "pages.example" not in text, "no name is in the gateway's log", text)
        finally:
            for process in (agent and agent.process, stick, gateway):
                if process:
                    process.terminate()
                    process.wait()
    plan()


main()
