# Made once per checkout and then kept: the stick's keys and the policy's signatures are in it.
DEMO := $(B)/demo/done
$(DEMO): | $(B)/sekisho
	$(call say,DEMO,$(B)/demo)
	$(Q)tests/demo/provision $(B)

.PHONY: demo
demo: $(DEMO)
