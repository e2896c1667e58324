#!/bin/sh
# A PC is given our keys alone. What was altered is refused there, with words on the screen; the genuine stick starts, and
# what somebody else wrote on its boot partition or into the PC's tables changes nothing. Without Secure Boot the same
# things do start and do change: that is the control. Damaged blocks have endings.t.
. tests/e2e/lib.sh
. tests/e2e/firmware.sh

cp $OVMF/OVMF_VARS_4M.fd "$RUN/open.vars" # no keys: Secure Boot is off

# --- the stick that gives a PC our keys ---

PC_MORE=-no-reboot
pc "$RUN/open.vars" "$B/enrolment.img"
pc_said 'keys successfully enrolled' 120
ok $? "the enrolment stick lays its keys and says so"
machine_gone stick 60
ok $? "and starts the PC again"
cp "$RUN/stick.vars" "$RUN/ours.vars"
pc_off enrolment
virt-fw-vars --input "$RUN/ours.vars" --print --verbose >"$RUN/variables" 2>/dev/null
[ "$(grep -A2 -E '^name=(PK|KEK|db) ' "$RUN/variables" | grep -c 'subject CN=')" = 3 ] && [ "$(grep -c 'subject CN=' "$RUN/variables")" = 3 ]
ok $? "the firmware has our PK, our KEK, our db, and nobody else's"

# --- altered pieces, each on a stick of its own ---

cp "$B/disk/unsigned/sekisho-a.efi" "$RUN/unsigned.efi"
# a genuine start is silent on the serial port; this one would talk there
section_spoil "$UKI" .cmdline 's/console=null quiet loglevel=3/console=ttyS0 altered=section/' "$RUN/cmdline.efi" &&
  section_spoil "$UKI" .linux 's/-sekisho (/-foreign (/' "$RUN/kernel.efi" || bail "the UKI is altered"
image/sign/keys "$RUN/foreign-keys" &&
  image/sign/sign "$RUN/foreign-keys/db.key" "$RUN/foreign-keys/db.pem" "$RUN/unsigned.efi" "$RUN/foreign.efi" || bail "a foreign key signs"
for name in unsigned cmdline kernel foreign; do small_stick $name "$LOADER" "$RUN/$name.efi"; done
small_stick loader /usr/lib/systemd/boot/efi/systemd-bootx64.efi "$UKI"

# --- a genuine stick on whose boot partition somebody else wrote, in a PC whose tables somebody else wrote ---

add_on 'console=ttyS0,115200 ignore_loglevel added_beside=1' "$RUN/beside.addon.efi" &&
  add_on 'console=ttyS0,115200 ignore_loglevel added_global=1' "$RUN/global.addon.efi" || bail "add-ons are made"
mkdir "$RUN/initrd"
printf 'not a program of ours' >"$RUN/initrd/init"
(cd "$RUN/initrd" && echo init | cpio --quiet -o -H newc) >"$RUN/foreign.cpio"
esp=$RUN/written.esp
dd if="$B/sekisho.img" of="$esp" bs=1M skip="$(part_start "$ESP")" count="$(part_size "$ESP")" conv=sparse status=none
# write_beside BOOT-PARTITION
write_beside() {
  mmd -i "$1" ::/loader/addons ::/loader/credentials ::/EFI/Linux/sekisho-a.efi.extra.d
  mcopy -i "$1" "$RUN/global.addon.efi" ::/loader/addons/
  mcopy -i "$1" "$RUN/beside.addon.efi" ::/EFI/Linux/sekisho-a.efi.extra.d/
  for file in loader/credentials/a.cred EFI/Linux/sekisho-a.efi.extra.d/a.cred EFI/Linux/sekisho-a.efi.extra.d/a.raw; do
    echo foreign | mcopy -i "$1" - "::/$file"
  done
}
write_beside "$esp"
mmd -i "$esp" ::/loader/entries
printf 'title foreign\nlinux /EFI/Linux/sekisho-a.efi\noptions console=ttyS0,115200 ignore_loglevel added_options=1\n' |
  mcopy -i "$esp" - ::/loader/entries/foreign.conf
printf 'timeout 0\ndefault foreign.conf\neditor yes\n' | mcopy -o -i "$esp" - ::/loader/loader.conf
stick_disk
partition_put "$esp" "$ESP" || bail "the boot partition is written over"
printf 'io.systemd.stub.kernel-cmdline-extra=console=ttyS0,115200 ignore_loglevel added_smbios=1' >"$RUN/smbios"
PC_MORE="-smbios type=11,path=$RUN/smbios"

# --- one start: five refusals, and the genuine one ---

pc "$RUN/ours.vars" "$RUN/unsigned.disk" "$RUN/cmdline.disk" "$RUN/kernel.disk" "$RUN/foreign.disk" "$RUN/loader.disk" "$RUN/stick.qcow2"
n=0
for what in 'an unsigned UKI' 'an altered command line' 'an altered kernel' 'a UKI signed by a foreign key' 'an unsigned boot loader'; do
  n=$((n + 1))
  pc_said "failed to (start|load) Boot000$n .*Access Denied" 120
  ok $? "$what is refused"
  [ $n != 1 ] || { screen_wait "$DENIED" 60; ok $? "and the screen says so: Access Denied"; }
done
pc_said 'starting Boot0006' 120
ok $? "the genuine boot loader is started"
screen_wait "$FIRST_SCREEN" 240
ok $? "the genuine stick starts"
screen_wait '開発用の鍵' 60
ok $? "and says that development keys signed it"
grep -aqE "global.addon.efi.*ignoring: Access denied" "$RUN/stick.log" && grep -aqE "beside.addon.efi.*ignoring: Access denied" "$RUN/stick.log"
ok $? "add-ons for its command line are refused"
! grep -aqE 'Linux version|added_' "$RUN/stick.log"
ok $? "and its kernel got no other words: from add-ons, boot menu, credentials, the PC's tables"
pc_off ours
virt-fw-vars --input "$RUN/stick.vars" --print --verbose >"$RUN/variables" 2>/dev/null
grep -q '^name=BootOrder' "$RUN/variables" && ! grep -q '^name=Loader' "$RUN/variables"
ok $? "nothing of its boot loader stays in the PC's firmware"

# --- the control: without Secure Boot ---

write_beside "$RUN/cmdline.disk"
pc "$RUN/open.vars" "$RUN/cmdline.disk"
# (the kernel prints the first thousand characters of its command line, and later by name what nobody in it knows)
pc_said 'Unknown kernel command line parameters' 120
grep -q 'altered=section' "$RUN/said"
ok $? "without Secure Boot the altered command line is taken"
grep -q 'added_global=1.*added_beside=1' "$RUN/said"
ok $? "and so are the add-ons"
! grep -q 'added_smbios' "$RUN/said"
ok $? "but what the PC's tables say is not"
pc_off open
PC_MORE=

# --- genuine signatures over other data ---

. "$B/disk/root.img.verity"
head -c $((DATA_BLOCKS * 4096)) "$B/disk/root.img" >"$RUN/other.img"
image/disk/verity "$RUN/other.img" another-image >"$RUN/other.verity"
stick_disk
partition_put "$RUN/other.img" "$ROOT_A" || bail "the root is exchanged"
pc "$RUN/ours.vars" "$RUN/stick.qcow2"
# the reader of Japanese takes the kernel's A for an H
screen_wait 'KERNELP.NIC' 120
ok $? "another image's root, whole in itself, under this UKI: the kernel's picture, and no start"
pc_off other-root
