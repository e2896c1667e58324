$(call fuzz,connection,vpn/gateway/connection.c vpn/gateway/names.c firmware/lib/buf.c whitelist/names.c,)
