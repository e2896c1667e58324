$(call fuzz,probe,vpn/device/probe.c,)
