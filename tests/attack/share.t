#!/bin/sh
# The screen's share of the memory taken away: what a page that has taken over the browser takes goes past it. Beside
# tests/e2e/attack.t, which has the share and sees it hold. No gateway: the first screen is enough.
. tests/e2e/lib.sh
STICK_IMAGE=$B/devel/sekisho.img
drive() { tests/attack/drive.py "$RUN/attacker.sock" "$@"; }
of() { jq -r "$2" "$RUN/$1.json"; }

stick_disk
STARTED_MS=$(now_ms)
machine_stick -display none -serial "file:$RUN/stick.log" -serial "unix:$RUN/attacker.sock,server=on,wait=off"
drive ready 150 || bail "the attacker answers"
drive restarted kiosk 0 120 >/dev/null || bail "the screen's program runs"
drive exhaust kiosk "$RUN/within.json" && drive share >"$RUN/share.json"
ok $? "with its share the browser's place comes to an end of everything"
[ "$(of share .memory_peak)" -le "$(of share .memory_max)" ] && [ "$(of share .ended)" -gt 0 ]
ok $? "and it was the share's: $(of share '"\(.memory_peak) of \(.memory_max) bytes"')"
drive lift
ok $? "the share is taken away"
drive restarted kiosk 0 120 >/dev/null || bail "the screen's program runs again"
drive exhaust kiosk "$RUN/beyond.json"
drive share >"$RUN/lifted.json" && [ "$(of lifted .memory_peak)" -gt "$(of share .memory_max)" ]
ok $? "and what was kept for the walls is taken as well: $(of lifted .memory_peak) bytes, and $(of share .memory_max) was the bound"
