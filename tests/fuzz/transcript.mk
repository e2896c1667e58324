$(call fuzz,transcript,launcher/keyholder_transcript.c launcher/broker_hello.c launcher/broker_host.c whitelist/names.c,$(MBEDTLS_LIBS))
