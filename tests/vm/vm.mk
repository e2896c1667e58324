# The test machines' kernel, initramfs and root: see tests/vm/make-base for where the cached part comes from.
VM_KEY := $(shell cat image/buildroot/host.sh tests/vm/packages tests/vm/make-base tests/vm/trim-base | sha256sum | cut -c1-12)
VM_BASE := $(CACHE)/vm-$(VM_KEY)

$(call program,vm/early,tests/vm/early.c,,,,-static)

$(B)/vm/initrd: $(B)/vm/early $(VM_BASE)/vmlinuz
	$(call say,INITRD,$@)
	$(Q)rm -rf $@.d && mkdir -p $@.d/dev $@.d/root $@.d/modules && cp $(VM_BASE)/modules/* $@.d/modules/ && \
	  cp $< $@.d/init && cd $@.d && find . | sort | cpio --quiet -o -H newc -R 0:0 >../initrd.new && mv ../initrd.new ../initrd
	$(Q)ln -sfn $(VM_BASE) $(@D)/base

.PHONY: vm
vm: $(B)/vm/initrd
