/* Admission by statement (admit.h): nonces, what is kept, what becomes of who is refused, and what operators undo. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "vpn/admission/pin.h"
#include "vpn/gateway/admit.h"
#include "vpn/gateway/hub.h"

/* A nonce is for the statement that follows it. Judging one takes some milliseconds of this process: a stick gets five
 * in a second and no more. */
enum { NONCE_MS = 60000, NONCE_EVERY_MS = 200, TRIES_UNKNOWN = 255, STATUS_OLD_MS = 1000, PLACE_SETTLES_S = 5 };

static void load_admission(const char *id, const struct store_admission *admission, void *context)
{
	struct stick *stick = fleet_by_id(context, id);
	if (stick)
		stick->admission = *admission;
}

int hub_admissions_load(struct hub *hub)
{
	for (size_t i = 0; i < fleet_count(hub->fleet); i++)
		admit_new(&fleet_at(hub->fleet, i)->admission);
	return store_each_admission(hub->store, load_admission, hub->fleet);
}

static struct admit_facts facts_of(const struct hub *hub, const struct stick *stick)
{
	return (struct admit_facts){.gateway = hub->config.id,
				    .device = stick->row.id,
				    .identity_key = stick->row.identity_key,
				    .images = &hub->images,
				    .revoked = stick->row.revoked != 0,
				    .pin = hub->policy.pin};
}

/*
 * Token and PIN tries are the registry's and not this process's: another gateway on the same database may have admitted
 * this stick a moment ago. With what we remember its next token would be a copy's, and a copy's a good one. A row that
 * is not there yet is that of a stick that was never admitted anywhere.
 */
static int read_anew(struct hub *hub, struct stick *stick)
{
	struct store_admission now;
	int found = store_admission_get(hub->store, stick->row.id, &now);
	if (found == 1)
		stick->admission = now;
	return found < 0 ? found : 0;
}

enum admission_reason hub_standing(const struct hub *hub, const struct stick *stick, const char *boot)
{
	const struct admit_facts facts = facts_of(hub, stick);
	enum admission_reason standing = admit_standing(&stick->admission, &facts);
	if (standing)
		return standing;
	/* It is this start of the stick that was admitted, and no other. */
	bool stands = stick->admission.until > hub_now() && strcmp(stick->admission.boot, boot) == 0;
	return stands ? REASON_NONE : REASON_NO_STATEMENT;
}

uint32_t hub_lease_s(const struct stick *stick)
{
	int64_t left = stick->admission.until - hub_now();
	/* more than any configuration gives: this machine's clock was set back, and a stick refuses such an answer */
	if (left > CONFIG_ADMISSION_MAX_S)
		left = CONFIG_ADMISSION_MAX_S;
	return left > 0 ? (uint32_t)left : 0;
}

void hub_lease_end(struct hub *hub, struct stick *stick)
{
	if (stick->admission.until <= hub_now() || read_anew(hub, stick))
		return;
	stick->admission.until = 0;
	if (store_admission_set(hub->store, stick->row.id, &stick->admission))
		log_error("%s: that its admission ended could not be kept", stick->row.id);
}

/* --- nonces --- */

static void reply_nonce(struct hub *hub, uint32_t id, enum admission_reason reason, const struct stick *stick)
{
	uint8_t data[128];
	struct writer w = writer_over(data, sizeof data);
	write_str(&w, admission_reason_code(reason));
	write_blob(&w, stick ? stick->nonce : NULL, reason ? 0 : STATEMENT_NONCE_BYTES);
	hub->send(hub, ROLE_API, GW_NONCE_REPLY, id, &w);
}

void hub_nonce(struct hub *hub, uint32_t id, struct reader *r)
{
	struct in_addr address = {.s_addr = read_u32(r)};
	if (!reader_done(r))
		return;
	int64_t now = now_ms();
	struct stick *stick = fleet_by_address(hub->fleet, address);
	enum admission_reason reason = !stick               ? REASON_NOT_REGISTERED
				       : stick->row.revoked ? REASON_REVOKED
							    : REASON_NONE;
	if (!reason && stick->nonce_ms && now - stick->nonce_ms < NONCE_EVERY_MS)
		reason = REASON_TRY_AGAIN;
	if (!reason && getrandom(stick->nonce, sizeof stick->nonce, 0) != sizeof stick->nonce)
		reason = REASON_TRY_AGAIN;
	if (!reason) {
		stick->nonce_ms = now;
		stick->nonce_stands = true;
	}
	reply_nonce(hub, id, reason, stick);
}

