# The stick's kernel, kept in the cache: its key is the fragments, the source package's version and the scripts.
KERNEL_FRAGMENT := image/kernel/sekisho.config
KERNEL_DEVEL := image/kernel/devel.config
KERNEL_KEY := $(shell { cat $(KERNEL_FRAGMENT) $(KERNEL_DEVEL) image/kernel/configure image/kernel/build; \
  dpkg-query --show --showformat '$${Version}' linux-source-6.12; } | sha256sum | cut -c1-12)
KERNEL := $(CACHE)/kernel-$(KERNEL_KEY)
# what this image starts with
IMAGE_KERNEL := $(KERNEL)/$(if $(CONFIG_DEVEL),devel/)bzImage

$(KERNEL)/bzImage $(KERNEL)/devel/bzImage &:
	$(call say,KERNEL,about ten minutes on two cores, once)
	$(Q)env -u MAKEFLAGS -u MFLAGS image/kernel/build $(KERNEL) $(KERNEL_FRAGMENT) $(KERNEL_DEVEL)

.PHONY: kernel check-kernel
kernel: $(KERNEL)/bzImage

# BOOTED=LOG adds what a stick said about itself, KERNEL_CHECKS=LIST a public list of checks (both somewhere in build/,
# because nothing else of this machine is seen in the build root); see image/kernel/check.
check-kernel: $(B)/disk/sekisho-a.efi ## configuration, signed command line and settings against image/kernel/wanted.tsv
	$(call say,CHECK,kernel)
	$(Q)mkdir -p $(B)/figures && image/kernel/check --table image/kernel/wanted.tsv --config $(dir $(IMAGE_KERNEL))config \
	  --uki $(B)/disk/sekisho-a.efi --settings firmware/boot/settings.def --out $(B)/figures/kernel.json \
	  $(if $(BOOTED),--booted $(BOOTED)) $(if $(KERNEL_CHECKS),--public $(KERNEL_CHECKS))
