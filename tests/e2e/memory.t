#!/bin/sh
# The stick is pulled in the middle of a session: what was typed, and the keys of this start, are searched in what the
# PC's memory then holds; and before, to know that the search finds them.
. tests/e2e/lib.sh

typed=murasakishikibu0427

world_and_gateway
api_login || bail "the desk lets the operator in"
stick_disk
stick_start -no-shutdown -blockdev "driver=null-co,node-name=later,size=67108864,read-zeroes=on"
screen_wait '銀行をお選びください' 180 || bail "the stick shows its banks"
press 1
screen_wait '契約者番号' 120 || bail "the bank's page is painted"
ok 0 "a bank's page is open"

# --- a disk in the middle of it: the desk knows ---

"$B/qmp" "$RUN/stick.qmp" execute device_add '{"driver": "usb-storage", "id": "later", "bus": "usb.0", "drive": "later"}' >/dev/null
screen_wait 'USBメモリー' 30
ok $? "a disk is refused in words, over the page"
press ret
screen_wait '契約者番号' 30
ok $? "and the page is there again"
desk_counted() { curl -skf -m 20 -b "$RUN/cookies" "$API/metrics" | grep -qF 'sekisho_refusals_total{reason="usb_storage"} 1'; }
for _ in $(seq 60); do ! desk_counted || break; sleep 1; done
desk_counted
ok $? "the desk counts it"

# --- while it runs: the search finds what there is ---

type_text 1234567
press tab
type_text "$typed"
press tab # to the button: then no caret blinks, and the picture stands still when all is typed
picture_steady 2

memory_take memory
key=$("$B/remains" authority "$RUN/memory")
ok $? "the key of this start's authority is found by its certificate"
set -- "text:$typed" "key:${key:-0}" "$(memory_secret)"
memory_counts memory "$@" >"$RUN/running"
[ "$(grep -cv '^0 ' "$RUN/running")" = $# ]
ok $? "the running stick's memory holds what was typed, and every key: $(cut -d' ' -f1 "$RUN/running" | tr '\n' ' ')"
"$B/qmp" "$RUN/stick.qmp" execute cont >/dev/null

# --- and after it was pulled ---

"$B/qmp" "$RUN/stick.qmp" execute device_del '{"id": "plug"}' >/dev/null
pulled_ms=$(now_ms)
timeout 60 sh -c "until '$B/qmp' '$RUN/stick.qmp' execute query-status 2>/dev/null | grep -q shutdown; do sleep 0.1; done"
ok $? "the stick pulled: the PC switches off"
note "off $(($(now_ms) - pulled_ms)) ms after the stick was pulled"
memory_take memory
memory_counts memory "$@" >"$RUN/off"
found=$(grep -cv '^0 ' "$RUN/off")
[ "$found" = 0 ] && [ "$(wc -l <"$RUN/off")" = $# ]
ok $? "nothing of it is left: $(cut -d' ' -f1 "$RUN/off" | tr '\n' ' ')"
rm -f "$RUN/memory"
mkdir -p "$B/figures"
[ -n "${STICK_IMAGE:-}" ] || printf '{"memory_patterns_found": %d}\n' "$found" >"$B/figures/memory.json"
