#!/bin/sh
# Signing what Secure Boot checks: keys in files, in a token (SoftHSM), in a token of another machine (p11-kit's socket);
# what is refused, and in which words; the lists for a PC's firmware.
set -u
RUN=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null; rm -rf "$RUN"' EXIT
trap 'exit 1' INT TERM
count=0
# ok RESULT DESCRIPTION
ok() {
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
# refuses REGEX COMMAND... - it fails, and says so in words that match
refuses() {
  words=$1
  shift
  if "$@" >"$RUN/said" 2>&1; then return 1; fi
  grep -qE "$words" "$RUN/said" || { sed 's/^/# /' "$RUN/said"; return 1; }
}
program=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
export HOME="$RUN"

# --- this checkout's own keys ---

image/sign/keys "$RUN/keys"
ok $? "development keys are made"
[ "$(stat -c %a "$RUN/keys")" = 700 ] && [ "$(stat -c %a "$RUN"/keys/*.key | sort -u)" = 600 ]
ok $? "which nobody else can read"
[ "$(image/sign/signer "$RUN/keys/db.pem")" = development ]
ok $? "and say what they are"
image/sign/sign "$RUN/keys/db.key" "$RUN/keys/db.pem" $program "$RUN/signed"
sbverify --cert "$RUN/keys/db.pem" "$RUN/signed" >/dev/null 2>&1
ok $? "a program signed by them is taken"
printf X | dd of="$RUN/signed" bs=1 seek=4096 conv=notrunc status=none
! sbverify --cert "$RUN/keys/db.pem" "$RUN/signed" >/dev/null 2>&1
ok $? "with one byte altered it is not"

# --- a token ---

export SOFTHSM2_CONF="$RUN/softhsm2.conf"
mkdir "$RUN/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$RUN/tokens" >"$SOFTHSM2_CONF"
printf 271828 >"$RUN/pin"
printf 314159 >"$RUN/wrong-pin"
softhsm2-util --init-token --free --label bank --pin 271828 --so-pin 161803 >/dev/null
for name in KEK db; do
  openssl req -quiet -new -x509 -newkey rsa:3072 -noenc -days 3650 -subj "/O=A bank/CN=$name" -keyout "$RUN/key" -out "$RUN/$name.pem" 2>/dev/null
  openssl pkcs8 -topk8 -nocrypt -in "$RUN/key" -out "$RUN/key.p8"
  softhsm2-util --import "$RUN/key.p8" --token bank --label $name --id 0$((n = ${n:-0} + 1)) --pin 271828 >/dev/null
  rm -f "$RUN/key" "$RUN/key.p8"
done
uri() { echo "pkcs11:token=bank;object=$1;type=private?pin-source=file:$RUN/${2:-pin}"; }

[ "$(image/sign/signer "$RUN/db.pem")" = owner ]
ok $? "a bank's certificate is not taken for development"
PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so image/sign/sign "$(uri db)" "$RUN/db.pem" $program "$RUN/signed" &&
  sbverify --cert "$RUN/db.pem" "$RUN/signed" >/dev/null 2>&1
ok $? "a key in a token signs"
rm -f "$RUN/signed"
PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so \
  refuses 'could not be signed with pkcs11:token=bank;object=db.*PIN' image/sign/sign "$(uri db wrong-pin)" "$RUN/db.pem" $program "$RUN/signed"
ok $? "a wrong PIN is refused, with what to look at"
! grep -q 314159 "$RUN/said"
ok $? "and the PIN is not in the message"
PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so \
  refuses "is .*KEK.pem the certificate of that key" image/sign/sign "$(uri db)" "$RUN/KEK.pem" $program "$RUN/signed"
ok $? "the certificate of another key is refused"
refuses 'no-such.key is missing or empty' image/sign/sign "$RUN/no-such.key" "$RUN/db.pem" $program "$RUN/signed"
ok $? "a missing key is named"
refuses 'no-such.pem is not a certificate' image/sign/sign "$RUN/keys/db.key" "$RUN/no-such.pem" $program "$RUN/signed"
ok $? "a missing certificate is named"
[ ! -e "$RUN/signed" ]
ok $? "nothing was left behind by any of these"

# --- a token on the machine outside, and lists for a PC's firmware signed there ---

p11-kit server --foreground --provider /usr/lib/softhsm/libsofthsm2.so --name "$RUN/p11-kit" pkcs11:token=bank >"$RUN/server.log" 2>&1 &
server=$!
until [ -S "$RUN/p11-kit" ] || ! kill -0 $server 2>/dev/null; do sleep 0.05; done
export P11_KIT_SOCKET="$RUN/p11-kit"
uri db >"$RUN/db.uri"
SOFTHSM2_CONF=/nonexistent image/sign/sign "$RUN/db.uri" "$RUN/db.pem" $program "$RUN/signed" && sbverify --cert "$RUN/db.pem" "$RUN/signed" >/dev/null 2>&1
ok $? "a token behind a socket signs, named by a file"
PK_KEY=$RUN/keys/PK.key PK_CERT=$RUN/keys/PK.pem KEK_KEY=$(uri KEK) KEK_CERT=$RUN/KEK.pem SOFTHSM2_CONF=/nonexistent \
  image/sign/enrol "$RUN/enrolment" "$RUN/enrolment.img" "$RUN/db.pem" "$RUN/keys/db.pem"
ok $? "lists for a PC's firmware are made"

# signed_by NAME CERT GUID - is NAME.auth by that certificate? (UEFI 2.10, 8.2.2: a time, a certificate of type GUID that
# holds a PKCS#7 SignedData, then the list; signed are name, GUID of the variable, attributes, time, list)
big_endian() { printf '%b' "\\0$(printf %03o $(($1 >> 8)))\\0$(printf %03o $(($1 & 255)))"; }
signed_by() {
  auth=$RUN/enrolment/$1.auth
  size=$(od -An -tu4 -j16 -N4 "$auth" | tr -d ' ')
  { # as openssl wants it, inside a ContentInfo (RFC 2315, 7)
    printf '\060\202'
    big_endian $((size - 24 + 15))
    printf '\006\011\052\206\110\206\367\015\001\007\002\240\202'
    big_endian $((size - 24))
    dd if="$auth" bs=1 skip=40 count=$((size - 24)) status=none
  } >"$RUN/p7"
  {
    printf '%s' "$1" | iconv -t UTF-16LE
    printf '%b' "$3"
    printf '\047\000\000\000'
    head -c 16 "$auth"
    tail -c +$((17 + size)) "$auth"
  } >"$RUN/content"
  tail -c +$((17 + size)) "$auth" | cmp -s - "$RUN/enrolment/$1.esl" &&
    openssl smime -verify -inform der -in "$RUN/p7" -content "$RUN/content" -binary -certfile "$2" -nointern -noverify -out /dev/null 2>"$RUN/said"
}
global='\0141\0337\0344\0213\0312\0223\0322\0021\0252\015\0000\0340\0230\0003\0053\0214'
images='\0313\0262\0031\0327\0072\0075\0226\0105\0243\0274\0332\0320\0016\0147\0145\0157'
signed_by PK "$RUN/keys/PK.pem" "$global" && signed_by KEK "$RUN/keys/PK.pem" "$global"
ok $? "PK and KEK are signed by PK"
signed_by db "$RUN/KEK.pem" "$images"
ok $? "db is signed by KEK, in its token"
! signed_by db "$RUN/keys/PK.pem" "$images"
ok $? "and by no other"
[ "$(virt-fw-sigdb -i "$RUN/enrolment/db.esl" -p | grep -c subject)" = 2 ]
ok $? "db takes two signers"
mdir -b -i "$RUN/enrolment.img@@1M" ::/loader/keys/auto | grep -qi 'PK.auth'
ok $? "and a stick lays them"

# --- the stub ---

image/sign/stub /usr/lib/systemd/boot/efi/linuxx64.efi.stub "$RUN/stub"
! LC_ALL=C grep -aqP '\x31\x2d\x9d\xeb\x88\x2d\xd3\x11|\x44\x15\xfd\xf2\x94\x97\x2c\x4a' "$RUN/stub"
ok $? "the boot stub no longer knows the SMBIOS tables"
refuses 'is not the boot stub this knows' image/sign/stub "$RUN/stub" "$RUN/other"
ok $? "a stub of another make is refused"
echo "1..$count"
