$(call program,rig/broker,tests/rig/broker.c launcher/ground.c launcher/pem.c,refusal vpn_device wireguard firmware,$(MBEDTLS_LIBS) -ljansson)
INTEGRATION_NEEDS += $(B)/rig/broker $(B)/launcher $(DEMO)
# A PKCS#11 module for the tests of launcher/token.
$(call program,rig/token_shim.so,tests/rig/token_shim.c,,,-fPIC -isystem /usr/include/p11-kit-1,-shared)
INTEGRATION_NEEDS += $(B)/token $(B)/rig/token_shim.so
