/*
 * messages - what the gateway's processes say to each other, and the layout of each payload (buf.h; s = string,
 * b = blob, u8..u64 integers, a = inner address as u32 in network order).
 *
 *            policy   peers   egress
 *                 \     |     /
 *   api --------- store ---------- web, and the control socket
 *                   |
 *                lookup
 *
 * The store is in the middle and the only one that remembers. The parent starts the others and gives each a channel to
 * the store; it takes no part in what they say.
 */
#ifndef VPN_GATEWAY_MESSAGES_H
#define VPN_GATEWAY_MESSAGES_H

#include "whitelist/whitelist.h"

/* Documents and plans may be of several frames (msg.h); all else fits one. A plan names each host's bank again. */
#define GW_LARGE_MAX_BYTES (WHITELIST_ENVELOPE_MAX_BYTES + GATEWAYS_ENVELOPE_MAX_BYTES + (1 << 20))

#define GW_FETCH_COMING UINT64_MAX

enum gateway_role { ROLE_STORE, ROLE_POLICY, ROLE_PEERS, ROLE_EGRESS, ROLE_API, ROLE_WEB, ROLE_LOOKUP, GATEWAY_ROLES };

enum gateway_message {
	/* every child -> parent */
	GW_READY = 1, /* - : sandbox entered, loop running */

	/* parent -> store */
	GW_ATTACH = 2,  /* u8 role; 1 fd: the channel of a newly started process */
	GW_RESTART = 3, /* u8 role: it ended and was started again */

	/* parent -> policy */
	GW_FILES = 10, /* 3 fds, in order: roots, policy, gateways; a missing file is a descriptor of /dev/null */

	/* parent -> api */
	GW_INDICATORS = 12, /* 1 fd: indicators(5), /dev/null if there is none */

	/* store <-> policy */
	GW_KEPT = 20,             /* store -> policy: b policy envelope, b gateways envelope ("" none): the last good */
	GW_POLICY = 21,           /* policy -> store: u64 version, u64 expires, u8 pin, b envelope */
	GW_PLAN = 22,             /* policy -> store -> egress: a plan (plan.h) */
	GW_GATEWAYS = 23,         /* policy -> store: u64 version, b envelope */
	GW_DOCUMENT_REFUSED = 24, /* policy -> store: s what ("policy", "gateways", "roots"), s sentence */

	/* store <-> peers */
	GW_PEERS = 30,       /* store -> peers: u32 n, n x { u8 remove, b key(32), a }: changes */
	GW_PEERS_WHOLE = 31, /* store -> peers: - : what was sent so far is all: remove what is not in it */
	GW_PEER_STATUS = 32, /* peers -> store: b key(32), s endpoint, u64 handshake, u64 received, u64 sent */

	/* store <-> egress */
	GW_ADMIT = 40,        /* a, u32 seconds (0: expel) */
	GW_SESSION = 41,      /* id; a, s bank, u8 open */
	GW_SESSION_DONE = 42, /* id; u8 ok, s reason */
	GW_BRIEFED =
	    43,        /* store -> egress: - : the plan, and all who are admitted and what they have open, were sent */
	GW_TRIED = 44, /* egress -> store: a, u8 kind (tried.h), u32 how many more */

	/* api <-> store; id = request */
	GW_BEACON = 50,       /* a, beacon (beacon.h) */
	GW_BEACON_REPLY = 51, /* s state, s reason, u32 valid_s, u64 policy version, u64 gateways version, u32 lease_s,
				 b next token ("" none), u8 PIN tries left (255: not said), u32 drain_s: it is to be
				 gone in so many seconds (0: it may stay) */
	GW_OPEN = 52,         /* a, s bank, u8 open */
	GW_OPEN_REPLY = 53,   /* u8 ok, s reason */
	GW_FETCH = 54,       /* a, u8 what (0 policy, 1 gateways), u64 serial of the one that the api holds (0 none), or
			      * GW_FETCH_COMING: another answer on its way brings it */
	GW_FETCH_REPLY = 55, /* u8 what, u8 known peer, u64 serial (0: there is none), u64 version, b envelope ("": the
				one that the api holds) */
	GW_NONCE = 90,       /* a */
	GW_NONCE_REPLY = 91, /* s reason ("" good), b nonce */
	GW_STATEMENT = 92,   /* a, b statement, b signature, b PIN signature ("" none); answered by GW_BEACON_REPLY */
	GW_API_COUNT = 56,   /* s reason code: a request was refused before it reached the store */
	GW_API_INDICATORS =
	    57, /* api -> store: u64 entries, u64 made (0 none), s why a newer file was refused ("" not) */

	/* web <-> store; id = request */
	GW_QUERY =
	    60, /* u8 what (enum gateway_query), s argument, s operator ("": monitoring), u64 changed (store_desk.h) */
	GW_RESULT = 61,      /* u8 last, b part of the text */
	GW_LOGIN = 62,       /* s name, s password, s code of the second factor, s from */
	GW_LOGIN_REPLY = 63, /* u8 ok, s role, u8 has a second factor, u64 changed */
	GW_EVENT = 64,       /* s kind, s operator, s detail */
	GW_CALL = 65,        /* s call (hub_desk.c), s operator, u64 changed, u8 n, n x { s member, s text } */
	GW_CHANGED = 67,     /* store -> web: u64 since when it runs, u64 how often what the desk sees has changed */
	GW_STATUS = 66,      /* u16 HTTP status of the GW_RESULTs that follow; without one it is 200 */

	/* lookup <-> store (connection.h) */
	GW_CONNECTIONS = 80,    /* lookup -> store: u32 n, n connections, in the order the proxy told of them */
	GW_LOOKUP = 81,         /* lookup -> store: u32 n, n questions of banks */
	GW_LOOKUP_REPLY = 82,   /* store -> lookup: u32 n, n answers */
	GW_LOOKUP_REFUSED = 83, /* lookup -> store: s reason code: a question was refused before it reached the store */

	/* control socket -> store, answered by GW_RESULT: the payload is one JSON object (hub_control.c) */
	GW_CONTROL = 70,
};

/* A result of any size goes out in parts of at most this. */
#define GW_RESULT_PART_BYTES 100000

enum gateway_query {
	QUERY_STICKS,
	QUERY_EVENTS,
	QUERY_METRICS,
	QUERY_STICK, /* argument: its id */
	QUERY_ALARMS,
	QUERY_ALARM, /* argument: its number */
	QUERY_ACCOUNTS,
	QUERY_REQUESTS,
	QUERY_SHIFTS,
	QUERIES
};

#endif
