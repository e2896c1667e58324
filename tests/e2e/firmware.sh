# firmware.sh - a PC whose firmware checks what it starts, to be sourced after tests/e2e/lib.sh.
#
# What the firmware and the boot loader say stands on the screen as text; the firmware writes the same text to the serial
# port, where it is waited for. A PC here may have several sticks in it: where its firmware refuses one it goes on to the
# next, so that one start shows several refusals.
. image/disk/layout
OVMF=/usr/share/OVMF
LOADER=$B/disk/loader.efi
UKI=$B/disk/sekisho-a.efi
export MTOOLS_SKIP_CHECK=1

# firmware_ours FILE - the variables of a PC that was given our keys alone
firmware_ours() {
  owner=5e4f2c1a-70f0-4a53-9d1b-0a6f9a3c7200
  virt-fw-vars --input $OVMF/OVMF_VARS_4M.fd --output "$1" --set-pk $owner "$B/keys/PK.pem" --add-kek $owner "$B/keys/KEK.pem" \
    --add-db $owner "$B/disk/signer.pem" --no-microsoft --secure-boot >"$RUN/virt-fw-vars.log" 2>&1
}

# small_stick NAME LOADER [UKI] - RUN/NAME.disk, a stick with nothing but a boot partition
small_stick() {
  disk=$RUN/$1.disk
  rm -f "$disk"
  truncate -s 24M "$disk"
  mformat -i "$disk" -T $((24 * 2048)) -h 64 -s 32 ::
  mmd -i "$disk" ::/EFI ::/EFI/BOOT ::/EFI/Linux ::/loader
  mcopy -i "$disk" "$2" ::/EFI/BOOT/BOOTX64.EFI
  mcopy -i "$disk" image/disk/loader.conf ::/loader/loader.conf
  [ $# = 2 ] || mcopy -i "$disk" "$3" ::/EFI/Linux/sekisho-a.efi
}

# partition_put FILE PARTITION - write FILE to where that partition of RUN/stick.qcow2 begins
partition_put() {
  qemu-img convert -f raw -n --target-image-opts "$1" "driver=raw,offset=$(($(part_start "$2") << 20)),size=$(stat -c %s "$1"),file.driver=qcow2,file.file.driver=file,file.file.filename=$RUN/stick.qcow2"
}

# section_spoil PROGRAM NAME SED OUT - a copy of an EFI program with one section put through sed, which must change it
# and keep its size
section_spoil() {
  in=$1 out=$4
  # shellcheck disable=SC2046
  set -- "$2" "$3" $(objdump -h "$1" | awk -v name="$2" '$2 == name { print "0x" $6, "0x" $3 }')
  at=$(($3)) bytes=$(($4))
  cp "$in" "$out"
  dd if="$in" bs=1M iflag=skip_bytes,count_bytes skip=$at count=$bytes status=none >"$out.before"
  LC_ALL=C sed "$2" "$out.before" >"$out.after"
  [ "$(stat -c %s "$out.after")" = $bytes ] && ! cmp -s "$out.before" "$out.after" || return 1
  dd if="$out.after" of="$out" bs=1M oflag=seek_bytes seek=$at conv=notrunc status=none
  rm -f "$out.before" "$out.after"
}

# add_on WORDS FILE - what systemd's boot stub adds to a command line, unsigned
add_on() {
  ukify build --stub /usr/lib/systemd/boot/efi/addonx64.efi.stub --cmdline "$1" --output "$2" >"$RUN/ukify.log" 2>&1
}

# pc VARIABLES DISK... - switch on a PC whose firmware has these variables (a copy: RUN/stick.vars), with these sticks,
# tried in this order; a .qcow2 may be written to. PC_MORE has more words for QEMU. What comes out of the serial port is
# in RUN/stick.log: the firmware's words, and the kernel's only where somebody gave it other words than ours.
# Eight ports: behind a hub a stick may come too late for the list of what the firmware starts.
PC_MORE=
# our first screen, whatever it says of the network, which is not there
FIRST_SCREEN='機器の点検|ネットワーク|準備をしています'
# (the reader of Japanese makes something else of the A)
DENIED='ccessDenied'
pc() {
  cp "$1" "$RUN/stick.vars"
  shift
  n=0
  for disk in "$@"; do
    shift
    n=$((n + 1))
    case $disk in *.qcow2) format=qcow2 ;; *) format=raw,readonly=on ;; esac
    set -- "$@" -drive "id=disk$n,if=none,file=$disk,format=$format" -device "usb-storage,bus=usb.0,drive=disk$n,removable=on,bootindex=$n"
  done
  : >"$RUN/stick.log"
  STARTED_MS=$(now_ms)
  # shellcheck disable=SC2086
  machine stick -m 512 -smp "${STICK_CPUS:-2}" -vga std -display none -machine smm=on -global driver=cfi.pflash01,property=secure,value=on \
    -drive "if=pflash,format=raw,unit=0,readonly=on,file=$OVMF/OVMF_CODE_4M.secboot.fd" \
    -drive "if=pflash,format=raw,unit=1,file=$RUN/stick.vars" \
    -device qemu-xhci,id=usb,p2=8,p3=8 -device usb-kbd,bus=usb.0 -serial "file:$RUN/stick.log" -nic none $PC_MORE "$@"
  eyes_open
}

# pc_said REGEX SECONDS - the serial port says it
pc_said() {
  machine_said stick "$1" "$2" >"$RUN/said" || { note "the serial port says: $(tr -dc '[:print:]\n' <"$RUN/stick.log" | tail -n 3)"; return 1; }
  note "after $((($(now_ms) - STARTED_MS) / 1000)) s: $(tr -dc '[:print:]' <"$RUN/said" | cut -c1-150)"
}

# pc_off NAME - end it; its pictures and words are kept in RUN/NAME
pc_off() {
  eyes_close
  machines_end stick
  rm -rf "${RUN:?}/$1"
  mkdir "$RUN/$1"
  cp "$RUN"/eyes/*.png "$RUN/stick.log" "$RUN/$1/"
}
