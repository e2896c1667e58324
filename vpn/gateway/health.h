/*
 * health - the state of one stick as the desk sees it, from its beacons alone. Pure: time comes in.
 *
 * Beacons come every 30 s. One lost beacon is no news; two and a half are. Getting worse follows the clock; getting
 * better needs two beacons in time, so that a bad line does not make a stick blink. A new boot is better at once: it
 * is a person who has just started again and works.
 */
#ifndef VPN_GATEWAY_HEALTH_H
#define VPN_GATEWAY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "vpn/gateway/names.h"

enum { HEALTH_LATE_MS = 45000, HEALTH_STALE_MS = 90000, HEALTH_LOST_MS = 180000, HEALTH_STEADY = 2 };

enum health {
	HEALTH_NEVER,   /* registered, no beacon yet */
	HEALTH_UP,      /* beacons in time */
	HEALTH_LATE,    /* none for 45 s */
	HEALTH_STALE,   /* none for 90 s: its admission has run out */
	HEALTH_LOST,    /* none for 180 s: WireGuard has given its keys up too */
	HEALTH_OFFLINE, /* said goodbye */
	HEALTH_REVOKED,
	HEALTH_QUARANTINED, /* beacons in time, but not admitted: the cause says why */
	HEALTH_LOCKED,      /* the same, for too many wrong PINs: a person has to unlock it */
	HEALTH_COUNT
};

enum health_cause {
	CAUSE_REGISTERED,
	CAUSE_FIRST_BEACON,
	CAUSE_NEW_BOOT,
	CAUSE_RESUMED,     /* beacons again, within the same boot */
	CAUSE_SILENT,      /* no beacon, though the tunnel's handshake is fresh: the stick's own trouble */
	CAUSE_UNREACHABLE, /* no beacon and no handshake: power, PC or line */
	CAUSE_GOODBYE,
	CAUSE_REVOKED,
	CAUSE_IMAGE_OLD,     /* its image is below the floor */
	CAUSE_IMAGE_UNKNOWN, /* its image is none of the released ones */
	CAUSE_NO_IDENTITY,   /* it is registered without an identity key */
	CAUSE_COPIED,        /* a token came out of its turn: two hold its keys */
	CAUSE_PIN_NONE,      /* the policy asks for a PIN and it has none registered */
	CAUSE_PIN_LOCKED,    /* too many wrong PINs */
	CAUSE_RELEASED,      /* what it was quarantined for holds no more */
	CAUSE_COUNT
};

struct health_record {
	enum health state;
	enum health_cause cause;
	int64_t last_beacon_ms; /* now_ms() of the last beacon; meaningless in HEALTH_NEVER */
	unsigned steady;        /* beacons in time, in a row */
	char boot[BOOT_SIZE];
};

/* Each returns true if the state changed. now_ms is monotonic. */
bool health_beacon(struct health_record *record, int64_t now_ms, const char *boot, bool goodbye);
/* tunnel_fresh: WireGuard saw a handshake of this peer within its own 180 s. */
bool health_tick(struct health_record *record, int64_t now_ms, bool tunnel_fresh);
/* After health_beacon() of a stick that is not to be admitted: HEALTH_LOCKED for CAUSE_PIN_LOCKED, HEALTH_QUARANTINED
 * for all others. */
bool health_quarantine(struct health_record *record, enum health_cause cause);
bool health_is_held(enum health state); /* one of these two */
bool health_revoke(struct health_record *record);

/* "never", "up", ...; NULL / HEALTH_COUNT outside the list. */
const char *health_name(enum health state);
enum health health_from_name(const char *name);
const char *health_cause_name(enum health_cause cause);
enum health_cause health_cause_from_name(const char *name);

#endif
