$(call fuzz,record,firmware/boot/record.c firmware/lib/base64.c firmware/lib/buf.c,-ljansson $(MBEDTLS_LIBS))
