#!/usr/bin/python3
"""gateway-broker - the stick's own broker through a gateway: what it sends passes every wall of the gateway's and is counted
as nothing, and when it is refused there it says so.

Usage: B=BUILD gateway-broker.t, as root. Prints TAP. The gateway is tests/rig/gateway, the broker tests/rig/broker with a
stick's end of the tunnel as its way out, the bank tests/bank.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from broker_rig import B, Rig
from tap import bail, check, must, plan, run

HERE = os.path.dirname(os.path.realpath(__file__))
started = []


def start(*command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started.insert(0, process)
    line = process.stdout.readline()
    if not line:
        bail(f"{command[0]} did not start")
    return line


def inside(netns, *command):
    return ["nsenter", f"--net=/run/netns/{netns}", *command]


def api(path, body):
    return json.loads(must(*inside(stick["netns"], "curl", "-sS", "--max-time", "8", "--cacert", gateway["ca"], "--resolve",
                                   f"{gateway['name']}:8444:10.77.0.1", f"https://{gateway['name']}:8444{path}", "--data", json.dumps(body))))


def desk():
    fleet = json.loads(must(f"{B}/sekisho", "gateway", "stick", "list", "--socket", gateway["socket"], "--json"))
    return next(s for s in fleet["sticks"] if s["id"] == "ST-000001")


work = tempfile.mkdtemp()
os.chmod(work, 0o755)
broker = None
try:
    with open(work + "/rig.json", "w") as file:
        file.write(start(f"{HERE}/../rig/gateway", B, work + "/rig"))
    gateway = json.load(open(work + "/rig.json"))
    stick = json.loads(start(f"{HERE}/../rig/gateway-stick", work + "/rig.json", "ST-000001", "10.77.0.2"))
    os.kill(gateway["pids"][0], signal.SIGTERM)  # the bank's network has a resolver of its own
    must("sh", f"{HERE}/../bank/lay", work + "/bank", B + "/demo/banks")
    start(*inside(gateway["world"], "sh", work + "/bank/serve", work + "/bank"))
    must(f"{B}/sekisho", "gateway", "stick", "add", "--socket", gateway["socket"], "--id", "ST-000001", "--key", stick["key"],
         "--identity", stick["identity"])
    for _ in range(10):
        if run(*inside(stick["netns"], "ping", "-q", "-c1", "-W1", "10.77.0.1")).returncode == 0:
            break
    beacon = {"device": "ST-000001", "boot": "0123456789abcdef", "sequence": 1, "image": {"version": 7}, "policy_version": 3}
    check(api("/v1/beacon", beacon)["reason"] == "no_statement", "a stick is known, and not admitted by a beacon")
    said = must(f"{HERE}/../rig/admit-stick", B, work + "/rig.json", stick["netns"], stick["record"], beacon["boot"])
    check(json.loads(said)["state"] == "admitted", "its statement admits it")
    broker = Rig("--tunnel", f"/run/netns/{stick['netns']}", "--resolver", "10.77.0.1")
    _, status, error = broker.curl("https://www.bank.example/", seconds=20)
    check("000" in status or "50" in status, "before its session is open the bank is not reached", f"{status} {error}")
    check(api("/v1/session", {"bank": "sekisho-demo", "open": True}) == {"ok": True}, "its session is opened")
    body, status, error = broker.curl("https://www.bank.example/", seconds=20)
    check(status == "2 200" and "関所" in body, "then its page comes, by HTTP/2 from end to end", f"{status} {error}")
    _, status, error = broker.curl("https://static.bank-assets.example/style.css", seconds=20)
    check(status.startswith("2 "), "so does the other host's", f"{status} {error}")
    with open(work + "/bank/logs/access.log") as log:
        check("203.0.113.101" in log.read(), "the bank sees its own egress address")
    broker.quiet()
    _, status, error = broker.curl("https://wrongpin.bank.example/", seconds=20)
    check(broker.event()["reason"] == "pin", "a wrong pin is seen by the broker, behind the gateway as before it")
    time.sleep(1.5)  # the gateway looks every second
    check(desk()["tried"] == {"closed": 1}, "of all that the gateway refused one thing: what came before the session", desk()["tried"])
finally:
    if broker:
        broker.end()
    for process in started:
        process.terminate()
        process.wait()
    shutil.rmtree(work, ignore_errors=True)
plan()
