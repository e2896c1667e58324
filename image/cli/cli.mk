# sekisho(1). A command is one file here; what it links is named below.
$(call program,sekisho,$(wildcard image/cli/*.c),vpn_gateway vpn_admission wireguard whitelist boot firmware,$(MBEDTLS_LIBS) -ljansson -lgnutls -largon2)
# The header of PKCS#11 alone: the module is found when it is asked for.
CFLAGS_of_image/cli/token.c := -isystem /usr/include/p11-kit-1
