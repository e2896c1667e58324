$(call library,agent,$(wildcard launcher/agent_*.c))
LAUNCHER_LIBRARIES += agent
LAUNCHER_LIBS += $(CURL_LIBS) -ljansson
