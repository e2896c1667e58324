#!/bin/sh
# From power-on to a logged-in bank page, a refused page, a cut tunnel and back: what a customer sees, what the wire
# carries, what the operators' desk knows.
. tests/e2e/lib.sh

world_and_gateway
api_login
ok $? "the desk lets the first operator in with the password that was printed once"
grep -aq 'sekisho-vm: dpkg -V is clean' "$RUN/gateway.log"
ok $? "the gateway's package is installed as it was packed"
grep -aq 'sekisho-vm: console passwords printed: 1' "$RUN/gateway.log"
ok $? "which printed one password, once"
[ "$(stick_state .state)" = never ]
ok $? "the desk knows the stick and has never seen it"

# --- power-on ---

stick_disk
stick_start
screen_wait '銀行をお選びください' 180 || bail "the stick shows its banks"
ok 0 "the stick shows its banks"
boot_to_list_ms=$((SEEN_MS - STARTED_MS))
press 1
screen_wait '契約者番号' 120 || bail "the bank's page is painted"
ok 0 "the bank's page is painted"
picture_shows "$newest" '関所銀行.*接続先www\.bank\.example' && bar_says "$newest" 'つながっています'
ok $? "under a bar that says whose it is and that the passage is open"
chosen_to_page_ms=$((SEEN_MS - STARTED_MS))

# --- banking ---

type_text 1234567
press tab
type_text sekisho
press ret
screen_wait '2[.,]*480[.,]*153' 120
ok $? "a log-in typed on the keyboard shows the balance"

press t
screen_wait '振込先金融機関' 60
ok $? "the transfer page opens"
type_text 7654321
press tab
type_text yamada
press tab
type_text 1000
press ret
screen_wait 'この内容で振り込みます' 60
ok $? "the page's own script asks before it sends"
press ret
screen_wait '2[.,]*479[.,]*153' 60
ok $? "the transfer is accepted and the balance is lower"

grep -q ' HTTP/2.0 www.bank.example "POST /login" 303' "$RUN/bank.log"
ok $? "the bank's log: the log-in came by HTTP/2.0"
! grep -E ' (www.bank.example|static.bank-assets.example) ' "$RUN/bank.log" | grep -qv ' HTTP/2.0 '
ok $? "the bank's log: nothing came by an older protocol"
! grep -vE ' 203\.0\.113\.101\r?$' "$RUN/bank.log" | grep -q .
ok $? "the bank's log: everything came from this bank's own egress address"

stick_state_wait .state up 60
ok $? "the desk sees the stick up"
stick_state_wait .session true 60
ok $? "the desk sees its session"
note "the desk: $(stick_state 'tojson')"

# --- where it may not go ---

press c
screen_wait '関所の壁を確かめる' 60
ok $? "the check page opens"
press 1
screen_wait 'このページは開けません' 60
ok $? "a host on no list is explained, not shown"
picture_shows "$(pictures | tail -n 1)" 'phish'
ok $? "the explanation names the host"
! grep -q phish "$RUN/bank.log"
ok $? "the host on no list was never reached"

# --- the tunnel is cut, in the middle of a session ---

press ret # the one button: back to the page before
screen_wait '関所の壁を確かめる' 60
ok $? "back to the page before"
# what the PC's memory holds: the kernel clears what is freed, so that a page that is not zero is in use
"$B/qmp" "$RUN/stick.qmp" execute stop >/dev/null
"$B/qmp" "$RUN/stick.qmp" execute pmemsave "{\"val\": 0, \"size\": 536870912, \"filename\": \"$(realpath "$RUN")/memory\"}" >/dev/null
"$B/qmp" "$RUN/stick.qmp" execute cont >/dev/null
cp --sparse=always "$RUN/memory" "$RUN/memory.sparse"
memory=$(du --block-size=1 "$RUN/memory.sparse" | cut -f1)
rm -f "$RUN/memory" "$RUN/memory.sparse"

before=$(wc -l <"$RUN/bank.log")
"$B/qmp" "$RUN/gateway.qmp" set_link internet off
cut_ms=$(now_ms)
screen_wait '取引を一時止めています' 240
ok $? "the page freezes"
bar_says "$newest" '切れています'
ok $? "under a bar that says that the passage is cut"
note "frozen $((SEEN_MS - cut_ms)) ms after the cut"
frozen_s=$(date +%s)
press a
press 0
stick_state_wait '.state == "late" or .state == "stale" or .state == "lost"' true 120
ok $? "the desk misses the stick"
[ "$(wc -l <"$RUN/bank.log")" = "$before" ]
ok $? "the bank saw nothing after the cut"
# WireGuard's data packets begin with 04 00 00 00; empty ones (keepalive) and probes are shorter than any TLS record
[ "$(tcpdump -r "$RUN/stick.pcap" -nn -tt 'udp and udp[8:4] = 0x04000000 and greater 250' 2>/dev/null |
  awk -v from="$frozen_s" '$1 > from' | wc -l)" = 0 ]
ok $? "no packet that could carry a bank's byte left the PC after the freeze"

"$B/qmp" "$RUN/gateway.qmp" set_link internet on
screen_wait '関所の壁を確かめる' 240
ok $? "the page comes back when the tunnel does"
press a
screen_wait '2[.,]*479[.,]*153' 90
ok $? "and leads on to the bank again"

# --- the whole time, on the wire ---

[ "$(wire "$RUN/stick.pcap" 'udp port 51820')" -gt 100 ]
ok $? "the capture holds the whole of it"
tests/attack/wire.py --json "$RUN/wire.json" --gateway 203.0.113.11:51820 --gateway 203.0.113.12:51820 \
  52:54:00:5e:00:01 "$RUN/stick.pcap" >"$RUN/wire.log" 2>&1
ok $? "from power-on to now the PC sent only ARP, DHCP, neighbour discovery and WireGuard"
sed 's/^/# /' "$RUN/wire.log"
jq '{wire: .}' "$RUN/wire.json" >"$RUN/wire.figures"
tests/attack/figures.py first-light "$RUN/wire.figures"
[ "$(wire "$RUN/stick.pcap" 'udp port 53 or tcp')" = 0 ]
ok $? "no DNS question and no TCP left the PC outside the tunnel"

press f10
screen_wait '電源を切りますか' 30
ok $? "F10 asks before it powers off"
press ret
machine_gone stick 60
ok $? "the PC powers off"
stick_state_wait .state offline 30
ok $? "the desk knows that the stick said goodbye"

# --- figures for `make report` ---

handshake_ms=$(tcpdump -r "$RUN/stick.pcap" -nn -tt 'udp and (udp[8:4] = 0x01000000 or udp[8:4] = 0x02000000)' 2>/dev/null |
  awk '/length 148/ && !sent { sent = $1 } /length 92/ { printf "%d", ($1 - sent) * 1000; exit }')
# to the page: to the list, and from the press of the tile's key; a person's time to choose is not the stick's
mkdir -p "$B/e2e"
jq -n --argjson list "$boot_to_list_ms" --argjson page "$chosen_to_page_ms" --argjson memory "$memory" \
  --argjson handshake "${handshake_ms:-null}" --arg command "$(cat "$RUN/stick.command")" '{
    boot_to_list_s: ($list / 1000), boot_to_page_s: ($page / 1000), qemu_command: $command,
    stick_memory_bytes: $memory, handshake_s: (if $handshake then $handshake / 1000 else null end)
  }' >"$B/e2e/figures.json"
