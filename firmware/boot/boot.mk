$(call library,boot,firmware/boot/record.c firmware/boot/wallrules.c)
$(call program,wall,firmware/boot/wallproc.c,boot firmware,-lnftables -lseccomp)
