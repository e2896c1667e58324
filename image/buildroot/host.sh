# host.sh - what the three scripts share that fetch a Debian 13 on the host, before the build root can be entered:
# make-root beside it, tests/vm/make-base and tests/vm/make-pc. They source it, and it ends them with one line that says
# what happened and what to do. Whatever they make they make as TARGET.new and rename, so that running again continues.
# shellcheck shell=sh

say() { echo "sekisho: $*" >&2; }
fail() { say "$*"; exit 1; }
# step NAME WHAT - a line of progress, as the Makefile's own are
step() { printf '%4d s  %-8s %s\n' $(($(date +%s) - ${SEKISHO_STARTED:-$(date +%s)})) "$1" "$2"; }

# begin TARGET MEGABYTES WHAT - take the lock of TARGET (and end well if another run made it meanwhile), see that the disk
# has room and that root can be asked; leaves the command for that in $as_root and TARGET.new, absent, in $new
begin() {
  target=$1 what=$3
  new=$target.new log=$target.log
  PATH=$PATH:/usr/sbin:/sbin
  exec 9>"$target.lock"
  flock 9
  [ ! -e "$target" ] || exit 0
  free_mb=$(($(df -Pk "$(dirname "$target")" | awk 'NR == 2 { print $4 }') / 1024))
  [ "$free_mb" -ge "$2" ] ||
    fail "$(dirname "$target") has $free_mb MB free and $what needs $2 MB: free some, or set XDG_CACHE_HOME to a larger disk"
  as_root=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "making $what needs root once: install sudo, or run this as root"
    as_root=sudo
  fi
  $as_root rm -rf --one-file-system "$new"
}

# need TOOL=PACKAGE... - ask apt for the packages whose tools are not there
need() {
  missing=
  for pair in "$@"; do
    command -v "${pair%=*}" >/dev/null || missing="$missing ${pair#*=}"
  done
  [ -n "$missing" ] || return 0
  step APT "installing$missing"
  # shellcheck disable=SC2086
  { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
    >"$log" 2>&1 || blame "apt could not install$missing"
}

# blame WHAT_FAILED - the one line, from what the log of the failed command says
blame() {
  if grep -qiE 'no space left|enough free space' "$log"; then
    fail "$1: the disk of $(dirname "$target") is full; free some, or set XDG_CACHE_HOME to a larger disk, and run again to continue"
  elif grep -qiE 'apt-get update .*failed|failed to fetch|could not (connect|resolve)|temporary failure|unable to (connect|locate)' "$log"; then
    fail "$1: a package mirror of this machine's apt sources does not answer or lacks a file; see that apt-get update works, and run again to continue"
  fi
  tail -n 5 "$log" >&2
  fail "$1; the whole of what was said is in $log; mend that and run again to continue"
}

# debian13 DIRECTORY ARGUMENT... - mmdebstrap Debian 13 into DIRECTORY as root, from the mirrors of this machine's own apt
debian13() {
  into=$1
  shift
  lines=$("$buildroot/sources" trixie) || exit 1
  printf '%s\n' "$lines" | $as_root mmdebstrap --quiet --mode=root --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$@" trixie "$into" - >"$log" 2>&1 || blame "$what could not be made"
}

# packages FILE - the names in a list of packages, with commas between
packages() { sed -e 's/#.*//' "$1" | awk 'NF { printf "%s%s", sep, $1; sep = "," }'; }

# finish - $new becomes the target, whole
finish() {
  rm -f "$log"
  $as_root mv "$new" "$target"
}
