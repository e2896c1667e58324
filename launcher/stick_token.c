/*
 * The token that the key of a session's certificate is in: its process, its PIN, a word on the screen. The process
 * lives as long as the session, so that nothing of a log-in outlives it.
 *
 * What the token is called the customer reads as the record has it: its process, in which a stranger's module runs,
 * chooses no word of the question for a PIN.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/pkcs11uri.h"
#include "launcher/stick.h"

void stick_token_label(const char *key, char label[PKCS11_LABEL_BYTES + 1])
{
	struct pkcs11_uri uri;
	const char *wrong;
	size_t wrong_size;
	label[0] = '\0';
	if (!pkcs11_is_uri(key) || pkcs11_uri_read(key, &uri, &wrong, &wrong_size) != PKCS11_GOOD ||
	    strlen(uri.token) > PKCS11_LABEL_BYTES)
		return;
	memcpy(label, uri.token, strlen(uri.token) + 1);
}

int stick_start_token(struct stick *s)
{
	int channel[2];
	if (!s->session.token[0] || !s->about.speaks_to_tokens)
		return 0; /* one that was to be started again when its session ended, or an image without */
	int error = msg_pair(channel);
	if (error)
		return error;
	s->session.token_asks = s->session.token_given = false;
	error = crew_start(&s->crew, PROCESS_TOKEN, &channel[0], 1);
	if (!error)
		error =
		    crew_send_fds(&s->crew, PROCESS_KEYHOLDER, MSG_KEY_TOKEN, s->session.id, NULL, 0, &channel[1], 1);
	close(channel[0]);
	close(channel[1]);
	return error;
}

/* Whatever it says, what is told is one of these states, and nothing once the session is over. */
static void take_state(struct stick *s, enum token_state state, enum token_tries tries)
{
	if (!s->session.token[0])
		return;
	static const char *const words[TOKEN_STATES] = {"open",    "wants its PIN", "was given a wrong PIN",
							"locked",  "absent",        "does not sign",
							"another", "silent",        "out of reach"};
	log_info("the token %s: %s", s->session.token, words[state]);
	s->session.token_asks = state == TOKEN_WANTS_PIN || state == TOKEN_WRONG_PIN;
	s->session.token_wrong += state == TOKEN_WRONG_PIN;
	s->session.token_given = false;
	tell_token(s, state, tries);
}

int stick_hear_token(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	unsigned state = read_u8(&r), tries = read_u8(&r);
	if (!reader_done(&r) || state > TOKEN_FAILED || tries >= TOKEN_TRIES_COUNT)
		return -EBADMSG;
	take_state(s, (enum token_state)state, (enum token_tries)tries);
	return 0;
}

int stick_hear_key_token(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	unsigned state = read_u8(&r);
	if (!reader_done(&r) || state < TOKEN_OTHER_KEY || state >= TOKEN_STATES)
		return -EBADMSG;
	if (m->id == s->session.id)
		take_state(s, (enum token_state)state, TOKEN_TRIES_NOT_SAID);
	return 0;
}

/*
 * Each asking takes one PIN, however often it is sent: tries are few. One that was sent before the customer could know
 * that the last was wrong answers no asking any more.
 */
int stick_hear_token_pin(struct stick *s, struct msg *m)
{
	char pin[TOKEN_PIN_MAX + 1];
	struct reader r = reader_over(m->payload, m->size);
	const uint32_t wrong = read_u32(&r);
	read_str(&r, pin, sizeof pin);
	const size_t size = strlen(pin);
	int error = reader_done(&r) && size >= TOKEN_PIN_MIN ? 0 : -EBADMSG;
	if (!error && s->session.token_asks && wrong == s->session.token_wrong) {
		s->session.token_asks = false;
		s->session.token_given = true;
		struct writer w = writer_over(m->payload, m->size);
		write_str(&w, pin);
		if (crew_send(&s->crew, PROCESS_TOKEN, MSG_TOKEN_PIN, 0, m->payload, w.size))
			take_state(s, TOKEN_NONE, TOKEN_TRIES_NOT_SAID);
	}
	wipe(pin, sizeof pin);
	wipe(m->payload, m->size);
	return error;
}

/* It is started again, and asks for its PIN when it is next asked; nobody waits for the answer to one that is lost. */
void stick_token_died(struct stick *s)
{
	if (s->session.token_given)
		take_state(s, TOKEN_NONE, TOKEN_TRIES_NOT_SAID);
	s->session.token_asks = s->session.token_given = false;
}
