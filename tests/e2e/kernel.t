#!/bin/sh
# What the kernel is and what it leaves alone: its configuration, command line and settings are those of
# image/kernel/wanted.tsv, and a PC's own disks do not exist for it. This stick is the image with one thing changed: the
# serial console is open, so that it can be heard. STICK_KERNEL: another kernel in its place (tests/attack/disks.t).
. tests/e2e/lib.sh

mkdir -p "$B/figures"
image/kernel/check --table image/kernel/wanted.tsv --config "$B/disk/kernel/config" --uki "$B/disk/sekisho-a.efi" \
  --settings firmware/boot/settings.def --out "$B/figures/kernel.json" >"$RUN/check" 2>&1
ok $? "configuration, signed command line and settings are as the table wants them"
sed 's/^/# /' "$RUN/check"

# --- a stick that speaks, in a PC with disks of its own ---

DEVEL=y VERSION=1 STUB=$B/disk/stub.efi image/disk/uki a "${STICK_KERNEL:-$B/disk/kernel/bzImage}" "$B/disk/root.img.verity" "$(cat "$B/disk/usr")/verity" \
  "$B/disk/root.img.tree/etc/os-release" "$RUN/speaks.efi"
image/disk/assemble "$RUN/speaks.img" "$B/disk/loader.efi" "$RUN/speaks.efi" "$B/disk/root.img" "$(cat "$B/disk/usr")/volume.img" - ||
  bail "an image with an open console is made"
STICK_IMAGE=$RUN/speaks.img
stick_disk
disks='ahci nvme card'
for disk in $disks; do
  truncate -s 64M "$RUN/$disk.img"
  sgdisk --clear --new=1:0:0 "$RUN/$disk.img" >/dev/null
  mkfs.vfat -F 16 --offset 2048 "$RUN/$disk.img" >/dev/null
done
# reads DISK - how many times it was asked for something
reads() {
  "$B/qmp" "$RUN/stick.qmp" execute query-blockstats |
    jq --arg disk "$1" '.. | objects | select(.device? == $disk) | .stats | .rd_operations + .wr_operations + .unmap_operations'
}
: >"$RUN/stick.log"
machine_stick -display none -serial "file:$RUN/stick.log" \
  -drive "id=ahci,if=none,format=raw,file=$RUN/ahci.img" -device ide-hd,bus=ide.0,drive=ahci \
  -drive "id=nvme,if=none,format=raw,file=$RUN/nvme.img" -device nvme,serial=1,drive=nvme \
  -drive "id=card,if=none,format=raw,file=$RUN/card.img" -device sdhci-pci -device sd-card,drive=card
# the kernel's first line comes before any driver looks around; what the firmware read, it has read
machine_said stick 'Linux version' 120 >/dev/null || bail "the kernel starts"
for disk in stick $disks; do eval "before_$disk=$(reads $disk)"; done
machine_said stick 'init: setting net/ipv6/conf/default/accept_ra' 120 >/dev/null || bail "init makes its settings"
machine_said stick 'launcher: ' 60 >/dev/null
ok $? "the stick starts beside an AHCI disk, an NVMe disk and a memory card"

[ "$(reads stick)" -gt "$((before_stick + 100))" ]
ok $? "the kernel reads the stick (so that the count is known to count)"
for disk in $disks; do
  note "$disk: $(eval "echo \$before_$disk") by the firmware, then $(($(reads $disk) - before_$disk))"
  [ -n "$(eval "echo \$before_$disk")" ] && [ "$(reads $disk)" = "$(eval "echo \$before_$disk")" ]
  ok $? "the kernel asks the PC's $disk for nothing"
done
tr -d '\r' <"$RUN/stick.log" >"$RUN/said"
grep -q '^Kernel is locked down' "$RUN/said" && grep -q '^mem auto-init: stack:all(zero), heap alloc:on, heap free:on' "$RUN/said"
ok $? "the kernel is locked down, and clears memory when it is given and when it is given back"
! grep '^Unknown kernel command line parameters' "$RUN/said"
ok $? "the kernel knows every word of its command line"
grep -qE '^sd [0-9:]+: \[sda\] Attached' "$RUN/said"
ok $? "the kernel names the stick"
! grep -E '\b(ahci|ata[0-9]|nvme|mmc[0-9b]|sdhci|sdb)' "$RUN/said"
ok $? "the kernel names no other disk and no driver of one"

image/kernel/check --table image/kernel/wanted.tsv --config "$B/disk/kernel/config" --uki "$B/disk/sekisho-a.efi" \
  --settings firmware/boot/settings.def --booted "$RUN/said" >"$RUN/check" 2>&1
ok $? "the settings read back on the stick are the table's"
grep -E '^(the booted|wrong)' "$RUN/check" | sed 's/^/# /'
