# $(call fuzz,NAME,SOURCES,LIBS) - the harness tests/fuzz/NAME.c over SOURCES: unit test fuzz_NAME replays its corpus,
# and `make $(B)/fuzz/NAME` builds it with libFuzzer: $(B)/fuzz/NAME tests/fuzz/corpus/NAME
# Read before the others in this folder (tests/build.mk).
define fuzz
$(call unit,fuzz_$(1),tests/fuzz/$(1).c tests/fuzz/replay.c $(2),,$(3))
$(eval $(call fuzz_for,$(1),$(2),$(3)))
endef
define fuzz_for
$(B)/fuzz/$(1): tests/fuzz/$(1).c $(2) $(DEPS_STAMP)
	$$(call say,FUZZ,$$@)
	$$(Q)mkdir -p $$(@D) && $(CLANG) $(CPPFLAGS) -std=c17 -O1 -g -fsanitize=fuzzer,address,undefined -o $$@ $$(filter %.c,$$^) $(3)
endef
