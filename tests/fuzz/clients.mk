$(call fuzz,clients,launcher/keyholder_transcript.c firmware/lib/pkcs11uri.c launcher/broker_hello.c launcher/broker_host.c whitelist/names.c tests/fuzz/still.c firmware/lib/buf.c,$(MBEDTLS_LIBS))
