# The parent's own libraries: nothing in them waits, so that each can be tested without a process.
$(call library,launcher,launcher/states.c launcher/supervise.c launcher/provision.c launcher/briefs.c)
LAUNCHER_LIBRARIES += launcher
LAUNCHER_LIBS += -lnftables -ljansson -lseccomp
