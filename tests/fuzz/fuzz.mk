# $(call fuzz,NAME,SOURCES,LIBS[,CFLAGS]) - the harness tests/fuzz/NAME.c over SOURCES: unit test fuzz_NAME replays its
# corpus, and $(B)/fuzz/NAME is built with libFuzzer, for `make fuzz`.
# Read before the others in this folder (tests/build.mk).
FUZZERS :=
TIME ?= 60
define fuzz
$(call unit,fuzz_$(1),tests/fuzz/$(1).c tests/fuzz/replay.c $(2),,$(3))
$(eval $(call fuzz_for,$(1),$(2),$(3),$(4)))$(eval FUZZERS += $(B)/fuzz/$(1))
endef
define fuzz_for
$(if $(4),$(eval CFLAGS_of_tests/fuzz/$(1).c := $(4)))
$(B)/fuzz/$(1): tests/fuzz/$(1).c $(2) $(DEPS_STAMP) $(SUFFIXES)
	$$(call say,FUZZ,$$@)
	$$(Q)mkdir -p $$(@D) && $(CLANG) $(CPPFLAGS) $(4) -std=c17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $$@ $$(filter %.c,$$^) $(3)
endef

# One process at a time. What is found and counted stays in the cache: see tests/fuzz/run.
.PHONY: fuzz
fuzz: ## every fuzz harness for TIME seconds each (60): crashes and counts stay in the cache
	$(Q)$(MAKE) --no-print-directory $(FUZZERS)
	$(call say,FUZZ,$(words $(FUZZERS)) harnesses for $(TIME) s each)
	$(Q)tests/fuzz/run $(B) $(CACHE) $(TIME) $(FUZZERS)
