/*
 * The device record in the launcher's hands: read at the start, its mutable half written now and then, its token with
 * each admission.
 *
 * Nothing waits for a stick that cannot be written. A write that failed may have reached the medium all the same, so
 * that the record is read again, and what lies there is what goes on: the one-time token above all, because the gateway
 * forgets one of two as soon as the other is shown (vpn/gateway/admit.h). Customer and desk are told, once for each
 * start, and the next change is tried again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/boot/rootdisk.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/stick.h"

/* A write takes a second or two. One that hangs cannot be given up, because it may be done yet: it is told of. */
enum { LATE_MS = 20000 };

/* What lies in the record is certain: whoever waited for that goes on. */
static void settle(struct stick *s)
{
	s->record.doubted = false;
	if (s->record.pending || s->record.token_pending)
		return; /* one more is to be written first */
	memcpy(s->provision.token, s->token, sizeof s->token);
	s->record.storing = false;
	loop_timer_set(s->record.late, -1);
	if (s->stating_waits)
		admission_ask(s);
}

static void tell_not_kept(struct stick *s, const char *why)
{
	log_error("the device record is not written: %s", why);
	stick_notice(s, "record_not_kept");
}

static void begin(struct stick *s)
{
	if (!s->record.storing)
		loop_timer_set(s->record.late, LATE_MS);
	s->record.storing = true;
	stick_start(s, PROCESS_RECORD);
}

void stick_store(struct stick *s)
{
	struct stick_record *r = &s->record;
	char *text = provision_changing(&s->provision);
	if (!text) {
		/* a token that is written nowhere is never shown; a write that is under way goes on */
		memcpy(s->provision.token, r->storing ? r->token : s->token, sizeof s->token);
		tell_not_kept(s, "out of memory");
		return;
	}
	wipe_free(r->pending);
	r->pending = text;
	if (!s->provision.token_apart)
		memcpy(r->token, s->provision.token, sizeof r->token);
	begin(s);
}

void stick_store_token(struct stick *s)
{
	s->record.token_pending = true;
	memcpy(s->record.token, s->provision.token, sizeof s->record.token);
	begin(s);
}

static bool writes(enum record_task task) { return task == RECORD_WRITES || task == RECORD_WRITES_TOKEN; }

int record_start(struct stick *s)
{
	struct stick_record *r = &s->record;
	if (crew_runs(&s->crew, PROCESS_RECORD))
		return -EALREADY; /* what is pending is stored when this one has ended */
	/* the token first: a customer may wait for it */
	enum record_task task = r->doubted         ? RECORD_LOOKS
				: r->token_pending ? RECORD_WRITES_TOKEN
				: r->pending       ? RECORD_WRITES
						   : RECORD_READS;
	int fd = rootdisk_open_record(writes(task) ? O_RDWR : O_RDONLY);
	int error = fd < 0 ? fd : crew_start(&s->crew, PROCESS_RECORD, &fd, 1);
	if (fd >= 0)
		close(fd);
	if (error)
		return error;
	r->task = task;
	if (task == RECORD_WRITES) {
		wipe_free(r->text);
		r->text = r->pending;
		r->pending = NULL;
	} else if (task == RECORD_WRITES_TOKEN) {
		r->token_pending = false;
	}
	return 0;
}

/* Nothing was written, or could be looked at: what lies there is what we have known so far. */
void record_not_started(struct stick *s, int error)
{
	struct stick_record *r = &s->record;
	if (!s->provisioned) {
		tell_step(s, STATE_START, STEP_FAILED, error == -ENOENT ? "record_missing" : "record_damaged",
			  strerror(-error));
		stick_raise(s, EVENT_UNUSABLE);
		return;
	}
	if (!r->doubted) {
		wipe_free(r->pending);
		r->pending = NULL;
		r->token_pending = false;
		tell_not_kept(s, strerror(-error));
	}
	settle(s);
}

/* It may be megabytes, which nobody takes from the socket before the process listens: until then the launcher has other
 * things to do than to wait for it. */
static void brief(struct stick *s)
{
	struct stick_record *r = &s->record;
	const bool token = r->task == RECORD_WRITES_TOKEN;
	char *text = token ? provision_token(r->token) : r->text;
	const size_t capacity = (text ? strlen(text) : 0) + sizeof(uint32_t);
	uint8_t *payload = text ? malloc(capacity) : NULL;
	struct writer w = writer_over(payload, payload ? capacity : 0);
	write_str(&w, text);
	int error = w.failed ? -ENOMEM
			     : crew_send(&s->crew, PROCESS_RECORD, token ? MSG_RECORD_STORE_TOKEN : MSG_RECORD_STORE, 0,
					 w.data, w.size);
	if (payload)
		wipe(payload, capacity);
	free(payload);
	wipe_free(text);
	if (!token)
		r->text = NULL;
	if (!error)
		return;
	log_error("record cannot be told what to write: %s", strerror(-error));
	crew_stop(&s->crew, PROCESS_RECORD);
	record_died(s);
}

int record_hear_ready(struct stick *s, struct msg *m)
{
	if (m->size != 0)
		return -EBADMSG;
	if (writes(s->record.task))
		brief(s);
	return 0;
}

