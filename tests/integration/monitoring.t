#!/usr/bin/python3
"""monitoring - the shipped rules under promtool, and then Prometheus and Alertmanager themselves over a running gateway:
it is scraped, a rule fires, the alarm arrives, the trouble ends, and that arrives too.

Usage: B=BUILD monitoring.t. Prints TAP. Needs root, prometheus and prometheus-alertmanager.
"""
import http.server
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
from tap import bail, check, must, plan, run

B = os.path.abspath(os.environ["B"])
HERE = os.path.dirname(os.path.realpath(__file__))
RIG, SHIPPED = os.path.realpath(HERE + "/../rig"), os.path.realpath(HERE + "/../../vpn/package/monitoring")
ARRIVES_S = 60
started, heard = [], queue.Queue()


class Hook(http.server.BaseHTTPRequestHandler):
    """The shift's and the on-call's telephone."""

    def do_POST(self):
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
            heard.put((self.path, alert["status"], alert["labels"]["alertname"], alert["annotations"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def hear(path, status, name):
    """That one of all that arrive, within a minute; what came instead is kept for the message."""
    others = []
    while True:
        try:
            one = heard.get(timeout=ARRIVES_S)
        except queue.Empty:
            return check(False, f"{name} {status} arrives at {path}", others)
        others.append(one[:3])
        if one[:3] == (path, status, name):
            return one


def within(*command):
    return ("nsenter", f"--net=/run/netns/{rig['netns']}", *command)


def start(name, *command):
    """Inside the gateway's network, where the console's loopback address is."""
    log = open(f"{work}/{name}.log", "w")
    process = subprocess.Popen(within(*command), stdout=log, stderr=log)
    started.insert(0, process)
    return process


def fill(name, *changes):
    """A shipped example with this place's paths and a quick clock."""
    text = open(f"{SHIPPED}/{name}").read()
    for pattern, instead in changes:
        text, count = re.subn(pattern, instead, text)
        if not count:
            bail(f"{name} has no {pattern}")
    with open(f"{work}/{name}", "w") as out:
        out.write(text)


def ask(path):
    """Prometheus itself; -, until it answers."""
    done = run(*within("curl", "-fsS", "--retry", "30", "--retry-delay", "1", "--retry-connrefused", "--max-time", "60",
                       f"http://127.0.0.1:9090{path}"))
    return json.loads(done.stdout)["data"] if done.returncode == 0 else None


def reload_with(text):
    path = rig["directory"] + "/policy.dsse.json"
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)
    os.kill(rig["gatewayd"], signal.SIGHUP)


if not shutil.which("prometheus") or not shutil.which("prometheus-alertmanager"):
    print("1..0 # SKIP prometheus or prometheus-alertmanager is not installed")
    sys.exit(0)
work = tempfile.mkdtemp()
os.chmod(work, 0o755)
gateway = subprocess.Popen([f"{RIG}/gateway", B, f"{work}/rig"], stdout=subprocess.PIPE, text=True)
try:
    # --- the rules by themselves; promtool wants every annotation repeated, so they are left out of its copy
    done = run("promtool", "check", "rules", f"{SHIPPED}/sekisho.rules.yml")
    check(done.returncode == 0, "the rules are in order", done.stdout + done.stderr)
    rules = open(f"{SHIPPED}/sekisho.rules.yml").read()
    with open(f"{work}/sekisho.rules.yml", "w") as out:
        out.write(re.sub(r"^ +(annotations|summary|action):.*\n", "", rules, flags=re.M))
    alarms, tried = re.findall(r"- alert: (\w+)", rules), ""
    for name in ("rules.yml", "rules-of-days.yml"):
        shutil.copy(f"{HERE}/monitoring/{name}", f"{work}/{name}")
        tried += open(f"{work}/{name}").read()
        done = run("promtool", "test", "rules", f"{work}/{name}")
        check(done.returncode == 0, f"each alarm comes for its trouble and not for the quiet beside it: {name}",
              done.stdout + done.stderr)
    for alarm in alarms:
        check(re.search(alarm + r", exp_alerts: \[\]", tried) and re.search(alarm + r", exp_alerts: \[\{", tried),
              f"{alarm} is tried both ways")
    both = [a for a in re.findall(r'(?:summary|action): "(.*)"', rules) if not re.search(r"[ぁ-ん].* / .*[a-z]", a)]
    check(len(alarms) * 2 == len(re.findall(r"(?:summary|action): ", rules)) and not both,
          "each says what is wrong and what to do, in both languages", both)
    done = run("amtool", "check-config", f"{SHIPPED}/alertmanager.yml")
    check(done.returncode == 0, "Alertmanager takes the example", done.stdout + done.stderr)

    # --- the real ones
    line = gateway.stdout.readline()
    if not line:
        bail("the gateway's rig did not start")
    rig = json.loads(line)
    good = open(rig["directory"] + "/policy.dsse.json").read()
    fill("sekisho.rules.yml", (r"for: 1m", "for: 5s"))  # promtool has tried the minute
    fill("prometheus.yml", (r"15s", "1s"), (r"/etc/prometheus/sekisho\.rules\.yml", f"{work}/sekisho.rules.yml"),
         (r"/etc/prometheus/sekisho\.token", rig["directory"] + "/keys/metrics.token"),
         (r"/etc/prometheus/sekisho\.crt", rig["directory"] + "/keys/web.crt"))
    fill("alertmanager.yml", (r"group_wait: 10s", "group_wait: 1s"), (r"group_interval: 1m", "group_interval: 1s"),
         (r"127\.0\.0\.1:9099", "127.0.0.1:9099"))
    must("promtool", "check", "config", f"{work}/prometheus.yml")
    # the telephone listens in the same network: the socket is made there and served from here
    ready = threading.Event()

    def telephone():
        descriptor = os.open(f"/run/netns/{rig['netns']}", os.O_RDONLY)
        os.setns(descriptor, os.CLONE_NEWNET)  # this thread's alone
        os.close(descriptor)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 9099), Hook)
        ready.set()
        server.serve_forever()

    threading.Thread(target=telephone, daemon=True).start()
    ready.wait(10)
    start("alertmanager", "prometheus-alertmanager", f"--config.file={work}/alertmanager.yml", f"--storage.path={work}/alerts",
          "--web.listen-address=127.0.0.1:9093", "--cluster.listen-address=")
    start("prometheus", "prometheus", f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/series",
          "--web.listen-address=127.0.0.1:9090")
    targets = ask("/api/v1/targets")
    check(targets is not None, "Prometheus runs", open(f"{work}/prometheus.log").read()[-800:])
    seen = ask("/api/v1/query?query=up%7Bjob%3D%22sekisho%22%7D") or {"result": []}
    for _ in range(30):
        if any(r["value"][1] == "1" for r in seen["result"]):
            break
        threading.Event().wait(0.5)  # the next scrape
        seen = ask("/api/v1/query?query=up%7Bjob%3D%22sekisho%22%7D") or {"result": []}
    check(any(r["value"][1] == "1" for r in seen["result"]), "it scrapes the gateway over TLS with its token", seen)

    reload_with(good[: len(good) // 2])
    fired = hear("/shift", "firing", "SekishoDocumentRefused")
    if fired:
        check("銀行 IT" in fired[3]["action"] and "bank IT" in fired[3]["action"],
              "a document that is refused is told to the shift, with what to do", fired)
    reload_with(good)
    check(bool(hear("/shift", "resolved", "SekishoDocumentRefused")), "and its end is told")
    with open(rig["directory"] + "/hold", "w"):
        pass
    os.kill(rig["gatewayd"], signal.SIGTERM)
    fired = hear("/on-call", "firing", "SekishoGatewayDown")
    check(bool(fired), "a gateway that does not answer is told to the one on call")
finally:
    for process in started:
        process.terminate()
        process.wait()
    gateway.terminate()
    gateway.wait()
    shutil.rmtree(work, ignore_errors=True)
plan()
