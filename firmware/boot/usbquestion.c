#include "firmware/boot/usbquestion.h"

#include <linux/input-event-codes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/buf.h"

void question_begin(struct usb_question *question, uint64_t random)
{
	*question = (struct usb_question){0};
	/* the bias of the remainder is below one in 10^13 */
	snprintf(question->code, sizeof question->code, "%06u", (unsigned)(random % 1000000));
}

static int digit_of(unsigned key)
{
	static const unsigned pad[] = {KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4,
				       KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9};
	if (key >= KEY_1 && key <= KEY_9)
		return (int)(key - KEY_1) + 1;
	if (key == KEY_0)
		return 0;
	for (size_t i = 0; i < sizeof pad / sizeof pad[0]; i++)
		if (pad[i] == key)
			return (int)i;
	return -1;
}

static enum question_answer compare(struct usb_question *question)
{
	if (memcmp(question->typed, question->code, QUESTION_DIGITS) == 0)
		return QUESTION_RIGHT;
	wipe(question->typed, sizeof question->typed);
	question->count = 0;
	return ++question->wrong < QUESTION_TRIES ? QUESTION_TYPED : QUESTION_REFUSED;
}

enum question_answer question_key(struct usb_question *question, unsigned key)
{
	int digit = digit_of(key);
	if (key == KEY_ESC)
		return QUESTION_REFUSED;
	if (key == KEY_BACKSPACE && question->count > 0) {
		question->typed[--question->count] = '\0';
		return QUESTION_TYPED;
	}
	if (digit < 0)
		return QUESTION_NOTHING;
	question->typed[question->count++] = (char)('0' + digit);
	return question->count == QUESTION_DIGITS ? compare(question) : QUESTION_TYPED;
}
