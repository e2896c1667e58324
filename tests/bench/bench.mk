$(call program,bench/client,tests/bench/client.c,,-lssl -lcrypto)

.PHONY: bench-crypto bench-broker
bench-crypto: $(DEPS_STAMP) ## mbedTLS as we build it beside mbedTLS as it comes
	$(Q)tests/bench/crypto $(DEPS) $(B)
bench-broker: programs $(DEMO) ## the broker beside haproxy, stunnel and squid: build/bench/broker.json
	$(Q)tests/bench/broker $(B)

# What it costs a page that the stick compiles no script.
$(call program,tests/script,tests/bench/script.c,kiosk_web firmware,$(WEBKIT_LIBS),$(WEBKIT_CFLAGS))
.PHONY: bench-script
bench-script: $(B)/tests/script ## a script-heavy page with and without JavaScriptCore's compilers
	$(Q)tests/bench/compiler $(B)

# A bank's page in the stick's browser, through the broker and straight.
$(call program,bench/page,tests/bench/page.c tests/bench/cost.c,kiosk_web firmware,$(WEBKIT_LIBS),$(WEBKIT_CFLAGS))
$(call program,rig/line,tests/rig/line.c,vpn_device firmware,)
.PHONY: bench-page
bench-page: programs $(DEMO) ## a bank's page through the broker and straight, over a slow line: build/bench/page.json
	$(Q)tests/bench/page $(B)

# The same on the stick in an emulated PC: the shipped image with that browser and a helper more, which is started in
# init's place. Kernel, /usr and all other programs are the same files.
$(call program,bench/pacer,tests/bench/pacer.c,firmware,,,-static-pie)
ifneq ($(IMAGE),$(B)/bench/disk/sekisho.img)
$(B)/bench/disk/sekisho.img: $(B)/bench/pacer $(B)/bench/page $(IMAGE)
	$(Q)$(MAKE) --no-print-directory DISK=$(B)/bench/disk IMAGE=$@ IMAGE_KERNEL='$(KERNEL)/bzImage' \
	  CONFIG_DEVEL=y CONFIG_DEVEL_CMDLINE=init=/sekisho/pacer \
	  STICK_PROGRAMS="$(STICK_PROGRAMS) $(B)/bench/pacer $(B)/bench/page" $@
endif
.PHONY: bench-stick
bench-stick: $(B)/vm/initrd $(B)/qmp $(DEMO) $(GATEWAY_DEB) $(B)/bench/disk/sekisho.img ## the same on the emulated PC, through its tunnel: build/bench/page-stick.json
	$(Q)B=$(B) tests/bench/stick

# A gateway under a whole fleet's beacons.
$(call program,bench/fleet,$(wildcard tests/bench/fleet/*.c),vpn_gateway agent vpn_admission whitelist firmware,$(CURL_LIBS) $(GATEWAY_LIBS) -Wl$(comma)--wrap=time)
.PHONY: bench-gateway bench-alarms
bench-gateway: programs bench-peers ## the gateway under a fleet's beacons, beside nginx: build/bench/gateway.json
	$(Q)tests/bench/gateway $(B)
bench-alarms: $(B)/bench/fleet ## what a day's troubles of 1.773 million sticks become at the desk: build/bench/alarms.json
	$(Q)tests/bench/alarms $(B)
# The gateway's peers on a real WireGuard: in a machine of Debian's own kernel.
$(call program,bench/peers-wg,tests/bench/peers/peers.c $(addprefix vpn/gateway/,backend.c backend_kernel.c wgdump.c peers_seen.c),vpn_device wireguard firmware,,-isystem $(WG_EMBEDDED),-static-pie)
.PHONY: bench-peers
bench-peers: $(B)/bench/peers-wg $(B)/vm/initrd ## 50,000 peers of a real WireGuard read and changed: build/bench/peers.json
	$(Q)tests/bench/peers/peers $(B)
