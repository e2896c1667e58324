/*
 * broker_limits - how much of the stick one bank's page and servers can take, all in one table.
 *
 * A connection that reaches one of these ends alone; the others, and the session, go on. A session has one bank, so a
 * host's share is what one of that bank's names may have. Times are in milliseconds, and each is for one step as a
 * whole: a byte now and then does not stretch it, except where "no byte" is said.
 */
#ifndef LAUNCHER_BROKER_LIMITS_H
#define LAUNCHER_BROKER_LIMITS_H

enum broker_limit {
	/* connections, of the browser's and opened ahead of it; beyond the first it waits, beyond the second it is
	   refused */
	LIMIT_CONNECTIONS = 1024,
	LIMIT_CONNECTIONS_HOST = 128,
	LIMIT_AHEAD = 8,      /* opened to the bank before the browser asks, and not yet used */
	LIMIT_AHEAD_HOST = 2, /* of them to one host */
	LIMIT_FILES = 2 * LIMIT_CONNECTIONS + 64,

	/* memory: a connection has two TLS ends of LIMIT_END_BYTES, and at most a record in each direction that waits
	 * for a slow reader; nothing grows with what a server sends */
	LIMIT_RECORD_BYTES = 16384,
	LIMIT_END_BYTES = 2 * LIMIT_RECORD_BYTES + 4096,
	LIMIT_CONNECTION_BYTES = 2 * LIMIT_END_BYTES + 2 * LIMIT_RECORD_BYTES + 8192,
	LIMIT_MEMORY_BYTES = LIMIT_CONNECTIONS * LIMIT_CONNECTION_BYTES + (128 << 20), /* and the program itself */

	/* time: to begin */
	LIMIT_HELLO_MS = 10000,   /* from accept to the end of the ClientHello */
	LIMIT_POLICY_MS = 10000,  /* policy's answer */
	LIMIT_RESOLVE_MS = 15000, /* the resolver's */
	LIMIT_ADDRESS_MS = 4000,  /* TCP, to one of several addresses */
	LIMIT_CONNECT_MS = 10000, /* TCP, to the last or only one */
	LIMIT_BANK_MS = 15000,    /* the TLS handshake with the bank */
	LIMIT_BROWSER_MS = 15000, /* and with the browser */
	LIMIT_AHEAD_MS = 20000,   /* opened ahead and not used */

	/* time: to carry bytes */
	LIMIT_ANSWER_MS = 60000,      /* the bank was asked and sent no byte */
	LIMIT_IDLE_MS = 120000,       /* no byte either way */
	LIMIT_HALF_CLOSED_MS = 10000, /* one direction has ended, the other has no byte */
	LIMIT_LAST_BYTES_MS =
	    10000, /* the bank has ended without a good end; the browser took no byte of what is left */

	/* records moved before other connections have their turn */
	LIMIT_RECORDS_A_TURN = 16,
};

#endif
