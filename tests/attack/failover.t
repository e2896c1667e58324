#!/bin/sh
# Two gateways, each in a machine of its own, and a customer at his bank when the first one's machine dies: the stick is
# at the other gateway within five seconds, and the page goes on there without a PIN or a click, through that gateway's
# own addresses.
#
# Each gateway has a database of its own here, and the second sees the stick for the first time: what two gateways make
# of one token is tests/unit/gateway_hub.c's.
. tests/e2e/lib.sh

WITHIN_S=5
umask 077
DESK_PORT=$((CONSOLE_PORT + 1))
while [ -n "$(ss -Hltn "sport = $DESK_PORT")" ]; do DESK_PORT=$((DESK_PORT + 1)); done

# --- the machines: as in tests/vm/machines.sh, with a hub for the internet, which is in the world's machine

machine_world() {
  debian world 256 \
    -device virtio-serial-pci -chardev "file,id=bank,path=$RUN/bank.log" -device virtserialport,chardev=bank,nr=1 \
    -netdev "$(link_end home world stick)" -device virtio-net-pci,netdev=home,mac=52:54:00:5e:00:01,romfile= \
    -netdev "$(link_end internet world gateway)" -netdev "$(link_end second world gateway2)" \
    -netdev hubport,id=hub1,hubid=1,netdev=internet -netdev hubport,id=hub2,hubid=1,netdev=second \
    -netdev hubport,id=hub3,hubid=1 -device virtio-net-pci,netdev=hub3,mac=52:54:00:5e:00:02,romfile=
}

machine_gateway2() {
  debian gateway2 384 \
    -netdev "$(link_end second gateway2 world)" -device virtio-net-pci,netdev=second,mac=52:54:00:5e:00:31,romfile= \
    -netdev "user,id=desk,restrict=on,hostfwd=tcp:127.0.0.1:$DESK_PORT-:8443" \
    -device virtio-net-pci,netdev=desk,mac=52:54:00:5e:00:32,romfile=
}

finish() {
  status=$?
  trap '' INT TERM EXIT
  eyes_close
  machines_end stick gateway gateway2 world
  [ $status != 0 ] || echo "1..$count"
  exit $status
}

# --- a list of two gateways, a stick that was made with it, and the second gateway's seed

demo=$B/demo two=$RUN/demo
mkdir -p "$two/gateway2"
wg genkey >"$two/gateway2/wireguard.key"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256 -days 3650 -config /dev/null \
  -subj '/CN=gw2.gateway.sekisho' -keyout "$two/gateway2/control.key" -out "$two/gateway2/control.crt" \
  -addext 'basicConstraints=critical,CA:FALSE' -addext 'keyUsage=critical,digitalSignature' \
  -addext 'extendedKeyUsage=serverAuth' -addext 'subjectAltName=DNS:gw2.gateway.sekisho' \
  -addext 'subjectKeyIdentifier=hash' 2>/dev/null
jq --arg key "$(wg pubkey <"$two/gateway2/wireguard.key")" --rawfile certificate "$two/gateway2/control.crt" \
  --arg pin "$(openssl pkey -in "$two/gateway2/control.key" -pubout -outform DER | openssl dgst -sha256 -binary | base64 -w0)" '
    .version = 2 | .gateways += [{
      id: "gw2", addresses: ["203.0.113.21:51820"], key: $key, inner: "10.77.0.1",
      control: {port: 8444, name: "gw2.gateway.sekisho", certificate: $certificate, pin: $pin}}]' \
  "$demo/gateways.json" >"$two/gateways.json"
{
  "$B/sekisho" policy sign --type gateways --key "$demo/keys/root-1.key" -o "$two/once" "$two/gateways.json" &&
    "$B/sekisho" policy sign --type gateways --key "$demo/keys/root-3.key" -o "$two/gateways.dsse.json" "$two/once" &&
    "$B/sekisho" device new --device ST-000001 --tenant demo --address 10.77.0.2/32 --gateways "$two/gateways.dsse.json" \
      --roots "$demo/roots.json" --public "$two/stick.pub" --identity "$two/stick.identity" -o "$two/record" &&
    "$B/sekisho" device pin --public "$two/letter.json" -o "$two/letter" "$two/record"
} >"$RUN/provision.log" 2>&1 || bail "the stick is made: $(tail -n 1 "$RUN/provision.log")"

