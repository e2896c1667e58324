$(call fuzz,egress,$(addprefix vpn/gateway/,egress.c plan.c proxy.c resolver.c config.c names.c) firmware/lib/buf.c firmware/lib/base64.c firmware/lib/log.c whitelist/names.c,-ljansson)
