$(call fuzz,wall,firmware/boot/wallrules.c firmware/lib/buf.c,)
