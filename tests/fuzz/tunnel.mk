$(call fuzz,tunnel,$(filter-out vpn/device/wg.c,$(wildcard vpn/device/*.c)) $(wildcard firmware/lib/*.c),-lnftables -lseccomp -ljansson $(MBEDTLS_LIBS))
