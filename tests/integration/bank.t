#!/bin/sh
# The bank the other tests visit, by itself: it must be good where it is to be good, and each bad neighbour wrong in one
# way only, or a test of a wall would pass for another wall's sake.
set -u
if [ -z "${BANK_NAMESPACE:-}" ]; then
  BANK_NAMESPACE=1 exec unshare --net "$0"
fi
work=$(mktemp -d)
prefix=$work/bank certificates=$work/certificates
count=0
ok() {
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
server=
end() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM

tests/bank/certificates "$certificates" || exit 1
tests/bank/lay "$prefix" "$certificates" || exit 1
mkfifo "$work/said"
"$prefix/serve" "$prefix" >"$work/said" 2>"$work/err" &
server=$!
read -r said <"$work/said" || said=
[ "$said" = "bank ready" ]
ok $? "the bank network comes up by itself"

address_of() { sed -n "s/^\([0-9.]*\) $1\$/\1/p" tests/bank/hosts; }
# visit URL [CURL-ARGUMENT...] - as the policy wants it: the host's own root, its pin
visit() {
  host=${1#https://}
  host=${host%%/*}
  url=$1
  shift
  root=$(awk -v host="$host" '$1 == host { print $2 }' "$certificates/pins")
  pin=$(awk -v host="$host" '$1 == host { print $3 }' "$certificates/pins")
  curl -sS -m 5 --resolve "$host:443:$(address_of "$host")" --cacert "$certificates/roots/$root.pem" \
    --pinnedpubkey "sha256//$pin" "$@" "$url" 2>"$work/err"
}
# fails_with CODE URL DESCRIPTION - curl's exit codes: 60 certificate or name, 90 pin, 28 time
fails_with() {
  code=0
  visit "$2" >/dev/null || code=$?
  [ "$code" = "$1" ] && grep -q "$4" "$work/err" && code=0 || code=1
  ok $code "$3"
}

[ "$(visit https://www.bank.example/ -o "$work/login" -w '%{http_version} %{http_code}')" = "2 200" ]
ok $? "the log-in page comes by HTTP/2"
grep -q '契約者番号' "$work/login" && grep -q 'https://static.bank-assets.example/bank.css' "$work/login"
ok $? "it is Japanese and takes its style from the second host"
visit 'https://www.bank.example/?lang=en' | grep -q 'Customer number'
ok $? "and English where asked"
[ "$(visit https://static.bank-assets.example/bank.css -o /dev/null -w '%{http_version} %{http_code}')" = "2 200" ]
ok $? "the second host serves it"
[ "$(visit https://www.bank.example/accounts -o /dev/null -w '%{http_code}')" = 303 ]
ok $? "without a log-in there is no balance"
[ "$(visit https://www.bank.example/login -d 'id=1234567&password=wrong' -o /dev/null -w '%{http_code}')" = 401 ]
ok $? "a wrong password is refused"
visit https://www.bank.example/login -c "$work/jar" -d 'id=1234567&password=sekisho' >/dev/null
visit https://www.bank.example/accounts -b "$work/jar" | grep -q '2,480,153'
ok $? "a right one leads to the balance"
visit https://www.bank.example/transfer -b "$work/jar" -d 'account=7654321&payee=%3Cb%3E&amount=1000' | grep -q '2,479,153'
ok $? "a transfer changes it"
! visit https://www.bank.example/accounts -b "$work/jar" | grep -q '<td><b></td>'
ok $? "what was typed is shown escaped"
[ "$(visit https://www.bank.example/transfer -b "$work/jar" -d 'account=7654321&payee=x&amount=99999999' -o /dev/null -w '%{http_code}')" = 400 ]
ok $? "more than the balance is refused"
visit https://www.yamabiko.example/ | grep -q 'やまびこ信用金庫'
ok $? "the second bank has a root of its own"
grep -q ' HTTP/2.0 www.bank.example "GET / HTTP\|HTTP/2.0 www.bank.example "GET /"' "$prefix/logs/access.log"
ok $? "the log says the protocol and the host"

for host in www.bank.example static.bank-assets.example www.yamabiko.example wrongpin.bank.example hang.bank.example; do
  root=$(awk -v host=$host '$1 == host { print $2 }' "$certificates/pins")
  openssl verify -x509_strict -verify_hostname $host -purpose sslserver -CAfile "$certificates/roots/$root.pem" \
    -untrusted "$certificates/$host.pem" "$certificates/$host.pem" >"$work/verify" 2>&1
  ok $? "the chain of $host stands up to strict checks"
done

fails_with 90 https://wrongpin.bank.example/ "the wrong pin is wrong by its pin" 'public key'
fails_with 60 https://wrongname.bank.example/ "the wrong name is wrong by its name" 'subject name'
fails_with 60 https://expired.bank.example/ "the expired one is wrong by its dates" 'expired'
fails_with 60 https://unknownca.bank.example/ "the unknown authority is wrong by its chain" 'issuer'
fails_with 28 https://hang.bank.example/ "the one that hangs is reached and says nothing" 'timed out'
for host in phish.example evil-cdn.example; do
  visit https://$host/ | grep -q 'BAD NEIGHBOUR REACHED'
  ok $? "$host is wrong in nothing but that no list has it"
done
visit https://www.bank.example/go/offsite -o /dev/null -w '%{redirect_url}' | grep -q '^https://known-phish.example/$'
ok $? "the redirect leads off"

kill "$server"
wait "$server" || true
server=
[ -z "$(ss -Hltn)" ]
ok $? "SIGTERM ends all of it"
echo "1..$count"
