/*
 * token - what the customer is told about the token that a certificate's key is in, and its PIN while it is typed: kept
 * here and nowhere else, never shown, wiped when it has been sent. No window here (tokencard.c).
 */
#ifndef LAUNCHER_KIOSK_TOKEN_H
#define LAUNCHER_KIOSK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/pkcs11uri.h"
#include "launcher/kiosk/pin.h"
#include "launcher/messages.h"

struct token_entry {
	bool shown; /* there is something to be said, and the customer has not put it away */
	bool checking;
	enum token_state state;
	enum token_tries tries;
	uint32_t wrong; /* PINs so far in this session */
	char label[PKCS11_LABEL_BYTES + 1];
	size_t typed;
	char pin[TOKEN_PIN_MAX + 1];
};

bool token_takes(const struct token_entry *entry); /* a PIN is asked for */
enum pin_press token_key(struct token_entry *entry, unsigned keyval);

/* Forget what was typed, and wait for the answer. */
void token_sent(struct token_entry *entry);
/* Put it away, with what was typed. */
void token_hide(struct token_entry *entry);

/* The launcher said so, and how many PINs were wrong. True: it is open after it was asked about, and the page may be
 * fetched again. */
bool token_told(struct token_entry *entry, enum token_state state, enum token_tries tries, uint32_t wrong,
		const char *label);

/* One sign for each character; of a PIN's length nothing is known before. */
void token_dots(const struct token_entry *entry, char *out, size_t size);

/* The code of ABOUT_TOKEN's advice (strings.h) for a state in which no PIN is asked for. */
const char *token_code(enum token_state state);

#endif
