# The embeddable library is compiled from where Debian's package puts it; its warnings are upstream's business.
WG_EMBEDDED := /usr/share/doc/wireguard-tools/examples/embeddable-wg-library
$(call library,wireguard,$(WG_EMBEDDED)/wireguard.c,-U_GNU_SOURCE -Wno-shadow -Wno-pointer-arith -Wno-write-strings)

$(call library,vpn_device,$(wildcard vpn/device/*.c),-isystem $(WG_EMBEDDED))
