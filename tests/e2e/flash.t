#!/bin/sh
# `make flash` on an emulated PC with four USB disks and a virtio one: what it refuses, and what it writes. The PC runs
# image/disk/flash itself; that the stick carries the image is seen from outside, in the disk's file.
set -u
RUN=$B/e2e/flash
. tests/vm/machines.sh
rm -rf "$RUN"
mkdir -p "$RUN/pc"
trap 'machines_end pc' EXIT
trap 'exit 1' INT TERM
count=0
# ok RESULT DESCRIPTION
ok() {
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

head -c 16777216 /dev/urandom >"$RUN/pc/image"
cp image/disk/flash "$RUN/pc/flash"
# The disks are told apart by their sizes. The answer is the one that is typed; the last line of what flash says counts.
cat >"$RUN/pc/init" <<'GUEST'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
disk() { # SECTORS - the disk of that size, once it is there
  while :; do
    for size in /sys/block/sd*/size; do
      if [ -e "$size" ] && [ "$(cat "$size")" = "$1" ]; then name=${size%/size}; name=${name##*/}; return; fi
    done
    sleep 0.2
  done
}
try() { # CASE DEVICE ANSWER
  echo "$3" | sh /seed/flash /seed/image "$2" >/tmp/said 2>&1
  echo "flash $1: $? $(tail -n 1 /tmp/said)"
}
disk 131072; stick=$name
disk 133120; fixed=$name
disk 16384; small=$name
disk 135168; liar=$name
try virtio /dev/vda vda
try partition "/dev/${stick}1" "${stick}1"
try absent /dev/sdz sdz
mkdir /tmp/mounted
mount -o ro "/dev/${stick}1" /tmp/mounted
try mounted "/dev/$stick" "$stick"
umount /tmp/mounted
exec 5<"/dev/${stick}1"
try open "/dev/$stick" "$stick"
exec 5<&-
try fixed "/dev/$fixed" "$fixed"
try small "/dev/$small" "$small"
try declined "/dev/$stick" yes
echo "flash sum: $(head -c 16777216 "/dev/$stick" | sha256sum)"
try liar "/dev/$liar" "$liar"
try stick "/dev/$stick" "$stick"
echo 'flash done:'
echo o >/proc/sysrq-trigger
while :; do sleep 10; done
GUEST
chmod +x "$RUN/pc/init"
tests/vm/seed "$RUN/pc.seed" "$RUN/pc"

truncate -s 64M "$RUN/stick.disk"
printf 'label: gpt\nstart=2048\n' | sfdisk -q "$RUN/stick.disk"
mke2fs -q -t ext4 -O ^has_journal -E offset=1048576 "$RUN/stick.disk" 60M
before=$(head -c 16777216 "$RUN/stick.disk" | sha256sum)
truncate -s 65M "$RUN/fixed.disk"
truncate -s 8M "$RUN/small.disk"

: >"$RUN/pc.log"
machine pc -m 256 -display none -serial "file:$RUN/pc.log" -no-reboot -kernel "$B/vm/pc/base/vmlinuz" -initrd "$B/vm/pc/initrd" \
  -append 'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=1' \
  -drive "file=$B/vm/base/root.ext4,if=virtio,format=raw,snapshot=on" \
  -drive "file=$RUN/pc.seed,if=virtio,format=raw,readonly=on" \
  -device qemu-xhci,id=usb \
  -drive "id=stick,if=none,format=raw,file=$RUN/stick.disk" -device usb-storage,bus=usb.0,drive=stick,removable=on \
  -drive "id=fixed,if=none,format=raw,file=$RUN/fixed.disk" -device usb-storage,bus=usb.0,drive=fixed,removable=off \
  -drive "id=small,if=none,format=raw,file=$RUN/small.disk" -device usb-storage,bus=usb.0,drive=small,removable=on \
  -blockdev driver=null-co,node-name=liar,size=69206016,read-zeroes=on -device usb-storage,bus=usb.0,drive=liar,removable=on
machine_said pc '^flash done:' 180 >/dev/null
ok $? "the PC went through every case"

# said CASE REGEX - what the PC's flash said last; exit code first
said() { tr -d '\r' <"$RUN/pc.log" | grep -a "^flash $1: " | grep -aqE "$2" || { grep -a "^flash $1" "$RUN/pc.log" | sed 's/^/# /'; false; }; }
said virtio ': 1 .*/dev/vda is not connected by USB; nothing was written'
ok $? "a virtio disk is refused"
said partition ': 1 .*name the whole stick'
ok $? "a partition is refused"
said absent ': 1 .*/dev/sdz is not a disk'
ok $? "a disk that is not there is refused"
said mounted ': 1 .*is mounted on /tmp/mounted: release it first; nothing was written'
ok $? "a mounted stick is refused, with where it is mounted"
said open ': 1 .*is in use by a program'
ok $? "a stick that a program holds open is refused"
said fixed ': 1 .*calls itself fixed'
ok $? "a USB disk that is not removable is refused"
said small ': 1 .*holds 8 MiB and the image needs 16 MiB'
ok $? "a stick that is too small is refused"
said declined ': 1 .*not confirmed; nothing was written'
ok $? "without the disk's name typed nothing happens"
tr -d '\r' <"$RUN/pc.log" | grep -aqF "flash sum: $before"
ok $? "and nothing was written by any of these"
said liar ': 1 .*is defective, take another one'
ok $? "a stick that does not give back what was written is called defective"
said stick ': 0 .*carries the image now'
ok $? "a good stick is written and verified"
machine_gone pc 30 || machines_end pc
cmp -n 16777216 "$RUN/pc/image" "$RUN/stick.disk"
ok $? "and carries the image"
echo "1..$count"
