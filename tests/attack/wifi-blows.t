#!/bin/sh
# A PC without a cable in its own Wi-Fi, and somebody near who would cut it off or upset it (tests/attack/air.sh): forged
# farewells, an access point that never ends what it begins, nonsense for the handshake of the keys. And the next start.
. tests/attack/air.sh

OWN_HEX=020000000000
RADIOTAP=0000080000000000 # the shortest
# Found by its beacons, where hostapd answers no search: one in each moment that a card listens.
WEAK="$PSK=right-password;ieee80211w=0;beacon_int=20"
zeros() { printf "%0$1d" 0; }

# network_gone REGEX SECONDS - until the list says it no more
network_gone() {
  wait_until=$(($(now_ms) + $2 * 1000))
  while picture_shows "$(pictures | tail -n 1)" "$1"; do
    [ "$(now_ms)" -lt "$wait_until" ] || return 1
    sleep 0.3
  done
}

# farewells N - in the name of that access point, to the stick and to everybody, not encrypted. They leave by its own radio,
# because the kernel sends in the name of no other; on the air nothing tells them from a stranger's.
farewells() {
  named=02000000${1}00
  for reason in 0100 0300 0600 0700; do
    air inject "mon${1#0}" "${RADIOTAP}c0003a01$OWN_HEX$named${named}0000$reason" # deauthentication
    air inject "mon${1#0}" "${RADIOTAP}a0003a01$OWN_HEX$named${named}0000$reason" # disassociation
    air inject "mon${1#0}" "${RADIOTAP}c0003a01ffffffffffff$named${named}0000$reason"
  done
}

# forged N SINCE - how many farewells and how many EAPOL frames, not encrypted, in that one's name were on the air for the stick
forged() {
  python3 -B -c "import sys; sys.path.insert(0, 'tests/attack'); import air
kinds = [frame[0] for when, frame in air.frames('$RUN/air.pcap') if when > float('$2') and not frame[1] & 0x40
         and frame[4:10].hex() == '$OWN_HEX' and frame[10:16].hex() == '02000000${1}00']
print(sum(kind in (0xa0, 0xc0) for kind in kinds), kinds.count(0x08))"
}

# The first message of a handshake (IEEE Std 802.11-2020, 12.7.2), and what is none: cut off, longer than it is, of no
# known kind, for another time of the handshake, with keys that are too long, with a proof that is wrong.
key() { printf '0203005f%s%s%s' "$1" "$(zeros 15)${2:-1}$(printf '1%.0s' $(seq 64))" "$(zeros 96)${3:-0000}"; }
FIRST=$(key 02008a0010)
NONSENSE="00,0203,0203ffff02008a,02030000,020000050101000501,$(key 0213ca0010 2),$(key 0213ca0010 2 ffff),$(key 0213820010 3)"
NONSENSE="$NONSENSE,$(key 02008affff 4),$(key fe00890020 5),$(key 02ffffffff 6 ffff),0203006502008a0010$(zeros 176)0006dd14000fac04"
NONSENSE="$NONSENSE,02030100$(printf 'f%.0s' $(seq 512)),020500ff,$FIRST"

# joins NAME PASSWORD - the network in focus is chosen
joins() {
  screen_wait "$1" 90 || bail "the network near is in the list: $1"
  press ret
  screen_wait 'パスワードを入れて' 60 || bail "its password is asked for: $1"
  type_text "$2"
  press ret
}

air_begin
point 1 山田の家 "$SAE=right-password"
press f3
screen_wait '山田の家' 90 || bail "the network near is in the list"
[ "$(air_count 'association request')" = 0 ]
ok $? "a stick that was never in a network joins none by itself"
world_and_gateway_ready
joins 山田の家 right-password
screen_wait '銀行をお選びください' 180 || bail "a good access point leads to the banks"
ok 0 "a good access point leads to the banks"

# --- forged farewells, and nonsense, in the good one's name ---

