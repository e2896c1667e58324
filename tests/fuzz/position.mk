$(call fuzz,position,$(wildcard whitelist/*.c) firmware/lib/base64.c,-ljansson $(MBEDTLS_LIBS))
