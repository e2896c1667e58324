$(call unit,broker_hello,tests/unit/broker_hello.c,broker whitelist,)
$(call unit,broker_names,tests/unit/broker_names.c,broker whitelist,-lcares)
$(call unit,broker_report,tests/unit/broker_report.c,broker whitelist,)
$(call unit,broker_cert,tests/unit/broker_cert.c,broker whitelist firmware,$(MBEDTLS_LIBS) -lcares)
