$(call program,qmp,tests/e2e/qmp.c,,-ljansson)
$(call program,remains,tests/e2e/remains.c,,$(MBEDTLS_LIBS))

E2E_NEEDS += $(B)/vm/initrd $(B)/qmp $(B)/remains $(DEMO) $(B)/sekisho.img $(B)/enrolment.img $(GATEWAY_DEB)
