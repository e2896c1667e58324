$(call fuzz,kiosk,launcher/kiosk/model.c launcher/kiosk/banks.c launcher/kiosk/pin.c launcher/kiosk/token.c launcher/wifi.c firmware/lib/buf.c,$(KIOSK_LIBS) -ljansson,$(KIOSK_CFLAGS))
