$(call library,boot,firmware/boot/record.c)
