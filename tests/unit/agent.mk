$(call unit,agent_talk,tests/unit/agent_talk.c,agent firmware,-ljansson)
