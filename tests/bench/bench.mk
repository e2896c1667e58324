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

# A bank's page in the stick's browser, through the broker and straight.
$(call program,bench/page,tests/bench/page.c,kiosk_web firmware,$(WEBKIT_LIBS),$(WEBKIT_CFLAGS))
$(call program,rig/line,tests/rig/line.c,vpn_device firmware,)
.PHONY: bench-page
bench-page: programs $(DEMO) ## a bank's page through the broker and straight, over a slow line: build/bench/page.json
	$(Q)tests/bench/page $(B)
