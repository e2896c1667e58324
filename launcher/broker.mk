$(call library,broker,$(wildcard launcher/broker_*.c))
LAUNCHER_LIBRARIES += broker refusal
LAUNCHER_LIBS += $(CURL_LIBS) -lcares -ljansson
# mbedTLS signs for a client with a key that it has; the broker's is in another process (broker_client.h). And it ends the
# handshake of a server beside whose chain there is a certificate that it cannot read (broker_tls.c).
CLIENT_WRAPS := $(foreach f,mbedtls_pk_sign_ext mbedtls_pk_sign_restartable mbedtls_ssl_add_hs_msg_to_checksum \
  mbedtls_x509_crt_parse_der,-Wl,--wrap=$(f))
