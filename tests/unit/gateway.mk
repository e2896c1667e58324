$(call unit,gateway_beacon,tests/unit/gateway_beacon.c,vpn_gateway firmware,-ljansson)
$(call unit,gateway_health,tests/unit/gateway_health.c,vpn_gateway firmware,)
$(call unit,gateway_connection,tests/unit/gateway_connection.c,vpn_gateway firmware,)
$(call unit,gateway_peers,tests/unit/gateway_peers.c,vpn_gateway firmware,)
$(call unit,gateway_text,tests/unit/gateway_text.c,vpn_gateway whitelist firmware,-ljansson $(MBEDTLS_LIBS) -lm)
$(call unit,gateway_egress,tests/unit/gateway_egress.c,vpn_gateway whitelist firmware,-ljansson $(MBEDTLS_LIBS) -lm)
$(call unit,gateway_store,tests/unit/gateway_store.c,vpn_gateway vpn_admission firmware,-lsqlite3 -lpq $(MBEDTLS_LIBS) -largon2)
$(call unit,gateway_kept,tests/unit/gateway_kept.c,vpn_gateway vpn_admission firmware,-lsqlite3 -lpq $(MBEDTLS_LIBS) -largon2)
$(call unit,gateway_backup,tests/unit/gateway_backup.c,vpn_gateway vpn_admission firmware,-lsqlite3 -lpq -ljansson $(MBEDTLS_LIBS) -largon2)
$(call unit,gateway_hub,tests/unit/gateway_hub.c,vpn_gateway vpn_admission whitelist firmware,-lsqlite3 -lpq -ljansson -largon2 $(MBEDTLS_LIBS) -lm -Wl$(comma)--wrap=malloc)

INTEGRATION_NEEDS += $(B)/gatewayd $(B)/sekisho
# tests/integration/postgres.t
INTEGRATION_NEEDS += $(addprefix $(B)/unit/gateway_,store audit hub turns backup kept)
$(call unit,gateway_audit,tests/unit/gateway_audit.c,vpn_gateway firmware,-lsqlite3 -lpq -ljansson $(MBEDTLS_LIBS))
$(call unit,gateway_admit,tests/unit/gateway_admit.c,vpn_gateway vpn_admission firmware,-lsqlite3 -lpq -largon2 $(MBEDTLS_LIBS))
$(call unit,pin,tests/unit/pin.c,vpn_admission firmware,-largon2 $(MBEDTLS_LIBS))
$(call unit,gateway_desk,tests/unit/gateway_desk.c,vpn_gateway firmware,$(MBEDTLS_LIBS))
$(call unit,gateway_turns,tests/unit/gateway_turns.c,vpn_gateway vpn_admission whitelist firmware,-lsqlite3 -lpq -ljansson -largon2 $(MBEDTLS_LIBS) -lm -Wl$(comma)--wrap=time)