/* --- statements --- */

static void reply_statement(struct hub *hub, uint32_t id, const struct stick *stick, enum admission_reason reason,
			    const uint8_t *token)
{
	uint8_t data[256];
	struct writer w = writer_over(data, sizeof data);
	uint32_t lease_s = stick && !reason ? hub_lease_s(stick) : 0;
	unsigned failures = stick ? stick->admission.pin_failures : 0;
	bool tells_tries = reason == REASON_PIN_WANTED || reason == REASON_PIN_WRONG || reason == REASON_PIN_LOCKED;
	static const char *const states[REASON_COUNT] = {
	    [REASON_NONE] = "admitted", [REASON_NOT_REGISTERED] = "unknown", [REASON_REVOKED] = "revoked"};
	write_str(&w, states[reason] ? states[reason] : "refused");
	write_str(&w, admission_reason_code(reason));
	write_u32(&w, lease_s < HUB_VALID_S ? lease_s : HUB_VALID_S);
	write_u64(&w, hub->policy.version);
	write_u64(&w, hub->gateways.version);
	write_u32(&w, lease_s);
	write_blob(&w, token, reason ? 0 : STATEMENT_TOKEN_BYTES);
	write_u8(&w, tells_tries ? (uint8_t)(failures < PIN_TRIES ? PIN_TRIES - failures : 0) : TRIES_UNKNOWN);
	write_u32(&w, 0); /* a beacon is answered with it, soon enough */
	hub->send(hub, ROLE_API, GW_BEACON_REPLY, id, &w);
	wipe(data, sizeof data);
}

