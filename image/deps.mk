# mbedTLS and libcurl from Debian's source packages, built once per configuration and kept in the cache.
# Other projects' makefiles want the built-in rules that ours does without: MAKEFLAGS stays here.
DEPS_INPUTS := image/deps.sh firmware/lib/mbedtls_config.h image/mbedtls-x25519.patch
DEPS_KEY := $(shell cat $(DEPS_INPUTS) /usr/src/packages/versions | sha256sum | cut -c1-12)
DEPS := $(CACHE)/deps/$(DEPS_KEY)
DEPS_STAMP := $(DEPS)/done
$(DEPS_STAMP): $(DEPS_INPUTS)
	$(call say,DEPS,mbedTLS and curl from source)
	$(Q)env -u MAKEFLAGS -u MFLAGS sh image/deps.sh $(DEPS) firmware/lib/mbedtls_config.h image/mbedtls-x25519.patch
