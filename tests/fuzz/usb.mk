$(call fuzz,usb,firmware/boot/usbjudge.c,)
