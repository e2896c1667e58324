.PHONY: run
run: $(B)/vm/initrd $(B)/qmp $(DEMO) $(B)/sekisho.img $(GATEWAY_DEB) ## gateway, bank and stick in emulated machines, to look at
	$(Q)exec tests/run/run $(B)
