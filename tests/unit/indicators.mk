$(call unit,indicators,tests/unit/indicators.c,agent whitelist firmware,$(MBEDTLS_LIBS) -ljansson)
