$(call fuzz,frames,firmware/lib/msg.c firmware/lib/buf.c,)
