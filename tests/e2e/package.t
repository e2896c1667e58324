#!/bin/sh
# The package sekisho-gateway in a Debian machine of its own: installed, upgraded, removed, installed again, purged, with
# real apt and systemd. What is done there is in tests/vm/package-start; this relays its findings.
set -u
RUN=$B/e2e/package
. tests/vm/machines.sh
rm -rf "$RUN"
mkdir -p "$RUN/seed/sekisho"
trap 'machines_end gateway' EXIT
trap 'exit 1' INT TERM

cp tests/vm/package-start "$RUN/seed/start"
cp "$B/demo/stick.pub" "$B/demo/stick.identity" "$RUN/seed/"
cp tests/demo/gateway.conf "$B/demo/roots.json" "$B/demo/gateways.dsse.json" "$B/demo/policy.dsse.json" "$RUN/seed/sekisho/"
cp "$B"/sekisho-gateway_*_amd64.deb "$RUN/seed/older.deb"
# the newer one: another version, another program, and another configuration as it is shipped
dpkg-deb -R "$RUN/seed/older.deb" "$RUN/newer"
sed -i 's/^Version: .*/Version: 999/' "$RUN/newer/DEBIAN/control"
echo '# A newer version says more here.' >>"$RUN/newer/etc/sekisho/gateway.conf"
printf 'newer' >>"$RUN/newer/usr/sbin/gatewayd"
(cd "$RUN/newer" && md5sum usr/sbin/gatewayd etc/sekisho/gateway.conf >changed &&
  awk 'NR == FNR { sum[$2] = $1; next } { print ($2 in sum ? sum[$2] : $1) "  " $2 }' changed DEBIAN/md5sums >sums &&
  mv sums DEBIAN/md5sums && rm changed)
dpkg-deb --root-owner-group -Zgzip -z1 --build "$RUN/newer" "$RUN/seed/newer.deb" >/dev/null
tests/vm/seed "$RUN/gateway.seed" "$RUN/seed"

debian gateway 384
machine_said gateway '^package: end' "${PACKAGE_SECONDS:-240}" >/dev/null
tr -d '\r' <"$RUN/gateway.log" | awk '
  /^package: (not )?ok / { n++; sub(/^package: /, ""); sub(/ok /, "ok " n " - "); print; next }
  /^package: end/ { ended = 1; next }
  n { print "# " $0 }
  END { if (!ended) print "not ok " ++n " - the machine came to the end of it"; print "1.." n }'
