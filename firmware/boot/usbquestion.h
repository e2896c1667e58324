/*
 * usbquestion - the code that a person reads on the screen and types, so that a new input device is let in. Pure.
 *
 * A device that only pretends to be a keyboard does not see the screen: it has as many tries as are left, of a million.
 */
#ifndef FIRMWARE_BOOT_USBQUESTION_H
#define FIRMWARE_BOOT_USBQUESTION_H

#include <stdint.h>

enum { QUESTION_DIGITS = 6, QUESTION_TRIES = 3 };

struct usb_question {
	char code[QUESTION_DIGITS + 1];
	char typed[QUESTION_DIGITS + 1];
	uint8_t count; /* of what is typed */
	uint8_t wrong; /* tries that were */
};

enum question_answer {
	QUESTION_NOTHING, /* a key that says nothing here */
	QUESTION_TYPED,   /* the screen is to be told */
	QUESTION_RIGHT,
	QUESTION_REFUSED, /* Escape, or the last try was wrong */
};

/* `random` is eight random bytes. */
void question_begin(struct usb_question *question, uint64_t random);

/* A key went down: `key` as in linux/input-event-codes.h, so that it means the same on every layout. */
enum question_answer question_key(struct usb_question *question, unsigned key);

#endif
