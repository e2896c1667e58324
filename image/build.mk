include $(wildcard image/cli/*.mk image/kernel/*.mk image/disk/*.mk vpn/package/*.mk)
