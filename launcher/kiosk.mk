# The screen. GTK and WebKit are the only libraries on the stick that are linked at run time from /usr; WebKit, the
# largest by far, through a module that is loaded while the first screen is already shown.
KIOSK_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags gtk4 jansson))
KIOSK_LIBS := $(shell pkg-config --libs gtk4 jansson libseccomp) -lm
WEBKIT_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags webkitgtk-6.0 gtk4)) -fPIC
WEBKIT_LIBS := $(shell pkg-config --libs webkitgtk-6.0 gtk4)
KIOSK_RESOURCES := $(B)/gen/kiosk/resources.c

$(call library,refusal,launcher/refusal.c whitelist/chain_fault.c)
# What decides, without a window: tested by tests/unit/kiosk_*.c.
$(call library,kiosk,$(addprefix launcher/kiosk/,banks.c keys.c model.c pin.c strings.c token.c walls.c),$(KIOSK_CFLAGS))
$(call library,kiosk_web,launcher/kiosk/web_settings.c,$(WEBKIT_CFLAGS))

$(call program,kiosk,$(addprefix launcher/kiosk/,main.c app.c bank.c card.c glyph.c house.c list.c module.c network.c start.c tokencard.c) \
  $(KIOSK_RESOURCES),kiosk wifi refusal foreign boot whitelist firmware,$(KIOSK_LIBS),$(KIOSK_CFLAGS),-rdynamic)
# What WebKit's processes are started by: static, because bubblewrap binds this one file into the web process's root.
$(call program,cell,launcher/kiosk/cell.c,foreign firmware,-lseccomp,,-static-pie)
$(call program,lock.so,launcher/kiosk/lock.c,foreign firmware,-lseccomp,-fPIC,-shared)
# what it calls of ours is in the kiosk itself
$(call program,kiosk-web.so,launcher/kiosk/web.c,kiosk_web,$(WEBKIT_LIBS),$(WEBKIT_CFLAGS),-shared)

$(KIOSK_RESOURCES): launcher/kiosk/kiosk.gresource.xml launcher/kiosk/style.css
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && glib-compile-resources --generate-source --sourcedir=launcher/kiosk --target=$@ $<
