$(call unit,whitelist,tests/unit/whitelist.c tests/unit/signed.c,whitelist firmware,$(MBEDTLS_LIBS) -ljansson)
