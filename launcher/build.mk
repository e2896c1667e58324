# Each area's own file adds its libraries; the one program is linked after all of them were read:
#   LAUNCHER_LIBRARIES += NAME   an archive of this folder, from $(call library,NAME,...)
#   LAUNCHER_LIBS += -lname      what it needs beside
include $(filter-out launcher/build.mk,$(wildcard launcher/*.mk))

$(call program,launcher,launcher/main.c $(wildcard launcher/*proc.c),\
  $(filter-out boot,$(LAUNCHER_LIBRARIES)) boot vpn_device wireguard whitelist firmware,$(LAUNCHER_LIBS),,$(CLIENT_WRAPS))
