$(call fuzz,provision,launcher/provision.c firmware/lib/base64.c firmware/lib/buf.c,-ljansson)