point 2 隣の家 "$WEAK" && air monitor 1 && air monitor 2
ok $? "the attacker is there, and can send what he likes"
since=$(air_now)
supplicant=$(drive pid wpa_supplicant)
farewells 01
for body in $(echo "$NONSENSE" | tr ',' ' '); do
  air inject wlan1 "${OWN_HEX}020000000100888e$body"                                         # with the good one's keys
  air inject mon1 "${RADIOTAP}08023a01${OWN_HEX}0200000001000200000001000000aaaa03000000888e$body" # and without
done
sent=$(forged 01 "$since")
note "in its name on the air: ${sent% *} farewells, ${sent#* } frames of broken handshakes"
[ "${sent% *}" -ge 8 ] && [ "${sent#* }" -ge 15 ]
ok $? "forged farewells and broken handshakes, all in the good one's name, were on the air"
air_wait 'encrypted data' 1 90 "$(air_now)"
ok $? "the stick goes on sending"
[ "$(drive pid wpa_supplicant)" = "$supplicant" ] && [ "$(air_count authentication "$since")" = 0 ]
ok $? "and was not cut off once"

# --- an access point that begins and does not end ---

air stop 1
screen_wait 'ケーブルを差し込むか' 120 || bail "the screen says that there is no network"
press f3
screen_wait '隣の家' 90 && network_gone '山田の家' 120 || bail "another network is alone in the list"
press esc
press f3 # at the first of the list
air answer 2
since=$(air_now)
joins 隣の家 right-password
air_wait "association request to $FALSE" 1 60 "$since"
ok $? "an access point takes the stick in, and then says nothing"
screen_wait '返事をしません' 150
ok $? "the screen says so, in the end"
air answer 2 "$FIRST,$NONSENSE"
since=$(air_now)
press ret
screen_wait 'パスワードを入れて' 60
type_text 'right-password'
press ret
air_wait 'in the clear: EAPOL' 1 90 "$since"
ok $? "another begins the handshake of the keys, and is answered"
screen_wait '返事をしません|パスワードがちがう' 150
ok $? "and then talks nonsense: the screen says that this network is not to be had"
[ "$(drive pid wpa_supplicant)" = "$supplicant" ] && [ "$(air_count 'encrypted data' "$since")" = 0 ]
ok $? "the supplicant has lived through it, and given nothing"

# --- the wall taken away: a network without protected management frames ---

air stop 2
point 2 隣の家 "$WEAK"
since=$(air_now)
press ret
screen_wait 'パスワードを入れて' 60
type_text 'right-password'
press ret
air_wait 'encrypted data' 1 120 "$since"
ok $? "a network of WPA2 without protected farewells is joined"
since=$(air_now)
farewells 02
air_wait "authentication to $FALSE" 1 60 "$since" && sent=$(forged 02 "$since") && [ "${sent% *}" -gt 0 ]
ok $? "there the same forged farewells cut the stick off"
air_wait 'encrypted data' 1 120 "$(air_now)"
ok $? "and it comes back by itself"

# --- the next start ---

eyes_close
machines_end stick
mv "$RUN/air.pcap" "$RUN/first-air.pcap"
mv "$RUN/stick.pcap" "$RUN/first-stick.pcap"
mv "$RUN/rogue.pcap" "$RUN/first-rogue.pcap"
pc_start
for try in $(seq 30); do # its programs are there when init has mounted them
  point 1 山田の家 "$SAE=right-password" >/dev/null && break
  sleep 1
done
screen_wait '銀行をお選びください' 300
ok $? "the next start joins the network that was chosen, by itself, and reaches the banks"
eyes_close
machines_end stick
machines_end router
mv "$RUN/air.pcap" "$RUN/next-air.pcap"
mv "$RUN/stick.pcap" "$RUN/next-stick.pcap"
judged first next
# shellcheck disable=SC2086
tests/attack/wire.py $GATEWAYS 52:54:00:5e:01:66 "$RUN/first-rogue.pcap"
ok $? "and behind the other one"
