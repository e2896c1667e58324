/* Admission by statement, and the PIN before it: who is asked for what, and when (vpn/admission has the formats). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/stick.h"
#include "vpn/admission/pin.h"
#include "vpn/admission/statement.h"

/* Nonce, signature and answer; the agent gives each request up sooner. */
enum { STATING_MS = 20000, STATE_AGAIN_MS = 2000 };

static bool wants_pin(const struct stick *s) { return s->policy->pin || s->pin.gateway_asks; }

/* --- the PIN --- */

static void tell_pin(struct stick *s, enum pin_ask ask)
{
	s->pin.ask = ask;
	tell_pin_ask(s);
}

static void forget_pin(struct stick *s)
{
	static const uint8_t nothing[4]; /* the empty string */
	s->pin.unlocked = s->pin.proved = false;
	crew_send(&s->crew, PROCESS_KEYHOLDER, MSG_KEY_PIN, 0, nothing, sizeof nothing);
}

void pin_unlock(struct stick *s)
{
	if (!wants_pin(s) || s->pin.unlocked) {
		stick_raise(s, EVENT_UNLOCKED);
		return;
	}
	if (s->provision.has_pin) {
		tell_pin(s, PIN_ASK_NOW);
		return;
	}
	log_error("a PIN is asked for, and this stick was made without the secret for one");
	tell_step(s, STATE_UNLOCK, STEP_FAILED, "pin_none", "");
	stick_raise(s, EVENT_UNLOCK_REFUSED);
}

int pin_hear(struct stick *s, struct msg *m)
{
	char pin[PIN_DIGITS_MAX + 1];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, pin, sizeof pin);
	int error = reader_done(&r) && pin_is_good(pin) ? 0 : -EBADMSG;
	wipe(pin, sizeof pin);
	/* a keyholder that is being started again takes none: the card asks once more instead of waiting for it */
	if (!error && s->pin.ask == PIN_ASK_NOW && s->machine.state == STATE_UNLOCK)
		tell_pin(s, crew_send(&s->crew, PROCESS_KEYHOLDER, MSG_KEY_PIN, 0, m->payload, m->size) == 0
				? PIN_ASK_CHECKING
				: PIN_ASK_NOW);
	wipe(m->payload, m->size);
	return error;
}

int pin_hear_done(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	bool made = read_u8(&r) != 0;
	if (!reader_done(&r))
		return -EBADMSG;
	s->pin.unlocked = made;
	if (!made) {
		tell_pin(s, PIN_ASK_NOW);
		return 0;
	}
	/* what was typed while the tunnel was lost is taken when the way up comes by here again */
	if (s->machine.state == STATE_UNLOCK)
		stick_raise(s, EVENT_UNLOCKED);
	return 0;
}

/* Its keys died with it: they are loaded again, the PIN has to be typed again. */
void pin_keyholder_died(struct stick *s)
{
	s->pin.unlocked = s->pin.proved = false;
	s->stating = false;
	if (s->pin.ask != PIN_ASK_NOT)
		tell_pin(s, PIN_ASK_NOW);
}

/* The state is the one that asks, or it asks no more. */
void pin_state(struct stick *s)
{
	if (s->pin.ask != PIN_ASK_NOT && s->machine.state != STATE_UNLOCK && s->machine.state != STATE_ADMITTED)
		tell_pin(s, PIN_ASK_NOT);
}

/* --- statements: only a token that certainly lies in the record is ever shown --- */

static void stop_stating(struct stick *s)
{
	s->stating = false;
	loop_timer_set(s->stating_ends, -1);
}

/* A customer waits: sooner than with the next beacon. */
static void state_again(struct stick *s)
{
	s->stating = false;
	loop_timer_set(s->stating_ends, STATE_AGAIN_MS);
}

void admission_ask(struct stick *s)
{
	s->stating_waits = s->record.storing;
	if (s->stating || s->record.storing || !s->tunnel.up || !s->policy || !s->time_confirmed)
		return;
	/* a keyholder that is being started again is asked for with the next beacon */
	if (!crew_runs(&s->crew, PROCESS_KEYHOLDER) ||
	    crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_ASK_NONCE, 0, NULL, 0) < 0)
		return;
	s->stating = true;
	loop_timer_set(s->stating_ends, STATING_MS);
}

/* The gateway may have counted a wrong PIN and its answer was lost: stated again by itself it would be the next try. */
static bool asks_pin_anew(struct stick *s)
{
	if (!s->pin.unproved || s->machine.state != STATE_ADMITTED)
		return false;
	s->pin.unproved = false;
	forget_pin(s);
	stick_raise(s, EVENT_PIN_WANTED);
	return true;
}

void admission_gave_up(struct stick *s)
{
	if (s->stating)
		log_warn("no answer to our statement");
	stop_stating(s);
	if (asks_pin_anew(s))
		return;
	if (s->machine.state == STATE_ADMITTED && (!s->answer.fresh || admission_is_passing(s->answer.reason)))
		admission_ask(s);
}

