$(call fuzz,envelope,firmware/lib/envelope.c firmware/lib/envelope_keys.c firmware/lib/bundle.c firmware/lib/base64.c firmware/lib/buf.c,-ljansson $(MBEDTLS_LIBS))
