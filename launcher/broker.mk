$(call library,broker,$(wildcard launcher/broker_*.c))
LAUNCHER_LIBRARIES += broker refusal
LAUNCHER_LIBS += $(CURL_LIBS) -lcares -ljansson
