$(call library,link,$(addprefix launcher/link_,radio.c starter.c view.c wifi.c wpa.c))
# what link, the launcher and the kiosk say of networks
$(call library,wifi,launcher/wifi.c)
LAUNCHER_LIBRARIES += link wifi foreign boot
$(call program,dhcp-hook,launcher/dhcphook.c,firmware,-lseccomp,,-static-pie)
