include $(wildcard launcher/[!b]*.mk)
