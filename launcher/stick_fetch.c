/*
 * A newer policy or list of gateways that the gateway announces: fetched by the agent, offered to the policy process,
 * which verifies it before it reads any of it, and kept. One at a time; a list of gateways only where nobody waits.
 *
 * What cannot be had is tried again, later each time and not by a whole fleet at once (backoff.h). What was had and is
 * not good is not asked for again in this start. The desk sees both in the stick's counts, and by its policy's version.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/boot/record.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/agent_http.h"
#include "launcher/backoff.h"
#include "launcher/stick.h"

/* A little more than the agent takes (HTTP_FETCH_MS): it says then what was wrong. */
enum { FETCH_MS = HTTP_FETCH_MS + 5000 };

static const struct {
	const char *name, *not_fetched, *refused, *not_kept; /* the last three for the desk */
} words[FETCH_COUNT] = {
    [FETCH_POLICY] = {"policy", "policy_not_fetched", "policy_refused", "policy_not_kept"},
    [FETCH_GATEWAYS] = {"list of gateways", "gateways_not_fetched", "gateways_refused", "gateways_not_kept"},
};

static uint64_t have(const struct stick *s, enum fetch what)
{
	const struct gateways *gateways = s->gateways_next ? s->gateways_next : s->gateways;
	return what == FETCH_POLICY ? s->policy->version : gateways->version;
}

bool fetch_is_due(const struct stick *s, enum fetch what)
{
	const struct stick_fetch *f = &s->fetch[what];
	return !s->asked && f->newest > have(s, what) && f->newest != f->passed_over && now_ms() >= f->again_ms;
}

static int ask(struct stick *s, enum fetch what)
{
	const uint8_t payload = (uint8_t)what;
	return crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_FETCH, 0, &payload, sizeof payload);
}

bool fetch_begin(struct stick *s, enum fetch what)
{
	if (s->asked == &s->fetch[what])
		return true;
	if (!fetch_is_due(s, what))
		return false;
	log_info("%s %llu is announced, we have %llu", words[what].name, (unsigned long long)s->fetch[what].newest,
		 (unsigned long long)have(s, what));
	if (ask(s, what) < 0)
		return false; /* it is being started again, and its beacon leads here */
	s->asked = &s->fetch[what];
	loop_timer_set(s->fetching, FETCH_MS);
	return true;
}

void fetch_agent_anew(struct stick *s)
{
	if (s->asked && !s->offered && s->tunnel.up)
		(void)ask(s, (enum fetch)(s->asked - s->fetch));
}

void fetch_forget(struct stick *s)
{
	s->asked = NULL;
	loop_timer_set(s->fetching, -1);
}

static void go_on(struct stick *s)
{
	fetch_forget(s);
	if (s->machine.state == STATE_UPDATE)
		stick_raise(s, EVENT_UPDATED);
}

void fetch_failed(struct stick *s, const char *why)
{
	struct stick_fetch *f = s->asked;
	char seed[sizeof s->provision.device + sizeof s->about.boot_id];
	if (!f)
		return;
	const size_t what = (size_t)(f - s->fetch);
	snprintf(seed, sizeof seed, "%s%s", s->provision.device, s->about.boot_id);
	int64_t wait_ms = backoff_ms(++f->failures, seed);
	f->again_ms = now_ms() + wait_ms;
	log_warn("the newer %s did not come: %s; the one we have stands, and it is asked for again after %lld s",
		 words[what].name, why, (long long)wait_ms / 1000);
	stick_count(s, words[what].not_fetched);
	go_on(s);
}

void fetch_refused(struct stick *s)
{
	struct stick_fetch *f = s->asked;
	free(s->offered);
	s->offered = NULL;
	if (f) {
		f->passed_over = f->newest;
		stick_count(s, words[f - s->fetch].refused);
	}
	go_on(s);
}

static int offer(struct stick *s, const void *envelope, size_t size)
{
	const size_t capacity = size + sizeof(uint32_t) + sizeof(uint64_t);
	uint8_t *payload = malloc(capacity);
	struct writer w = writer_over(payload, payload ? capacity : 0);
	write_blob(&w, envelope, size);
	write_u64(&w, (uint64_t)time(NULL));
	int error = w.failed ? -ENOMEM : provision_keep(&s->offered, envelope, size);
	if (!error)
		error = crew_send(&s->crew, PROCESS_POLICY, MSG_POLICY_OFFER, 0, payload, w.size);
	free(payload);
	if (error) {
		free(s->offered);
		s->offered = NULL;
		return error;
	}
	provision_squeeze(s->offered);
	return 0;
}

int fetch_hear(struct stick *s, struct msg *m)
{
	size_t size = 0;
	struct reader r = reader_over(m->payload, m->size);
	unsigned what = read_u8(&r);
	const uint8_t *envelope = read_blob(&r, &size);
	if (!reader_done(&r) || what >= FETCH_COUNT)
		return -EBADMSG;
	if (s->asked != &s->fetch[what] || s->offered)
		return 0; /* too late; or the policy process has not said yet what it thinks of it */
	bool at_ease = s->machine.state == STATE_READY || s->machine.state == STATE_SESSION;
	if (!at_ease && s->machine.state != STATE_UPDATE) {
		fetch_forget(s); /* the way up asks again */
		return 0;
	}
	int error = offer(s, envelope, size);
	if (error)
		fetch_failed(s, strerror(-error)); /* without a policy process: it is told elsewhere */
	return 0;
}

int fetch_hear_not(struct stick *s, struct msg *m)
{
	char sentence[STICK_DETAIL_BYTES * 2];
	struct reader r = reader_over(m->payload, m->size);
	unsigned what = read_u8(&r);
	read_str(&r, sentence, sizeof sentence);
	if (!reader_done(&r) || what >= FETCH_COUNT)
		return -EBADMSG;
	if (s->asked == &s->fetch[what])
		fetch_failed(s, sentence);
	return 0;
}

/* Does what is to be kept fit its half of the record? */
static bool fits(const struct provision *p)
{
	char *text = provision_changing(p);
	bool good = text && strlen(text) <= RECORD_MUTABLE_MAX_BYTES;
	wipe_free(text);
	return good;
}

/* The gateway says what it serves, the signature what it is: each is kept in its place. One that the record has no room
 * for stands until the power goes off; the one before is what the next start begins with, and fetches it again. */
static void keep(struct stick *s, enum fetch what)
{
	struct provision *p = &s->provision;
	char **kept = what == FETCH_POLICY ? &p->kept_policy : &p->kept_gateways, *before = *kept;
	uint64_t *version = what == FETCH_POLICY ? &p->kept_policy_version : &p->kept_gateways_version;
	const uint64_t version_before = *version;
	*kept = s->offered;
	s->offered = NULL;
	*version = have(s, what);
	if (fits(p)) {
		free(before);
		stick_store(s);
		return;
	}
	free(*kept);
	*kept = before;
	*version = version_before;
	log_error("the record has no room for the %s in force now: the next start begins with the one before",
		  words[what].name);
	stick_count(s, words[what].not_kept);
}

void fetch_taken(struct stick *s, enum fetch what)
{
	fetch_forget(s);
	s->fetch[what].failures = 0;
	s->fetch[what].again_ms = 0;
	if (s->offered)
		keep(s, what);
	crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_BEACON_NOW, 0, NULL, 0); /* the desk waits to see it in force */
}
