#!/bin/sh
# sandbox - every process of the stick, as it runs, ends at one forbidden system call.
#
# Each child is started by itself, waited for until it says that its sandbox is entered, and then made to ask the
# kernel from outside (tests/rig/inject): an allowed call must come back, or the injection itself would prove nothing.
# The tunnel, which is configured before its sandbox, has the same in tunnel.t.
set -u
forbidden='ptrace socket execve setuid mount'
names='record link keyholder policy broker agent'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
check() { # check OK WHAT
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}
truncate -s 1M "$work/record"

# start NAME: sets $harness and $pid, or fails
start() {
	: >"$work/pid"
	mkfifo "$work/started"
	"$B/rig/child" "$B/launcher" "$1" "$work/record" >"$work/started" 2>"$work/log" &
	harness=$!
	pid=
	read -r pid <"$work/started"
	rm "$work/started"
	[ -n "$pid" ]
}
stop() { kill "$harness" 2>/dev/null; wait "$harness" 2>/dev/null; }

for name in $names; do
	if ! start "$name"; then
		check 1 "$name starts and says that it is ready"
		sed 's/^/# /' "$work/log"
		stop
		continue
	fi
	"$B/rig/inject" "$pid" getpid >"$work/answer" 2>&1
	[ "$(cat "$work/answer")" = "returned $pid" ]
	check $? "$name: getpid is allowed and comes back"
	stop
	for call in $forbidden; do
		start "$name" || { check 1 "$name starts again"; continue; }
		"$B/rig/inject" "$pid" "$call" >"$work/answer" 2>&1
		check $? "$name: $call ends it ($(cat "$work/answer"))"
		stop
	done
done
echo "1..$count"
