include image/config.mk
include $(wildcard image/cli/*.mk image/kernel/*.mk image/usr/*.mk image/root/*.mk image/disk/*.mk image/sign/*.mk vpn/package/*.mk)
