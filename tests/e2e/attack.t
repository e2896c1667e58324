#!/bin/sh
# Every process of the stick turned against it, on the stick: the development image, which is the shipped one with the
# program `attacker` in it, in the middle of a session; and the wire the whole time.
. tests/e2e/lib.sh
STICK_IMAGE=$B/devel/sekisho.img
drive() { tests/attack/drive.py "$RUN/attacker.sock" "$@"; }

world_and_gateway
stick_disk
STARTED_MS=$(now_ms)
machine_stick -display none -serial "file:$RUN/stick.log" -serial "unix:$RUN/attacker.sock,server=on,wait=off"
eyes_open
drive ready 120 || bail "the attacker answers"
ok 0 "the attacker answers"
screen_wait '銀行をお選びください' 180 || bail "the stick shows its banks"
press 1
screen_wait '契約者番号' 120 || bail "the bank's page is painted"
drive report "$RUN/stick.json"
ok $? "the stick says what it is made of"
drive attack "$RUN/attacks.json"
ok $? "no attack succeeded"
