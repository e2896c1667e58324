#!/bin/sh
# The boot chain with its walls taken away one by one, so that each attack of tests/e2e/secure-boot.t is seen to succeed
# where nothing stops it; and what is too long for every day: a foreign initrd, altered trees.
. tests/e2e/lib.sh
. tests/e2e/firmware.sh

firmware_ours "$RUN/ours.vars" || bail "a firmware is given our keys"
cp $OVMF/OVMF_VARS_4M.fd "$RUN/open.vars" # no keys: Secure Boot is off
cp "$B/disk/unsigned/sekisho-a.efi" "$RUN/unsigned.efi"

# --- without Secure Boot each altered piece starts ---

section_spoil "$UKI" .linux 's/-sekisho (/-foreign (/' "$RUN/kernel.efi" || bail "the kernel is altered"
image/sign/keys "$RUN/foreign-keys" &&
  image/sign/sign "$RUN/foreign-keys/db.key" "$RUN/foreign-keys/db.pem" "$RUN/unsigned.efi" "$RUN/foreign.efi" || bail "a foreign key signs"
for piece in unsigned kernel foreign; do small_stick $piece "$LOADER" "$RUN/$piece.efi"; done
small_stick loader /usr/lib/systemd/boot/efi/systemd-bootx64.efi "$UKI"
for piece in unsigned kernel foreign loader; do
  pc "$RUN/open.vars" "$RUN/$piece.disk"
  screen_wait '起動しています' 120
  ok $? "without Secure Boot it starts: $piece"
  pc_off $piece
done

# --- with the boot stub as its makers ship it the PC's tables add to the signed command line ---

stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
cp "$RUN/unsigned.efi" "$RUN/listening.efi"
cmp -l $stub "$B/disk/stub.efi" | while read -r at was is; do
  printf '%b' "\\0$was" | dd of="$RUN/listening.efi" bs=1 seek=$((at - 1)) conv=notrunc status=none
done
[ "$(cmp -l "$RUN/listening.efi" "$RUN/unsigned.efi" | wc -l)" = "$(cmp -l $stub "$B/disk/stub.efi" | wc -l)" ] || bail "the makers' stub is put back"
image/sign/sign "$B/keys/db.key" "$B/keys/db.pem" "$RUN/listening.efi" "$RUN/listening-signed.efi" || bail "it is signed"
small_stick listening "$LOADER" "$RUN/listening-signed.efi"
printf 'io.systemd.stub.kernel-cmdline-extra=console=ttyS0,115200 ignore_loglevel added_smbios=1' >"$RUN/smbios"
PC_MORE="-smbios type=11,path=$RUN/smbios"
pc "$RUN/ours.vars" "$RUN/listening.disk"
pc_said 'Unknown kernel command line parameters.*added_smbios' 120
ok $? "with the boot stub as its makers ship it, the PC's own tables add words to the signed command line"
pc_off listening
PC_MORE=

# --- a foreign initrd from the boot menu: the stub has one of its own making to hand over, and two are too many ---

printf 'not a program of ours' >"$RUN/init"
(cd "$RUN" && echo init | cpio --quiet -o -H newc) >"$RUN/foreign.cpio"
esp=$RUN/written.esp
dd if="$B/sekisho.img" of="$esp" bs=1M skip="$(part_start "$ESP")" count="$(part_size "$ESP")" conv=sparse status=none
mmd -i "$esp" ::/loader/entries
mcopy -i "$esp" "$RUN/foreign.cpio" ::/foreign.cpio
printf 'title foreign\nlinux /EFI/Linux/sekisho-a.efi\ninitrd /foreign.cpio\n' | mcopy -i "$esp" - ::/loader/entries/foreign.conf
printf 'timeout 0\ndefault foreign.conf\n' | mcopy -o -i "$esp" - ::/loader/loader.conf
stick_disk
partition_put "$esp" "$ESP" || bail "the boot partition is written over"
pc "$RUN/ours.vars" "$RUN/stick.qcow2"
pc_said 'Error registering initrd: Already started' 120
ok $? "a foreign initrd on the boot partition: the boot stub refuses to go on"
pc_off initrd

# --- trees that are not what was signed ---

# spoil PARTITION FROM_KIB STEP_KIB COUNT - write over 512 bytes of every so many
spoil() {
  start=$(($(part_start "$1") * 1024 + $2))
  for n in $(seq 0 $(($4 - 1))); do echo "write -q -P 90 $((start + n * $3))k 512"; done | qemu-io "$RUN/stick.qcow2" >/dev/null
}
. "$B/disk/root.img.verity"
root_tree_kib=$((HASH_START_BLOCK * 4))
. "$B/disk/volumes/verity"
usr_tree_kib=$((HASH_START_BLOCK * 4))

stick_disk
spoil "$ROOT_A" $root_tree_kib 4 3
pc "$RUN/ours.vars" "$RUN/stick.qcow2"
screen_wait 'KERNELP.NIC' 120
ok $? "an altered tree of the root: the kernel's picture, and no start"
pc_off root-tree

stick_disk
spoil "$USR_A" $usr_tree_kib 4 200
pc "$RUN/ours.vars" "$RUN/stick.qcow2"
screen_wait 'こわれているため' 120
ok $? "an altered tree of /usr: PID 1's picture says that the stick is damaged"
machine_gone stick 60
ok $? "and the PC switches off"
pc_off usr-tree

# --- the slots under each other's names: what this UKI was signed for lies where it does not look ---

cp --sparse=always "$B/sekisho.img" "$RUN/swapped.img"
sgdisk --partition-guid="2:$(part_uuid "$ROOT_B")" --partition-guid="4:$(part_uuid "$ROOT_A")" \
  --partition-guid="3:$(part_uuid "$USR_B")" --partition-guid="5:$(part_uuid "$USR_A")" "$RUN/swapped.img" >"$RUN/sgdisk.log" ||
  bail "the slots are swapped"
STICK_IMAGE=$RUN/swapped.img
stick_disk
pc "$RUN/ours.vars" "$RUN/stick.qcow2"
screen_wait 'KERNELP.NIC' 120
ok $? "swapped slots: the kernel's picture, and no start"
pc_off swapped
