#!/usr/bin/python3
"""clocks - WireGuard at the gateway and sticks whose clock was wrong; handshakes that are played again by others.

Usage: B=BUILD clocks.t. Prints TAP. Needs root.
"""
import json
import os
import shutil
import socket
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from handshake import SIZE, initiation
from rigs import end, inside, start
from rigs import until as holds
from tap import bail, check, must, plan, run

B = os.path.abspath(os.environ["B"])
RIG = os.path.realpath(os.path.dirname(os.path.realpath(__file__)) + "/../rig")
TEN_YEARS = 10 * 365 * 86400
ANSWER_S = 2  # that there is no answer cannot be waited for
TIMEOUT_S = 90
ETH_P_IP, UDP = 0x0800, 17


def within(netns, *command):
    return run("nsenter", f"--net=/run/netns/{netns}", *command)


def play(message):
    """From the stranger's address; whether the gateway answers as to a handshake that it takes."""
    stranger.sendto(message, gateway)
    try:
        return stranger.recv(2048)[0] == 2
    except TimeoutError:
        return False


def desk():
    return json.loads(must(f"{B}/sekisho", "gateway", "stick", "list", "--json", "--socket", rig["socket"]))["sticks"][0]


def endpoint():
    """Where the gateway's WireGuard sends what is for the stick."""
    with open(rig["directory"] + "/gateway.conf") as file:
        interface = next(line.split()[2] for line in file if line.startswith("interface = "))
    done = within(rig["netns"], "wg", "show", interface, "endpoints")
    return next((line.split()[1] for line in done.stdout.splitlines() if line.split()[0] == public), done.stderr)


def renewed():
    with open(rig["directory"] + "/keys/metrics.token") as file:
        token = file.read().strip()
    done = within(rig["world"], "curl", "-sS", "--max-time", "10", "--cacert", rig["console_ca"], "-H",
                  f"Authorization: Bearer {token}", rig["console"] + "/metrics")
    return int(float(next(line.split()[1] for line in done.stdout.splitlines()
                          if line.startswith("sekisho_peers_renewed_total "))))


def until(good):
    """After how many seconds; None if not."""
    begin = time.monotonic()
    return time.monotonic() - begin if holds(good, TIMEOUT_S) else None


def passes():
    return within(stick["netns"], "ping", "-q", "-c1", "-W1", rig["inner"]).returncode == 0


def leave():
    within(stick["netns"], "wg", "set", stick["interface"], "peer", rig["key"], "remove")


def come():
    within(stick["netns"], "wg", "set", stick["interface"], "peer", rig["key"], "endpoint", rig["listen"],
           "persistent-keepalive", "25", "allowed-ips", "0.0.0.0/0")


def own_handshake():
    """What the stick sends first, as somebody on its way hears it."""
    while True:
        frame = wire.recv(2048)
        at = 14 + (frame[14] & 15) * 4
        if frame[23] == UDP and len(frame) >= at + 8 + SIZE and frame[at + 8:at + 12] == b"\1\0\0\0":
            return frame[at + 8:at + 8 + SIZE]


def beacon(sequence, **more):
    body = {"device": "ST-000001", "boot": "0123456789abcdef", "sequence": sequence,
            "image": {"version": 7, "root_hash": "ab" * 32}, "policy_version": 3, "uptime_s": 12, "link": "wired",
            "session": False, "goodbye": False,
            "tunnel": {"gateway": "gw1", "handshake_ms": 31, "rtt_ms": 9, "loss_permille": 0}, **more}
    done = within(stick["netns"], "curl", "-sS", "--max-time", "5", "--cacert", rig["ca"], "--resolve",
                  f"{rig['name']}:8444:{rig['inner']}", f"https://{rig['name']}:8444/v1/beacon", "--data", json.dumps(body))
    return json.loads(done.stdout)["state"] if done.returncode == 0 else done.stderr


def test_ahead(private):
    """The last session ran ten years ahead and ended before anybody could be told."""
    global stick
    check(play(initiation(private, rig["key"], int(time.time()) + TEN_YEARS)), "a handshake ten years ahead is taken")
    check(not play(initiation(private, rig["key"], int(time.time()))), "and one of today's is not: that is the wall")
    stick = start(f"{RIG}/gateway-stick", f"{work}/rig.json", "ST-000001", "10.77.0.2", f"{work}/key")
    took = until(passes)
    check(took is not None, "the stick with the right time gets in all the same", renewed())
    print(f"# after {took or 0:.0f} s; peers made anew: {renewed()}")
    check(renewed() > 0, "because its peer was made anew")


def test_replay():
    """Somebody who listened on the way plays a handshake again, from his own place."""
    leave()
    come()
    heard = own_handshake()
    check(until(passes) is not None, "a handshake is heard on its way")
    home = endpoint()
    before = renewed()
    check(not play(heard), "played again while its peer remembers it, it is not answered")
    check(passes() and endpoint() == home, "and moves nothing", endpoint())
    check(beacon(1, goodbye=True) == "admitted", "the stick says goodbye")
    leave()
    check(until(lambda: renewed() > before) is not None, "its peer is made anew: whatever its clock is, it may come again")
    handshake = desk()["handshake"]
    check(play(heard), "now the handshake is taken once more, as by any peer that is new")
    check(not play(heard), "and only once")
    check(endpoint() not in ("(none)", "", home), "the gateway believes that the stick is there", endpoint())
    check(desk()["handshake"] == handshake and desk()["state"] == "offline", "but no session comes of it")
    come()
    took = until(lambda: passes() and endpoint() == home)
    check(took is not None, "the stick comes, and everything goes to it again", endpoint())
    print(f"# after {took or 0:.1f} s")
    before = renewed()
    beacon(2, clock_back_s=32400) # the answer has no way back
    check(renewed() > before, "a stick that has set its clock back has its peer made anew at once")
    check(play(heard), "an older handshake is taken in that moment")
    leave()
    come()
    took = until(lambda: passes() and endpoint() == home)
    check(took is not None, "the stick's own, newer one counts more", endpoint())
    print(f"# after {took or 0:.1f} s")
    check(not play(heard), "and the older is an old one again")


def main():
    global work, rig, public, stranger, gateway, wire
    if run("nft", "--version").returncode:
        print("1..0 # SKIP nft is not installed")
        return
    work = tempfile.mkdtemp()
    os.chmod(work, 0o755)
    try:
        rig = start(f"{RIG}/gateway", B, f"{work}/rig")
        with open(f"{work}/rig.json", "w") as file:
            json.dump(rig, file)
        private = must("wg", "genkey").strip()
        with open(f"{work}/key", "w") as file:
            file.write(private)
        public = must("wg", "pubkey", input=private).strip()
        must(f"{B}/sekisho", "gateway", "stick", "add", "--socket", rig["socket"], "--id", "ST-000001", "--key", public)
        address, port = rig["listen"].split(":")
        gateway = (address, int(port))
        with inside(rig["world"]):
            stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        stranger.settimeout(ANSWER_S)
        wire.settimeout(TIMEOUT_S)
        test_ahead(private)
        test_replay()
        with open(rig["directory"] + "/gatewayd.log") as log:
            text = log.read()
        check("never promised" not in text and "was ended by signal" not in text,
              "no process asked for a system call it had not promised", text)
    except TimeoutError as error:
        bail(f"nothing was heard: {error}")
    finally:
        end()
        shutil.rmtree(work, ignore_errors=True)
    plan()


main()