# the demonstration's own files with these in their place, as seeds wants them
mkdir -p "$RUN/one/demo"
ln -s "$(realpath "$B")"/sekisho-gateway_*.deb "$RUN/one/"
ln -s "$(realpath "$demo")"/* "$RUN/one/demo/"
for file in gateways.json gateways.dsse.json stick.pub stick.identity letter.json; do
  ln -sfn "$(realpath "$two/$file")" "$RUN/one/demo/$file"
done
tests/demo/seeds "$RUN/one" "$RUN" || bail "the machines' disks are made"

seed=$RUN/gateway2.d
mkdir -p "$seed/sekisho/keys"
cp tests/vm/gateway-start "$seed/start"
echo "ADDRESSES='203.0.113.21/24 203.0.113.121/24 203.0.113.122/24' IMAGE_FLOOR=0 LINE=''" >"$seed/settings"
cp "$two/stick.pub" "$two/stick.identity" "$two/letter.json" "$B"/sekisho-gateway_*.deb "$seed/"
cp "$demo/roots.json" "$two/gateways.dsse.json" "$demo/policy.dsse.json" "$seed/sekisho/"
cp "$two"/gateway2/* "$seed/sekisho/keys/"
sed 's/^id = gw1/id = gw2/; s/203\.0\.113\.10\([12]\)$/203.0.113.12\1/' tests/demo/gateway.conf >"$seed/sekisho/gateway.conf"
tests/vm/seed "$RUN/gateway2.seed" "$seed" || bail "the second gateway's disk is made"

# --- the customer is at the bank

machine_world
machine_gateway
machine_gateway2
cp --sparse=always "$B/sekisho.img" "$RUN/stick.img"
start=$(sfdisk -J "$RUN/stick.img" | jq '.partitiontable.partitions[] | select(.name == "sekisho-record").start')
dd if="$two/record" of="$RUN/stick.img" bs=512 seek="$start" conv=notrunc status=none || bail "the record is on the stick"
STICK_IMAGE=$RUN/stick.img
stick_disk
world_and_gateway_ready
machine_said gateway2 'sekisho-vm: (ready|failed)' 240 | grep -q ready || bail "the second gateway started"
stick_start
screen_wait '銀行をお選びください' 240 || bail "the stick shows its banks"
press 1
screen_wait '契約者番号' 120 || bail "the bank's page is there"
ok 0 "the bank's page is there"
wire "$RUN/stick.pcap" 'dst host 203.0.113.21' >"$RUN/early"
[ "$(cat "$RUN/early")" = 0 ]
ok $? "by way of the first gateway, and not a packet to the second ($(cat "$RUN/early"))"
type_text 7654321
screen_wait '7654321' 60
ok $? "where the customer has begun to type"

# --- the first gateway's machine dies

# the second one's desk, from here on
api_login_there() {
  CONSOLE_PORT=$DESK_PORT API=https://127.0.0.1:$DESK_PORT
  cp "$RUN/gateway2.log" "$RUN/gateway.log"
  api_login
}

kill -9 "$(cat "$RUN/gateway.pid")"
died_ms=$(now_ms)
api_login_there || bail "the second gateway's desk lets the operator in"
stick_state_wait '.banks[0]' sekisho-demo 60
ok $? "the same bank is open at the second gateway"
[ "$(stick_state '.admitted')" = true ]
ok $? "where the stick was admitted by a statement of its own, with no PIN and no click"
screen_wait '契約者番号.*7654321|7654321.*契約者番号' 60
ok $? "the page is there as it was left"
# with nothing in between but, for as long as it takes, the words that all traffic was stopped
odd=0 frozen=0
for picture in $(pictures); do
  taken=$(basename "${picture%-*}")
  [ "$taken" -ge "$died_ms" ] || continue
  if picture_shows "$picture" '通信をすべて止めました'; then
    frozen=$((frozen + 1))
  elif ! picture_shows "$picture" '7654321'; then
    odd=$((odd + 1))
    note "not the page: $picture"
  fi
done
[ $odd = 0 ]
ok $? "and nothing else was on the screen meanwhile (frozen in $frozen pictures, two a second)"
# the handshake's answer from the second gateway (type 2), by the clock of this machine
answered=$(tcpdump -r "$RUN/stick.pcap" -nn -tt 'src host 203.0.113.21 and udp[8:4] = 0x02000000' 2>/dev/null | head -n 1 | cut -d' ' -f1)
took=$(awk -v at="${answered:-0}" -v died="$died_ms" 'BEGIN { printf "%.1f", at - died / 1000 }')
awk -v took="$took" -v most=$WITHIN_S 'BEGIN { exit !(took > 0 && took <= most) }'
ok $? "the stick was at the second gateway within $WITHIN_S s ($took)"

# --- and goes on there

before=$(wc -l <"$RUN/bank.log")
press f5
wait_until=$(($(now_ms) + 60000))
while [ "$(wc -l <"$RUN/bank.log")" -le "$before" ] && [ "$(now_ms)" -lt "$wait_until" ]; do sleep 0.5; done
tail -n +$((before + 1)) "$RUN/bank.log" | grep -q '203\.0\.113\.121'
ok $? "what the page asks for from now on comes from the second gateway's address of that bank"
wire "$RUN/stick.pcap" 'dst net 203.0.113.0/24 and not udp port 51820' >"$RUN/bare"
[ "$(cat "$RUN/bare")" = 0 ]
ok $? "and nothing left the stick outside the tunnel ($(cat "$RUN/bare"))"
