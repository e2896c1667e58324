include $(wildcard whitelist/[!b]*.mk)
