$(call unit,envelope,tests/unit/envelope.c,firmware,$(MBEDTLS_LIBS) -ljansson)
