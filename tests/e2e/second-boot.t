#!/bin/sh
# The first gateway address is dead and the gateway has a newer policy than the image; then, while the customer banks,
# one more is put in place there. A second start, where no gateway answers for a while, and then one that offers an older
# policy again. The PC's clock is ten years slow the first time, an hour slow the second and an hour fast the third.
. tests/e2e/lib.sh

jq '.version = 6' "$B/demo/policy-4.json" >"$RUN/newer.json"
"$B/sekisho" policy sign --key "$B/demo/keys/root-1.key" -o "$RUN/newer.once" "$RUN/newer.json" >"$RUN/sign.log" 2>&1 &&
  "$B/sekisho" policy sign --key "$B/demo/keys/root-3.key" -o "$RUN/newer" "$RUN/newer.once" >>"$RUN/sign.log" 2>&1 ||
  bail "the newer policy is signed: $(tail -n 1 "$RUN/sign.log")"

# the stick tries its addresses round and round until the gateway has started, too
world_and_gateway_begin POLICY=4 NEWER="$RUN/newer" 'ADDRESSES=203.0.113.12/24 203.0.113.101/24 203.0.113.102/24'
stick_disk
stick_start -rtc "base=$(date -u -d '10 years ago' +%Y-%m-%dT%H:%M:%S)"
world_and_gateway_ready
api_login || bail "the desk lets the operator in"
screen_wait '銀行をお選びください' 240 || bail "with its first gateway address dead the stick still shows its banks"
ok 0 "with its first gateway address dead the stick still shows its banks"
stick_state_wait .policy_version 4 60
ok $? "the newer policy was accepted"
press 1
screen_wait '契約者番号' 120
ok $? "and the bank's page"

# to whom the handshakes went, and when
tcpdump -r "$RUN/stick.pcap" -nn -tt 'udp dst port 51820 and udp[8:4] = 0x01000000' 2>/dev/null >"$RUN/handshakes"
grep -q '> 203\.0\.113\.11\.51820' "$RUN/handshakes"
ok $? "the first address was tried"
waited=$(awk '/> 203\.0\.113\.11\.51820/ && !first { first = $1 } /> 203\.0\.113\.12\.51820/ { printf "%d", $1 - first; exit }' "$RUN/handshakes")
note "the second address was tried after ${waited:-no} s"
[ "${waited:-99}" -ge 4 ] && [ "${waited:-99}" -le 9 ]
ok $? "the second one after 5 s without an answer"

# --- one more while the bank is open ---

machine_said gateway 'sekisho-vm: newer policy' 60 >"$RUN/said" && grep -q 'in place' "$RUN/said"
ok $? "one more is put in force at the gateway: $(tr -d '\r' <"$RUN/said")"
placed_ms=$(now_ms)
stick_state_wait .policy_version 6 60
ok $? "the running stick has it within a minute"
update_s=$((($(now_ms) - placed_ms + 999) / 1000))
note "after $update_s s"
mkdir -p "$B/figures"
jq -n --argjson update "$update_s" '{policy_update_s: $update}' >"$B/figures/policy-update.json"
[ "$(stick_state '.banks[0]')" = sekisho-demo ]
ok $? "and its session is open still"
press tab
press tab
screen_wait '契約者番号' 30
ok $? "the bank's page is there as before"
press f10
screen_wait '電源を切りますか' 30 || note "no question before the power goes off"
press ret
machine_gone stick 60
ok $? "the PC powers off"

# --- the second start, at a gateway that has only the older policy ---

eyes_close
machines_end gateway
tests/demo/seeds "$B" "$RUN" POLICY=3 || bail "the gateway's disk is made"
stick_start -rtc "base=$(date -u -d '1 hour ago' +%Y-%m-%dT%H:%M:%S)"
screen_wait '窓口から返事がありません.*自動でつなぎ直しています' 180
ok $? "a gateway that does not answer: the start screen says so, and what to do"
press f2
screen_wait 'gatewaydoesnotanswer' 30
ok $? "and in English, too"
press f2
machine_gateway
gateway_ready
api_login || bail "the desk lets the operator in again"
screen_wait '銀行をお選びください' 240
ok $? "the second start shows the banks"
press f2
screen_wait 'Chooseyourbank.*SekishoDemoBank.*YamabikoShinkin' 30
ok $? "and in English, too"
press f2
stick_state_wait .policy_version 6 60
ok $? "the stick stays with the policy that it kept: the older one is refused"

# --- the third start, at a gateway whose floor is above this image ---

press f10
screen_wait '電源を切りますか' 30 || note "no question before the power goes off"
press ret
machine_gone stick 60 || note "the PC does not power off"
eyes_close
machines_end stick gateway
tests/demo/seeds "$B" "$RUN" POLICY=3 IMAGE_FLOOR=9000
machine_gateway
gateway_ready
api_login || bail "the desk lets the operator in for the third time"
stick_start -rtc "base=$(date -u -d '1 hour' +%Y-%m-%dT%H:%M:%S)"
screen_wait '版が古くなりました' 240
ok $? "an image below the gateway's floor says so on the screen"
screen_wait 'お電話ください' 30
ok $? "and what to do"
press f2
screen_wait 'tooold' 30
ok $? "and in English, too"
stick_state_wait .state quarantined 60
ok $? "the desk shows it held back"
[ "$(stick_state .cause)" = image_old ]
ok $? "for its image"
