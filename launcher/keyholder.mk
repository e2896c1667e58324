# The key holder: what it signs, read and made. Without a loop.
$(call library,keyholder,$(wildcard launcher/keyholder_*.c))
LAUNCHER_LIBRARIES += keyholder
