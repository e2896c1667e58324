# lib.sh - a person's view of the stick, to be sourced by the tests here: look at the screen, press keys, read the wire
# and the gateway's API. Wants B. Nothing here talks to the stick in any other way; its serial console is not there.
#
# The screen sends no events, so it is looked at twice a second (`eyes`); each new picture is kept in RUN/eyes under the
# time it was taken, so that how long a thing took does not depend on how long reading it took.
set -u
RUN=$B/e2e/$(basename "$0" .t)
# two runs at once, of two checkouts or of two tests, do not meet: each begins to look elsewhere
for CONSOLE_PORT in $(seq $((18443 + $$ % 1000)) 19999); do
  [ -n "$(ss -Hltn "sport = $CONSOLE_PORT")" ] || break
done
API=https://127.0.0.1:$CONSOLE_PORT

. tests/vm/machines.sh
rm -rf "$RUN"
mkdir -p "$RUN/eyes"
count=0
eyes_pid=

now_ms() { date +%s%3N; }
note() { printf '# %s\n' "$*"; }

# ok RESULT DESCRIPTION - RESULT is an exit code
ok() {
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

# bail WHAT - nothing after this can be tested
bail() {
  note "$* (pictures and captures are in $RUN)"
  count=$((count + 1))
  echo "not ok $count - $*"
  exit 1
}

finish() {
  status=$?
  trap '' INT TERM EXIT
  eyes_close
  machines_end stick gateway world router
  [ $status != 0 ] || echo "1..$count"
  exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM

# --- the screen ---

eyes_open() {
  eyes_close
  rm -f "$RUN"/eyes/*
  (
    last=
    while kill -0 "$(cat "$RUN/stick.pid")" 2>/dev/null; do
      taken=$(now_ms)
      if "$B/qmp" "$RUN/stick.qmp" screendump "$RUN/screen.png" 2>/dev/null; then
        sum=$(cksum <"$RUN/screen.png" | cut -d' ' -f1)
        [ "$sum" = "$last" ] || mv "$RUN/screen.png" "$RUN/eyes/$taken-$sum.png"
        last=$sum
      fi
      sleep 0.5
    done
  ) &
  eyes_pid=$!
}

eyes_close() {
  [ -z "$eyes_pid" ] || kill "$eyes_pid" 2>/dev/null || true
  eyes_pid=
}

# read_picture FILE - its words, blanks taken out, because Japanese has none and OCR puts them anywhere. Read twice: as a
# block (6), which keeps lines whole, and as scattered words (11), which finds those in corners. The same picture, as a
# blinking cursor makes again and again, is read once.
read_picture() {
  words=$RUN/eyes/${1##*-}.txt
  if [ ! -s "$words" ]; then
    convert "$1" -colorspace Gray -resize 200% "$words.tiff"
    for layout in 6 11; do
      OMP_THREAD_LIMIT=1 tesseract "$words.tiff" stdout -l jpn --psm $layout 2>/dev/null
    done | tr -d ' \n\f' >"$words"
    rm -f "$words.tiff"
  fi
  cat "$words"
}

pictures() { find "$RUN/eyes" -name '*-*.png' | sort; }

picture_shows() { read_picture "$1" | grep -qE "$2"; }

# bar_says PICTURE REGEX - what the bar over a bank's page says of the passage: cut out and read as one line, because OCR
# passes over small words on a coloured ground
bar_says() {
  convert "$1" -crop 300x60+480+8 +repage -colorspace Gray -resize 300% "$RUN/bar.tiff"
  tesseract "$RUN/bar.tiff" stdout -l jpn --psm 7 2>/dev/null | tr -d ' \n\f' | grep -qE "$2"
}

# screen_wait REGEX SECONDS - until a picture's words match; then SEEN_MS is when that was first on the screen
screen_wait() {
  wait_until=$(($(now_ms) + $2 * 1000))
  wait_from=$(pictures | tail -n 1)
  while :; do
    newest=$(pictures | tail -n 1)
    if [ -n "$newest" ] && picture_shows "$newest" "$1"; then
      break
    fi
    if [ "$(now_ms)" -gt "$wait_until" ] || ! kill -0 "$(cat "$RUN/stick.pid")" 2>/dev/null; then
      [ -z "$newest" ] || note "the screen says: $(read_picture "$newest" | cut -c1-900)"
      return 1
    fi
    [ "$newest" != "$(pictures | tail -n 1)" ] || sleep 0.3
  done
  # the pictures between the last one that was read without it and this one
  first=$newest
  for picture in $(pictures | sort -r); do
    [ "$picture" != "$wait_from" ] || break
    picture_shows "$picture" "$1" || break
    first=$picture
  done
  SEEN_MS=$(basename "${first%-*}")
  note "seen after $(((SEEN_MS - STARTED_MS) / 1000)) s: $1"
}

# picture_steady SECONDS - until the screen has not changed for that long; PICTURE is what it shows then
picture_steady() {
  while PICTURE=$(pictures | tail -n 1) && taken=$(basename "${PICTURE%-*}") && [ $(($(now_ms) - taken)) -lt $(($1 * 1000)) ]; do
    sleep 0.3
  done
}

# picture_again PICTURE SECONDS - until the screen shows exactly this again, to the last pixel
picture_again() {
  wait_until=$(($(now_ms) + $2 * 1000))
  while newest=$(pictures | tail -n 1) && [ "${newest##*-}" != "${1##*-}" ]; do
    [ "$(now_ms)" -lt "$wait_until" ] || { note "not as in $1 but as in $newest"; return 1; }
    sleep 0.3
  done
}

# picture_code FILE - the six digits that a card shows large, in threes; the rest of the picture is cut away
picture_code() {
  convert "$1" -colorspace Gray -crop 300x260+295+300 +repage -resize 150% "$RUN/code.tiff"
  for layout in 6 11; do
    OMP_THREAD_LIMIT=1 tesseract "$RUN/code.tiff" stdout -l eng --psm $layout 2>/dev/null
  done | sed -n 's/^[^0-9]*\([0-9][0-9][0-9]\) \{0,1\}\([0-9][0-9][0-9]\)[^0-9]*$/\1\2/p' | head -n 1
}

# --- the memory ---

# memory_take FILE - what the PC's memory holds now; the PC stands still meanwhile
memory_take() {
  "$B/qmp" "$RUN/stick.qmp" execute stop >/dev/null
  "$B/qmp" "$RUN/stick.qmp" execute pmemsave "{\"val\": 0, \"size\": $((${STICK_MEMORY:-512} << 20)), \"filename\": \"$(realpath "$RUN")/$1\"}" >/dev/null
}

# memory_secret - the private WireGuard key of the demonstration's stick, as `remains count` takes it: from its record,
# where the digest before the document may end with letters
memory_secret() {
  printf 'key:%s' "$(strings -n 1000 "$B/demo/record" | sed 's/^.*{"format"/{"format"/;q' | jq -j .wireguard_key | base64 -d | od -An -v -tx1 | tr -d ' \n')"
}

# memory_counts FILE PATTERN... - one line for each: how often, and what
memory_counts() { file=$1; shift; "$B/remains" count "$RUN/$file" "$@"; }

press() { "$B/qmp" "$RUN/stick.qmp" key "$@"; }
type_text() { "$B/qmp" "$RUN/stick.qmp" type "$1"; }

# --- machines ---

# world_and_gateway_begin [SETTING...] - see tests/demo/seeds; they start while something else does
world_and_gateway_begin() {
  tests/demo/seeds "$B" "$RUN" "$@" || bail "the machines' disks are made"
  machine_world
  machine_gateway
}

world_and_gateway() {
  world_and_gateway_begin "$@"
  world_and_gateway_ready
}

world_and_gateway_ready() {
  machine_said world 'sekisho-vm: (ready|failed)' 120 | grep -q ready || bail "the world started"
  gateway_ready
}

gateway_ready() {
  machine_said gateway 'sekisho-vm: (ready|failed)' 240 | grep -q ready || bail "the gateway started"
}

# stick_start [QEMU-ARGUMENTS...] - power on; the screen is watched from now on
stick_start() {
  STARTED_MS=$(now_ms)
  machine_stick -display none "$@"
  eyes_open
}

# --- the wire ---

# wire FILE FILTER - how many packets of the capture match; "unread" where that cannot be told
wire() {
  tcpdump -r "$1" -nn "$2" >"$RUN/packets" 2>"$RUN/packets.err"
  # the last packet may be half written while the machine runs
  if [ $? = 0 ] || grep -q 'truncated dump file' "$RUN/packets.err"; then wc -l <"$RUN/packets"; else echo unread; fi
}

# --- the gateway's own API ---

api_login() {
  password=$(sed -n 's/.*sekisho-vm: console login [^ ]* \([^ ]*\).*/\1/p' "$RUN/gateway.log" | tr -d '\r' | tail -n 1)
  user=$(sed -n 's/.*sekisho-vm: console login \([^ ]*\) .*/\1/p' "$RUN/gateway.log" | tr -d '\r' | tail -n 1)
  jq -n --arg user "$user" --arg password "$password" '{name: $user, password: $password}' |
    curl -skf -m 20 -c "$RUN/cookies" -H "Origin: $API" -H "Content-Type: application/json" -d @- "$API/api/login" >"$RUN/login.json"
}

# stick_state JQ - of the stick ST-000001, as the operators see it
stick_state() {
  curl -skf -m 20 -b "$RUN/cookies" "$API/api/sticks" | jq -r ".sticks[] | select(.id == \"ST-000001\") | $1"
}

# stick_state_wait JQ VALUE SECONDS - the API has no events in this version, so it is asked each second
stick_state_wait() {
  wait_until=$(($(now_ms) + $3 * 1000))
  while [ "$(stick_state "$1")" != "$2" ]; do
    [ "$(now_ms)" -lt "$wait_until" ] || { note "$1 is $(stick_state "$1"), not $2"; return 1; }
    sleep 1
  done
}

# metric NAME - a figure of the gateway's, 0 where it has none of that name
metric() {
  curl -skf -m 20 -b "$RUN/cookies" "$API/metrics" >"$RUN/metrics" || { echo unread; return; }
  awk -v name="$1" '$1 == name { found = $2 } END { print found + 0 }' "$RUN/metrics"
}

# refusals_wait REASON COUNT SECONDS - until the desk has heard of at least so many hosts refused for that reason
refusals_wait() {
  wait_until=$(($(now_ms) + $3 * 1000))
  while heard=$(metric "sekisho_refusals_total{reason=\"$1\"}") && [ "$heard" = unread -o "$heard" -lt "$2" ]; do
    [ "$(now_ms)" -lt "$wait_until" ] || { note "refused as $1: the desk counts $heard, not $2"; return 1; }
    sleep 1
  done
}
