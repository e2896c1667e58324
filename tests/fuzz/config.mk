$(call fuzz,config,vpn/gateway/config.c firmware/lib/base64.c vpn/gateway/names.c firmware/lib/buf.c whitelist/names.c,)
