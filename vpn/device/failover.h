/*
 * failover - which of several endpoints is tried when, and when one that was good is given up. Pure: the caller tells
 * the time (now_ms()) and what it saw.
 *
 * An endpoint that gives no handshake within 5 s is followed by the next, round and round. A tunnel that is up is
 * probed every 1.4 s; an answer that is not there after a second is asked for again at once, and the third miss in a
 * row takes the tunnel down, at most 4.4 s after the last good answer. That leaves 0.6 s of the five in which a stick
 * is to be at another gateway, for a handshake that takes one round trip. Then all are tried once more from the first
 * on, in the order that the caller makes for it, and for one round each has 2 s only: a WireGuard that is alive answers
 * at once, and several may have died together.
 */
#ifndef VPN_DEVICE_FAILOVER_H
#define VPN_DEVICE_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAILOVER_HANDSHAKE_MS     5000
#define FAILOVER_HURRY_MS         2000 /* the same in the round after a loss */
#define FAILOVER_PROBE_EVERY_MS   1400
#define FAILOVER_PROBE_TIMEOUT_MS 1000
#define FAILOVER_PROBE_MISSES     3

enum failover_order {
	FAILOVER_WAIT,  /* nothing to do before failover_due_ms() */
	FAILOVER_TRY,   /* make failover_at() the peer now */
	FAILOVER_UP,    /* the tunnel has come up */
	FAILOVER_PROBE, /* send a probe now */
	FAILOVER_DOWN,  /* the tunnel is lost: say so, and put the one that was lost last; the next call gives
			   FAILOVER_TRY of the first */
};

struct failover {
	size_t count, at; /* at: place in the caller's order */
	bool hurry;       /* the round after a loss */
	unsigned rounds;  /* times all endpoints were tried in vain since the last handshake */
	enum { FAILOVER_IDLE, FAILOVER_STARTING, FAILOVER_TRYING, FAILOVER_STANDING, FAILOVER_LOST } phase;
	int64_t since_ms; /* of the try or of the coming up */
	int64_t probe_ms; /* when the last probe left; -1: none yet */
	bool answered;    /* the last probe, or anything after it */
	unsigned misses;  /* in a row */
	uint32_t handshake_ms;
	uint32_t rtt_ms;
	uint64_t window; /* one bit per probe, 1 = missed */
	unsigned window_count;
};

/* Start from the first of `count` endpoints (at least one). */
void failover_start(struct failover *f, size_t count);

/* What to do now; call again after each order that is not FAILOVER_WAIT. `handshake`: the peer has one. */
enum failover_order failover_step(struct failover *f, int64_t now_ms, bool handshake);

/* Leave a tunnel that stands, or is tried, as if it were lost: the next order is FAILOVER_TRY of the first. */
void failover_leave(struct failover *f);

/* Something came through the tunnel; rtt_ms < 0 where it was not an answer to a probe. */
void failover_heard(struct failover *f, int64_t rtt_ms);

/* When failover_step() wants to be called next, at the latest; a handshake is looked for more often. */
int64_t failover_due_ms(const struct failover *f);

/* Of the last 64 probes at most. */
uint32_t failover_loss_permille(const struct failover *f);

#endif
