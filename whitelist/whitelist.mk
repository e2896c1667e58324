$(call library,whitelist,$(wildcard whitelist/*.c))
