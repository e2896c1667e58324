$(call fuzz,hello,launcher/broker_hello.c launcher/broker_host.c whitelist/names.c,)
