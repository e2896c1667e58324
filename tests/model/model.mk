# The model of the stick's state machine and its proof: README.md here. Everything made goes to $(B)/model.
M := $(B)/model
MODEL := $(addprefix tests/model/,stick.pml launcher.pml claims.pml world.pml)

.PHONY: prove prove-attack test-model
attack: prove-attack
prove: test-model ## the state machine: spin looks at every state of its model
# The rows of the table altered one by one: each must be noticed. Outside CI, as all attacks on the tests themselves.
prove-attack: $(M)/pan
	$(call say,ATTACK,model)
	$(Q)tests/model/prove.t $(M)/pan --every-row
test-model: $(M)/pan
	$(call say,PROVE,launcher/states.def)
	$(Q)tests/prove $(B) model tests/model/prove.t

$(M)/names.h: launcher/messages.h launcher/states.h tests/model/names.awk
	$(Q)mkdir -p $(@D) && awk -f tests/model/names.awk launcher/messages.h launcher/states.h >$@
$(M)/stick.i: $(MODEL) launcher/states.def $(M)/names.h
	$(Q)$(CC) -E -P -x c -undef -I. -I$(B) -o $@ $<
$(M)/pan: $(M)/stick.i tests/model/rows.h
	$(call say,SPIN,$@)
	$(Q)cd $(M) && spin -a stick.i >spin.log || { cat spin.log; exit 1; }
	$(Q)$(CC) -O1 -w -DSAFETY -DCOLLAPSE -DNOFAIR -DMEMLIM=2048 -include tests/model/rows.h -o $@ $(M)/pan.c
