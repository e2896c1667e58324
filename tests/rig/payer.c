/*
 * payer - in the kiosk's place: a customer whose certificates' keys are in a token, driven by a test (driven.h). Says
 * what the launcher tells the screen about sessions and the token; the page itself the test fetches.
 *
 * Words: 0 the bank "firm" is chosen, 1 the bank is left, 2 the bank "second" is chosen, 3 a wrong PIN is typed, 4 the
 * right one, 5 the wrong one three times at once, 6 one that is too short to be a PIN.
 */
#include "firmware/lib/log.h"
#include "launcher/messages.h"
#include "tests/rig/driven.h"

static uint32_t wrong; /* PINs, as it was told last */

static void say(uint16_t type, const char *text)
{
	uint8_t payload[64];
	struct writer w = writer_over(payload, sizeof payload);
	if (type == MSG_KIOSK_TOKEN_PIN)
		write_u32(&w, wrong);
	if (text)
		write_str(&w, text);
	driven_say(type, 0, &w);
}

static void word(int n)
{
	static const struct {
		const char *text;
		int times;
		uint16_t type;
	} words[] = {{"firm", 1, MSG_KIOSK_OPEN},        {NULL, 1, MSG_KIOSK_CLOSE},
		     {"second", 1, MSG_KIOSK_OPEN},      {"000000", 1, MSG_KIOSK_TOKEN_PIN},
		     {"271828", 1, MSG_KIOSK_TOKEN_PIN}, {"000000", 3, MSG_KIOSK_TOKEN_PIN},
		     {"123", 1, MSG_KIOSK_TOKEN_PIN}};
	for (int i = 0; n < 7 && i < words[n].times; i++)
		say(words[n].type, words[n].text);
}

static void hear(struct msg *m)
{
	char text[256];
	struct reader r = reader_over(m->payload, m->size);
	if (m->type == MSG_KIOSK_SESSION) {
		read_str(&r, text, sizeof text);
		log_info("the page of %s", text);
	} else if (m->type == MSG_KIOSK_SESSION_FAILED || m->type == MSG_KIOSK_SESSION_ENDED) {
		log_info("no page");
	} else if (m->type == MSG_KIOSK_TOKEN) {
		unsigned state = read_u8(&r), tries = read_u8(&r);
		wrong = read_u32(&r);
		read_str(&r, text, sizeof text);
		log_info("told %u %u %s", state, tries, reader_done(&r) ? text : "?");
	} else if (m->type == MSG_KIOSK_NOTICE) {
		read_str(&r, text, sizeof text);
		log_info("notice %s", text);
	}
}

int main(void)
{
	log_open("payer");
	return driven_run(&(const struct driven){.name = "payer", .word = word, .hear = hear});
}
