/*
 * pin - the digits of a PIN while they are typed: kept here and nowhere else, never shown, wiped when they have been
 * sent. No window here. The digits go by the keyboard alone: GTK's own entries keep copies of what is typed into them.
 */
#ifndef LAUNCHER_KIOSK_PIN_H
#define LAUNCHER_KIOSK_PIN_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/messages.h"
#include "vpn/admission/pin.h"

struct pin_entry {
	enum pin_ask ask;
	unsigned tries_left; /* PIN_TRIES_NOT_SAID */
	bool wrong;          /* the last one was; until the next digit */
	size_t typed;
	char digits[PIN_DIGITS_MAX + 1];
};

enum { PIN_TRIES_NOT_SAID = 255 };

enum pin_press {
	PIN_PRESS_OTHER, /* not for the PIN */
	PIN_PRESS_TAKEN,
	PIN_PRESS_DONE, /* to be sent, then pin_wipe() */
};

bool pin_takes(const struct pin_entry *entry);
enum pin_press pin_key(struct pin_entry *entry, unsigned keyval); /* as GTK gives it */
void pin_wipe(struct pin_entry *entry);

/* One sign for each digit, as many as a letter's PIN has at least. */
void pin_dots(const struct pin_entry *entry, char *out, size_t size);

#endif
