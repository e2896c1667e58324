$(call fuzz,uevent,firmware/boot/uevent.c,)
