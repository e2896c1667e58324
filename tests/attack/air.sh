# air.sh - what the tests of Wi-Fi share, to be sourced by them: a PC without a cable whose radios, and the access points
# around it, are real code in one kernel (mac80211_hwsim). The stick has the first radio, the attacker the others, and the
# cables behind them (tests/attack/air.h). The image is the shipped one, but for the attacker, hostapd and a kernel with
# such radios.
. tests/e2e/lib.sh
STICK_IMAGE=$B/air/sekisho.img
STICK_MAC=52:54:00:5e:01:01
GOOD=02:00:00:00:01:00 FALSE=02:00:00:00:02:00 OWN=02:00:00:00:00:00
drive() { tests/attack/drive.py "$RUN/attacker.sock" "$@"; }
air() { drive tell air "$@"; }
GATEWAYS='--gateway 203.0.113.11:51820 --gateway 203.0.113.12:51820'
# shellcheck disable=SC2086
on_air() { tests/attack/air.py $GATEWAYS "$@" "$GOOD,$FALSE" "$RUN/air.pcap"; }

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

# air_begin - the gateway starts; the PC stands at the start screen
air_begin() {
  world_and_gateway_begin
  setpriv --pdeathsig TERM tests/attack/router.py "$RUN/rogue-router.sock" "$RUN/rogue-stick.sock" "$RUN/router.log" &
  echo $! >"$RUN/router.pid"
  stick_disk
  pc_start
  ok 0 "a PC without a cable starts; the attacker has its other radios"
  screen_wait 'ケーブルを差し込むか' 180 || bail "the start screen offers Wi-Fi"
  ok 0 "without a cable the start screen offers Wi-Fi"
}


# judged NAME... - what was captured in these starts, on the air and behind both access points
judged() {
  for start; do
    # shellcheck disable=SC2086
    tests/attack/air.py --json "$RUN/$start-air.json" $GATEWAYS "$GOOD,$FALSE" "$RUN/$start-air.pcap" >>"$RUN/wire.log" 2>&1
    ok $? "$start: on the air it sent searches, farewells, handshakes and what is encrypted; in the clear no more than on a cable"
    # shellcheck disable=SC2086
    tests/attack/wire.py $GATEWAYS 52:54:00:5e:00:01 "$RUN/$start-stick.pcap" >>"$RUN/wire.log" 2>&1
    ok $? "$start: behind the good access point only ARP, DHCP, neighbour discovery and WireGuard came from it"
  done
  sed 's/^/# /' "$RUN/wire.log"
}
