$(call unit,broker_hello,tests/unit/broker_hello.c,broker whitelist,)
$(call unit,broker_names,tests/unit/broker_names.c,broker whitelist,-lcares)
