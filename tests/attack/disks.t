#!/bin/sh
# Drivers for a PC's own disks put into the kernel: tests/e2e/kernel.t, which sees that the shipped one has nothing to do
# with any of them, runs as it is and finds them touched and named. The emulated memory card keeps no count of what it
# is asked: it is among what is named.
set -u
said=$B/attack-disks.log
STICK_KERNEL=$B/with-disks/bzImage tests/e2e/kernel.t >"$said" 2>&1
sed 's/^/# /' "$said"
count=0
# fails LINE - a line of that test which is not ok
fails() {
  count=$((count + 1))
  grep -q "^not ok [0-9]* - $1" "$said" || printf 'not '
  echo "ok $count - it fails: $1"
}
echo 1..4
grep -q '^ok .*the stick starts beside an AHCI disk' "$said" || printf 'not '
count=1
echo "ok 1 - with the drivers the stick starts as well"
for disk in ahci nvme; do fails "the kernel asks the PC's $disk for nothing"; done
fails 'the kernel names no other disk and no driver of one'
