$(call fuzz,reply,launcher/agent_talk.c,-ljansson)
