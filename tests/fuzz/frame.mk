$(call fuzz,frame,firmware/lib/msg.c firmware/lib/buf.c,)
