/*
 * tried - what a stick let out that this gateway refused, by kind, and what each kind says of the stick. Names never
 * come with it: a kind and a count are all the desk learns.
 *
 * The stick's own enforcer, its broker, holds the same policy and lets nothing out that the policy forbids. So one that
 * is refused here is a difference between the two, which somebody has to look at: an altered stick or a fault here.
 */
#ifndef VPN_GATEWAY_TRIED_H
#define VPN_GATEWAY_TRIED_H

#include <stdbool.h>
#include <stdint.h>

#include "vpn/gateway/keyed.h"

enum tried {
	TRIED_CLOSED,      /* a connection while no bank was open */
	TRIED_ADDRESS,     /* a bank was open, but this address and port are not its names' */
	TRIED_NAME,        /* TLS for a name that is not the open bank's */
	TRIED_NO_NAME,     /* TLS without a name */
	TRIED_SECOND_NAME, /* TLS with more than one */
	TRIED_ECH,         /* TLS with a name that only the other end can read */
	TRIED_NOT_TLS,
	TRIED_MALFORMED,  /* a ClientHello that is none */
	TRIED_INCOMPLETE, /* no whole ClientHello in time: a bad line does that too */
	TRIED_QUESTION,   /* a question for a name that the policy does not have */
	TRIED_COUNT
};

/* What it means. */
enum tried_meaning {
	TRIED_MEANS_NOTHING,
	TRIED_MEANS_LET_OUT, /* the stick let out what its own policy forbids */
	TRIED_MEANS_HELD_UP, /* the stick's policy allows it, and the gateway refused */
	TRIED_MEANS_ASKED,   /* the stick asked for what its own policy forbids, or a bank's name leads nowhere */
};

/* "closed", "address", ...; TRIED_COUNT if it is none of them. */
const char *tried_name(enum tried kind);
enum tried tried_from_name(const char *name);
enum tried_meaning tried_means(enum tried kind);

/* A counter of the kernel's or the proxy's stands at `count` now; how much is new since the last time. `last` holds
 * what was seen; one that went back has begun anew. */
uint32_t tried_new(struct keyed *last, struct in_addr stick, enum tried kind, uint64_t count);

#endif
