/*
 * keys - what a key press does, before any widget or page sees it.
 *
 * A page gets typing, moving, editing and the clipboard's three keys. Everything a browser answers with a window, a
 * file, a printer, a tool or another address is swallowed, and so is every combination nobody has named here.
 */
#ifndef LAUNCHER_KIOSK_KEYS_H
#define LAUNCHER_KIOSK_KEYS_H

#include <gdk/gdk.h>

enum key_action {
	KEY_PASS, /* to the focused widget or the page */
	KEY_SWALLOW,
	KEY_LANGUAGE,
	KEY_POWER_OFF,
	KEY_NETWORK,
	KEY_RELOAD,
	KEY_BACK,
	KEY_ZOOM_IN,
	KEY_ZOOM_OUT,
	KEY_ZOOM_RESET
};

/* `keyval` and `state` as GTK gives them. */
enum key_action key_judge(guint keyval, GdkModifierType state);

#endif
