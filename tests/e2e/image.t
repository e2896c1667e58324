#!/bin/sh
# What is not in the image: both volumes are unpacked out of the finished image, as `make flash` writes it, and looked
# through. No emulated PC is needed.
set -u
. image/disk/layout
work=$(realpath -m "$B/e2e/image")
rm -rf "$work"
mkdir -p "$work"
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
count=0
# ok RESULT DESCRIPTION
ok() {
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
# none DESCRIPTION COMMAND... - which names no file
none() {
  description=$1
  shift
  found=$("$@")
  [ -z "$found" ]
  ok $? "$description"
  [ -z "$found" ] || echo "$found" | head -20 | sed 's/^/# /'
}
# named REGEX - files of that path
named() { find ROOT_A USR_A -regextype posix-extended -regex "$1"; }
# scripts - files that name an interpreter for themselves
scripts() {
  find ROOT_A USR_A -type f -size +1c -exec sh -c 'for f; do [ "$(head -c 2 "$f" | tr "\0" .)" != "#!" ] || echo "$f"; done' sh {} +
}

for volume in ROOT_A USR_A; do
  eval "part=\$$volume"
  dd if="$B/sekisho.img" of="$work/volume" bs=1M skip="$(part_start "$part")" count="$(part_size "$part")" conv=sparse status=none &&
    fsck.erofs --extract="$work/$volume" --preserve-perms "$work/volume" >"$work/log" 2>&1
  ok $? "$volume is unpacked: $(find "$work/$volume" -type f 2>/dev/null | wc -l) files"
  rm -f "$work/volume"
done
[ -x "$work/ROOT_A/sekisho/init" ] && [ -e "$work/USR_A/lib/x86_64-linux-gnu/libc.so.6" ]
ok $? "they are the stick's"
cd "$work" || exit 1
[ "$(find ROOT_A/sekisho -type f -perm /111 ! -path '*/etc/*' -printf '%f\n' | sort | tr '\n' ' ')" = \
  "cell dhcp-hook guard init kiosk kiosk-web.so launcher lock.so wall " ]
ok $? "of our own programs it has those of the stick, and none of the tests' or the benchmarks'"

none "no setuid or setgid file" find ROOT_A USR_A -perm /6000
none "no file with a capability" getcap -r ROOT_A USR_A
none "no device node" find ROOT_A USR_A -type b -o -type c
none "no file that others may write" find ROOT_A USR_A -type f -perm /022
none "no shell and no interpreter by its name" named \
  '.*/((|ba|da|a|k|z|tc|c|mk|ya|fi|po)sh|busybox|toybox|env|(m|g|n)?awk|sed|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|lua[0-9.]*|node|gjs.*|tclsh.*|php.*)'
none "no script by its beginning" scripts
none "no package manager" named '.*/(dpkg|apt|rpm|flatpak|snap)[^/]*'
none "no inspector, no debugger" named '.*/(MiniBrowser|WebKitWebDriver|.*inspector.*|gdb.*|strace)'

# --- trust: the anchors of a host come with it, in the policy ---

[ "$(readlink ROOT_A/etc/ssl/certs/ca-certificates.crt)" = /run/sekisho/ca.pem ]
ok $? "the one file of authorities that the browser reads is a link to what this start makes"
other_stores() {
  named '.*/(ssl/.*\.(pem|crt|0)|ca-certificates.*|pki/.*|.*\.p11-kit|libnssckbi.*|p11-kit-trust.*)' |
    grep -vx 'ROOT_A/etc/ssl/certs/ca-certificates.crt'
}
none "there is no other store of authorities" other_stores
none "and no public authority is named in any file" grep -rlaE 'ISRG Root X|DigiCert Global Root|GlobalSign Root|SECOM Trust|Amazon Root CA' ROOT_A USR_A
# GnuTLS carries the published keys of its self-tests
none "no private key" grep -rlazP --exclude='libgnutls.so.*' 'PRIVATE KEY-----\r?\n[A-Za-z0-9+/]{40}' ROOT_A USR_A
echo "1..$count"