/* What an operator reads: where and when, in the gateway's time. */
static void say_when(int64_t at, char *out, size_t size)
{
	struct tm parts;
	time_t seconds = (time_t)at;
	if (!at || !gmtime_r(&seconds, &parts) || strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		snprintf(out, size, "never");
}

/* Both places: the one admitted last, and the one whose packets WireGuard saw last. */
static void tell_copy(struct hub *hub, struct stick *stick)
{
	char detail[320], before[32], now[32];
	const struct store_admission *a = &stick->admission;
	say_when(a->at, before, sizeof before);
	say_when(stick->copy_seen, now, sizeof now);
	snprintf(detail, sizeof detail, "admitted last at %s from %s; a used token came at %s from %s", before,
		 a->place[0] ? a->place : "-", now, stick->endpoint[0] ? stick->endpoint : "-");
	stick->copy_seen = 0;
	hub_note(hub, "stick_copied", stick->row.id, HUB_ITSELF, detail);
	log_warn("%s: %s", stick->row.id, detail);
	hub->revision++;
}

/* WireGuard is read every few seconds. What was read before a used token came may still be on its way here; and the
 * place of an admission is that of the session it was made in, so that one with a later handshake has none in it. */
void hub_place(struct hub *hub, struct stick *stick)
{
	struct store_admission *a = &stick->admission;
	if (stick->copy_seen && now_ms() - stick->copy_seen_ms >= STATUS_OLD_MS)
		tell_copy(hub, stick);
	if (a->copied || stick->handshake > a->at || hub_now() - a->at > PLACE_SETTLES_S ||
	    strcmp(a->place, stick->endpoint) == 0)
		return;
	const int64_t at = a->at;
	if (read_anew(hub, stick) || a->at != at)
		return; /* it has been admitted elsewhere since */
	snprintf(a->place, sizeof a->place, "%s", stick->endpoint);
	store_admission_set(hub->store, stick->row.id, a);
}

static void tell_refusal(struct stick *stick, enum admission_reason reason, const struct store_admission *before)
{
	if (reason != REASON_COPIED || before->copied)
		return;
	stick->copy_seen = hub_now(); /* told when WireGuard has been asked where that came from */
	stick->copy_seen_ms = now_ms();
}

static void take_admission(struct hub *hub, struct stick *stick, const struct admit_verdict *verdict)
{
	struct store_admission *a = &stick->admission;
	a->at = hub_now();
	a->until = a->at + hub->config.admission_s;
	memcpy(a->place, stick->endpoint, sizeof a->place);
	memcpy(a->boot, verdict->statement.boot, sizeof a->boot);
	if (verdict->duress && !a->duress_at)
		a->duress_at = a->at;
}

/* The silent alarm: nothing that goes back to the stick differs by it, and it is written after the answer has gone. */
static void tell_duress(struct hub *hub, const struct stick *stick)
{
	char detail[ENDPOINT_SIZE + 8];
	snprintf(detail, sizeof detail, "from %s", stick->endpoint[0] ? stick->endpoint : "-");
	hub_note(hub, "duress", stick->row.id, HUB_ITSELF, detail);
	log_warn("%s: duress", stick->row.id);
}

/* What a decision changes is kept with its entry in the audit log, or it is none. Renewals decide nothing new, twelve
 * an hour for every stick: the start that they renew has its entry. */
static int keep_decision(struct hub *hub, const struct stick *stick, enum admission_reason reason,
			 const struct store_admission *before)
{
	char detail[64 + ENDPOINT_SIZE];
	const struct store_admission *now = &stick->admission;
	const char *id = stick->row.id, *place = stick->endpoint[0] ? stick->endpoint : "-";
	bool held = now->copied != before->copied, wrong = now->pin_failures > before->pin_failures;
	if (reason && !held && !wrong)
		return 0;
	if (!reason && strcmp(now->boot, before->boot) == 0)
		return store_admission_set(hub->store, id, now);
	int error = hub_begin(hub);
	if (error)
		return error;
	error = store_admission_set(hub->store, id, now);
	if (!reason)
		return hub_end_quietly(hub, error, "stick_admitted", id, HUB_ITSELF, place);
	if (held)
		return hub_end_quietly(hub, error, "stick_held", id, HUB_ITSELF, "a used token");
	snprintf(detail, sizeof detail, "%u of %d, from %s", now->pin_failures, PIN_TRIES, place);
	return hub_end(hub, error, reason == REASON_PIN_LOCKED ? "pin_locked" : "pin_wrong", id, HUB_ITSELF, detail);
}

static enum admission_reason judge(struct hub *hub, struct stick *stick, const struct admit_claim *claim,
				   uint8_t token[STATEMENT_TOKEN_BYTES], bool *duress)
{
	struct admit_verdict verdict;
	struct admit_facts facts = facts_of(hub, stick);
	if (hub->policy.version == 0)
		return REASON_TRY_AGAIN; /* not verified yet since this gateway's start: it may want a PIN */
	/* before a signature is looked at: that costs, and nonces are rationed */
	if (!stick->nonce_stands || now_ms() - stick->nonce_ms > NONCE_MS)
		return REASON_NONCE;
	if (read_anew(hub, stick))
		return REASON_TRY_AGAIN;
	const struct store_admission before = stick->admission;
	facts.nonce = stick->nonce;
	facts.next = token;
	admit_judge(&stick->admission, claim, &facts, &verdict);
	stick->nonce_stands = false;
	*duress = verdict.duress;
	if (!verdict.reason)
		take_admission(hub, stick, &verdict);
	if (keep_decision(hub, stick, verdict.reason, &before)) {
		stick->admission = before;
		return REASON_TRY_AGAIN;
	}
	if (verdict.reason)
		tell_refusal(stick, verdict.reason, &before);
	return verdict.reason;
}

void hub_statement(struct hub *hub, uint32_t id, struct reader *r)
{
	struct admit_claim claim;
	uint8_t token[STATEMENT_TOKEN_BYTES] = {0};
	bool duress = false;
	struct in_addr address = {.s_addr = read_u32(r)};
	claim.statement = read_blob(r, &claim.statement_size);
	claim.signature = read_blob(r, &claim.signature_size);
	claim.pin_signature = read_blob(r, &claim.pin_signature_size);
	if (!reader_done(r))
		return;
	struct stick *stick = fleet_by_address(hub->fleet, address);
	enum admission_reason reason = REASON_NOT_REGISTERED;
	if (stick)
		reason = getrandom(token, sizeof token, 0) == sizeof token ? judge(hub, stick, &claim, token, &duress)
									   : REASON_TRY_AGAIN;
	hub->statements[reason]++;
	if (stick && !reason)
		hub_admit(hub, stick);
	else if (stick)
		hub_refuse(hub, stick, reason);
	reply_statement(hub, id, stick, reason, token);
	if (duress && !reason)
		tell_duress(hub, stick);
	wipe(token, sizeof token);
}

/* --- what operators do --- */

static int find_stick(struct hub *hub, const char *id, const char *reason, struct stick **stick, char *why,
		      size_t why_size)
{
	*stick = fleet_by_id(hub->fleet, id);
	if (!*stick || (*stick)->row.revoked) {
		snprintf(why, why_size, *stick ? "%s is revoked" : "%s is not registered", id);
		return -ENOENT;
	}
	if (read_anew(hub, *stick)) {
		snprintf(why, why_size, "the database does not say how %s stands", id);
		return -EIO;
	}
	if (reason[0] && name_is_text(reason, HUB_REASON_MAX_BYTES))
		return 0;
	snprintf(why, why_size, "a reason is wanted, of at most %d bytes: it stays with the event",
		 HUB_REASON_MAX_BYTES);
	return -EINVAL;
}

static int keep(struct hub *hub, struct stick *stick, const struct store_admission *changed, const char *kind,
		const char *who, const char *reason, char *why, size_t why_size)
{
	int error = hub_begin(hub);
	if (!error)
		error = hub_end(hub, store_admission_set(hub->store, stick->row.id, changed), kind, stick->row.id, who,
				reason);
	if (error) {
		snprintf(why, why_size, "the database did not take it: %s", strerror(-error));
		return error;
	}
	stick->admission = *changed;
	hub->revision++;
	return 0;
}

int hub_stick_unlock(struct hub *hub, const char *id, const char *reason, const char *who, char *why, size_t why_size)
{
	struct stick *stick;
	int error = find_stick(hub, id, reason, &stick, why, why_size);
	if (error)
		return error;
	struct store_admission changed = stick->admission;
	if (changed.pin_failures == 0) {
		snprintf(why, why_size, "%s has no wrong PIN against it", id);
		return -EALREADY;
	}
	changed.pin_failures = 0;
	return keep(hub, stick, &changed, "pin_unlocked", who, reason, why, why_size);
}

int hub_stick_pin(struct hub *hub, const char *id, const struct hub_letter *letter, const char *reason, const char *who,
		  char *why, size_t why_size)
{
	struct stick *stick;
	int error = find_stick(hub, id, reason, &stick, why, why_size);
	if (error)
		return error;
	struct store_admission changed = stick->admission;
	memcpy(changed.pin_key, letter->pin_key, sizeof changed.pin_key);
	memcpy(changed.duress_key, letter->duress_key, sizeof changed.duress_key);
	changed.pin_failures = 0;
	return keep(hub, stick, &changed, "pin_letter", who, reason, why, why_size);
}

int hub_stick_release(struct hub *hub, const char *id, const char *reason, const char *who, char *why, size_t why_size)
{
	struct stick *stick;
	int error = find_stick(hub, id, reason, &stick, why, why_size);
	if (error)
		return error;
	struct store_admission changed = stick->admission;
	if (!changed.copied && !changed.duress_at) {
		snprintf(why, why_size, "%s is not held for a copy, and called for no help", id);
		return -EALREADY;
	}
	changed.adopt = changed.adopt || changed.copied;
	changed.copied = false;
	changed.duress_at = 0;
	return keep(hub, stick, &changed, "stick_released", who, reason, why, why_size);
}
