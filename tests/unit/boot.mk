$(call unit,record,tests/unit/record.c,boot firmware,-ljansson $(MBEDTLS_LIBS))
$(call unit,init,tests/unit/init.c,boot firmware)
$(call unit,wall,tests/unit/wall.c,boot firmware)
$(call unit,link,tests/unit/link.c,link foreign firmware,-lseccomp)
