# The parent's own libraries: nothing in them waits, so that each can be tested without a process.
$(call library,launcher,$(addprefix launcher/,about.c backoff.c briefs.c pem.c provision.c states.c supervise.c))
# What holds back programs that are not ours.
$(call library,foreign,launcher/foreign.c)
# Its hands: children, namespaces, and the one state in the middle (stick.h).
$(call library,parent,$(addprefix launcher/,crew.c ground.c processes.c spawner.c) $(wildcard launcher/stick_*.c))
LAUNCHER_LIBRARIES += parent launcher refusal vpn_admission
LAUNCHER_LIBS += $(MBEDTLS_LIBS) -lnftables -ljansson -lseccomp -largon2
