# The screen. GTK and WebKit are the only libraries on the stick that are linked at run time from /usr.
KIOSK_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags webkitgtk-6.0 gtk4 jansson))
KIOSK_LIBS := $(shell pkg-config --libs webkitgtk-6.0 gtk4 jansson libseccomp) -lm
KIOSK_RESOURCES := $(B)/gen/kiosk/resources.c

$(call library,refusal,launcher/refusal.c)
# What decides, without a window: tested by tests/unit/kiosk_test.c.
$(call library,kiosk,$(addprefix launcher/kiosk/,banks.c filter.c keys.c model.c strings.c web_settings.c),$(KIOSK_CFLAGS))
$(call program,kiosk,$(addprefix launcher/kiosk/,main.c app.c bank.c card.c glyph.c house.c list.c start.c web.c) \
  $(KIOSK_RESOURCES),kiosk refusal firmware,$(KIOSK_LIBS),$(KIOSK_CFLAGS))

$(KIOSK_RESOURCES): launcher/kiosk/kiosk.gresource.xml launcher/kiosk/style.css
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && glib-compile-resources --generate-source --sourcedir=launcher/kiosk --target=$@ $<
