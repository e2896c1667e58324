# Signing what Secure Boot checks: see image/sign/README.md. Without a key in the configuration, or SIGN_KEY= and
# SIGN_CERT= in the arguments, this checkout makes itself development keys, and the image says so on its screen.
KEYS := $(B)/keys
SIGN_KEY ?= $(or $(call unquote,$(CONFIG_SIGN_KEY)),$(KEYS)/db.key)
SIGN_CERT ?= $(or $(call unquote,$(CONFIG_SIGN_CERT)),$(KEYS)/db.pem)
sign = image/sign/sign '$(SIGN_KEY)' '$(SIGN_CERT)'
# what the socket of `p11-kit server` is called, where keys lie in a token of the machine outside
export P11_KIT_SOCKET := $(B)/keys/p11-kit

# Kept as long as build/ is: no prerequisites, a new script makes no new keys.
$(addprefix $(KEYS)/,PK.key PK.pem KEK.key KEK.pem db.key db.pem) &:
	$(call say,KEYS,$(KEYS): development keys of this checkout)
	$(Q)mkdir -p $(@D) && image/sign/keys $(KEYS)

# Who signs; remade when the answer or the key changes, whatever the files' times say.
.PHONY: signer
signer:
$(DISK)/signer: signer $(SIGN_CERT)
	$(Q)mkdir -p $(@D) && signed=$$(image/sign/signer '$(SIGN_CERT)') && \
	  { [ "$$(cat $@ 2>/dev/null)" = "$$signed" ] || echo "$$signed" >$@; } && cp '$(SIGN_CERT)' $@.pem

$(DISK)/stub.efi: image/sign/stub /usr/lib/systemd/boot/efi/linuxx64.efi.stub
	$(Q)mkdir -p $(@D) && image/sign/stub /usr/lib/systemd/boot/efi/linuxx64.efi.stub $@
$(DISK)/loader.efi: /usr/lib/systemd/boot/efi/systemd-bootx64.efi image/sign/sign image/sign/key.sh $(SIGN_CERT)
	$(call say,SIGN,$@)
	$(Q)mkdir -p $(@D) && $(sign) $< $@
$(DISK)/sekisho-%.efi: $(DISK)/unsigned/sekisho-%.efi image/sign/sign image/sign/key.sh $(SIGN_CERT)
	$(call say,SIGN,$@)
	$(Q)$(sign) $< $@

# What a PC's firmware is given so that it starts our images and nothing else.
PK_KEY ?= $(KEYS)/PK.key
PK_CERT ?= $(KEYS)/PK.pem
KEK_KEY ?= $(KEYS)/KEK.key
KEK_CERT ?= $(KEYS)/KEK.pem
# more certificates that may sign what the PC starts: another line of images, the Windows on its disk
DB_MORE ?=
.PHONY: enrolment
enrolment: $(B)/enrolment.img ## Secure Boot keys for a PC's firmware: build/enrolment/ and a stick that lays them
$(B)/enrolment.img: image/sign/enrol image/sign/key.sh $(PK_CERT) $(KEK_CERT) $(SIGN_CERT) $(DB_MORE)
	$(call say,ENROL,$@)
	$(Q)PK_KEY='$(PK_KEY)' PK_CERT='$(PK_CERT)' KEK_KEY='$(KEK_KEY)' KEK_CERT='$(KEK_CERT)' \
	  image/sign/enrol $(B)/enrolment $@ '$(SIGN_CERT)' $(DB_MORE)
