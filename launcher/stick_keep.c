#include <time.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/stick.h"

/* An answer may have been under way for seconds, so that a clock that was set once is left alone for small ones. A step
 * back below a minute is past before WireGuard's next handshake. */
enum { CLOCK_TOLERANCE_S = 2, CLOCK_TOLERANCE_LATER_S = 30, CLOCK_BACK_HARMLESS_S = 60 };

/* How far one start's answer moves the floor beyond what is known, where only the gateway says so; and how far off a
 * PC's own clock may be to be a second witness (one that keeps local time is off by up to 14 hours). */
enum { FLOOR_STEP_S = 86400, CLOCK_WITNESS_S = 86400 };

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
	if (s->provision.time_last > floor)
		floor = s->provision.time_last;
	if ((uint64_t)time(NULL) >= floor)
		return;
	s->clock_doubted = true;
	log_info("this PC's clock is behind what we know; it is set forward");
	tell_init_clock(floor);
}

/*
 * One gateway that says a wrong year, by mistake or by malice, must not keep the stick from believing the right one for
 * years: the floor under what is believed goes on by a day for each start, or as far as it was signed or the PC's own
 * clock says too. Where the clock starts from is kept as it was said: the gateway's WireGuard remembers that very time.
 */
static void keep_time(struct stick *s, uint64_t gateway_time)
{
	uint64_t most = stick_time_floor(s) + FLOOR_STEP_S;
	s->provision.time_last = gateway_time;
	s->provision.time_floor = s->clock_doubted && gateway_time > most ? most : gateway_time;
}

static void take_time(struct stick *s, uint64_t gateway_time)
{
	s->time_confirmed = true;
	uint8_t payload[8];
	struct writer w = writer_over(payload, sizeof payload);
	write_u64(&w, gateway_time);
	crew_send(&s->crew, PROCESS_POLICY, MSG_POLICY_TIME, 0, payload, w.size);
	tell_agent_config(s);
	keep_time(s, gateway_time);
	stick_store(s);
}

/*
 * Many PCs keep local time in their clock, which is hours ahead in the east. The handshake was made with that time, and
 * the gateway's WireGuard would refuse the next one, made with the right time: it must hear of it before anything else.
 */
static bool correct_clock(struct stick *s, uint64_t gateway_time)
{
	int64_t step = (int64_t)gateway_time - (int64_t)time(NULL);
	int64_t tolerance = s->time_confirmed ? CLOCK_TOLERANCE_LATER_S : CLOCK_TOLERANCE_S;
	if (step > CLOCK_WITNESS_S || step < -CLOCK_WITNESS_S)
		s->clock_doubted = true;
	if (step > tolerance || step < -tolerance) {
		log_info("the clock is off by %lld s and is corrected", (long long)step);
		tell_init_clock(gateway_time);
	}
	bool far_back = step <= -CLOCK_BACK_HARMLESS_S;
	if (far_back && s->clock_back_s == 0) {
		s->clock_back_s = (uint64_t)-step;
		tell_agent_health(s);
		crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_BEACON_NOW, 0, NULL, 0);
		return false;
	}
	if (!far_back && s->clock_back_s > 0) {
		s->clock_back_s = 0;
		crew_send(&s->crew, PROCESS_TUNNEL, MSG_TUNNEL_RENEW, 0, NULL, 0);
		return false;
	}
	return true;
}

bool stick_confirm_time(struct stick *s, uint64_t gateway_time)
{
	if (gateway_time < stick_time_floor(s)) {
		log_warn("the gateway's time is before the image's or the policy's: not believed");
		return true;
	}
	bool settled = correct_clock(s, gateway_time);
	if (settled && !s->time_confirmed)
		take_time(s, gateway_time);
	return settled;
}
