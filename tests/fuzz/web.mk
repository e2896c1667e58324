# HTTP_UNDER: api.mk, which is read before
$(call fuzz,web,$(HTTP_UNDER) vpn/gateway/login.c vpn/gateway/streams.c,-ljansson -lgnutls $(MBEDTLS_LIBS))
