# The test machines' kernel, initramfs and root: see tests/vm/make-base for where the cached part comes from.
VM_KEY := $(shell cat tests/vm/packages tests/vm/make-base tests/vm/trim-base | sha256sum | cut -c1-12)
VM_BASE := $(CACHE)/vm-$(VM_KEY)

$(call program,vm/early,tests/vm/early.c,,,,-static)

$(B)/vm/initrd: $(B)/vm/early
	$(call say,INITRD,$@)
	$(Q)rm -rf $@.d && mkdir -p $@.d/dev $@.d/root $@.d/modules && cp $(VM_BASE)/modules/* $@.d/modules/ && \
	  cp $< $@.d/init && cd $@.d && find . | sort | cpio --quiet -o -H newc -R 0:0 >../initrd

$(B)/vm/vmlinuz: tests/vm/make-base tests/vm/trim-base tests/vm/packages
	$(Q)mkdir -p $(@D) && ln -sf $(VM_BASE)/vmlinuz $@
$(B)/vm/root.ext4: tests/vm/make-base tests/vm/trim-base tests/vm/packages
	$(Q)mkdir -p $(@D) && ln -sf $(VM_BASE)/root.ext4 $@
VM_FILES := $(B)/vm/initrd $(B)/vm/vmlinuz $(B)/vm/root.ext4

.PHONY: vm
vm: $(VM_FILES)
