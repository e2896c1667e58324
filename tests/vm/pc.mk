# An ordinary PC with USB and virtio disks, which `make flash` is tried on: see tests/vm/make-pc.
PC_KEY := $(shell cat image/buildroot/host.sh tests/vm/make-pc | sha256sum | cut -c1-12)
PC_BASE := $(CACHE)/pc-$(PC_KEY)

$(B)/vm/pc/initrd: $(B)/vm/early $(PC_BASE)/vmlinuz
	$(call say,INITRD,$@)
	$(Q)rm -rf $@.d && mkdir -p $@.d/dev $@.d/root $@.d/modules && cp $(PC_BASE)/modules/* $@.d/modules/ && \
	  cp $< $@.d/init && cd $@.d && find . | sort | cpio --quiet -o -H newc -R 0:0 >../initrd.new && mv ../initrd.new ../initrd
	$(Q)ln -sfn $(PC_BASE) $(@D)/base

.PHONY: pc
pc: $(B)/vm/pc/initrd
E2E_NEEDS += $(B)/vm/pc/initrd
