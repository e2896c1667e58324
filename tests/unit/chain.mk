$(call unit,chain,tests/unit/chain.c tests/unit/chain_maker.c tests/unit/chain_masked.c,whitelist firmware,$(MBEDTLS_LIBS))
$(B)/asan/tests/unit/chain_masked.o $(B)/tidy/tests/unit/chain_masked.ok: $(SUFFIXES)
$(call unit,limbo,tests/unit/limbo.c,whitelist firmware,$(MBEDTLS_LIBS))