static int compose(const struct stick *s, const uint8_t *nonce, uint8_t bytes[STATEMENT_MAX_BYTES])
{
	struct statement statement = {.policy_version = s->policy->version};
	struct {
		char *to;
		size_t capacity;
		const char *from;
	} names[] = {{statement.gateway, sizeof statement.gateway, s->tunnel.gateway},
		     {statement.device, sizeof statement.device, s->provision.device},
		     {statement.boot, sizeof statement.boot, s->about.boot_id},
		     {statement.image_version, sizeof statement.image_version, s->about.version_text}};
	bool fits = true;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		fits =
		    fits && (size_t)snprintf(names[i].to, names[i].capacity, "%s", names[i].from) < names[i].capacity;
	memcpy(statement.nonce, nonce, sizeof statement.nonce);
	memcpy(statement.token, s->token, sizeof statement.token);
	memcpy(statement.root_hash, s->about.root_hash, sizeof statement.root_hash);
	int size = fits ? statement_encode(&statement, bytes) : -EMSGSIZE;
	wipe(&statement, sizeof statement);
	return size;
}

int admission_hear_nonce(struct stick *s, struct msg *m)
{
	char reason[STICK_CODE_BYTES];
	size_t nonce_size = 0;
	uint8_t payload[STATEMENT_MAX_BYTES + 4];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, reason, sizeof reason);
	const uint8_t *nonce = read_blob(&r, &nonce_size);
	if (!reader_done(&r) || (!reason[0] && nonce_size != STATEMENT_NONCE_BYTES))
		return -EBADMSG;
	if (!s->stating || s->record.storing || !s->policy)
		return 0;
	int size = reason[0] ? -EAGAIN : compose(s, nonce, s->statement);
	struct writer w = writer_over(payload, sizeof payload);
	write_blob(&w, s->statement, size < 0 ? 0 : (size_t)size);
	s->statement_size = size < 0 ? 0 : (size_t)size;
	if (size < 0 || crew_send(&s->crew, PROCESS_KEYHOLDER, MSG_KEY_SIGN, 0, w.data, w.size) < 0) {
		log_warn("no statement can be made now: %s", reason[0] ? reason : "internal");
		state_again(s);
	}
	wipe(payload, sizeof payload);
	return 0;
}

int admission_hear_signature(struct stick *s, struct msg *m)
{
	size_t size = 0, pin_size = 0;
	uint8_t payload[STATEMENT_MAX_BYTES + 2 * STATEMENT_SIGNATURE_BYTES + 16];
	struct reader r = reader_over(m->payload, m->size);
	const uint8_t *signature = read_blob(&r, &size);
	const uint8_t *pin = read_blob(&r, &pin_size);
	if (!reader_done(&r))
		return -EBADMSG;
	if (!s->stating || s->statement_size == 0)
		return 0;
	struct writer w = writer_over(payload, sizeof payload);
	write_blob(&w, s->statement, s->statement_size);
	write_blob(&w, signature, size);
	write_blob(&w, pin, pin_size);
	if (w.failed || crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_STATEMENT, 0, w.data, w.size) < 0)
		state_again(s);
	else
		s->pin.unproved = pin_size > 0 && !s->pin.proved;
	wipe(payload, sizeof payload);
	wipe(s->statement, sizeof s->statement);
	s->statement_size = 0;
	return 0;
}

int admission_hear_not_stated(struct stick *s, struct msg *m)
{
	state_again(s);
	return m->size == 0 ? 0 : -EBADMSG;
}

void admission_answered(struct stick *s, const uint8_t *token, size_t token_size, uint32_t lease_s, uint8_t tries_left)
{
	stop_stating(s);
	s->pin.unproved = false;
	s->pin.tries_left = tries_left;
	if (token_size != sizeof s->provision.token)
		return;
	s->pin.proved = s->pin.unlocked;
	s->lease_whole_s = lease_s;
	s->pin.wrong = false;
	memcpy(s->provision.token, token, token_size);
	stick_store_token(s);
}

/* Half of it is left, or less: the next one, without a word. */
void admission_renew(struct stick *s, uint32_t lease_s)
{
	if (lease_s <= s->lease_whole_s / 2)
		admission_ask(s);
}

/* Refused for something that the next statement mends, once somebody has typed a PIN or at once. */
void admission_next(struct stick *s, enum admission_reason reason)
{
	if (s->machine.state != STATE_ADMITTED)
		return;
	if (reason == REASON_PIN_WANTED)
		s->pin.gateway_asks = true;
	s->pin.wrong = s->pin.wrong || reason == REASON_PIN_WRONG;
	if (reason == REASON_PIN_WANTED || reason == REASON_PIN_WRONG)
		forget_pin(s);
	if (reason == REASON_NO_STATEMENT && (!wants_pin(s) || s->pin.unlocked))
		admission_ask(s);
	else
		stick_raise(s, EVENT_PIN_WANTED);
}

/* While it is asked for, a beacon may say that it is locked, or is not any more. */
void pin_hear_beacon(struct stick *s, enum admission_reason reason)
{
	if (s->machine.state != STATE_UNLOCK || !s->provision.has_pin)
		return;
	if (reason == REASON_PIN_LOCKED && s->pin.ask != PIN_ASK_NOT) {
		tell_pin(s, PIN_ASK_NOT);
		tell_step(s, STATE_UNLOCK, STEP_FAILED, "pin_locked", "");
	} else if (reason == REASON_NO_STATEMENT && s->pin.ask == PIN_ASK_NOT) {
		tell_step(s, STATE_UNLOCK, STEP_WAITING, "", "");
		tell_pin(s, PIN_ASK_NOW);
	}
}

/* A key that was refused for good is not shown again: when the desk has unlocked it, the PIN is asked for anew. */
void admission_locked(struct stick *s)
{
	forget_pin(s);
	if (s->machine.state == STATE_ADMITTED)
		tell_pin(s, PIN_ASK_NOT);
}
