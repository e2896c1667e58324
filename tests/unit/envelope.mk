$(call unit,envelope,tests/unit/envelope.c,firmware,$(MBEDTLS_LIBS) -ljansson)
$(call unit,bundle,tests/unit/bundle.c,firmware,$(MBEDTLS_LIBS) -ljansson)
