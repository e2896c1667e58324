include $(wildcard vpn/*/*.mk)
