$(call fuzz,names,launcher/broker_names.c launcher/broker_host.c whitelist/names.c,-lcares)
