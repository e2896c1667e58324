# From programs to build/sekisho.img. Only the small volume, the UKI and the copying depend on our sources; the kernel
# and the /usr volume come from the cache.
STICK_PROGRAMS := $(addprefix $(B)/,init guard wall launcher dhcp-hook kiosk kiosk-web.so cell lock.so $(if $(CONFIG_CLIENT_TOKEN),token))
TOKEN_MODULE := $(if $(CONFIG_CLIENT_TOKEN),$(or $(call unquote,$(CONFIG_CLIENT_TOKEN_MODULE)),none))
ROOTS ?= $(B)/demo/roots.json
POLICY ?= $(B)/demo/policy.dsse.json
RECORD ?= $(B)/demo/record
# an image for other keys than the demonstration's needs none of the demonstration
IMAGE_NEEDS := $(if $(filter $(B)/demo/%,$(ROOTS) $(POLICY) $(RECORD)),$(B)/demo/letter.json)
DISK := $(B)/disk
IMAGE := $(B)/sekisho.img
IMAGE_SETTINGS = NAME=$(CONFIG_IMAGE_NAME) VERSION=$(CONFIG_IMAGE_VERSION) DATE=$(CONFIG_IMAGE_DATE) \
  LANGUAGE=$(CONFIG_LANGUAGE) DEVEL=$(CONFIG_DEVEL) DEVEL_CMDLINE=$(CONFIG_DEVEL_CMDLINE)

# the folder of the big volume in the cache; computing it takes seconds, so only when its inputs change
WIFI_FIRMWARE = $(if $(CONFIG_WIFI_FIRMWARE),$(CACHE)/firmware-$(shell cat image/firmware/cards image/firmware/fetch | sha256sum | cut -c1-12))
$(DISK)/usr: $(wildcard image/usr/* image/firmware/*) image/disk/verity /var/lib/dpkg/status $(CONFIG)
	$(call say,USR,the programs and data of the /usr volume)
	$(Q)mkdir -p $(@D) && folder=$$(image/usr/build $(CACHE) $(WIFI_FIRMWARE)) && ln -sfn $$folder $(DISK)/volumes && echo $$folder >$@

$(DISK)/root.img $(DISK)/root.img.verity &: $(STICK_PROGRAMS) $(PICTURES) $(DISK)/usr $(CONFIG) $(DISK)/signer launcher/ids.h image/disk/verity \
  $(shell find image/root -type f) $(shell sed 's/\#.*//' image/root/files | cut -d' ' -f1) $(wildcard $(ROOTS) $(POLICY) $(TOKEN_MODULE)) | $(IMAGE_NEEDS)
	$(call say,ROOT,$@)
	$(Q)$(IMAGE_SETTINGS) TOKEN_MODULE=$(TOKEN_MODULE) ROOTS=$(ROOTS) POLICY=$(POLICY) SIGNED=$$(cat $(DISK)/signer) \
	  image/root/build $(B) $$(cat $(DISK)/usr) $(DISK)/root.img $(STICK_PROGRAMS)

$(DISK)/splash.bmp: image/disk/splash $(DISK)/signer
	$(call say,SPLASH,$@)
	$(Q)mkdir -p $(@D) && image/disk/splash $@ $$(cat $(DISK)/signer)

$(DISK)/unsigned/sekisho-a.efi: $(IMAGE_KERNEL) $(DISK)/splash.bmp $(DISK)/root.img.verity $(DISK)/usr $(CONFIG) $(DISK)/stub.efi $(addprefix image/disk/,uki layout cmdline)
	$(call say,UKI,$@)
	$(Q)mkdir -p $(@D) && $(IMAGE_SETTINGS) SPLASH=$(DISK)/splash.bmp STUB=$(DISK)/stub.efi image/disk/uki a $(IMAGE_KERNEL) $(DISK)/root.img.verity $$(cat $(DISK)/usr)/verity \
	  $(DISK)/root.img.tree/etc/os-release $@ && ln -sfn $(abspath $(dir $(IMAGE_KERNEL))) $(DISK)/kernel

$(IMAGE): $(DISK)/loader.efi $(DISK)/sekisho-a.efi $(DISK)/root.img $(DISK)/usr $(addprefix image/disk/,assemble layout loader.conf) \
  $(wildcard $(RECORD)) | $(IMAGE_NEEDS)
	$(call say,IMAGE,$@)
	$(Q)image/disk/assemble $@ $(DISK)/loader.efi $(DISK)/sekisho-a.efi $(DISK)/root.img $$(cat $(DISK)/usr)/volume.img \
	  $(if $(filter $(B)/demo/%,$(RECORD)),$(RECORD),$(or $(wildcard $(RECORD)),-))

$(B)/sekisho.img.zst: $(B)/sekisho.img
	$(call say,ZSTD,$@)
	$(Q)zstd -q -f -T0 -15 --long=27 $< -o $@.new && mv $@.new $@

# figures for `make report`
$(B)/image.json: $(B)/sekisho.img.zst image/disk/figures
	$(Q)image/disk/figures $(B) $$(cat $(DISK)/usr) $(KERNEL) >$@.new && mv $@.new $@

.PHONY: image flash
image: $(B)/sekisho.img $(B)/image.json ## the stick's image: build/sekisho.img, and its download .zst
flash: $(B)/sekisho.img ## write the image to a USB stick: make flash DEV=/dev/sdX
	$(Q)image/disk/flash $(B)/sekisho.img "$(DEV)"
