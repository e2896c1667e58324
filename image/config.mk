# Kconfig: $(B)/.config, made from the defaults when it is absent, and read as variables (CONFIG_NAME=value).
CONFIG := $(B)/.config
# kconfig writes beside where it stands and renames, so it must stand in $(B)
kconfig = mkdir -p $(B) && cd $(B) && KCONFIG_CONFIG=.config kconfig-$(1) $(abspath Kconfig)
unquote = $(patsubst "%",%,$(1))

$(CONFIG): Kconfig
	$(Q)$(call kconfig,conf --olddefconfig) >/dev/null && touch .config
-include $(CONFIG)

.PHONY: menuconfig defconfig
menuconfig: ## choose what the image is: language, version, DEVEL
	@$(call kconfig,mconf)
defconfig: ## forget the choices: every option's default
	@rm -f $(CONFIG) && $(call kconfig,conf --alldefconfig) >/dev/null
	$(call say,CONFIG,$(CONFIG): every option at its default)
