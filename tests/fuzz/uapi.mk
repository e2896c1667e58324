$(call fuzz,uapi,vpn/gateway/backend_uapi.c vpn/gateway/backend.c firmware/lib/buf.c,)
