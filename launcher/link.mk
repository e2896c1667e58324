$(call library,link,launcher/link_view.c launcher/link_starter.c)
LAUNCHER_LIBRARIES += link foreign boot
$(call program,dhcp-hook,launcher/dhcphook.c,firmware,-lseccomp,,-static-pie)
