$(call fuzz,checkpoint,firmware/lib/base64.c,$(MBEDTLS_LIBS))
