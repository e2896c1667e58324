comma := ,
# first: the function that the harnesses beside it are named with
include tests/fuzz/fuzz.mk
include $(filter-out tests/check/% tests/fuzz/fuzz.mk,$(wildcard tests/*/*.mk))
# last: it looks at every source the others named
include tests/check/check.mk

# Each level runs all its test programs through prove and fails if one fails. A level's programs are whatever speaks
# TAP in its folder, and the cmocka programs of tests/unit.
INTEGRATION_TESTS := $(sort $(wildcard tests/integration/*.t))
E2E_TESTS := $(sort $(wildcard tests/e2e/*.t))
ATTACK_TESTS := $(sort $(wildcard tests/attack/*.t))
# how long a start takes is a figure: with nothing else running
E2E_TIMED := tests/e2e/first-light.t

.PHONY: test-unit test-integration test-e2e
unit: test-unit ## unit tests, with ASan and UBSan
integration: test-integration ## broker, policy, gateway, wall, link in network namespaces
e2e: test-e2e ## the stick in an emulated PC, seen from outside

test-unit: $(UNITS)
	$(call say,TEST,unit)
	$(Q)tests/prove $(B) unit $(UNITS)
# They wait more than they work, and have namespaces of their own: several at once. A plain user may go back to a network
# namespace that he made, but not back to the machine's own.
test-integration: programs $(INTEGRATION_NEEDS)
	$(call say,TEST,integration)
	$(Q)unshare --net sh -c 'ip link set lo up && exec "$$@"' sh tests/prove $(B) integration --jobs 4 $(INTEGRATION_TESTS)
# Emulated machines wait more than they work, too: two programs at once, each stick on one processor then, because the
# processors of machines that wait for one another spin. The timed one has the PC with two that a figure is meant for.
test-e2e: $(E2E_NEEDS)
	$(call say,TEST,e2e)
	$(Q)$(if $(filter $(E2E_TIMED),$(E2E_TESTS)),tests/prove $(B) e2e-timed $(E2E_TIMED))
	$(Q)$(if $(filter-out $(E2E_TIMED),$(E2E_TESTS)),STICK_CPUS=1 tests/prove $(B) e2e --jobs 2 $(filter-out $(E2E_TIMED),$(E2E_TESTS)))

# Attacks on whole machines with a wall taken away, and what is too long for every day; see tests/attack/attack.mk too.
.PHONY: attack test-attack
attack: test-attack
test-attack: $(E2E_NEEDS)
	$(call say,TEST,attack)
	$(Q)STICK_CPUS=1 tests/prove $(B) attack --jobs 2 $(ATTACK_TESTS)

test: ## everything: static checks, unit, the state machine's proof, integration, e2e
	$(Q)rm -rf $(B)/tests
	$(Q)$(MAKE) --no-print-directory check
	$(Q)$(MAKE) --no-print-directory programs test-unit
	$(Q)$(MAKE) --no-print-directory test-model
	$(Q)$(MAKE) --no-print-directory test-integration
	$(Q)$(MAKE) --no-print-directory test-e2e
	$(Q)tests/sum $(B)

report: ## figures of the last image and the last e2e run: build/report.json and a table
	$(Q)tests/report $(B)
