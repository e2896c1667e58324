# The stick's kernel, kept in the cache: its key is the fragment, the source package's version and the scripts.
KERNEL_FRAGMENT := image/kernel/sekisho.config
KERNEL_KEY := $(shell { cat $(KERNEL_FRAGMENT) image/kernel/configure image/kernel/build; \
  dpkg-query --show --showformat '$${Version}' linux-source-6.12; } | sha256sum | cut -c1-12)
KERNEL := $(CACHE)/kernel-$(KERNEL_KEY)

$(KERNEL)/bzImage:
	$(call say,KERNEL,about ten minutes on two cores, once)
	$(Q)env -u MAKEFLAGS -u MFLAGS image/kernel/build $(KERNEL) $(KERNEL_FRAGMENT)

.PHONY: kernel
kernel: $(KERNEL)/bzImage
