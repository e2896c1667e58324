$(call program,qmp,tests/e2e/qmp.c,,-ljansson)

E2E_NEEDS += $(B)/vm/initrd $(B)/qmp $(DEMO) $(B)/sekisho.img $(B)/enrolment.img $(GATEWAY_DEB)
