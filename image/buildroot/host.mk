# Runs on the host: prepares the build root once, then enters it for every goal.
SHELL := /bin/sh
export SEKISHO_STARTED := $(shell date +%s)
SEKISHO_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sekisho
ROOT_KEY := $(shell cat $(addprefix image/buildroot/,packages host.sh make-root fetch-source) | sha256sum | cut -c1-12)
ROOT := $(SEKISHO_CACHE)/root-$(ROOT_KEY)
# The test machines' base is made on the host too, because mmdebstrap wants root: see tests/vm/make-base.
VM_KEY := $(shell cat image/buildroot/host.sh $(addprefix tests/vm/,packages make-base trim-base) | sha256sum | cut -c1-12)
VM_BASE := $(SEKISHO_CACHE)/vm-$(VM_KEY)
PC_BASE := $(SEKISHO_CACHE)/pc-$(shell cat image/buildroot/host.sh tests/vm/make-pc | sha256sum | cut -c1-12)
GOALS := $(or $(MAKECMDGOALS),all)
# What Wi-Fi cards load, unless it is left out: see image/firmware. Whoever only checks and compiles needs none of it.
FIRMWARE := $(SEKISHO_CACHE)/firmware-$(shell cat image/firmware/cards image/firmware/fetch | sha256sum | cut -c1-12)
FIRMWARE_WANTED := $(if $(shell grep -s '^. CONFIG_WIFI_FIRMWARE is not set' build/.config),,$(filter image flash run report test e2e test-e2e attack evidence build/%,$(GOALS)))
# A collection of certificate chains that is not ours to ship: tests/unit/limbo.c reads it where it is there.
LIMBO := $(or $(SEKISHO_LIMBO),$(wildcard ../shared/data/limbo.flat))
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: $(GOALS) in-root
.NOTPARALLEL:
$(GOALS): in-root ; @:
in-root: | $(ROOT) $(if $(filter run test e2e test-e2e attack vm demo,$(GOALS)),$(VM_BASE)) $(if $(filter test e2e test-e2e attack pc,$(GOALS)),$(PC_BASE)) $(if $(FIRMWARE_WANTED),$(FIRMWARE))
	@if [ -f "$(LIMBO)" ]; then mkdir -p build && cp -f "$(LIMBO)" build/limbo.flat; fi
	@exec image/buildroot/enter $(ROOT) $(CURDIR) $(SEKISHO_CACHE) make --no-print-directory $(JOBS) $(MAKEOVERRIDES) $(GOALS)
$(ROOT):
	@mkdir -p $(SEKISHO_CACHE)
	@image/buildroot/make-root $@
$(FIRMWARE):
	@image/firmware/fetch $@
$(VM_BASE):
	@mkdir -p $(SEKISHO_CACHE)
	@tests/vm/make-base $@
$(PC_BASE):
	@mkdir -p $(SEKISHO_CACHE)
	@tests/vm/make-pc $@
