ifndef GATEWAY_DEB # two folders name this file
# The Debian package sekisho-gateway: same inputs, same bits.
GATEWAY_DEB := $(B)/sekisho-gateway_$(GATEWAY_VERSION)_amd64.deb
GATEWAY_MAN := vpn/gateway/gatewayd.8 vpn/gateway/gateway.conf.5 $(wildcard image/cli/sekisho.1 image/cli/sekisho-gateway.1 \
  image/cli/sekisho-policy.1 whitelist/whitelist.5 whitelist/indicators.5)
GATEWAY_FILES := $(wildcard vpn/package/*) $(wildcard vpn/console/*) $(GATEWAY_MAN) LICENSE

$(GATEWAY_DEB): $(B)/gatewayd $(B)/sekisho $(wildcard $(GATEWAY_FILES))
	$(call say,DEB,$@)
	$(Q)vpn/package/make-package $(B) $(GATEWAY_VERSION) $@ $(GATEWAY_MAN)

.PHONY: gateway-deb
gateway-deb: $(GATEWAY_DEB) ## the gateway as a Debian package
endif
