GATEWAY_PROCESSES := $(addprefix vpn/gateway/,main.c parentproc.c apiproc.c webproc.c storeproc.c peersproc.c egressproc.c \
  policyproc.c lookupproc.c resolverproc.c withdraw.c backupproc.c)
GATEWAY_VERSION := 0.1.0
GATEWAY_LIBS := -lmicrohttpd -lgnutls -lsqlite3 -lpq -ljansson -largon2 -lnftables -lseccomp -lm

$(call library,vpn_gateway,$(filter-out $(GATEWAY_PROCESSES),$(wildcard vpn/gateway/*.c)),-isystem $(WG_EMBEDDED) \
  -DGATEWAY_VERSION='"$(GATEWAY_VERSION)"')
$(call program,gatewayd,$(GATEWAY_PROCESSES),vpn_gateway vpn_admission vpn_device wireguard whitelist firmware,$(MBEDTLS_LIBS) $(GATEWAY_LIBS),-isystem $(WG_EMBEDDED))
