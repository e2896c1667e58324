$(call fuzz,question,firmware/boot/usbquestion.c firmware/lib/buf.c,)
