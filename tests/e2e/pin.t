#!/bin/sh
# The policy asks for a PIN: what a customer sees of it, in both languages; five wrong ones, the lock, an operator who
# unlocks it, and the right one. The PC's clock is ten years ahead all the while.
. tests/e2e/lib.sh

world_and_gateway POLICY=5
api_login || bail "the desk lets the operator in"
stick_disk
stick_start -rtc "base=$(date -u -d '10 years' +%Y-%m-%dT%H:%M:%S)"
screen_wait '暗証番号を入れてください' 240 || bail "the PIN is asked for"
ok 0 "the PIN is asked for, before any bank is shown"
screen_wait '銀行も警察も' 60
ok $? "with the warning that nobody else asks for it"
stick_state_wait .policy_version 5 60
ok $? "the newer policy, which asks for it, came first"
[ "$(stick_state .admitted)" = false ]
ok $? "nobody is admitted yet"
press f2
screen_wait 'PleasetypeyourPIN' 60
ok $? "in English with F2"
press f2
screen_wait '暗証番号を入れてください' 60

for left in 4 3 2 1; do
  type_text 000000
  press ret
  screen_wait "暗証番号が違います.*残りの回数.{0,3}$left" 90
  ok $? "a wrong one: it says how many are left, $left"
done
press f2
screen_wait 'ThePINwasnotright.*Triesleft.{0,3}1' 60
ok $? "in English as well"
press f2
screen_wait '暗証番号が違います' 60
type_text 000000
press ret
screen_wait '5回まちがえたため.*お電話ください' 90
ok $? "the fifth locks it, and the screen says whom to call"
stick_state_wait .cause pin_locked 60
ok $? "the desk sees why it is held"
press f2
screen_wait 'fivetimes.*callthedesk' 60
ok $? "in English as well"
press f2

# an operator is called to the gateway (tests/vm/gateway-start)
"$B/qmp" "$RUN/gateway.qmp" set_link desk off
screen_wait '暗証番号を入れてください' 120
ok $? "unlocked, it is asked for again on the same screen"
"$B/qmp" "$RUN/gateway.qmp" set_link desk on
type_text "$(sed -n 's/.*PIN:  *\([0-9]*\)$/\1/p' "$B/demo/letter")"
press ret
screen_wait '銀行をお選びください' 120
ok $? "the right one opens the list of banks"
stick_state_wait .admitted true 60
ok $? "the desk sees it admitted"
press 1
screen_wait '契約者番号' 120
ok $? "and a bank's page opens"
ok $? "whose certificate is judged by the gateway's time: ten years ahead it would have expired"

# when the gateway's answers to handshakes came
answers() { tcpdump -r "$RUN/stick.pcap" -nn -tt 'udp src port 51820 and udp[8:4] = 0x02000000' 2>/dev/null | cut -d' ' -f1; }
wait_until=$(($(now_ms) + 240000))
until answers >"$RUN/answers" && [ "$(wc -l <"$RUN/answers")" -ge 3 ]; do
  [ "$(now_ms)" -lt "$wait_until" ] || break
  sleep 1
done
awk 'NR == 2 { second = $1 } NR > 2 && $1 - second >= 100 { good = 1 } END { exit !good }' "$RUN/answers"
ok $? "hands were shaken anew once the clock was right, and again after two minutes: $(awk 'NR > 1 { printf " %d s", $1 - last } { last = $1 }' "$RUN/answers")"
stick_state_wait .state up 60
ok $? "the desk sees the stick up"
stick_state_wait .session true 60
ok $? "and its session goes on"
