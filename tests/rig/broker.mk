$(call program,rig/broker,tests/rig/broker.c launcher/ground.c launcher/pem.c,refusal vpn_device wireguard firmware,$(MBEDTLS_LIBS) -ljansson)
INTEGRATION_NEEDS += $(B)/rig/broker $(B)/launcher $(DEMO)
