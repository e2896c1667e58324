#include "vpn/device/failover.h"

enum { WINDOW_MAX = 64, RTT_WEIGHT = 4 };

void failover_start(struct failover *f, size_t count)
{
	*f = (struct failover){.count = count, .phase = FAILOVER_STARTING, .probe_ms = -1};
}

static void turn_to_next(struct failover *f)
{
	f->at = (f->at + 1) % f->count;
	f->phase = FAILOVER_STARTING;
}

static int64_t patience_ms(const struct failover *f) { return f->hurry ? FAILOVER_HURRY_MS : FAILOVER_HANDSHAKE_MS; }

static enum failover_order step_trying(struct failover *f, int64_t now, bool handshake)
{
	if (handshake) {
		f->phase = FAILOVER_STANDING;
		f->handshake_ms = (uint32_t)(now - f->since_ms);
		f->since_ms = now;
		f->rounds = 0;
		f->hurry = false;
		f->probe_ms = -1;
		f->misses = 0;
		f->rtt_ms = 0;
		f->window = 0;
		f->window_count = 0;
		return FAILOVER_UP;
	}
	if (now - f->since_ms < patience_ms(f))
		return FAILOVER_WAIT;
	if (f->at + 1 == f->count) {
		f->rounds++;
		f->hurry = false;
	}
	turn_to_next(f);
	return failover_step(f, now, false);
}

static void count_probe(struct failover *f, bool missed)
{
	f->window = f->window << 1 | missed;
	if (f->window_count < WINDOW_MAX)
		f->window_count++;
	f->misses = missed ? f->misses + 1 : 0;
}

static enum failover_order send_probe(struct failover *f, int64_t now)
{
	f->probe_ms = now;
	f->answered = false;
	return FAILOVER_PROBE;
}

static enum failover_order step_standing(struct failover *f, int64_t now)
{
	if (f->probe_ms < 0)
		return send_probe(f, now);
	if (f->answered) {
		if (now - f->probe_ms < FAILOVER_PROBE_EVERY_MS)
			return FAILOVER_WAIT;
		count_probe(f, false);
		return send_probe(f, now);
	}
	if (now - f->probe_ms < FAILOVER_PROBE_TIMEOUT_MS)
		return FAILOVER_WAIT;
	count_probe(f, true);
	if (f->misses < FAILOVER_PROBE_MISSES)
		return send_probe(f, now);
	f->phase = FAILOVER_LOST;
	return FAILOVER_DOWN;
}

enum failover_order failover_step(struct failover *f, int64_t now, bool handshake)
{
	switch (f->phase) {
	case FAILOVER_LOST:
		failover_leave(f);
		return failover_step(f, now, false);
	case FAILOVER_STARTING:
		f->phase = FAILOVER_TRYING;
		f->since_ms = now;
		return FAILOVER_TRY;
	case FAILOVER_TRYING:
		return step_trying(f, now, handshake);
	case FAILOVER_STANDING:
		return step_standing(f, now);
	default:
		return FAILOVER_WAIT;
	}
}

void failover_leave(struct failover *f)
{
	f->at = 0;
	f->hurry = true;
	f->phase = FAILOVER_STARTING;
}

void failover_heard(struct failover *f, int64_t rtt_ms)
{
	if (f->phase != FAILOVER_STANDING)
		return;
	f->answered = true;
	if (rtt_ms < 0)
		return;
	/* a moving average, as RFC 6298 smooths TCP's */
	uint32_t sample = rtt_ms > UINT16_MAX ? UINT16_MAX : (uint32_t)rtt_ms;
	f->rtt_ms = f->window_count == 0 ? sample : (f->rtt_ms * (RTT_WEIGHT - 1) + sample) / RTT_WEIGHT;
}

int64_t failover_due_ms(const struct failover *f)
{
	switch (f->phase) {
	case FAILOVER_LOST:
	case FAILOVER_STARTING:
		return 0;
	case FAILOVER_TRYING:
		return f->since_ms + patience_ms(f);
	case FAILOVER_STANDING:
		if (f->probe_ms < 0)
			return 0;
		return f->probe_ms + (f->answered ? FAILOVER_PROBE_EVERY_MS : FAILOVER_PROBE_TIMEOUT_MS);
	default:
		return INT64_MAX;
	}
}

uint32_t failover_loss_permille(const struct failover *f)
{
	unsigned missed = (unsigned)__builtin_popcountll(f->window);
	return f->window_count ? missed * 1000 / f->window_count : 0;
}