int record_hear_token(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, s->record.slot, sizeof s->record.slot);
	wipe(m->payload, m->size);
	return reader_done(&r) ? 0 : -EBADMSG;
}

static void provisioned(struct stick *s)
{
	s->provisioned = true;
	memcpy(s->token, s->provision.token, sizeof s->token);
	memcpy(s->record.token, s->token, sizeof s->token);
	log_info("this is %s of %s", s->provision.device, s->provision.tenant);
	stick_raise_clock(s);
	stick_start(s, PROCESS_POLICY);
}

static void swap(char **a, char **b)
{
	char *other = *a;
	*a = *b;
	*b = other;
}

/* After a write that failed: the token and the signed objects that are there, those that were to be written or those
 * before. What the record has no room for must not be in the way of everything that is written later. */
static void look(struct stick *s, struct provision *found, bool has_half)
{
	struct provision *p = &s->provision;
	bool written = memcmp(found->token, s->record.token, sizeof found->token) == 0;
	log_info("device record: the token that was to be written is%s there", written ? "" : " not");
	if (has_half || found->token_apart)
		memcpy(s->token, found->token, sizeof s->token);
	p->token_apart = found->token_apart;
	if (!has_half)
		return;
	swap(&p->kept_policy, &found->kept_policy);
	swap(&p->kept_gateways, &found->kept_gateways);
	p->kept_policy_version = found->kept_policy_version;
	p->kept_gateways_version = found->kept_gateways_version;
}

int record_hear_content(struct stick *s, struct msg *m)
{
	size_t immutable_size = 0, changing_size = 0;
	struct reader r = reader_over(m->payload, m->size);
	const uint8_t *immutable = read_blob(&r, &immutable_size);
	const uint8_t *changing = read_blob(&r, &changing_size);
	if (!reader_done(&r))
		return -EBADMSG;
	const enum record_task task = s->record.task;
	s->record.task = RECORD_RESTS;
	if (task != RECORD_LOOKS && s->provisioned)
		return 0; /* it was started to write */
	struct provision found;
	int error =
	    provision_parse((const char *)immutable, immutable_size, (const char *)changing, changing_size, &found);
	wipe(m->payload, m->size);
	if (!error && s->record.slot[0] && provision_take_token(&found, s->record.slot, strlen(s->record.slot)) < 0)
		log_error("the device record's token cannot be read");
	wipe(s->record.slot, sizeof s->record.slot);
	if (task == RECORD_LOOKS) {
		if (!error)
			look(s, &found, changing_size > 0);
		provision_free(&found);
		settle(s);
	} else if (error) {
		tell_step(s, STATE_START, STEP_FAILED, "record_damaged", strerror(-error));
		stick_raise(s, EVENT_UNUSABLE);
	} else {
		s->provision = found;
		provisioned(s);
	}
	return 0;
}

/* What is being written, or was to be looked at, came to nothing. */
static void task_failed(struct stick *s, const char *why)
{
	const enum record_task task = s->record.task;
	s->record.task = RECORD_RESTS;
	if (writes(task)) {
		s->record.doubted = true; /* looked at when this process has ended: only then the kernel reads anew */
		tell_not_kept(s, why);
	} else if (task == RECORD_LOOKS) {
		log_error("the device record cannot be read again: %s", why);
		settle(s);
	}
}

int record_hear_failed(struct stick *s, struct msg *m)
{
	char reason[STICK_DETAIL_BYTES];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, reason, sizeof reason);
	if (!reader_done(&r))
		return -EBADMSG;
	if (s->provisioned) {
		task_failed(s, reason);
		return 0;
	}
	log_error("device record: %s", reason);
	tell_step(s, STATE_START, STEP_FAILED, "record_damaged", reason);
	stick_raise(s, EVENT_UNUSABLE);
	return 0;
}

int record_hear_stored(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	uint64_t sequence = read_u64(&r);
	if (!reader_done(&r))
		return -EBADMSG;
	const enum record_task task = s->record.task;
	if (!writes(task))
		return 0;
	s->record.task = RECORD_RESTS;
	log_info("device record: %s %llu is stored", task == RECORD_WRITES ? "mutable half" : "token",
		 (unsigned long long)sequence);
	if (task == RECORD_WRITES_TOKEN)
		s->provision.token_apart = true;
	if (!s->record.pending && !s->record.token_pending)
		memcpy(s->token, s->record.token, sizeof s->token);
	settle(s);
	return 0;
}

void record_died(struct stick *s)
{
	wipe_free(s->record.text);
	s->record.text = NULL;
	if (s->provisioned)
		task_failed(s, "the record process ended without a word");
	if (s->record.doubted || s->record.pending || s->record.token_pending)
		stick_start(s, PROCESS_RECORD);
	if (s->provisioned || s->steps[STATE_START].outcome == STEP_FAILED)
		return;
	tell_step(s, STATE_START, STEP_FAILED, "record_damaged", "the record process ended without a word");
	stick_raise(s, EVENT_UNUSABLE);
}

/* The customer waits for the admission, which waits for this. */
void record_late(struct stick *s)
{
	log_error("the device record is still being written after %d s", LATE_MS / 1000);
	if (s->machine.state == STATE_ADMITTED)
		tell_step(s, STATE_ADMITTED, STEP_TROUBLE, "record_slow", "");
}
