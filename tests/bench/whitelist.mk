$(call program,bench/whitelist,tests/bench/whitelist.c,whitelist firmware,$(MBEDTLS_LIBS) -ljansson)
.PHONY: bench-whitelist
bench-whitelist: $(B)/bench/whitelist ## look-ups: a host of a policy, an envelope, a known bad host among 10 million
	$(call say,BENCH,whitelist)
	$(Q)mkdir -p $(B)/figures && $(B)/bench/whitelist >$(B)/bench/whitelist.json.new
	$(Q)jq 'with_entries(.key |= "whitelist_" + .)' $(B)/bench/whitelist.json.new >$(B)/figures/whitelist.json
	$(Q)mv $(B)/bench/whitelist.json.new $(B)/bench/whitelist.json && jq . $(B)/bench/whitelist.json
