$(call unit,whitelist,tests/unit/whitelist.c tests/unit/signed.c,whitelist firmware,$(MBEDTLS_LIBS) -ljansson)
$(call unit,whitelist_faults,tests/unit/whitelist_faults.c tests/unit/signed.c,whitelist firmware,$(MBEDTLS_LIBS) -ljansson)
