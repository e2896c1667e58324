# Static checks. Each leaves a stamp, so that a second run looks only at what changed.
C_FILES := $(filter-out vpn/console/%,$(shell find firmware whitelist vpn launcher image tests -name '*.c' -o -name '*.h'))
MAN_PAGES := $(shell find firmware whitelist vpn launcher image tests -name '*.[1-8]')

.PHONY: check check-format check-tidy check-includes check-tree check-man
check: check-format check-includes check-tree check-man check-tidy ## format, includes, tree, manual pages, clang-tidy

check-format:
	$(call say,CHECK,format)
	$(Q)clang-format --dry-run -Werror $(C_FILES)
check-includes:
	$(call say,CHECK,includes)
	$(Q)tests/check/includes
check-tree:
	$(call say,CHECK,tree)
	$(Q)tests/check/tree
check-man:
	$(call say,CHECK,manual pages)
	$(Q)$(if $(MAN_PAGES),mandoc -T lint -W warning $(MAN_PAGES))

TIDIED := $(patsubst %.c,$(B)/tidy/%.ok,$(sort $(SOURCES)))
check-tidy: $(TIDIED)
$(B)/tidy/%.ok: %.c .clang-tidy | $(DEPS_STAMP)
	$(call say,TIDY,$*.c)
	$(Q)mkdir -p $(@D) && clang -MM -MP -MT $@ -MF $(@:.ok=.d) $(CPPFLAGS) -std=c17 $(CFLAGS_of_$*.c) $*.c
	$(Q)clang-tidy --quiet $*.c -- $(CPPFLAGS) -std=c17 $(CFLAGS_of_$*.c) 2>$@.log || { cat $@.log; exit 1; }
	$(Q)touch $@
-include $(wildcard $(TIDIED:.ok=.d))
