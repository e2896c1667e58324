#!/bin/bash
# gateway.t - gatewayd, its resolver and WireGuard as tests/rig/gateway starts them, seen from two sticks, from the banks
# and from the management side. TAP. Needs root.
set -u
here=$(realpath "$(dirname "$0")/..")
b=$(realpath "${B:-build}")
work=$(mktemp -d)
chmod 755 "$work" # gatewayd's users look into it
count=0
pids=

ok() { # ok GOOD(0) NAME
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else
    echo "not ok $count - $2"
    [ ! -s "$work/said" ] || sed 's/^/# /' "$work/said" | head -20
  fi
}
# check NAME COMMAND... - good if it succeeds
check() {
  local name=$1
  shift
  "$@" >"$work/said" 2>&1
  ok $? "$name"
}
# refuse NAME COMMAND... - good if it fails
refuse() {
  local name=$1
  shift
  if "$@" >"$work/said" 2>&1; then ok 1 "$name"; else ok 0 "$name"; fi
}
bail() { echo "Bail out! $*"; for log in "$work"/rig/*.log; do echo "# $log"; tail -n 8 "$log" | sed 's/^/# /'; done; exit 1; }
finish() {
  trap - EXIT
  # shellcheck disable=SC2086
  kill $pids 2>/dev/null
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' TERM INT

# start OUT COMMAND... - in the background, until it has printed its line of JSON
start() {
  local out=$1
  shift
  mkfifo "$out.pipe"
  "$@" >"$out.pipe" 2>"$out.err" &
  pids="$! $pids"
  head -n 1 <"$out.pipe" >"$out"
  [ -s "$out" ] || { sed 's/^/# /' "$out.err"; bail "$1 did not start"; }
}
rig() { jq -r ".$1" "$work/rig.json"; }
within() {
  local name=$1
  shift
  nsenter --net="/run/netns/$name" "$@"
}
sekisho() { local command=$1; shift; "$b/sekisho" gateway "$command" "$1" --socket "$(rig socket)" "${@:2}"; }
# until COMMAND... - for fifteen seconds
until_true() {
  local end=$((SECONDS + 15))
  while ! "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

command -v nft >/dev/null || { echo "1..0 # SKIP nft is not installed"; exit 0; }
start "$work/rig.json" "$here/rig/gateway" "$b" "$work/rig"
start "$work/stick1.json" "$here/rig/gateway-stick" "$work/rig.json" ST-000001 10.77.0.2
start "$work/stick2.json" "$here/rig/gateway-stick" "$work/rig.json" ST-000002 10.77.0.3
start "$work/stranger.json" "$here/rig/gateway-stick" "$work/rig.json" ST-000009 10.77.0.9
ns1=$(jq -r .netns "$work/stick1.json") ns2=$(jq -r .netns "$work/stick2.json")
ns9=$(jq -r .netns "$work/stranger.json")
gw=$(rig netns) world=$(rig world)

# --- the management side
console=$(rig console)
web() { within "$world" curl -sS --max-time 10 --cacert "$(rig console_ca)" -b "$work/jar" -c "$work/jar" "$@"; }
login() {
  jq -n --arg p "$1" '{name: "operator", password: $p}' |
    web -o "$work/body" -w '%{http_code}' -H 'Content-Type: application/json' --data @- "$console/api/login" "${@:2}"
}
stick() { web "$console/api/sticks" | jq -r --arg id "$1" ".sticks[] | select(.id == \$id) | .$2"; }

# --- the registry
record() { # record DEVICE ADDRESS - a record and what the desk registers of it
  "$b/sekisho" device new --device "$1" --tenant demo --address "$2/32" --gateways "$(rig directory)/demo/gateways.dsse.json" \
    --roots "$(rig directory)/demo/roots.json" --public "$work/$1.pub" --identity "$work/$1.identity" -o "$work/$1.record"
}
record ST-000001 10.77.0.2
check "a stick is registered" sekisho stick add --id ST-000001 --key "$(jq -r .key "$work/stick1.json")" --identity "$(cat "$work/ST-000001.identity")" --name '山田商店' --region 東京
check "another one" sekisho stick add --id ST-000002 --key "$(jq -r .key "$work/stick2.json")"
refuse "the same id again is refused" sekisho stick add --id ST-000001 --key "$(wg genkey | wg pubkey)"
refuse "a key that is none is refused" sekisho stick add --id ST-000003 --key 'bm90IGEga2V5'
refuse "so is an identity that is none" sekisho stick add --id ST-000003 --key "$(wg genkey | wg pubkey)" --identity 'bm90IGEga2V5'
[ "$(sekisho stick list --json | jq -c '[.sticks[] | {id, address, state}]')" = \
  '[{"id":"ST-000001","address":"10.77.0.2","state":"never"},{"id":"ST-000002","address":"10.77.0.3","state":"never"}]' ]
ok $? "both are listed, with the addresses they were given, never seen"

# --- the tunnel
check "a registered stick reaches the gateway's inner address" until_true within "$ns1" ping -q -c1 -W1 10.77.0.1
check "so does the other" until_true within "$ns2" ping -q -c1 -W1 10.77.0.1
refuse "an unregistered one does not" within "$ns9" ping -q -c1 -W2 10.77.0.1
[ "$(wg show "$(jq -r .interface "$work/stranger.json")" latest-handshakes | awk '{ print $2 }')" = 0 ]
ok $? "and has no handshake"

# --- the control API
api() { # api NETNS PATH [CURL...] - the status, and the body in $work/body
  local ns=$1 path=$2
  shift 2
  within "$ns" curl -sS --max-time 5 -o "$work/body" -w '%{http_code}' --cacert "$(rig ca)" \
    --pinnedpubkey "sha256//$(rig pin)" --resolve "$(rig name):8444:10.77.0.1" "https://$(rig name):8444$path" "$@"
}
beacon() { # beacon DEVICE BOOT SEQUENCE [JQ]
  jq -n --arg device "$1" --arg boot "$2" --argjson sequence "$3" "{device: \$device, boot: \$boot, sequence: \$sequence,
    image: {version: 7, root_hash: (\"ab\" * 32)}, policy_version: 3, uptime_s: 12, link: \"wired\",
    tunnel: {gateway: \"gw1\", handshake_ms: 31, rtt_ms: 9, loss_permille: 0}, session: false,
    refused: {not_listed: 2}, goodbye: false} | ${4:-.}"
}
said() { jq -e "$1" "$work/body" >/dev/null; }
boot1=0123456789abcdef boot2=fedcba9876543210
admit() { "$here/rig/admit-stick" "$b" "$work/rig.json" "$ns1" "$work/ST-000001.record" "$1" >"$work/body"; }

[ "$(within "$ns1" curl -sS --max-time 5 -o /dev/null -w '%{exitcode}' --cacert "$(rig ca)" \
  --pinnedpubkey sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= --resolve "$(rig name):8444:10.77.0.1" \
  "https://$(rig name):8444/v1/policy" 2>/dev/null)" = 90 ]
ok $? "the API's certificate has the pin of the signed list: another pin ends the connection"
question() { # question NETNS NAME [TYPE] - the answer's code and addresses, by dnsmasq's own client protocol
  within "$1" python3 "$here/integration/gateway-dns" 10.77.0.1 "$2" "${3:-A}"
}
[ "$(question "$ns1" www.bank.example)" = "no answer" ]
ok $? "before its first beacon a stick has no resolver"

[ "$(beacon ST-000001 $boot1 1 | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.state == "refused" and .reason == "no_statement" and .valid_s == 0 and .policy_version == 3 and .gateways_version == 1'
ok $? "a beacon admits nobody, and names the versions in force"
[ "$(question "$ns1" www.bank.example)" = "no answer" ]
ok $? "nor opens the resolver"
admit $boot1 && said '.state == "admitted" and .valid_s == 90 and .lease_s == 600 and (.token | length) == 44'
good=$?
ok $good "a signed statement admits for ten minutes, as long as beacons come"
[ $good = 0 ] || bail "without that nothing else can be seen"
[ "$(login wrong-password)" = 403 ]
ok $? "a wrong password is refused"
[ "$(web -o "$work/body" -w '%{http_code}' "$console/api/sticks")" = 401 ]
ok $? "without a log-in the fleet is not shown"
[ "$(login "$(rig password)" -H 'Origin: https://evil.example')" = 403 ]
ok $? "a log-in sent by another origin's page is refused"
[ "$(login "$(rig password)")" = 200 ]
ok $? "the printed first password logs in"
[ "$(stick ST-000001 state)" = up ] && [ "$(stick ST-000001 cause)" = first_beacon ] && [ "$(stick ST-000001 rtt_ms)" = 9 ]
ok $? "the fleet shows it up, with what its beacon said"
[ "$(beacon ST-000002 $boot1 1 '.refused = {}' | api "$ns2" /v1/beacon --data @-)" = 200 ] && said '.state == "refused" and .reason == "no_identity"'
ok $? "a stick without a registered identity is not admitted"
[ "$(stick ST-000001 'refused.not_listed')" = 2 ]
ok $? "and what it refused by itself, by reason"
check "and with the endpoint that WireGuard saw" until_true eval '[[ $(stick ST-000001 endpoint) == 192.168.*.2:* ]]'
[ "$(stick ST-000002 state)" = quarantined ] && [ "$(stick ST-000002 cause)" = no_identity ]
ok $? "which the desk sees as what it is"

# --- bad input changes nothing
before=$(web "$console/metrics")
for body in '' '{' '[]' 'null' '{"device":"ST-000001"}' "$(beacon ST-000001 $boot1 2 '.sequence = "2"')" \
  "$(beacon ST-000001 $boot1 2 '.sequence = -1')" "$(beacon ST-000001 $boot1 2 '.boot = "../../etc"')" \
  "$(beacon ST-000001 $boot1 2 '.refused = {"Not A Code": 1}')" "$(beacon ST-000001 $boot1 2 '.image = []')" \
  "$(beacon ST-000001 $boot1 2 '.tunnel.loss_permille = 1001')" '{"device":"a","device":"b"}' \
  "$(printf '%0400d' 0 | sed 's/0/{"a":/g')"; do
  status=$(printf %s "$body" | api "$ns1" /v1/beacon --data-binary @-)
  [ "$status" = 400 ] && said '.error == "malformed" and (.reason | length) > 5'
  ok $? "a malformed beacon is refused with a reason: $(printf %s "$body" | tr -d '\n ' | tail -c 50)"
done
[ "$(head -c 5000 /dev/zero | tr '\0' ' ' | api "$ns1" /v1/beacon --data-binary @-)" = 413 ]
ok $? "a beacon larger than 4096 bytes is refused"
# whoever connects to the console begins a handshake and does not go on: a second of that is looked at
web=$(ps -eo pid=,ppid=,uid= | awk -v parent="$(rig gatewayd)" '$2 == parent && $3 == 61189 { print $1 }')
check "half a TLS record keeps no process busy" within "$(rig netns)" bash -c "exec 3<>/dev/tcp/127.0.0.1/8443
  spent() { cut -d' ' -f1 /proc/$web/schedstat; }
  printf '\\x16\\x03\\x01' >&3 && sleep 0.3 && before=\$(spent) && sleep 1
  echo \$((\$(spent) - before)) nanoseconds && [ \$((\$(spent) - before)) -lt 100000000 ]"
[ "$(api "$ns1" /v1/secrets)" = 404 ] && [ "$(api "$ns1" /v1/beacon -X DELETE)" = 405 ]
ok $? "other paths and methods are refused"
[ "$(beacon ST-000002 $boot1 9 | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.state == "refused" and .reason == "device_mismatch" and .valid_s == 0'
ok $? "a beacon in another stick's name is refused"
[ "$(beacon ST-000001 $boot1 0 | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.state == "refused" and .reason == "old_beacon"'
ok $? "an older beacon of the same boot is refused"
[ "$(stick ST-000001 state)" = up ] && [ "$(stick ST-000002 state)" = quarantined ]
ok $? "none of that changed a state"
web "$console/metrics" >"$work/metrics"
value() { grep -F "$1 " "$work/metrics" | awk '{ print $NF }'; }
[ "$(value 'sekisho_beacons_total{result="malformed"}')" = 13 ] && [ "$(value 'sekisho_beacons_total{result="device_mismatch"}')" = 1 ] &&
  [ "$(value 'sekisho_sticks{state="up"}')" = 1 ] && [ "$(value 'sekisho_refusals_total{reason="not_listed"}')" = 2 ]
ok $? "all of it is counted"
[ "$(tail -n 1 "$work/metrics")" = '# EOF' ] && ! grep -qvE '^(# (TYPE|UNIT|HELP|EOF)|sekisho_[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.e+-]+$)' "$work/metrics"
ok $? "the metrics are OpenMetrics text to the last line"
[ -n "$before" ] && within "$world" curl -sS --cacert "$(rig console_ca)" -H "Authorization: Bearer $(cat "$(rig directory)/keys/metrics.token")" \
  "$console/metrics" 2>"$work/said" | grep -q '^# EOF'
ok $? "monitoring reads them with the token"
[ "$(within "$world" curl -sS -o /dev/null -w '%{http_code}' --cacert "$(rig console_ca)" "$console/metrics")" = 401 ]
ok $? "and not without it"

# --- documents
[ "$(api "$ns1" /v1/policy)" = 200 ] && cmp -s "$work/body" "$(rig directory)/policy.dsse.json"
ok $? "the policy is served as it was signed"
[ "$(api "$ns1" /v1/gateways)" = 200 ] && cmp -s "$work/body" "$(rig directory)/demo/gateways.dsse.json"
ok $? "so is the list of gateways"

# --- the banks, by address
tcp() { # tcp NETNS ADDRESS PORT - does a connection come up
  within "$1" timeout 2 bash -c ">/dev/tcp/$2/$3" 2>/dev/null
}
# not through within(): the pid kept must be the one of the program, or it outlives the test and holds its output open
for address in 198.51.100.10 198.51.100.20 198.51.100.40; do
  nsenter --net="/run/netns/$world" socat TCP-LISTEN:443,bind=$address,fork,reuseaddr SYSTEM:'echo $SOCAT_PEERADDR; cat >/dev/null' &
  pids="$pids $!"
done
until_true within "$world" bash -c '>/dev/tcp/198.51.100.40/443' 2>/dev/null
nsenter --net="/run/netns/$world" tcpdump -ni gateway -U -w "$work/world.pcap" 'tcp and net 198.51.100.0/24' 2>"$work/tcpdump.err" &
pids="$pids $!"
until_true grep -q listening "$work/tcpdump.err"
session() { jq -n --arg bank "$2" --argjson open "$3" '{bank: $bank, open: $open}' | api "$1" /v1/session --data @-; }

[ "$(question "$ns1" www.bank.example)" = "NOERROR 198.51.100.10" ]
ok $? "an admitted stick's resolver knows the policy's names"
[ "$(question "$ns1" www.bank.example AAAA)" = "NOERROR" ]
ok $? "and no IPv6 address of them"
[ "$(question "$ns1" phish.example)" = "NXDOMAIN" ] && [ "$(question "$ns1" bank.example)" = "NXDOMAIN" ]
ok $? "every other name does not exist"
refuse "without a session no bank is reached" tcp "$ns1" 198.51.100.10 443
[ "$(session "$ns1" sekisho-demo true)" = 200 ] && said '.ok == true'
ok $? "a session with a bank is opened"
check "then its address is reached" tcp "$ns1" 198.51.100.10 443
python3 -c 'import ssl, sys
out = ssl.MemoryBIO()
tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=sys.argv[1])
try: tls.do_handshake()
except ssl.SSLWantReadError: sys.stdout.buffer.write(out.read())' www.bank.example >"$work/hello"
hello() { # hello NETNS ADDRESS - what the bank there answers to a ClientHello for www.bank.example
  within "$1" timeout 3 bash -c "exec 3<>/dev/tcp/$2/443; cat '$work/hello' >&3; cat <&3"
}
[ "$(hello "$ns1" 198.51.100.10)" = 203.0.113.101 ]
ok $? "from the bank's own egress address"
refuse "its other ports are not" tcp "$ns1" 198.51.100.10 80
refuse "the other bank is not" tcp "$ns1" 198.51.100.20 443
[ "$(question "$ns1" www.yamabiko.example)" = "NOERROR 198.51.100.20" ]
refuse "even when its name was resolved" tcp "$ns1" 198.51.100.20 443
refuse "an address that nobody resolved is not" tcp "$ns1" 198.51.100.11 443
refuse "an address outside the policy is not" tcp "$ns1" 198.51.100.40 443
refuse "a stick that is not admitted reaches no bank, though the addresses are in the sets" tcp "$ns2" 198.51.100.10 443
refuse "sticks do not reach each other" within "$ns1" ping -q -c1 -W1 10.77.0.3
refuse "nor the console" tcp "$ns1" 203.0.113.12 8443
refuse "nor anything else of the gateway" tcp "$ns1" 10.77.0.1 22
refuse "nor the world's resolver" tcp "$ns1" 198.51.100.53 53
refuse "the inner address does not answer from outside" within "$world" bash -c 'ip route add 10.77.0.0/16 via 203.0.113.11 && timeout 2 bash -c ">/dev/tcp/10.77.0.1/8444"'
[ "$(session "$ns1" no-such-bank true)" = 200 ] && said '.ok == false and .reason == "no_such_bank"'
ok $? "a bank outside the policy is refused with its reason"
[ "$(session "$ns2" sekisho-demo true)" = 200 ] && said '.ok == false and .reason == "not_admitted"'
ok $? "so is a stick that was not admitted"

[ "$(session "$ns1" sekisho-demo false)" = 200 ] && said '.ok == true'
ok $? "the session is closed"
refuse "and the bank with it" tcp "$ns1" 198.51.100.10 443
sleep 0.3 # what is on its way to the capture
pcap=$(tcpdump -nr "$work/world.pcap" 2>/dev/null)
[ -n "$(grep -F '203.0.113.101' <<<"$pcap")" ] && ! grep -qE '198\.51\.100\.(11|20|40)\.|10\.77\.' <<<"$pcap"
ok $? "on the wire there was no packet to any other address, and none with an inner address"

# --- documents that must not be taken
policy=$(rig directory)/policy.dsse.json
version() { web "$console/api/sticks" | jq -r "$1"; }
reload() { kill -HUP "$(rig gatewayd)"; }
cp "$policy" "$work/good"
offer() { # offer NAME FILE - refused, said, and the old one stays
  cp "$2" "$policy.new" && mv "$policy.new" "$policy"
  reload
  until_true eval '[ -n "$(version .document_error)" ]' && [ "$(version .policy_version)" = "$want" ]
  ok $? "a policy that is $1 is refused: $(version .document_error | cut -c 1-90)"
  cp "$good" "$policy"
  reload
  until_true eval '[ -z "$(version .document_error)" ]'
}
want=3 good=$work/good
head -c 2000 "$work/good" >"$work/bad"
offer "cut short" "$work/bad"
jq -c '.signatures |= .[:1]' "$work/good" >"$work/bad"
offer "signed by one" "$work/bad"
jq -c '.signatures = []' "$work/good" >"$work/bad"
offer "unsigned" "$work/bad"
echo 'not a policy' >"$work/bad"
offer "not JSON" "$work/bad"
head -c 4194305 /dev/zero | tr '\0' ' ' >"$work/bad"
offer "too large" "$work/bad"
keys=$(rig directory)/demo/keys
jq '.version = 9 | .issued = "2020-01-01T00:00:00Z" | .expires = "2021-01-01T00:00:00Z"' \
  "$(rig directory)/demo/policy-4.json" >"$work/expired"
"$b/sekisho" policy sign --force --type policy --key "$keys/root-1.key" -o "$work/once" "$work/expired" >/dev/null 2>&1
"$b/sekisho" policy sign --force --type policy --key "$keys/root-2.key" -o "$work/bad" "$work/once" >/dev/null 2>&1
offer "expired" "$work/bad"
cp "$(rig directory)/demo/policy-4.dsse.json" "$policy"
reload
until_true eval '[ "$(version .policy_version)" = 4 ]'
ok $? "a newer one is taken"
want=4 good=$(rig directory)/demo/policy-4.dsse.json
offer "older" "$work/good"
[ "$(api "$ns1" /v1/policy)" = 200 ] && cmp -s "$work/body" "$(rig directory)/demo/policy-4.dsse.json"
ok $? "sticks are served the newer one"

# --- roots that hand over: the demonstration's first person and a new one follow on its three
"$b/sekisho" policy keygen "$work/dora" 2>/dev/null
"$b/sekisho" policy roots --threshold 2 --version 2 -o "$work/link.json" "first=$keys/root-1.pub" "dora=$work/dora.pub"
signed() { # signed TYPE IN OUT KEY...
  local type=$1 at=$2 out=$3 key
  shift 3
  for key; do
    "$b/sekisho" policy sign --type "$type" --key "$key" -o "$out" "$at" 2>/dev/null
    at=$out
  done
}
signed roots "$work/link.json" "$work/link" "$keys/root-1.key" "$keys/root-2.key" "$work/dora.key"
for number in 5 6 7; do
  jq --argjson number $number '.version = $number' "$(rig directory)/demo/policy-4.json" >"$work/plain-$number.json"
done
signed policy "$work/plain-5.json" "$work/new" "$keys/root-1.key" "$work/dora.key"
offer "signed by somebody new" "$work/new"
"$b/sekisho" policy bundle --roots "$(rig directory)/demo/roots.json" -o "$work/bundle" "$work/new" "$work/link" 2>/dev/null
cp "$work/bundle" "$policy.new" && mv "$policy.new" "$policy"
reload
until_true eval '[ "$(version .policy_version)" = 5 ]'
ok $? "a policy with the chain that lets its signer in is taken"
[ "$(api "$ns1" /v1/policy)" = 200 ] && cmp -s "$work/body" "$work/bundle"
ok $? "and served with it"
want=5 good=$work/bundle
signed policy "$work/plain-6.json" "$work/old" "$keys/root-2.key" "$keys/root-3.key"
offer "signed by those who left" "$work/old"
signed policy "$work/plain-6.json" "$work/new" "$work/dora.key" "$keys/root-1.key"
offer "signed by them without the chain, which nobody could read after a restart" "$work/new"
"$b/sekisho" policy bundle --roots "$(rig directory)/demo/roots.json" -o "$work/bundle" "$work/new" "$work/link" 2>/dev/null
cp "$work/bundle" "$policy.new" && mv "$policy.new" "$policy"
reload
until_true eval '[ "$(version .policy_version)" = 6 ]'
ok $? "the next one is taken with the chain"

# --- processes that end come back
process() { ps -e -o pid=,ppid=,args= | awk -v parent="$(rig gatewayd)" -v as="--as $1" '$2 == parent && index($0, as) { print $1 }'; }
cp /bin/false "$work/rig/gatewayd.new" && mv "$work/rig/gatewayd.new" "$work/rig/gatewayd" # as an upgrade does
kill -9 "$(process api)"
api_is_back() { [ "$(beacon ST-000001 $boot1 20 | api "$ns1" /v1/beacon --data @- 2>/dev/null)" = 200 ]; }
check "the API is killed and comes back, as the program that runs and not as what was put in its place" until_true api_is_back
session "$ns1" sekisho-demo true >/dev/null
kill -9 "$(process egress)"
restarts() { web "$console/metrics" | grep -F "sekisho_process_restarts_total{process=\"$1\"}" | awk '{ print $2 }'; }
check "the egress process is killed and comes back, which is counted" until_true eval '[ "$(restarts egress)" = 1 ]'
reopened() { [ "$(question "$ns1" www.bank.example)" = "NOERROR 198.51.100.10" ] && tcp "$ns1" 198.51.100.10 443; }
check "and the session that was open is open again" until_true reopened

# --- images: a floor, and the released ones
image() { "$b/sekisho" gateway image "$1" --socket "$(rig socket)" "${@:2}"; }
is_closed() { ! tcp "$ns1" 198.51.100.10 443; }
hash=$(printf 'ab%.0s' {1..32}) other=$(printf 'cd%.0s' {1..32})
[ "$(image floor 8)" = "$(printf '%s\n' 'the oldest version that is admitted is 8' 'sticks in use that are refused for their image: 2')" ]
ok $? "a floor above a stick's image says how many it shuts out"
check "and shuts it out without waiting for its beacon: its bank is closed" until_true is_closed
[ "$(session "$ns1" sekisho-demo true)" = 200 ] && said '.ok == false and .reason == "not_admitted"'
ok $? "and opens no more"
[ "$(beacon ST-000001 $boot1 21 | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.state == "refused" and .reason == "image_old" and .valid_s == 0'
ok $? "its beacon is refused for its old image"
[ "$(question "$ns1" www.bank.example)" = "no answer" ]
ok $? "it has no resolver"
[ "$(api "$ns1" /v1/policy)" = 200 ]
ok $? "but still the policy, to update by"
[ "$(stick ST-000001 state)" = quarantined ] && [ "$(stick ST-000001 cause)" = image_old ]
ok $? "the desk shows it held back, and why"
admit $boot1 && said '.state == "refused" and .reason == "image_old" and .token == ""'
ok $? "so is its statement"
[ "$(beacon ST-000001 $boot1 22 '.image.version = 8' | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.reason == "no_statement"' &&
  IMAGE=8 admit $boot1 && said '.state == "admitted"'
ok $? "with an image at the floor it is admitted"
[ "$(beacon ST-000001 $boot1 23 '.image.version = "newest"' | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.reason == "image_old"'
ok $? "a version that is no number is below every floor"
image add --version 8 --root-hash "$hash" >/dev/null
[ "$(beacon ST-000001 $boot1 24 ".image = {version: 8, root_hash: \"$other\"}" | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.state == "refused" and .reason == "image_unknown"'
ok $? "where images are registered, another root hash under the same version is refused"
[ "$(beacon ST-000001 $boot1 25 '.image = {version: 8}' | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.reason == "image_unknown"'
ok $? "and so is none"
[ "$(stick ST-000001 cause)" = image_unknown ]
ok $? "the desk shows that too"
IMAGE=8 HASH=cd admit $boot1 && said '.reason == "image_unknown"'
ok $? "nor is a statement with another one believed"
[ "$(beacon ST-000001 $boot1 26 '.image.version = 8' | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.reason == "no_statement"' &&
  IMAGE=8 admit $boot1 && said '.state == "admitted"'
ok $? "the registered one is admitted"
refuse "a floor that would shut everybody out is refused" image floor 9
refuse "a root hash that is none is refused" image add --version 9 --root-hash 1234
check "what is registered can be taken back" image remove --version 8 --root-hash "$hash"
image floor 0 >/dev/null
[ "$(image list --json | jq -c '[.floor, .images]')" = '[0,[]]' ] && admit $boot1 &&
  [ "$(beacon ST-000001 $boot1 27 | api "$ns1" /v1/beacon --data @-)" = 200 ] && said '.state == "admitted"'
ok $? "without either everything is as before"
[ "$(session "$ns1" sekisho-demo true)" = 200 ] && said '.ok == true'
ok $? "and its bank opens again"

# --- goodbye and revocation
[ "$(beacon ST-000001 $boot1 28 '.goodbye = true' | api "$ns1" /v1/beacon --data @-)" = 200 ] && [ "$(stick ST-000001 state)" = offline ]
ok $? "a stick that says goodbye is offline"
refuse "and reaches its bank no more" tcp "$ns1" 198.51.100.10 443
[ "$(beacon ST-000001 $boot2 1 | api "$ns1" /v1/beacon --data @-)" = 200 ] && [ "$(stick ST-000001 cause)" = new_boot ] &&
  said '.reason == "no_statement"'
ok $? "its next boot is up at once, and not admitted by the last one's statement"
check "it is revoked" sekisho stick revoke ST-000001
refuse "and has no tunnel any more" within "$ns1" ping -q -c1 -W2 10.77.0.1
[ "$(stick ST-000001 state)" = revoked ]
ok $? "the fleet shows it revoked"
web "$console/api/events" | jq -r '.events[] | [.kind, .stick, .from, .to, .detail] | join(" ")' >"$work/said"
grep -q '^transition ST-000001 never up first_beacon' "$work/said" && grep -q '^stick_revoked ST-000001' "$work/said" &&
  grep -q '^document_refused' "$work/said" && grep -q '^login_refused' "$work/said"
ok $? "the events tell the story"
csp=$(web -D - -o /dev/null "$console/")
grep -qi "^content-security-policy: default-src 'none'; script-src 'self'" <<<"$csp" && ! grep -qi unsafe <<<"$csp"
ok $? "the console's pages carry a strict policy"
[ "$(web -o /dev/null -w '%{http_code}' -X POST -H 'Content-Type: application/json' --data '{}' "$console/api/logout")" = 200 ] &&
  [ "$(web -o /dev/null -w '%{http_code}' "$console/api/events")" = 401 ]
ok $? "log-out ends the session"
for _ in 1 2 3 4 5; do login wrong >/dev/null; done
[ "$(login "$(rig password)")" = 429 ]
ok $? "after five wrong passwords even the right one waits"
! grep -E 'never promised|error: [a-z]+ was ended by signal 31' "$work/rig/gatewayd.log" >"$work/said"
ok $? "no process asked for a system call it had not promised"
echo "1..$count"
