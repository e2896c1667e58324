# machines.sh - start the test machines, to be sourced. Wants: B (build directory), RUN (a directory of this run).
#
# The networks are datagram sockets under RUN, so that machines may start in any order: "home" is stick and world,
# "internet" is world and gateway. Each machine ends when the script that started it ends, however that ends.

# Emulation, unless this is a real machine with KVM: a nested one may hang.
machine_accel() {
  if [ -n "${ACCEL:-}" ]; then
    echo "$ACCEL"
  elif [ -w /dev/kvm ] && ! grep -q -m1 -w hypervisor /proc/cpuinfo; then
    echo kvm
  else
    echo tcg,thread=multi
  fi
}

# machine NAME QEMU-ARGUMENTS... - starts it; its process number is in RUN/NAME.pid, its control socket RUN/NAME.qmp
machine() {
  name=$1
  shift
  set -- qemu-system-x86_64 -name "sekisho-$name" -no-user-config -nodefaults \
    -accel "$(machine_accel)" -machine q35 -cpu max -qmp "unix:$RUN/$name.qmp,server=on,wait=off" "$@"
  echo "$*" >"$RUN/$name.command"
  rm -f "$RUN/$name.qmp"
  setpriv --pdeathsig TERM "$@" 2>"$RUN/$name.err" &
  echo $! >"$RUN/$name.pid"
}

# link_end NETWORK ME OTHER - a netdev argument: one end of a cable
link_end() {
  rm -f "$RUN/$1-$2.sock"
  echo "dgram,id=$1,local.type=unix,local.path=$RUN/$1-$2.sock,remote.type=unix,remote.path=$RUN/$1-$3.sock"
}

# debian NAME MEGABYTES QEMU-ARGUMENTS... - a machine of tests/vm's base with the seed RUN/NAME.seed; what it writes is lost
debian() {
  name=$1 megabytes=$2
  shift 2
  : >"$RUN/$name.log"
  machine "$name" -m "$megabytes" -device virtio-rng-pci -display none -serial "file:$RUN/$name.log" -no-reboot \
    -kernel "$B/vm/base/vmlinuz" -initrd "$B/vm/initrd" \
    -append 'console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off random.trust_cpu=1' \
    -drive "file=$B/vm/base/root.ext4,if=virtio,format=raw,snapshot=on" \
    -drive "file=$RUN/$name.seed,if=virtio,format=raw,readonly=on" "$@"
}

machine_world() {
  debian world 256 \
    -device virtio-serial-pci -chardev "file,id=bank,path=$RUN/bank.log" -device virtserialport,chardev=bank,nr=1 \
    -netdev "$(link_end home world stick)" -device virtio-net-pci,netdev=home,mac=52:54:00:5e:00:01,romfile= \
    -netdev "$(link_end internet world gateway)" -device virtio-net-pci,netdev=internet,mac=52:54:00:5e:00:02,romfile=
}

# The console is the one thing that this machine's user reaches, and only on loopback.
machine_gateway() {
  debian gateway 384 \
    -netdev "$(link_end internet gateway world)" -device virtio-net-pci,netdev=internet,mac=52:54:00:5e:00:11,romfile= \
    -object "filter-dump,id=capture,netdev=internet,file=$RUN/gateway.pcap" \
    -netdev "user,id=desk,restrict=on,hostfwd=tcp:127.0.0.1:${CONSOLE_PORT:-8443}-:8443" \
    -device virtio-net-pci,netdev=desk,mac=52:54:00:5e:00:12,romfile=
}

# stick_disk - a disk of the image (STICK_IMAGE, or the one that was built) that this run may write to; a stick that starts
# twice keeps what it wrote
stick_disk() {
  rm -f "$RUN/stick.qcow2"
  qemu-img create -q -f qcow2 -F raw -b "$(realpath "${STICK_IMAGE:-$B/sekisho.img}")" "$RUN/stick.qcow2"
  cp /usr/share/OVMF/OVMF_VARS_4M.fd "$RUN/stick.vars"
}

# machine_stick QEMU-ARGUMENTS... - the customer's PC with the stick plugged in, and with no other disk
machine_stick() {
  machine stick -m "${STICK_MEMORY:-512}" -smp "${STICK_CPUS:-2}" -device VGA,id=screen \
    -drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
    -drive "if=pflash,format=raw,unit=1,file=$RUN/stick.vars" \
    -device qemu-xhci,id=usb,p2=8,p3=8 -drive "id=stick,if=none,format=qcow2,file=$RUN/stick.qcow2" \
    -device usb-storage,id=plug,bus=usb.0,drive=stick,removable=on,bootindex=0 \
    -device usb-kbd,id=keyboard,bus=usb.0 -device usb-tablet,id=tablet,bus=usb.0 \
    -netdev "$(link_end home stick world)" -device "e1000e,netdev=home,mac=${STICK_MAC:-52:54:00:5e:00:21},romfile=" \
    -object "filter-dump,id=capture,netdev=home,file=$RUN/stick.pcap" "$@"
}

# machine_said NAME REGEX SECONDS - wait until the machine's console has a line that matches, and print it
machine_said() {
  timeout "$3" tail -n +1 -F --pid="$(cat "$RUN/$1.pid")" "$RUN/$1.log" 2>/dev/null | grep -a -m1 -E "$2"
}

# machine_answers NAME - its control socket is there; fails if it ended instead
machine_answers() {
  until "$B/qmp" "$RUN/$1.qmp" execute query-status >/dev/null 2>&1; do
    kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null || return 1
    sleep 0.1
  done
}

# machine_wait NAME - until it has ended
machine_wait() {
  wait "$(cat "$RUN/$1.pid")"
}

# machine_gone NAME SECONDS - it ends by itself within that time
machine_gone() {
  timeout "$2" tail -f --pid="$(cat "$RUN/$1.pid")" /dev/null
}

# machines_end NAME... - end each process, and wait until it has ended
machines_end() {
  for name in "$@"; do
    [ -s "$RUN/$name.pid" ] || continue
    kill "$(cat "$RUN/$name.pid")" 2>/dev/null || true
    wait "$(cat "$RUN/$name.pid")" 2>/dev/null || true
    rm -f "$RUN/$name.pid"
  done
}
