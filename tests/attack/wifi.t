#!/bin/sh
# A PC without a cable: the customer chooses a Wi-Fi, and so do others around the stick (tests/attack/air.sh): an open
# network whose router means harm, and false ones of the name of the customer's own.
. tests/attack/air.sh

air_begin

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

# falsely SETTINGS WHAT [HANDSHAKES] - in place of the good one a false one stands, for so many broken handshakes; the stick
# searches, and tells it nothing
falsely() {
  air stop 1 >/dev/null # the first time it is there
  since=$(air_now)
  point 2 山田の家 "$1"
  air_wait 'probe request' 3 120 "$since" && { [ -z "${3:-}" ] || air_wait "authentication to $FALSE" "$3" 300 "$since"; }
  ok $? "$2: the stick searches"
  [ "$(air_count "association request to $FALSE" "$since")" = 0 ] && [ "$(air_count "in the clear" "$since")" = 0 ]
  ok $? "$2: and does not join"
  air stop 2
}
air stop 2
falsely 'wpa=0' "without a password"
falsely "$PSK=right-password" "with the right password, by weaker WPA2"
falsely "$SAE=other-password" "with another password" 12
screen_wait 'ケーブルを差し込むか|パスワードがちがう' 60
ok $? "the screen says that there is no network"

# --- the good one comes back ---

since=$(air_now)
point 1 山田の家 "$SAE=right-password"
air_wait "association request to $GOOD" 1 60 "$since"
ok $? "however often a false one has failed, the good one is joined again within a minute"
note "joined $(on_air --since "$since" --first "association request to $GOOD") s after it came back"
screen_wait '銀行をお選びください' 180 || bail "and the banks are reached again, by themselves"
ok 0 "and the banks are reached again, by themselves"

# --- wpa_supplicant does what its filter forbids ---

supplicant=$(drive pid wpa_supplicant)
drive tell cat "/proc/$supplicant/status" >"$RUN/status"
grep -qE '^Uid:.111.111.111.111$' "$RUN/status" && grep -q '^CapBnd:.0000000000003000$' "$RUN/status" &&
  grep -q '^CapEff:.0000000000003000$' "$RUN/status" && grep -q '^NoNewPrivs:.1$' "$RUN/status" &&
  grep -q '^Seccomp:.2$' "$RUN/status" && grep -qE '^Seccomp_filters:.([2-9])$' "$RUN/status"
ok $? "wpa_supplicant is a user of its own, with two capabilities and its filter under the house's"
since=$(air_now)
drive tell kill "$supplicant" 31 # as the kernel ends it: SIGSYS
drive restarted wpa_supplicant "$supplicant" 60
ok $? "ended, as a forbidden system call ends it, another one starts"
air_wait "association request to $GOOD" 1 60 "$since"
ok $? "and is told the network that was joined, and joins it again"
screen_wait '銀行をお選びください' 180
ok $? "and the banks are there"

# --- all of it, heard and captured ---

eyes_close
machines_end stick
machines_end router
mv "$RUN/air.pcap" "$RUN/first-air.pcap"
mv "$RUN/stick.pcap" "$RUN/first-stick.pcap"
judged first
# shellcheck disable=SC2086
tests/attack/wire.py $GATEWAYS 52:54:00:5e:01:66 "$RUN/rogue.pcap"
ok $? "and behind the hostile one, whatever its router said"
