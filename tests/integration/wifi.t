#!/usr/bin/python3
"""wifi - link and its half of the talk with wpa_supplicant, behind the wall, with a cable that is called a radio.

Usage: B=BUILD wifi.t, as root. Prints TAP. wpa_supplicant's place is taken by this test, under its uid and at its socket,
which answers as the real one does; what link asks of it is compared word by word. Radios and access points are real
(mac80211_hwsim) in tests/attack/wifi.t.
"""
import os, re, select, socket, struct, subprocess, sys, time

sys.dont_write_bytecode = True
from filters import check_filter
from tap import check, plan
from linkrig import (MSG_LINK_STATE, MSG_READY, NO_CARRIER, ROOT, ROUTER, STICK, UP, WORK, Child, Link, on_router, on_stick, plug,
                     run)

LINK_WIFI, KEPT, LOOK, JOIN = 31, 32, 33, 34
ABSENT, IDLE, JOINING, JOINED = range(4)
OPEN, WPA2, WPA3, UNUSABLE = range(4)
WIFI_UID, LINK_GID = 111, 102
HEAD = "bssid / frequency / signal level / flags / ssid\n"


class Supplicant:
    """Answers every command, and keeps it."""

    def __init__(self):
        os.makedirs(f"{ROOT}/run/wifi", exist_ok=True)
        os.chown(f"{ROOT}/run/wifi", WIFI_UID, LINK_GID)
        os.chmod(f"{ROOT}/run/wifi", 0o750)
        self.asked, self.peer, self.scan, self.networks = [], None, HEAD, 0
        self.socket = self.as_it(self.listen)

    @staticmethod
    def as_it(what):
        """Its uid and group are the sender's that the kernel vouches for."""
        os.setresgid(LINK_GID, LINK_GID, 0)
        os.setresuid(WIFI_UID, WIFI_UID, 0)
        try:
            return what()
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)

    def listen(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(f"{ROOT}/run/wifi/control")
        os.chmod(f"{ROOT}/run/wifi/control", 0o770)
        return s

    def answer(self, command):
        if command.endswith("ADD_NETWORK"):
            self.networks += 1
            return f"{self.networks - 1}\n"
        return self.scan if command.endswith("SCAN_RESULTS") else "OK\n"

    def say(self, text):
        self.as_it(lambda: self.socket.sendto(text.encode(), self.peer))

    def event(self, text):
        self.say(f"IFNAME=wlan0 <3>{text}")

    def serve(self, until, seconds=10):
        """Answer until a command fits; all commands since the last time."""
        end, new = time.monotonic() + seconds, []
        while not any(re.search(until, command) for command in new):
            if not select.select([self.socket], [], [], max(end - time.monotonic(), 0))[0]:
                return None
            data, self.peer = self.socket.recvfrom(4096)
            new.append(data.decode())
            self.say(self.answer(new[-1]))
        self.asked += new
        return new


def blob(data):
    return struct.pack("<I", len(data)) + data


def credential(name, security, password=""):
    return blob(name) + bytes([security]) + blob(password.encode())


class Report:
    def __init__(self, data):
        self.state, self.trouble = data[0], data[1]
        size = struct.unpack_from("<I", data, 2)[0]
        self.ssid, at = data[6:6 + size], 6 + size
        self.security, count, at, self.list = data[at], data[at + 1], at + 2, []
        for _ in range(count):
            size = struct.unpack_from("<I", data, at)[0]
            self.list.append((data[at + 4:at + 4 + size], data[at + 4 + size], data[at + 5 + size]))
            at += size + 6


def report(until, seconds=10):
    """The next report that fits."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and (frame := link.receive(left)):
        if frame[0] == LINK_WIFI and until(found := Report(frame[1])):
            return found
        if frame[0] == MSG_LINK_STATE:
            states.append(frame[1][0])
    return None


def tell(kind, payload):
    link.channel.send(struct.pack("=HHI", kind, 0, 0) + payload)


states = []
wall = Child(["/sekisho/wall"], 108, "net_admin")
check(wall.expect(MSG_READY), "the wall stands")
supplicant = Supplicant()
link = Link()
check(link.expect(MSG_READY), "link is ready, in its sandbox")
check_filter("link", link.process.pid)
plug("wlan0", "air0", 79)
check(report(lambda r: r.state == IDLE), "a radio comes, and link says so")
check(not select.select([supplicant.socket], [], [], 0.3)[0], "nothing is asked before the launcher has started wpa_supplicant")

tell(KEPT, b"\0")
first = supplicant.serve("REMOVE_NETWORK")
check(first and first[:2] == ["ATTACH", "INTERFACE_ADD wlan0\t\tnl80211"], "it is asked for its events, and given the radio")
check(first and {f"IFNAME=wlan0 SET {setting}" for setting in ("preassoc_mac_addr 1", "pmf 1", "sae_pwe 2", "p2p_disabled 1")} <=
      set(first), "addresses are made up for each search, management frames protected, no peer to peer")
check(not any("ADD_NETWORK" in command for command in first), "and no network is joined that nobody chose")

# --- the list, in strangers' words
tell(LOOK, b"\1")
check(supplicant.serve("SCAN$"), "while the customer looks, it searches")
lines = [("-40", "[WPA2-PSK-CCMP][ESS]", "home"), ("-50", "[WPA2-PSK+SAE-CCMP][ESS]", r"\xe3\x81\x82\"\\\t"),
         ("-60", "[ESS]", "home"), ("-30", "[WEP][ESS]", r"\x1b[2J\x07"), ("-90", "[ESS]", "A" * 33), ("-90", "[ESS]", "")]
supplicant.scan = HEAD + "".join(f"02:00:00:00:00:{i:02x}\t2412\t{s}\t{f}\t{n}\n" for i, (s, f, n) in enumerate(lines))
supplicant.event("CTRL-EVENT-SCAN-RESULTS ")
supplicant.serve("SCAN_RESULTS")
found = report(lambda r: r.list)
check(found and found.list == [(b"home", WPA2, 100), ("あ\"\\\t".encode(), WPA3, 100), (b"\x1b[2J\x07", UNUSABLE, 100), (b"home", OPEN, 80)],
      "the list is told as bytes, strongest first, each name and protection once")
tell(LOOK, b"\0")

# --- nobody else is heard
other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
os.setresuid(65534, 65534, 0)
other.sendto(b"IFNAME=wlan0 <3>CTRL-EVENT-TERMINATING ", b"\0sekisho-wifi")
other.sendto(HEAD.encode() + b"02:00:00:00:00:01\t2412\t-1\t[ESS]\tnobody\n", b"\0sekisho-wifi")
os.setresuid(0, 0, 0)

# --- a wrong password, then the right one
tell(JOIN, credential(b"home", WPA2, "wrong password"))
check(report(lambda r: r.state == JOINING and r.ssid == b"home"), "the choice is being joined")
asked = supplicant.serve("SELECT_NETWORK")
check(asked and "IFNAME=wlan0 SET_NETWORK 0 ssid 686f6d65" in asked and 'IFNAME=wlan0 SET_NETWORK 0 psk "wrong password"' in asked and
      "IFNAME=wlan0 SET_NETWORK 0 proto RSN" in asked and "IFNAME=wlan0 SET_NETWORK 0 ieee80211w 1" in asked,
      "by its name as bytes, with WPA2 or nothing")
supplicant.event('CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="home" auth_failures=1 duration=10 reason=WRONG_KEY')
check(report(lambda r: r.trouble == 1 and r.state == IDLE), "the network does not take the password, and link says so")
check(supplicant.serve("REMOVE_NETWORK all"), "and it is given up")
tell(JOIN, credential(b"home", WPA2, "right password"))
supplicant.serve("SELECT_NETWORK")
supplicant.event("CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:00:01 completed [id=1 id_str=]")
check(report(lambda r: r.state == JOINED and r.ssid == b"home" and not any(n[0] == b"nobody" for n in r.list)),
      "with the right one it is joined; what another uid said was not heard")
on_router("ip", "link", "set", "air0", "up")
os.setns(ROUTER)
dnsmasq = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--bind-interfaces",
                            "--interface=air0", "--dhcp-range=192.168.79.100,192.168.79.150,2m",
                            f"--dhcp-leasefile={WORK}/leases", "--pid-file="])
os.setns(STICK)
up = link.wait_state(UP, 40)
check(up and up[0] == "wlan0" and up[1].startswith("192.168.79."), "and dhcpcd gets an address there")

# --- a cable
plug("eth0", "lan0", 78)
on_router("ip", "link", "set", "lan0", "up")
check(supplicant.serve("REMOVE_NETWORK all") and not supplicant.serve("ADD_NETWORK", 0.5), "with a cable in, Wi-Fi is left alone")
on_router("ip", "link", "set", "lan0", "down")
check(supplicant.serve("SELECT_NETWORK|ENABLE_NETWORK"), "and joined again when it is out")

# --- wpa_supplicant began anew
tell(KEPT, b"\2" + credential(b"home", WPA2, "right password") + credential(b"caf\xe9", WPA3, "pass word"))
asked = supplicant.serve("ENABLE_NETWORK 4|SELECT_NETWORK")
check(asked and asked[0] == "ATTACH", "another wpa_supplicant is told everything again")
supplicant.event("CTRL-EVENT-DISCONNECTED bssid=02:00:00:00:00:01 reason=3")
supplicant.event("CTRL-EVENT-AUTH-REJECT 02:00:00:00:00:02 auth_type=3 auth_transaction=2 status_code=15")
asked = supplicant.serve("RECONNECT$")
enabled = [command.split()[-1] for command in asked or [] if "ENABLE_NETWORK" in command]
check(len(enabled) == 2, "where another one answers to its name, all that are kept are enabled, and searched after DISCONNECT")
supplicant.event(f'CTRL-EVENT-SSID-TEMP-DISABLED id={enabled[0]} ssid="home" auth_failures=6 duration=90 reason=WRONG_KEY')
asked = supplicant.serve("RECONNECT$", 30)
check(asked and any(command.endswith("REMOVE_NETWORK all") for command in asked), "one given up for minutes is told anew before")
words = " ".join(supplicant.asked)
check("63616665" not in words and "scan_ssid 1" not in words and "SET_NETWORK 0 psk" in words,
      "no name is ever asked for on the air, and none is joined that was not chosen")
check(on_stick("ip", "-o", "link", "show", "wlan0") != "", "the radio is still there")

for bad in (b"\1" + credential(b"x", WPA2, "short"), b"\1" + credential(b"x" * 33, OPEN), b"\x09"):
    link.process.kill()
    link.process.wait()
    link = Link()
    link.expect(MSG_READY)
    tell(KEPT, bad)
    try:
        ended = link.process.wait(10) != 0
    except subprocess.TimeoutExpired:
        ended = False
    check(ended, "what the launcher can never have said is the end of link")
dnsmasq.terminate()
link.process.kill()
wall.process.kill()
plan()
