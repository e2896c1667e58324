$(call fuzz,provision,launcher/provision.c launcher/wifi.c firmware/lib/base64.c firmware/lib/buf.c,-ljansson)
