/*
 * broker_names - the screen's resolver, without its sockets: one question read, one answer written (RFC 1035, 2308,
 * 6891). The messages themselves are c-ares' work; what is allowed in a question is decided here.
 *
 * A name of this session's bank has the address 127.0.0.1 and nothing else: no AAAA, no HTTPS or SVCB record, which
 * would lead the browser round the broker's listeners. Every other name does not exist.
 */
#ifndef LAUNCHER_BROKER_NAMES_H
#define LAUNCHER_BROKER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/broker_host.h"

#define NAMES_QUERY_MAX_BYTES  1232 /* a question with EDNS needs 300 */
#define NAMES_ANSWER_MAX_BYTES 1232
#define NAMES_TTL_S            30

enum names_verdict {
	NAMES_DROP,   /* not even a header, or itself an answer: answering would feed a loop */
	NAMES_ANSWER, /* the answer does not depend on the whitelist: names_answer() with NAMES_REFUSED */
	NAMES_ASK,    /* ask whether `host` is listed, then names_answer() */
};

enum names_outcome { NAMES_LISTED, NAMES_REFUSED, NAMES_FAILED /* could not be asked: SERVFAIL */ };

struct names_query {
	char host[HOST_MAX_BYTES + 1];      /* lower case; "" if the question's name is not a host name */
	char asked[4 * HOST_MAX_BYTES + 8]; /* the name as it was asked, in c-ares' escaped form: it is echoed */
	unsigned type;                      /* query type; 0 where no question could be read */
	uint16_t id;
	bool recursion_desired, edns;
	unsigned rcode; /* what to say where it was decided already, else 0 */
	unsigned opcode;
};

/* `query` is filled unless NAMES_DROP. */
enum names_verdict names_read(const uint8_t *data, size_t size, struct names_query *query);

/* Write the answer. 0 with *size set, or -errno (-EMSGSIZE, -ENOMEM). */
int names_answer(const struct names_query *query, enum names_outcome outcome, uint8_t out[NAMES_ANSWER_MAX_BYTES],
		 size_t *size);

#endif
