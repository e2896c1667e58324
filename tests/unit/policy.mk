$(call unit,policy,tests/unit/policy.c tests/unit/signed.c,policy whitelist firmware,$(MBEDTLS_LIBS) -ljansson -lgnutls)
