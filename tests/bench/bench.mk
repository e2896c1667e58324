.PHONY: bench-crypto
bench-crypto: $(DEPS_STAMP) ## mbedTLS as we build it beside mbedTLS as it comes
	$(Q)tests/bench/crypto $(DEPS) $(B)
