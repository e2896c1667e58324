#!/bin/sh
# Every process of the stick turned against it, on the stick, in the middle of a session; then one after the other
# killed; and the wire the whole time. The image is the shipped one with one program more (tests/attack/attacker.c).
. tests/e2e/lib.sh
STICK_IMAGE=$B/devel/sekisho.img
drive() { tests/attack/drive.py "$RUN/attacker.sock" "$@"; }
has() { jq -e "$1" "$RUN/stick.json" >/dev/null; }

# the two images differ by that program and what says so
ls_image() { (cd "$1" && find sekisho etc -type f -exec sha256sum {} +) | sort -k2; }
ls_image "$B/disk/root.img.tree" >"$RUN/shipped"
ls_image "$B/devel/root.img.tree" >"$RUN/attacked"
[ "$(diff "$RUN/shipped" "$RUN/attacked" | sed -n 's/^[<>] [0-9a-f]*  //p' | sort -u | tr '\n' ' ')" = "sekisho/attacker sekisho/etc/image.json " ]
ok $? "the image under attack is the shipped one, but for the attacker and the word DEVEL"

world_and_gateway
stick_disk
STARTED_MS=$(now_ms)
machine_stick -display none -serial "file:$RUN/stick.log" -serial "unix:$RUN/attacker.sock,server=on,wait=off"
eyes_open
drive ready 150 || bail "the attacker answers"
ok 0 "the attacker answers"
screen_wait '銀行をお選びください' 180 || bail "the stick shows its banks"
press 1
screen_wait '契約者番号' 120 || bail "the bank's page is painted"

# --- what the stick is made of ---

drive report "$RUN/stick.json"
ok $? "the stick says what it is made of"
has '[.mounts[] | select(.[2] == "tmpfs")] | length >= 3 and all(.[3] | test("nosuid") and test("nodev") and test("noexec") and test("size="))'
ok $? "every file system in memory is noexec, nosuid, nodev, and has a size"
has '[.mounts[] | select(.[0] | startswith("/dev/"))] | length == 2 and all((.[0] | test("^/dev/(root|dm-[01])$")) and .[2] == "erofs" and (.[3] | test("^ro")))'
ok $? "of disks only the two verified volumes are mounted, to be read"
has '[.filesystems[] | select(startswith("nodev") | not) | gsub("\\s"; "")] == ["erofs"]'
ok $? "the kernel knows one file system for disks"
has '.block | map(split(" ")[0]) | map(select(startswith("loop") | not)) | sort == ["dm-0", "dm-1", "sda"]'
ok $? "and one disk"
grep -aq 'Kernel is locked down' "$RUN/stick.log" && has '.command_line | test("lockdown=confidentiality")'
ok $? "the kernel is locked down"
has '[.processes[] | select(.name != "attacker")] | length > 15 and all(.no_new_privs == 1 and .seccomp == 2)'
ok $? "every process has a filter and can gain nothing"
has '[.processes[] | select(.uid != 0 and .name != "wall" and .name != "guard" and .name != "tunnel" and (.name | startswith("link") | not))] | all(.capabilities == 0)'
ok $? "no capability is held but by those whose work it is"
jq -r '.processes[] | select(.name != "attacker" and (.no_new_privs != 1 or .seccomp != 2)) | "# without: \(.name) \(.command)"' "$RUN/stick.json"

# --- every process attacks ---

drive attack "$RUN/attacks.json"
ok $? "no attack succeeded, in any process's place"
note "$(jq -r '"\(.places | length) places, \(.attacks_tried) attacks, \(.attacks_stopped) stopped"' "$RUN/attacks.json")"
press tab
screen_wait '契約者番号' 60
ok $? "the page is still there"

# --- the browser takes all that there is ---

kiosk=$(drive pid kiosk)
drive exhaust kiosk "$RUN/exhausted.json"
ok $? "files, descriptors, processes and memory each have an end, in the browser's place"
drive share >"$RUN/share.json" && jq -e '(.memory_max | tonumber) >= .memory_peak and .ended > 0' "$RUN/share.json" >/dev/null
ok $? "it was the screen's own share that came to its end: $(cat "$RUN/share.json")"
drive pid wall >/dev/null && drive pid launcher >/dev/null && drive pid tunnel >/dev/null
ok $? "and nobody but the screen ended for it"
if [ "$(drive pid kiosk)" != "$kiosk" ]; then
  note "the screen ended, and comes back"
  screen_wait '銀行をお選びください' 120 && press 1
fi
screen_wait '契約者番号' 120
ok $? "the page is there, or can be had again"

# --- each is killed, in the middle of the session ---

# killed NAME - kill it and see another take its place
killed() {
  old=$(drive kill "$1") && drive restarted "$1" "$old" 60 >/dev/null
  ok $? "$1 is killed and started again"
}
bank_lines() { wc -l <"$RUN/bank.log"; }
for name in agent keyholder link tunnel; do killed $name; done
screen_wait '契約者番号' 120
ok $? "and the page is there when all four are back"

# over NAME TEXT - kill it: the session is over, and no byte reaches the bank until another is begun
over() {
  before=$(bank_lines)
  drive kill "$1" >/dev/null
  screen_wait "$2" 120
  ok $? "$1 is killed: the session is over"
  [ "$(bank_lines)" = "$before" ]
  ok $? "and the bank hears nothing more"
}
again() {
  press 1
  screen_wait '契約者番号' 120 || bail "a session after $1"
  ok 0 "after $1, another session can be had"
}
over policy '銀行をお選びください'
again policy
over kiosk '銀行をお選びください'
again kiosk
before=$(bank_lines)
killed_s=$(date +%s)
drive kill wall >/dev/null
machine_gone stick 90
ok $? "the wall is killed: the PC is off"
[ "$(bank_lines)" = "$before" ] &&
  [ "$(tcpdump -r "$RUN/stick.pcap" -nn -tt 'ether src 52:54:00:5e:00:21 and greater 250' 2>/dev/null |
    awk -v from="$killed_s" '$1 > from + 2' | wc -l)" = 0 ]
ok $? "and no byte left it any more"

tests/attack/wire.py --json "$RUN/wire.json" --gateway 203.0.113.11:51820 --gateway 203.0.113.12:51820 \
  52:54:00:5e:00:01 "$RUN/stick.pcap" >"$RUN/wire.log" 2>&1
ok $? "from power-on to power-off the PC sent only ARP, DHCP, neighbour discovery and WireGuard"
sed 's/^/# /' "$RUN/wire.log"
jq -s '.[0] + {wire: .[1], stick: .[2], exhausted: .[3].outcomes}
  | .attacks_tried += (.exhausted | length) | .attacks_stopped += (.exhausted | length)' \
  "$RUN/attacks.json" "$RUN/wire.json" "$RUN/stick.json" "$RUN/exhausted.json" >"$RUN/all.json"
tests/attack/figures.py stick "$RUN/all.json"
