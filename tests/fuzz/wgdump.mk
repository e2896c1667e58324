$(call fuzz,wgdump,$(addprefix vpn/gateway/,wgdump.c peers_seen.c backend.c),)
