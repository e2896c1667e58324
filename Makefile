# Sekisho. `make help` lists what can be made.
#
# On the host this file only prepares the build root and enters it; everything else runs inside, so that any Debian
# builds the same bits. Each folder's build.mk names its own sources with the functions below; nothing recurses.

ifeq ($(wildcard /etc/sekisho-buildroot),)
include image/buildroot/host.mk
else

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

B ?= build
CACHE := /cache
V ?= 0
ifeq ($(V),0)
Q := @
STARTED := $(or $(SEKISHO_STARTED),$(shell date +%s))
say = @printf '%4d s  %-8s %s\n' "$$(($$(date +%s) - $(STARTED)))" '$(1)' '$(2)'
else
Q :=
say = @:
endif

CC := gcc
AR := gcc-ar
CLANG := clang

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef \
  -Wwrite-strings
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero -fPIE
CPPFLAGS = -I. -I$(B)/include -isystem $(DEPS)/include -D_GNU_SOURCE
CFLAGS := -std=c17 -O2 -g1 $(WARN) $(HARDEN) -ffile-prefix-map=$(CURDIR)=.
CFLAGS_plain := -D_FORTIFY_SOURCE=3
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
LDFLAGS_plain :=
LDFLAGS_asan := -fsanitize=address,undefined

# $(call library,NAME,SOURCES[,CFLAGS]) - archives $(B)/plain/NAME.a and $(B)/asan/NAME.a
define library
$(eval $(call library_for,$(1),$(2),plain,$(3)))
$(eval $(call library_for,$(1),$(2),asan,$(3)))
endef
define library_for
$(B)/$(3)/$(1).a: $(patsubst %.c,$(B)/$(3)/%.o,$(2))
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && $(AR) rcsD $$@ $$^
$(if $(4),$(foreach s,$(2),$(eval CFLAGS_of_$(s) := $(4))))
SOURCES += $(filter-out /% $(B)/%,$(2))
endef

# $(call program,PATH,SOURCES,LIBRARIES,LIBS[,CFLAGS[,LDFLAGS]]) - program $(B)/PATH, hardened
# $(call unit,NAME,SOURCES,LIBRARIES,LIBS) - cmocka program $(B)/unit/NAME with ASan and UBSan, run by `make unit`
define program
$(eval $(call program_for,$(1),$(2),$(3),$(4),plain,$(5),$(6)))$(eval PROGRAMS += $(B)/$(1))
endef
define unit
$(eval $(call program_for,unit/$(1),$(2),$(3),$(4) -lcmocka,asan,,))$(eval UNITS += $(B)/unit/$(1))
endef
define program_for
$(B)/$(1): $(patsubst %.c,$(B)/$(5)/%.o,$(2)) $(foreach l,$(3),$(B)/$(5)/$(l).a)
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) && $(CC) $(if $(findstring -static,$(7)),$(filter-out -pie,$(LDFLAGS)),$(LDFLAGS)) $(LDFLAGS_$(5)) $(7) -o $$@ $$^ $(4)
$(if $(6),$(foreach s,$(2),$(eval CFLAGS_of_$(s) := $(6))))
SOURCES += $(filter-out /% $(B)/%,$(2))
endef

define compile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$(1)) $(CFLAGS_of_$<) -MMD -MP -c -o $@ $<
endef

# mbedTLS and curl, static, from Debian's sources: see image/deps.mk
MBEDTLS_LIBS = $(DEPS)/lib/libmbedtls.a $(DEPS)/lib/libmbedx509.a $(DEPS)/lib/libmbedcrypto.a
CURL_LIBS = $(DEPS)/lib/libcurl.a $(MBEDTLS_LIBS)

include image/deps.mk
include firmware/build.mk whitelist/build.mk vpn/build.mk launcher/build.mk image/build.mk tests/build.mk

$(B)/plain/%.o: %.c $(DEPS_STAMP)
	$(call compile,plain)
$(B)/asan/%.o: %.c $(DEPS_STAMP)
	$(call compile,asan)

# What a person asks for. `make test` is the order of the tests: what fails cheapest comes first.
.PHONY: all help test check unit integration e2e image run report clean
all: programs

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

programs: $(PROGRAMS) ## every program, into build/

clean: ## remove build/ (the cache outside the tree stays)
	$(Q)rm -rf $(B)

-include $(shell find $(B)/plain $(B)/asan -name '*.d' 2>/dev/null)

endif
