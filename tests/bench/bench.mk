$(call program,bench/client,tests/bench/client.c,,-lssl -lcrypto)

.PHONY: bench-crypto bench-broker
bench-crypto: $(DEPS_STAMP) ## mbedTLS as we build it beside mbedTLS as it comes
	$(Q)tests/bench/crypto $(DEPS) $(B)
bench-broker: programs $(DEMO) ## the broker beside haproxy, stunnel and squid: build/bench/broker.json
	$(Q)tests/bench/broker $(B)

# What it costs a page that the stick compiles no script.
$(call program,tests/script,tests/bench/script.c,kiosk_web firmware,$(WEBKIT_LIBS),$(WEBKIT_CFLAGS))
.PHONY: bench-script
bench-script: $(B)/tests/script ## a script-heavy page with and without JavaScriptCore's compilers
	$(Q)tests/bench/compiler $(B)
