# Made once per checkout and then kept: the stick's keys and the policy's signatures are in it. One without a
# PIN letter is of an earlier kind and made anew.
DEMO := $(B)/demo/letter.json
$(DEMO): | $(B)/sekisho
	$(call say,DEMO,$(B)/demo)
	$(Q)tests/demo/provision $(B)

.PHONY: demo
demo: $(DEMO)
