# sekisho(1). A command is one file here; what it links is named below.
$(call program,sekisho,$(wildcard image/cli/*.c),vpn_gateway wireguard whitelist boot firmware,$(MBEDTLS_LIBS) -ljansson)
