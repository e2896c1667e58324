$(call fuzz,wallproc,tests/fuzz/still.c firmware/boot/wallrules.c firmware/lib/buf.c,)
