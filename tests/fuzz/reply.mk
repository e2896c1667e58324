$(call fuzz,reply,launcher/agent_talk.c firmware/lib/base64.c firmware/lib/buf.c,-ljansson)
