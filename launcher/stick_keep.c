#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/stick.h"

enum { CLOCK_TOLERANCE_S = 2 };

uint64_t stick_time_floor(const struct stick *s)
{
	uint64_t floor = s->about.date;
	if (s->provision.time_floor > floor)
		floor = s->provision.time_floor;
	if (s->policy && s->policy->issued > 0 && (uint64_t)s->policy->issued > floor)
		floor = (uint64_t)s->policy->issued;
	return floor;
}

/*
 * A responder forgets nothing of WireGuard's timestamps: a clock behind the last session's gets no handshake. So it is
 * raised before the first one to the latest time we have any proof of.
 */
void stick_raise_clock(struct stick *s)
{
	uint64_t floor = stick_time_floor(s);
	if ((uint64_t)time(NULL) >= floor)
		return;
	log_info("this PC's clock is behind what we know; it is set forward");
	tell_init_clock(floor);
}

void stick_confirm_time(struct stick *s, uint64_t gateway_time)
{
	if (gateway_time < stick_time_floor(s)) {
		log_warn("the gateway's time is before the image's or the policy's: not believed");
		return;
	}
	int64_t step = (int64_t)gateway_time - (int64_t)time(NULL);
	if (step > CLOCK_TOLERANCE_S || step < -CLOCK_TOLERANCE_S) {
		log_info("the clock is off by %lld s and is corrected", (long long)step);
		s->clock_step_s = step;
		tell_init_clock(gateway_time);
	}
	if (s->time_confirmed)
		return;
	s->time_confirmed = true;
	uint8_t payload[8];
	struct writer w = writer_over(payload, sizeof payload);
	write_u64(&w, gateway_time);
	crew_send(&s->crew, PROCESS_POLICY, MSG_POLICY_TIME, 0, payload, w.size);
	tell_agent_config(s);
	s->provision.time_floor = gateway_time;
	stick_store(s);
}

void stick_store(struct stick *s)
{
	free(s->record_pending);
	s->record_pending = provision_changing(&s->provision);
	if (!s->record_pending) {
		log_error("out of memory: the record is not written");
		return;
	}
	stick_start(s, PROCESS_RECORD);
}

int stick_offer(struct stick *s, const void *envelope, size_t size)
{
	static uint8_t payload[MSG_PAYLOAD_MAX_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	write_blob(&w, envelope, size);
	write_u64(&w, (uint64_t)time(NULL));
	free(s->offered);
	s->offered = NULL;
	if (w.failed || provision_keep(&s->offered, envelope, size) < 0)
		return -EMSGSIZE;
	return crew_send(&s->crew, PROCESS_POLICY, MSG_POLICY_OFFER, 0, payload, w.size);
}
