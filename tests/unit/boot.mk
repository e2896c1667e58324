$(call unit,record,tests/unit/record.c,boot firmware,-ljansson $(MBEDTLS_LIBS))
