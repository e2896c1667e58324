/*
 * alarms - from what is wrong with single sticks to what a person is called for: one cause, one alarm. Pure.
 *
 * Facts (this stick, this kind of trouble, since then) are folded into one alarm where they share a cause: the whole
 * gateway, one image version, one network (the provider's), one region. A fold wants ALARM_MANY sticks within
 * ALARM_GAP_S of each other, and a fifth of those who could have been hit: three of a region's forty thousand are the
 * day's ordinary luck. A stick that just broke off with no bank open is nobody's alarm: its owner closed the lid.
 */
#ifndef VPN_GATEWAY_ALARMS_H
#define VPN_GATEWAY_ALARMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vpn/gateway/names.h"

enum {
	ALARM_MANY = 3,
	ALARM_SHARE_PERCENT = 20,
	ALARM_WHOLE_MANY = 5, /* and so many, and this part of all sticks in use: then it is the gateway's own */
	ALARM_WHOLE_PERCENT = 50,
	ALARM_GAP_S = 300,
	ALARM_SUBJECT_SIZE = REGION_SIZE + 16,
	ALARM_REST_S = 600, /* a cause that comes back within this is the same alarm */
	ALARM_SHOWN = 100,  /* sticks of an alarm that are kept by name */
};

enum alarm_severity { ALARM_INFO, ALARM_WARNING, ALARM_CRITICAL, ALARM_SEVERITIES };

enum alarm_kind {
	ALARM_DURESS,        /* admitted by the PIN that calls for help */
	ALARM_COPIED,        /* a token came out of its turn */
	ALARM_ATTACK,        /* somebody may have posed as a bank */
	ALARM_LET_OUT,       /* let out what its own policy forbids (tried.h) */
	ALARM_HELD_UP,       /* the gateway stopped what its policy allows (tried.h) */
	ALARM_BROKE_OFF,     /* no beacon and no tunnel */
	ALARM_SILENT,        /* no beacon, though the tunnel lives */
	ALARM_IMAGE_UNKNOWN, /* its image is none of the released ones */
	ALARM_IMAGE_OLD,
	ALARM_LOCKED,    /* too many wrong PINs */
	ALARM_NOT_READY, /* registered without an identity, or without the PIN that the policy asks for */
	ALARM_KILLED,    /* a process of the stick was killed by its sandbox */
	ALARM_EXERCISE,  /* nothing is wrong: people practise. Never of a stick, and counted apart */
	ALARM_KINDS
};

/* "duress", ...; ALARM_KINDS if it is none of them. */
const char *alarm_kind_name(enum alarm_kind kind);
enum alarm_kind alarm_kind_from_name(const char *name);
const char *alarm_severity_name(enum alarm_severity severity);
/* An alarm of this kind stays until a person closes it with a reason; the others may end by themselves. */
bool alarm_needs_person(enum alarm_kind kind);
/* Seconds after which one that nobody has acknowledged is escalated; 0 never. */
unsigned alarm_escalates_s(const char *severity);

/* One stick, for the size of what it belongs to. "" where something is not known. */
struct alarm_place {
	const char *id, *region, *network, *version;
	bool in_use; /* heard within the time that its trouble could have begun */
};

struct alarm_fact {
	size_t place; /* index */
	enum alarm_kind kind;
	int64_t since; /* unix seconds */
	bool at_bank;
};

struct alarm {
	char subject[ALARM_SUBJECT_SIZE]; /* "stick:ID", "region:NAME", "network:N", "version:V", "gateway" */
	enum alarm_kind kind;
	enum alarm_severity severity;
	int64_t since, newest; /* of its facts, the oldest's and the newest's */
	size_t sticks, at_bank;
	size_t shown[ALARM_SHOWN]; /* places, `sticks` of them or as many as fit */
};

/* Fold `facts` (they are sorted in place). *list is the caller's, to be given to free(). 0 or -ENOMEM. */
int alarms_fold(const struct alarm_place *places, size_t place_count, struct alarm_fact *facts, size_t fact_count,
		struct alarm **list, size_t *count);

/* The network an endpoint ("ADDRESS:PORT") belongs to, for telling a provider: the first 16 bits of an IPv4 address,
 * 32 of an IPv6 one. "" if it is none. */
void alarm_network(const char *endpoint, char out[REGION_SIZE]);

#endif
