#!/bin/sh
# The ends nobody asked for: a damaged block of either volume stops the stick with a picture, a stick that is pulled
# switches the PC off. No network and no gateway are needed for any of it.
. tests/e2e/lib.sh
. image/disk/layout

# spoil PARTITION FROM_KIB STEP_KIB COUNT - write over 512 bytes of every so many, as a failing medium would
spoil() {
  start=$(($(part_start "$1") * 1024 + $2))
  for n in $(seq 0 $(($4 - 1))); do echo "write -q -P 90 $((start + n * $3))k 512"; done | qemu-io "$RUN/stick.qcow2" >/dev/null
}

# --- the big volume: PID 1 still draws, in both languages ---

stick_disk
spoil "$USR_A" 8192 64 1500
stick_start
screen_wait 'こわれているため' 120
ok $? "a damaged block of /usr: a picture says so in Japanese"
picture_shows "$(pictures | tail -n 1)" 'Thisstickisdamaged'
ok $? "and in English"
machine_gone stick 60
ok $? "and the PC switches off"
machines_end stick

# --- the small volume: there is no PID 1, the kernel draws ---

stick_disk
spoil "$ROOT_A" 64 4 256
stick_start
# the reader of Japanese takes the kernel's A for an H
screen_wait 'KERNELP.NIC' 120
ok $? "a damaged block under PID 1: the kernel's own picture"
kill -0 "$(cat "$RUN/stick.pid")"
ok $? "which stays on the screen"
machines_end stick

# --- the power button ---

stick_disk
stick_start
screen_wait '準備をしています' 120 || bail "the stick starts"
"$B/qmp" "$RUN/stick.qmp" powerdown
machine_gone stick 30
ok $? "the PC's power button is pressed: the PC switches off"
machines_end stick

# --- the socket loses the stick while the kernel starts; then it is pulled for good ---

# plug ID - the stick into another socket
plug() {
  "$B/qmp" "$RUN/stick.qmp" execute blockdev-add "{\"node-name\": \"$1\", \"driver\": \"qcow2\",
    \"file\": {\"driver\": \"file\", \"filename\": \"$(realpath "$RUN")/stick.qcow2\"}}" >/dev/null &&
    "$B/qmp" "$RUN/stick.qmp" execute device_add "{\"driver\": \"usb-storage\", \"id\": \"$1\", \"bus\": \"usb.0\",
      \"drive\": \"$1\", \"removable\": true}" >/dev/null
}

stick_disk
stick_start
screen_wait '起動しています.*スティックを差し直してください' 60
ok $? "the first picture says what to do if it stays"
"$B/qmp" "$RUN/stick.qmp" execute device_del '{"id": "plug"}' >/dev/null
sleep 10 # a kernel that looks for its stick tells nobody
picture_shows "$(pictures | tail -n 1)" '起動しています'
ok $? "without its stick the start goes no further"
plug again
screen_wait '準備をしています' 120
ok $? "plugged in again, the stick starts"
"$B/qmp" "$RUN/stick.qmp" execute device_del '{"id": "again"}' >/dev/null
machine_gone stick 30
ok $? "the stick pulled: the PC switches off"
