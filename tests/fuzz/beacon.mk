$(call fuzz,beacon,vpn/gateway/beacon.c vpn/gateway/names.c firmware/lib/buf.c,-ljansson)
