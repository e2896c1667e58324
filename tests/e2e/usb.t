#!/bin/sh
# What is plugged in, before the start and after it: a second disk, hubs, keyboards, one of them of several parts, a disk,
# a phone's network, a card reader. Seen from outside: the screen, the disks' counters, and the configurations that the
# PC gave to USB devices. At the end what is left in memory after the power went off. No network is needed for any of it.
. tests/e2e/lib.sh

# disk_reads NODE - how often the PC has read a disk
disk_reads() {
  "$B/qmp" "$RUN/stick.qmp" execute query-blockstats |
    jq "[.[] | select(.\"node-name\" == \"$1\") | .stats.rd_operations] | add // \"no such disk\""
}

# configured [0] - how many times a device got a configuration, or lost it
configured() { grep -c "usb_set_config .*config ${1:-[1-9]}," "$RUN/stick.err"; }

plug() { "$B/qmp" "$RUN/stick.qmp" execute device_add "$1" >/dev/null; }
unplug() { "$B/qmp" "$RUN/stick.qmp" execute device_del "{\"id\": \"$1\"}" >/dev/null; }

# The emulator gives keys to the keyboard plugged in last, unless that is bound to a screen: then to who asks for it.
press_new() {
  for down in true false; do
    "$B/qmp" "$RUN/stick.qmp" execute input-send-event "{\"device\": \"screen\", \"events\":
      [{\"type\": \"key\", \"data\": {\"down\": $down, \"key\": {\"type\": \"qcode\", \"data\": \"$1\"}}}]}" >/dev/null
  done
}

# code_wait - until a code is on the screen: CODE
code_wait() {
  CODE=
  for _ in $(seq 60); do
    CODE=$(picture_code "$(pictures | tail -n 1)")
    [ -z "$CODE" ] || { note "the code is $CODE"; return 0; }
    sleep 0.5
  done
  return 1
}

# the keyboard of several parts: tests/e2e/composite.py
strike() { tests/e2e/composite.py keys "$RUN/composite" "$@"; }
strike_code() { strike $(echo "$CODE" | sed 's/./& /g'); }

disk_with() { # FILE NODE - a disk that an office might have: partitions and a file system
  truncate -s 64M "$1"
  printf 'label: gpt\nstart=2048\n' | sfdisk -q "$1"
  mkfs.vfat --offset 2048 "$1" 60000 >/dev/null
}
disk_with "$RUN/second.disk"
disk_with "$RUN/later.disk"

stick_disk
# without the PC's other keyboard, so that there is one that is the only one
stick_start -machine i8042=off -trace usb_set_config -no-shutdown \
  -blockdev "driver=file,node-name=second,filename=$RUN/second.disk" \
  -device usb-storage,id=second,bus=usb.0,port=4,drive=second \
  -chardev "socket,id=composite,path=$RUN/composite,server=on,wait=off" -device usb-hub,id=first,bus=usb.0,port=8 \
  -device usb-redir,id=composite,chardev=composite,bus=usb.0,port=8.1 \
  -blockdev "driver=file,node-name=later,filename=$RUN/later.disk"
tests/e2e/composite.py plug "$RUN/composite" >"$RUN/composite.said" &
screen_wait '準備をしています' 120 || bail "the stick starts beside a second disk"
ok 0 "the stick starts beside a second disk"
second_reads=$(disk_reads second)
note "the second disk was read $second_reads times, by the firmware and by the kernel on its way to the root"
[ "$second_reads" -gt 0 ]
ok $? "the counter counts"
[ "$(configured 0)" -gt 0 ]
ok $? "the second disk lost its configuration again"
# the guard's own start is over some seconds after the last device came
screen_wait '確認中([5-9]|[1-9][0-9])秒|ルーターから返事' 60 || bail "the start is over"

# --- a keyboard that is a mouse as well, and something that its maker alone knows: behind a hub, and there at the start ---

strike f2
screen_wait 'Gettingready|Pleasecheck' 20
ok $? "a keyboard of several parts behind a hub, there at the start, types"
strike f2
screen_wait '準備をしています|ご確認ください' 20 || note "the language stays"

# --- a hub, and a keyboard on it ---

before=$(configured)
plug '{"driver": "usb-hub", "id": "hub", "bus": "usb.0", "port": "5"}'
plug '{"driver": "usb-kbd", "id": "new", "bus": "usb.0", "port": "5.1", "display": "screen"}'
screen_wait '新しいキーボード' 30
ok $? "a keyboard on a new hub: the screen asks"
press_new f2
picture_shows "$(pictures | tail -n 1)" '今までお使いのキーボード'
ok $? "and wants the answer on the keyboard that was there"
[ "$(configured)" = $((before + 1)) ]
ok $? "the hub was configured, the keyboard was not"
code_wait
ok $? "the screen shows a code"
type_text "$CODE"
screen_wait '準備をしています|ご確認ください' 20
ok $? "typed on the keyboard that was there, the question goes away"
[ "$(configured)" = $((before + 2)) ]
ok $? "and the new keyboard is configured"
press_new f2
screen_wait 'Gettingready|Pleasecheck' 20
ok $? "the new keyboard types"
press_new f2
screen_wait '準備をしています|ご確認ください' 20 || note "the language stays"

# --- the only keyboard ---

unplug keyboard
unplug new
tests/e2e/composite.py replug "$RUN/composite"
screen_wait 'そのキーボードで' 30
ok $? "the keyboard of several parts, pulled out of its hub and put back, is the only one and is to answer by itself"
code_wait
ok $? "the screen shows another code"
strike f2 0 0 0 0 0 0
screen_wait '番号がちがいます' 20
ok $? "a wrong code is told, and F2 reaches nobody"
strike_code
screen_wait '準備をしています|ご確認ください' 20
ok $? "the right code lets it in"
strike f2
screen_wait 'Gettingready|Pleasecheck' 20
ok $? "then it types"
strike f2
screen_wait '準備をしています|ご確認ください' 20 || note "the language stays"

# --- another one beside it ---

plug '{"driver": "usb-kbd", "id": "beside", "bus": "usb.0", "port": "6"}'
screen_wait '新しいキーボード' 30
ok $? "a keyboard beside it: the screen asks"
code_wait
ok $? "and shows a code"
strike_code
screen_wait '準備をしています|ご確認ください' 20
ok $? "typed on the keyboard that was let in, the question goes away"
press f2
screen_wait 'Gettingready|Pleasecheck' 20
ok $? "and the other types as well"
press f2
screen_wait '準備をしています|ご確認ください' 20 || note "the language stays"

# --- what has no business here ---

before=$(configured)
plug '{"driver": "usb-storage", "id": "later", "bus": "usb.0", "port": "7", "drive": "later"}'
screen_wait 'USBメモリー' 30
ok $? "a disk is refused in words"
press ret
plug '{"driver": "usb-net", "id": "net", "bus": "usb.0", "port": "5.4"}'
screen_wait '電話機' 30
ok $? "a phone's network is refused in words"
press ret
unplug net
plug '{"driver": "usb-ccid", "id": "reader", "bus": "usb.0", "port": "5.2"}'
screen_wait 'カードリーダーかトークン' 30
ok $? "a reader of cards, of which this image has no use, is refused in words"
press ret
plug '{"driver": "usb-mouse", "id": "mouse", "bus": "usb.0", "port": "5.3"}'
screen_wait '新しいマウス' 30
ok $? "a mouse asks"
press esc
screen_wait 'マウスなどは確かめられなかった' 20
ok $? "and is refused by Escape"
press ret
[ "$(configured)" = "$before" ]
ok $? "none of them was ever configured"
[ "$(disk_reads later)" = 0 ]
ok $? "the disk was never read"
[ "$(disk_reads second)" = "$second_reads" ]
ok $? "and the second disk not once since the start"

# --- the memory after the power is off ---

secret=$(memory_secret)
memory_take memory
"$B/qmp" "$RUN/stick.qmp" execute cont >/dev/null
memory_counts memory "$secret" >"$RUN/running"
! grep -q '^0 ' "$RUN/running"
ok $? "the running stick's memory holds the record's key"
press f10
screen_wait '電源を切りますか' 30 || note "no question before the power goes off"
press ret
timeout 60 sh -c "until '$B/qmp' '$RUN/stick.qmp' execute query-status 2>/dev/null | grep -q shutdown; do sleep 0.3; done"
ok $? "the PC powers off"
memory_take memory
memory_counts memory "$secret" >"$RUN/off"
[ "$(cut -d' ' -f1 "$RUN/off")" = 0 ]
ok $? "and the key is not left in it: $(cut -d' ' -f1 "$RUN/running") times before, $(cut -d' ' -f1 "$RUN/off") after"
rm -f "$RUN/memory"
