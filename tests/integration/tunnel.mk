# The tunnel process with a back end for user-space WireGuard, which stands in where the kernel has none.
$(call program,tests/tunnel,launcher/main.c launcher/tunnelproc.c tests/integration/tunnel_wg.c,vpn_device firmware,-lnftables -lseccomp)
INTEGRATION_NEEDS += $(B)/tests/tunnel $(B)/rig/inject
