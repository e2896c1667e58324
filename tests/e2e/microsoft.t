#!/bin/sh
# A PC as sold, whose firmware trusts Microsoft's keys: our stick is refused there, and a foreign system starts from a
# stick that could look like ours. That is where Secure Boot ends; image/sign/README.md says what comes next.
. tests/e2e/lib.sh
. tests/e2e/firmware.sh

dpkg-deb -x /usr/src/packages/shim-signed_*.deb "$RUN/shim" || bail "a program that Microsoft signed is at hand"
small_stick ours "$LOADER" "$UKI"
small_stick foreign "$RUN/shim/usr/lib/shim/shimx64.efi.signed"
pc $OVMF/OVMF_VARS_4M.ms.fd "$RUN/ours.disk" "$RUN/foreign.disk"
pc_said 'failed to load Boot0001 .*Access Denied' 120
ok $? "with Microsoft's keys our stick is refused"
screen_wait "$DENIED" 60
ok $? "and the person reads: Access Denied"
# shim speaks: it looks for the system behind it, which this stick does not have
pc_said 'Failed to open .*grubx64.efi - Not Found' 120
ok $? "a foreign boot loader that Microsoft signed is started, and would go on to its own system"
pc_off microsoft
