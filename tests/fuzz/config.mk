$(call fuzz,config,vpn/gateway/config.c vpn/gateway/names.c firmware/lib/buf.c whitelist/names.c,)
