# all that the store process is made of, and what comes to it later
HUB_WITHOUT := $(GATEWAY_PROCESSES) $(addprefix vpn/gateway/,backend.c backend_kernel.c backend_uapi.c egress.c http.c \
  keys.c login.c pages.c resolver.c setup.c streams.c withdraw.c)
$(call fuzz,hub,$(filter-out $(HUB_WITHOUT),$(wildcard vpn/gateway/*.c)) $(wildcard vpn/admission/*.c) $(wildcard firmware/lib/*.c) whitelist/names.c,-lsqlite3 -lpq -lseccomp -ljansson -largon2 -lm $(MBEDTLS_LIBS))
