$(call program,rig/inject,tests/rig/inject.c,firmware,-lseccomp)
$(call program,rig/child,tests/rig/child.c,firmware,)
# A whole stick outside the image, see tests/rig/stick.
$(call program,rig/switch_root,tests/rig/switch_root.c,firmware,)
$(call program,rig/standin,tests/rig/standin.c,firmware,)
$(call program,tests/init,firmware/boot/init.c tests/rig/init_setup.c,boot firmware,-lseccomp,,-static-pie)
$(call program,tests/launcher,launcher/main.c $(wildcard launcher/*proc.c) tests/rig/rtnl_link.c,\
  $(filter-out boot,$(LAUNCHER_LIBRARIES)) boot vpn_device wireguard whitelist firmware,$(LAUNCHER_LIBS),,-Wl$(comma)--wrap=rtnl_link_add $(CLIENT_WRAPS))
# The same, with link, tunnel and agent driven by a test; only the objects of those three differ.
$(call program,tests/launcher-driven,launcher/main.c $(filter-out $(addprefix launcher/,linkproc.c tunnelproc.c agentproc.c),$(wildcard launcher/*proc.c)) \
  $(addprefix tests/rig/,rtnl_link.c driven.c driven_children.c),\
  $(filter-out boot,$(LAUNCHER_LIBRARIES)) boot vpn_device wireguard whitelist firmware,$(LAUNCHER_LIBS),,-Wl$(comma)--wrap=rtnl_link_add $(CLIENT_WRAPS))
$(call program,rig/customer,tests/rig/customer.c tests/rig/driven.c,firmware,)
$(call program,rig/payer,tests/rig/payer.c tests/rig/driven.c,firmware,)
INTEGRATION_NEEDS += $(B)/tests/launcher-driven $(B)/rig/customer $(B)/rig/payer
INTEGRATION_NEEDS += $(B)/rig/switch_root $(B)/rig/standin $(B)/tests/init $(B)/tests/launcher $(B)/kiosk $(B)/kiosk-web.so $(B)/wall $(B)/guard
$(call program,rig/filter,tests/rig/filter.c,firmware,-lseccomp)
INTEGRATION_NEEDS += $(B)/rig/filter
$(call program,tests/page,tests/rig/page.c launcher/kiosk/module.c,kiosk wifi refusal foreign firmware,$(KIOSK_LIBS),$(KIOSK_CFLAGS),-rdynamic -Wl$(comma)--whole-archive $(B)/plain/kiosk.a -Wl$(comma)--no-whole-archive)
$(call program,rig/probe,tests/rig/probe.c,,)
INTEGRATION_NEEDS += $(B)/rig/probe $(B)/tests/page $(B)/cell $(B)/lock.so
