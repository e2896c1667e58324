$(call fuzz,wifi,launcher/link_wifi.c launcher/link_wpa.c launcher/wifi.c firmware/lib/buf.c,)
