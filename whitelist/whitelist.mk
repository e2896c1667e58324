$(call library,whitelist,$(wildcard whitelist/*.c))

# The public suffix list as a table in suffix.c.
SUFFIXES := $(B)/include/whitelist/suffixes.h
$(SUFFIXES): whitelist/suffixes.py /usr/share/publicsuffix/public_suffix_list.dat
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && whitelist/suffixes.py /usr/share/publicsuffix/public_suffix_list.dat >$@
$(addprefix $(B)/,plain/whitelist/suffix.o asan/whitelist/suffix.o tidy/whitelist/suffix.ok): $(SUFFIXES)
