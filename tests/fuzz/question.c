#include "firmware/boot/usbquestion.h"

#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keys as a device that only pretends to be a keyboard sends them: two bytes each, behind eight of the code. The right
 * answer is the code's six digits and nothing between; there are three tries. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usb_question question;
	uint64_t random;
	unsigned digits = 0;
	if (size < sizeof random)
		return 0;
	memcpy(&random, data, sizeof random);
	question_begin(&question, random);
	if (strlen(question.code) != QUESTION_DIGITS)
		abort();
	for (size_t at = sizeof random; at + 1 < size; at += 2) {
		unsigned key = (unsigned)data[at] << 8 | data[at + 1];
		enum question_answer answer = question_key(&question, key);
		bool right = answer == QUESTION_RIGHT;
		digits += answer == QUESTION_TYPED || right;
		if (right && (digits < QUESTION_DIGITS || memcmp(question.typed, question.code, QUESTION_DIGITS) != 0))
			abort();
		if (right || answer == QUESTION_REFUSED)
			break;
		if (question.count >= QUESTION_DIGITS || question.wrong >= QUESTION_TRIES ||
		    question.typed[QUESTION_DIGITS] != '\0')
			abort();
	}
	return 0;
}
