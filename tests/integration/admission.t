#!/bin/bash
# admission.t - one device record and its copy, made with dd, at the gateway's own programs (tests/rig/gateway) from two
# places; the PIN, its letters, its lock. TAP. Needs root.
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
    awk '{ print "# " $0 }' "$work/said" "$work/body" 2>/dev/null | head -20
  fi
}
check() {
  local name=$1
  shift
  "$@" >"$work/said" 2>&1
  ok $? "$name"
}
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
start() { # start OUT COMMAND... - in the background, until it has printed its line of JSON
  local out=$1
  shift
  mkfifo "$out.pipe"
  "$@" >"$out.pipe" 2>"$out.err" &
  pids="$! $pids"
  head -n 1 <"$out.pipe" >"$out"
  [ -s "$out" ] || { sed 's/^/# /' "$out.err"; bail "$1 did not start"; }
}
rig() { jq -r ".$1" "$work/rig.json"; }
within() { nsenter --net="/run/netns/$1" "${@:2}"; }
gateway() { "$b/sekisho" gateway stick "$1" --socket "$(rig socket)" "${@:2}"; }
until_true() {
  local end=$((SECONDS + 20))
  while ! "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

command -v nft >/dev/null || { echo "1..0 # SKIP nft is not installed"; exit 0; }
start "$work/rig.json" "$here/rig/gateway" "$b" "$work/rig"
demo=$(rig directory)/demo
"$b/sekisho" device new --device ST-000001 --tenant demo --address 10.77.0.2/32 --gateways "$demo/gateways.dsse.json" \
  --roots "$demo/roots.json" --public "$work/public" --identity "$work/identity" -o "$work/record"
"$b/rig/admit" key "$work/record" >"$work/key"
# the same stick in two homes; the second one's line is off until its turn
start "$work/home.json" "$here/rig/gateway-stick" "$work/rig.json" ST-000001 10.77.0.2 "$work/key"
start "$work/thief.json" "$here/rig/gateway-stick" "$work/rig.json" ST-000001 10.77.0.2 "$work/key"
home=$(jq -r .netns "$work/home.json") thief=$(jq -r .netns "$work/thief.json")
within "$thief" ip link set line down
line_of() { within "$1" ip -4 -o addr show dev line | awk '{ sub("/.*", "", $4); print $4 }'; }
home_address=$(line_of "$home")
thief_address=$(line_of "$thief")
gateway add --id ST-000001 --key "$(cat "$work/public")" --identity "$(cat "$work/identity")" >/dev/null ||
  bail "the stick cannot be registered"
check "a stick reaches the gateway" until_true within "$home" ping -q -c1 -W1 10.77.0.1

# its NAME.json: a new handshake now, and not when the tunnel has found out that another took its place
takes_over() {
  local netns interface key
  netns=$(jq -r .netns "$work/$1.json") interface=$(jq -r .interface "$work/$1.json") key=$(rig key)
  within "$netns" wg set "$interface" peer "$key" remove
  within "$netns" wg set "$interface" peer "$key" endpoint "$(rig listen)" persistent-keepalive 25 allowed-ips 0.0.0.0/0
  until_true within "$netns" ping -q -c1 -W1 10.77.0.1
}
said() { jq -e "$1" "$work/body" >/dev/null; }
admit() { # admit NETNS RECORD BOOT [PIN]
  "$here/rig/admit-stick" "$b" "$work/rig.json" "$1" "$work/$2" "${@:3}" >"$work/body" 2>"$work/said"
}
stick() { gateway list --json | jq -r ".sticks[0].$1"; }
events() { "$b/sekisho" gateway events --json --socket "$(rig socket)" | jq -r '.events[] | [.kind, .stick, .detail] | join(" ")'; }

# --- one holder, and what can go wrong on the way
admit "$home" record boot-0000000000000001 && said '.state == "admitted"'
ok $? "a stick is admitted by its record's key"
KEEP=1 admit "$home" record boot-0000000000000001 && said '.state == "admitted"'
ok $? "the power is cut before the next token is stored"
admit "$home" record boot-0000000000000002 && said '.state == "admitted"'
ok $? "and the stick is admitted with the one it has"
admit "$home" record boot-0000000000000002 && said '.state == "admitted"'
ok $? "renewed, with the one it was given"

# --- a copy
dd if="$work/record" of="$work/copy" bs=4096 status=none
admit "$home" record boot-0000000000000002 && said '.state == "admitted"'
ok $? "the record is copied; its owner goes on"
until_true eval '[[ $(stick endpoint) == "$home_address":* ]]'
within "$thief" ip link set line up
within "$thief" ip route replace default via "${thief_address%.*}.1" dev line 2>/dev/null
within "$thief" ip route replace "$(rig listen | cut -d: -f1)" via "${thief_address%.*}.1"
within "$thief" ip route replace default dev "$(jq -r .interface "$work/thief.json")"
check "the copy comes up elsewhere" takes_over thief
admit "$thief" copy boot-00000000000000ff && said '.state == "admitted"'
ok $? "what it has is the token used last: it is let in, which cannot be helped, and retires the owner's next"
until_true eval '[[ $(stick endpoint) == "$thief_address":* ]]'
until_true eval '[ "$(date +%s)" -gt "$(jq .time "$work/body")" ]' # handshakes are told apart by the second
check "the owner comes back" takes_over home
admit "$home" record boot-0000000000000003 && said '.state == "refused" and .reason == "copied" and .token == ""'
ok $? "the owner's token is one too old: held, with its reason"
check "the alarm is there" until_true eval 'events | grep -q "^stick_copied ST-000001"'
takes_over thief
admit "$thief" copy boot-00000000000000ff && said '.state == "refused" and .reason == "copied"'
ok $? "and so is the copy"
[ "$(stick state)" = quarantined ] && [ "$(stick cause)" = copied ] && [ "$(stick admitted)" = false ] && [ "$(stick pin_failures)" = 0 ]
ok $? "the desk sees it held for a copy; no PIN try is lost"
events | grep '^stick_copied' >"$work/said"
grep -Eq "admitted last at 2[0-9TZ:-]+ from $thief_address:[0-9]+; a used token came at 2[0-9TZ:-]+ from $home_address:" "$work/said"
ok $? "it names both times and places: $(cut -c 1-150 "$work/said")"
refuse "it is not released without a reason" gateway release ST-000001
check "an operator releases it with one" gateway release --reason 'the owner called, the copy is with the police' ST-000001
takes_over home
admit "$home" record boot-0000000000000003 && said '.state == "admitted"'
ok $? "the owner is in again"
takes_over thief
admit "$thief" copy boot-00000000000000fe && said '.reason == "copied"'
ok $? "and the copy is noticed at once"
within "$thief" ip link set line down
gateway release --reason again ST-000001 >/dev/null
takes_over home
admit "$home" record boot-0000000000000003

# --- the PIN: the policy asks for one
jq '.pin = true | .version = 5' "$demo/policy-4.json" >"$work/policy.json"
"$b/sekisho" policy sign --type policy --key "$demo/keys/root-1.key" -o "$work/once" "$work/policy.json" >"$work/said" 2>&1 &&
  "$b/sekisho" policy sign --type policy --key "$demo/keys/root-2.key" -o "$work/signed" "$work/once" >>"$work/said" 2>&1
cp "$work/signed" "$(rig directory)/policy.dsse.json"
kill -HUP "$(rig gatewayd)"
until_true eval '[ "$(gateway list --json | jq .policy_version)" = 5 ]'
ok $? "a policy that asks for a PIN is in force"
admit "$home" record boot-0000000000000004 && said '.reason == "pin_none"'
ok $? "a stick without a registered PIN is not let in, and told so"
check "a PIN letter is made" "$b/sekisho" device pin --duress --public "$work/letter.json" -o "$work/letter" "$work/record"
pins() { sed -n 's/.*\(PIN:\|for help:\)  *\([0-9]*\)$/\2/p' "$1"; }
pin=$(pins "$work/letter" | head -n 1) help=$(pins "$work/letter" | tail -n 1)
[ "${#pin}" = 6 ] && [ "${#help}" = 6 ] && [ "$(stat -c %a "$work/letter")" = 600 ] && ! grep -q "$pin" "$work/letter.json" "$work/record"
ok $? "it has two PINs of six digits, which are in no other file"
check "the desk registers its public half" gateway pin --id ST-000001 --letter "$work/letter.json" --reason 'first letter'
admit "$home" record boot-0000000000000004 && said '.reason == "pin_wanted" and .tries_left == 5'
ok $? "without a PIN it is asked for"
admit "$home" record boot-0000000000000004 "$pin" && said '.state == "admitted" and (has("tries_left") | not)'
ok $? "with it the stick is in"
cp "$work/body" "$work/by-pin"
row() { echo "$(stick state) $(stick cause) $(stick admitted) $(stick pin_failures)"; }
by_pin=$(row)
admit "$home" record boot-0000000000000004 "$help" && said '.state == "admitted"' &&
  [ "$(jq -c 'del(.time, .token)' "$work/body")" = "$(jq -c 'del(.time, .token)' "$work/by-pin")" ]
ok $? "the PIN that calls for help is answered by the very same words"
check "and the desk is told" eval 'events | grep -q "^duress ST-000001"'
[ "$(row)" = "$by_pin" ] && [[ $by_pin == *" true 0" ]] && [ "$(stick duress)" -gt 0 ]
ok $? "the stick's row says since when, and is else as it was"
for left in 4 3 2 1; do
  admit "$home" record boot-0000000000000004 000000 && said ".reason == \"pin_wrong\" and .tries_left == $left"
  ok $? "a wrong PIN: $left left"
done
admit "$home" record boot-0000000000000004 000000 && said '.reason == "pin_locked" and .tries_left == 0'
ok $? "the fifth locks it"
admit "$home" record boot-0000000000000004 "$pin" && said '.reason == "pin_locked"'
ok $? "the right one does not open it any more"
[ "$(stick cause)" = pin_locked ]
ok $? "the desk sees why"
check "an operator unlocks it, with a reason" gateway unlock --reason 'called back at the number on file' ST-000001
admit "$home" record boot-0000000000000004 "$pin" && said '.state == "admitted"'
ok $? "then it does"
check "a second letter is made" "$b/sekisho" device pin --public "$work/letter2.json" -o "$work/letter2" "$work/record"
check "and registered" gateway pin --id ST-000001 --letter "$work/letter2.json" --reason 'lost the first letter'
admit "$home" record boot-0000000000000004 "$pin" && said '.reason == "pin_wrong"'
ok $? "from then on the first one's PIN is wrong"
admit "$home" record boot-0000000000000004 "$(pins "$work/letter2")" && said '.state == "admitted"'
ok $? "and the second one's is right"

# --- what is said twice, or by others
nonce=
until [ -n "$nonce" ]; do # at most five in a second are given out
  nonce=$(within "$home" curl -sS --max-time 5 --cacert "$(rig ca)" --resolve "$(rig name):8444:10.77.0.1" "https://$(rig name):8444/v1/nonce" --data '{}' | jq -r '.nonce // ""')
  [ -n "$nonce" ] || sleep 0.2
done
"$b/rig/admit" state "$work/record" gw1 boot-0000000000000004 "$nonce" "$(pins "$work/letter2")" >"$work/once.json"
post() { within "$home" curl -sS --max-time 5 --cacert "$(rig ca)" --resolve "$(rig name):8444:10.77.0.1" "https://$(rig name):8444/v1/admission" --data @- >"$work/body"; }
post <"$work/once.json" && said '.state == "admitted"'
ok $? "a statement counts once"
post <"$work/once.json" && said '.reason == "nonce" and .token == ""' && [ "$(stick admitted)" = true ]
ok $? "the same one again does not, and harms nobody"
for body in '' '{}' '[]' '{"statement":"!","signature":"AAAA"}' '{"statement":"AAAA","signature":7}' \
  "{\"statement\":\"$(head -c 600 /dev/zero | base64 -w0)\",\"signature\":\"AAAA\"}"; do
  [ "$(printf %s "$body" | within "$home" curl -sS --max-time 5 -o "$work/body" -w '%{http_code}' --cacert "$(rig ca)" \
    --resolve "$(rig name):8444:10.77.0.1" "https://$(rig name):8444/v1/admission" --data-binary @-)" = 400 ]
  ok $? "what is no statement is refused: $(printf %s "$body" | cut -c 1-40)"
done
! grep -E 'never promised|error: [a-z]+ was ended by signal' "$work/rig/gatewayd.log" >"$work/said"
ok $? "no process asked for a system call it had not promised"
echo "1..$count"
