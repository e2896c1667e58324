# The policy process: what decides and mints, without a loop.
$(call library,policy,$(wildcard launcher/policy_*.c))
LAUNCHER_LIBRARIES += policy
LAUNCHER_LIBS += $(MBEDTLS_LIBS) -ljansson
