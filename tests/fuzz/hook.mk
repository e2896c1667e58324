$(call fuzz,hook,tests/fuzz/still.c $(filter-out launcher/linkproc.c,$(wildcard launcher/link_*.c)) launcher/wifi.c vpn/device/rtnl.c firmware/lib/buf.c,)
