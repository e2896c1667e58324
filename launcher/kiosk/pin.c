#include "launcher/kiosk/pin.h"

#include <gdk/gdk.h>

#include "firmware/lib/buf.h"

bool pin_takes(const struct pin_entry *entry) { return entry->ask == PIN_ASK_NOW; }

enum pin_press pin_key(struct pin_entry *entry, unsigned keyval)
{
	/* both rows of digits; what the key pad gives without Num Lock is no digit */
	unsigned digit = keyval >= GDK_KEY_0 && keyval <= GDK_KEY_9         ? keyval - GDK_KEY_0
			 : keyval >= GDK_KEY_KP_0 && keyval <= GDK_KEY_KP_9 ? keyval - GDK_KEY_KP_0
									    : 10;
	if (!pin_takes(entry))
		return PIN_PRESS_OTHER;
	if (digit < 10 && entry->typed < PIN_DIGITS_MAX) {
		entry->digits[entry->typed++] = (char)('0' + digit);
		entry->digits[entry->typed] = '\0';
		entry->wrong = false;
		return PIN_PRESS_TAKEN;
	}
	if (keyval == GDK_KEY_BackSpace && entry->typed > 0) {
		entry->digits[--entry->typed] = '\0';
		return PIN_PRESS_TAKEN;
	}
	if ((keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter) && entry->typed >= PIN_DIGITS_MIN)
		return PIN_PRESS_DONE;
	return digit < 10 || keyval == GDK_KEY_BackSpace || keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter
		   ? PIN_PRESS_TAKEN
		   : PIN_PRESS_OTHER;
}

void pin_wipe(struct pin_entry *entry)
{
	wipe(entry->digits, sizeof entry->digits);
	entry->typed = 0;
}

void pin_dots(const struct pin_entry *entry, char *out, size_t size)
{
	const size_t shown = entry->typed > PIN_DIGITS_LETTER ? entry->typed : PIN_DIGITS_LETTER;
	out[0] = '\0';
	for (size_t i = 0; i < shown; i++)
		g_strlcat(out, i < entry->typed ? "● " : "○ ", size);
}
