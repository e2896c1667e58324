# the server on libmicrohttpd's stand-in, and what its handlers read with
HTTP_UNDER := tests/fuzz/mhd.c tests/fuzz/still.c vpn/gateway/http.c vpn/gateway/names.c firmware/lib/buf.c
$(call fuzz,api,$(HTTP_UNDER) vpn/gateway/beacon.c whitelist/names.c whitelist/indicators.c firmware/lib/base64.c,$(MBEDTLS_LIBS) -ljansson -lgnutls)
