# Runs on the host: prepares the build root once, then enters it for every goal.
SHELL := /bin/sh
export SEKISHO_STARTED := $(shell date +%s)
SEKISHO_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sekisho
ROOT_KEY := $(shell cat image/buildroot/packages image/buildroot/make-root image/buildroot/fetch-source | sha256sum | cut -c1-12)
ROOT := $(SEKISHO_CACHE)/root-$(ROOT_KEY)
GOALS := $(or $(MAKECMDGOALS),all)
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: $(GOALS) in-root
.NOTPARALLEL:
$(GOALS): in-root ;
in-root: | $(ROOT)
	@exec image/buildroot/enter $(ROOT) $(CURDIR) $(SEKISHO_CACHE) make --no-print-directory $(JOBS) $(MAKEOVERRIDES) $(GOALS)
$(ROOT):
	@mkdir -p $(SEKISHO_CACHE)
	@image/buildroot/make-root $@
