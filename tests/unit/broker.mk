$(call unit,broker_hello,tests/unit/broker_hello.c,broker,)
$(call unit,broker_names,tests/unit/broker_names.c,broker,-lcares)
