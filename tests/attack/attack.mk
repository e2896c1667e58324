# The attacker is static: as the first process of the development image it runs before /usr is mounted.
$(call program,attacker,$(addprefix tests/attack/,air.c air_answer.c attacker.c exhaust.c network.c packets.c run.c system.c),vpn_device firmware,-lseccomp,,-static-pie)
$(call program,rig/rows,tests/attack/rows.c,parent launcher wifi firmware,-ljansson -lseccomp)
INTEGRATION_NEEDS += $(B)/attacker $(B)/rig/rows

# The image under attack: the shipped one with this one program more, which is started in init's place and becomes init,
# and with the words that a DEVEL image's command line has. Kernel, /usr and all other programs are the same files.
ifneq ($(IMAGE),$(B)/devel/sekisho.img)
$(B)/devel/sekisho.img: $(B)/attacker $(IMAGE)
	$(Q)$(MAKE) --no-print-directory DISK=$(B)/devel IMAGE=$@ IMAGE_KERNEL='$(KERNEL)/bzImage' \
	  CONFIG_DEVEL=y CONFIG_DEVEL_CMDLINE=init=/sekisho/attacker \
	  STICK_PROGRAMS="$(STICK_PROGRAMS) $(B)/attacker" $@
endif
E2E_NEEDS += $(B)/devel/sekisho.img

# The shipped image with the memory's wipe taken out: the kernel does not clear what is freed, and PID 1, which is the
# shipped one's sources, overwrites nothing. For tests/attack/unwiped.t alone.
$(call program,unwiped/init,firmware/boot/init.c tests/attack/no_wipe.c,boot firmware,-lseccomp,,-static-pie -Wl$(comma)--wrap=setup_wipe)
ifneq ($(IMAGE),$(B)/unwiped/sekisho.img)
$(B)/unwiped/sekisho.img: $(B)/unwiped/init $(IMAGE)
	$(Q)$(MAKE) --no-print-directory DISK=$(B)/unwiped IMAGE=$@ IMAGE_KERNEL='$(KERNEL)/bzImage' \
	  CONFIG_DEVEL=y CONFIG_DEVEL_CMDLINE=init_on_free=0 \
	  STICK_PROGRAMS="$(filter-out $(B)/init,$(STICK_PROGRAMS)) $(B)/unwiped/init" $@
endif
test-attack: $(B)/unwiped/sekisho.img

# The same once more with radios made of software, which the shipped kernel has no driver for, and hostapd, which the
# attacker runs as the access points around the stick (tests/attack/air.h).
ifneq ($(IMAGE),$(B)/air/sekisho.img)
$(B)/air/sekisho.img: $(B)/attacker $(IMAGE)
	$(Q)$(MAKE) --no-print-directory DISK=$(B)/air IMAGE=$@ IMAGE_KERNEL='$(KERNEL)/devel/bzImage' \
	  CONFIG_DEVEL=y CONFIG_DEVEL_CMDLINE='"init=/sekisho/attacker mac80211_hwsim.radios=3"' \
	  STICK_PROGRAMS="$(STICK_PROGRAMS) $(B)/attacker /usr/sbin/hostapd" $@
endif
test-attack: $(B)/air/sekisho.img

# The shipped kernel with drivers for a PC's own disks, kept in the cache like the shipped one.
WITH_DISKS := $(CACHE)/kernel-$(shell { echo $(KERNEL_KEY); cat tests/attack/disks.config; } | sha256sum | cut -c1-12)
$(WITH_DISKS)/bzImage: # not in `make test`
	$(call say,KERNEL,with drivers for disks: about ten minutes on two cores)
	$(Q)sed 's/=y$$/=n/' tests/attack/disks.config | grep -vxFf - $(KERNEL_FRAGMENT) | cat - tests/attack/disks.config >$(B)/with-disks.config
	$(Q)env -u MAKEFLAGS -u MFLAGS image/kernel/build $(@D) $(B)/with-disks.config /dev/null
$(B)/with-disks: $(WITH_DISKS)/bzImage
	$(Q)ln -sfn $(<D) $@
test-attack: $(B)/with-disks

# A test that cannot fail is no test: each wall is taken away, and the same attacks must get through.
.PHONY: attack
attack: programs $(INTEGRATION_NEEDS) ## take each wall away and see the attacks succeed
	$(Q)for wall in wall tunnel; do \
	  if B=$(B) tests/integration/attack.t $$wall >$(B)/attack-without-$$wall.log 2>&1; then \
	    echo "sekisho: without the $$wall nothing got through: the test proves nothing" >&2; exit 1; fi; \
	  grep -E '^# [0-9]+ attacks' $(B)/attack-without-$$wall.log | sed "s/^#/  without the $$wall:/"; done

.PHONY: evidence
evidence: ## what the build and the tests proved, to read: build/evidence/README.md
	$(Q)tests/attack/evidence.py $(B)
