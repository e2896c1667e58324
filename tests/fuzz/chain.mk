$(call fuzz,chain,$(addprefix whitelist/,chain.c chain_checks.c chain_fault.c names.c suffix.c),$(MBEDTLS_LIBS))
