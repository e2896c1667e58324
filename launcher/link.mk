$(call library,link,launcher/link_view.c launcher/link_starter.c launcher/foreign.c)
LAUNCHER_LIBRARIES += link boot
$(call program,dhcp-hook,launcher/dhcphook.c,,,,-static-pie)
