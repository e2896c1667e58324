#!/bin/sh
# A PC without a cable: the customer chooses a Wi-Fi, and so do others around the stick. Radios and access points are
# real code in one kernel (mac80211_hwsim): the stick has the first radio, the attacker the others, and the cables behind
# them (tests/attack/air.h). The image is the shipped one, but for the attacker, hostapd and a kernel with such radios.
. tests/e2e/lib.sh
STICK_IMAGE=$B/air/sekisho.img
STICK_MAC=52:54:00:5e:01:01
GOOD=02:00:00:00:01:00 FALSE=02:00:00:00:02:00 OWN=02:00:00:00:00:00
drive() { tests/attack/drive.py "$RUN/attacker.sock" "$@"; }
air() { drive tell air "$@"; }
on_air() { tests/attack/air.py --gateway 203.0.113.11:51820 --gateway 203.0.113.12:51820 "$@" "$GOOD,$FALSE" "$RUN/air.pcap"; }

# point N SSID SETTINGS - an access point; both stand on one channel, as neighbours do
COMMON='hw_mode=g;channel=6;ignore_broadcast_ssid=0;beacon_int=100'
point() { air hostapd "$1" "$COMMON;ssid=$2;$3"; }
SAE='wpa=2;wpa_key_mgmt=SAE;rsn_pairwise=CCMP;ieee80211w=2;sae_require_mfp=1;sae_password'
PSK='wpa=2;wpa_key_mgmt=WPA-PSK;rsn_pairwise=CCMP;wpa_passphrase'

# air_count KIND [SINCE] - how many frames of that kind the stick has sent
air_count() { on_air --since "${2:-0}" | awk -v kind="$1" '{ n = $1; sub(/^ *[0-9]+ /, "") } index($0, kind) == 1 { sum += n } END { print sum + 0 }'; }

# air_wait KIND COUNT SECONDS [SINCE]
air_wait() {
  wait_until=$(($(now_ms) + $3 * 1000))
  while [ "$(air_count "$1" "${4:-0}")" -lt "$2" ]; do
    [ "$(now_ms)" -lt "$wait_until" ] || { note "$1: $(air_count "$1" "${4:-0}"), not $2"; return 1; }
    sleep 1
  done
}
# air_now - the time of the last frame, by which --since goes
air_now() {
  python3 -B -c "import sys; sys.path.insert(0, 'tests/attack'); import air
print(max((when for when, _ in air.frames('$RUN/air.pcap')), default=0))"
}

pc_start() {
  STARTED_MS=$(now_ms)
  machine_stick -display none -serial "file:$RUN/stick.log" -serial "unix:$RUN/attacker.sock,server=on,wait=off" \
    -netdev "$(link_end rogue stick router)" -device e1000e,netdev=rogue,mac=52:54:00:5e:01:02,romfile= \
    -object "filter-dump,id=rogued,netdev=rogue,file=$RUN/rogue.pcap" \
    -device virtio-serial-pci -chardev "file,id=air,path=$RUN/air.pcap" -device virtserialport,chardev=air,nr=1
  eyes_open
  drive ready 150 || bail "the attacker answers"
}

world_and_gateway_begin
setpriv --pdeathsig TERM tests/attack/router.py "$RUN/rogue-router.sock" "$RUN/rogue-stick.sock" "$RUN/router.log" &
echo $! >"$RUN/router.pid"
stick_disk
pc_start
ok 0 "a PC without a cable starts; the attacker has its other radios"
screen_wait 'ケーブルを差し込むか' 180 || bail "the start screen offers Wi-Fi"
ok 0 "without a cable the start screen offers Wi-Fi"

# --- a network without a password, which leads nowhere ---

point 2 無料の広場 'wpa=0'
ok $? "an access point without a password is there"
press f3
screen_wait '無料の広場' 60
ok $? "the customer's key opens the list, and the network near is in it"
[ "$(air_count 'association request')" = 0 ]
ok $? "it is not joined by itself"
press ret
screen_wait 'だれでも同じ名前' 30
ok $? "a network without a password is joined only after a warning"
press shift-tab
press ret
screen_wait 'ログイン画面' 120
ok $? "where the router leads nowhere, the screen speaks of login pages"
grep -q 'to 255.255.255.255 68 > 67' "$RUN/router.log"
ok $? "the hostile router was asked for an address, and gave all it had"

# --- the customer's own network ---

world_and_gateway_ready
point 1 山田の家 "$SAE=right-password"
press f3
screen_wait '山田の家' 60
ok $? "another network can be chosen from there"
press down
press ret
screen_wait 'パスワードを入れて' 30
ok $? "its password is asked for"
type_text 'wrong-password'
press ret
screen_wait 'パスワードがちがう' 90
ok $? "a wrong one is called so"
press ret
screen_wait 'パスワードを入れて' 30
type_text 'right-password'
press ret
screen_wait '銀行をお選びください' 120 || bail "a good access point leads to the banks"
ok 0 "a good access point leads to the banks"
on_air >"$RUN/searches" && [ "$(air_count 'probe request')" -gt 3 ]
ok $? "the card searched for no name, and under its own address only while in a network"

# --- false ones of the same name ---

# falsely SETTINGS WHAT - in place of the good one a false one stands; the stick searches, and tells it nothing
falsely() {
  air stop 1 >/dev/null # the first time it is there
  since=$(air_now)
  point 2 山田の家 "$1"
  air_wait 'probe request' 3 120 "$since"
  ok $? "$2: the stick searches"
  [ "$(air_count "association request to $FALSE" "$since")" = 0 ] && [ "$(air_count "in the clear" "$since")" = 0 ]
  ok $? "$2: and does not join"
  air stop 2
}
air stop 2
falsely 'wpa=0' "without a password"
falsely "$PSK=right-password" "with the right password, by weaker WPA2"
falsely "$SAE=other-password" "with another password"
screen_wait 'ケーブルを差し込むか|パスワードがちがう' 60
ok $? "the screen says that there is no network"

# --- all of it, heard and captured ---

eyes_close
machines_end stick
machines_end router

tests/attack/air.py --json "$RUN/air.json" --gateway 203.0.113.11:51820 --gateway 203.0.113.12:51820 "$GOOD,$FALSE" \
  "$RUN/air.pcap" >"$RUN/wire.log" 2>&1
ok $? "on the air the stick sent searches, farewells, handshakes and what is encrypted; in the clear no more than on a cable"
tests/attack/wire.py --gateway 203.0.113.11:51820 --gateway 203.0.113.12:51820 52:54:00:5e:00:01 "$RUN/stick.pcap" >>"$RUN/wire.log" 2>&1
ok $? "behind the good access point only ARP, DHCP, neighbour discovery and WireGuard came from it"
tests/attack/wire.py --gateway 203.0.113.11:51820 --gateway 203.0.113.12:51820 52:54:00:5e:01:66 "$RUN/rogue.pcap" >>"$RUN/wire.log" 2>&1
ok $? "and behind the hostile one, whatever its router said"
sed 's/^/# /' "$RUN/wire.log"
