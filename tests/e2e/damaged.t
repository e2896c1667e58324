#!/bin/sh
# A stick with a damaged block stops with a picture: PID 1's own, in both languages, where the big volume is damaged;
# the kernel's where the root cannot be mounted. The PC of the first goes off by itself, the other keeps its picture.
. tests/e2e/lib.sh
. image/disk/layout

# damaged_disk PARTITION MIB COUNT - the image with so much of a partition overwritten
damaged_disk() {
  rm -f "$RUN/damaged.img" "$RUN/stick.qcow2"
  cp --sparse=always "$B/sekisho.img" "$RUN/damaged.img"
  dd if=/dev/urandom of="$RUN/damaged.img" bs=1M seek=$(($(part_start "$1") + $2)) count="$3" conv=notrunc status=none
  qemu-img create -q -f qcow2 -F raw -b "$(realpath "$RUN/damaged.img")" "$RUN/stick.qcow2"
  cp /usr/share/OVMF/OVMF_VARS_4M.fd "$RUN/stick.vars"
}

damaged_disk "$USR_A" 20 40
stick_start
screen_wait 'こわれているため.*stickisdamaged' 120
ok $? "a damaged /usr: a picture in both languages"
machine_gone stick 90
ok $? "and the PC goes off"
eyes_close
machines_end stick

damaged_disk "$ROOT_A" 0 1
stick_start
# in the console's small font an A may be read as an R
screen_wait 'KERNELP.NIC.*Please' 120
ok $? "a root that cannot be mounted: the kernel's picture"
! machine_gone stick 15
ok $? "which stays, without a restart that would hand the memory on"
