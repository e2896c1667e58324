$(call fuzz,indicators,launcher/agent_inquiry.c whitelist/names.c whitelist/suffix.c $(wildcard whitelist/indicators*.c) firmware/lib/base64.c,$(MBEDTLS_LIBS) -ljansson)
