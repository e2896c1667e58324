$(call unit,broker_hello,tests/unit/broker_hello.c,broker,)
