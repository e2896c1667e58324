$(call fuzz,cert,launcher/broker_cert.c launcher/broker_host.c whitelist/names.c firmware/lib/buf.c,$(MBEDTLS_LIBS))
