$(call library,broker,$(wildcard launcher/broker_*.c))
LAUNCHER_LIBRARIES += broker refusal
LAUNCHER_LIBS += $(CURL_LIBS) -lcares -ljansson
# mbedTLS signs for a client with a key that it has; the broker's is in another process (broker_client.h).
CLIENT_WRAPS := $(foreach f,mbedtls_pk_sign_ext mbedtls_pk_sign_restartable mbedtls_ssl_add_hs_msg_to_checksum,-Wl,--wrap=$(f))
