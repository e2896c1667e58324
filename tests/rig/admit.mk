# A stick's share of an admission: see tests/rig/admit.c and admit-stick.
$(call program,rig/admit,tests/rig/admit.c,agent launcher wifi vpn_admission boot firmware,$(MBEDTLS_LIBS) -ljansson -largon2)
INTEGRATION_NEEDS += $(B)/rig/admit
