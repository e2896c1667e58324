/*
 * connection - the proxy's connections to banks as facts, and the banks' questions about them: "address:port, time: one
 * of your sticks?" What haproxy says of a connection is one line (connections.lua, and the log of its end):
 *
 *   open BORN_US AT_MS STICK SOURCE:PORT DESTINATION:PORT bank_ID
 *   end  BYTES   AT_MS STICK SOURCE:PORT DESTINATION:PORT bank_ID
 *
 * They are told again, from the oldest that haproxy still has, to whoever comes new. BORN_US is when that haproxy was
 * started: connections of one that is gone have ended. Times are unix. Pure.
 */
#ifndef VPN_GATEWAY_CONNECTION_H
#define VPN_GATEWAY_CONNECTION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "firmware/lib/buf.h"
#include "vpn/gateway/names.h"

enum {
	CONNECTION_LINE_MAX_BYTES = 256,
	CONNECTION_WIRE_MAX_BYTES = 33 + 4 + BANK_ID_SIZE, /* one fact in a message */
	QUESTION_WIRE_MAX_BYTES = 24 + 4 + BANK_ID_SIZE,   /* one question */
	ANSWER_WIRE_MAX_BYTES = 29 + 4 * 4 + STICK_ID_SIZE + VERSION_SIZE + CODE_SIZE,
	CONNECTION_SKEW_MS = 2000, /* how far the clocks of a bank and its gateway may be apart */
};

struct connection_end {
	struct in_addr address;
	uint16_t port;
};

struct connection {
	bool open;         /* it was opened; false: it ended */
	uint64_t proxy_us; /* BORN_US; of one that ended, what the bank sent */
	int64_t at_ms;
	struct in_addr stick; /* its inner address */
	struct connection_end source, destination;
	char bank[BANK_ID_SIZE];
};

/* `line` without its newline. 0; -ENODATA: the end of one that never reached a bank; -EBADMSG. */
int connection_parse(const char *line, struct connection *connection);

/* "ADDRESS:PORT" in literal IPv4. 0 or -EBADMSG. */
int connection_end_parse(const char *text, struct connection_end *end);
void connection_end_text(const struct connection_end *end, char out[ENDPOINT_SIZE]);

/* The reader's `failed` says if there was none. */
void connection_write(struct writer *w, const struct connection *connection);
void connection_read(struct reader *r, struct connection *connection);

struct question {
	uint32_t id;
	char bank[BANK_ID_SIZE];                   /* who asks */
	struct connection_end source, destination; /* destination port 0: any */
	int64_t at_ms;
};

void question_write(struct writer *w, const struct question *question);
void question_read(struct reader *r, struct question *question);

enum answer_verdict {
	ANSWER_NONE, /* no stick had that connection to this bank then */
	ANSWER_STICK,
	ANSWER_AMBIGUOUS, /* several had: the destination decides, which was not given */
	ANSWER_UNKEPT,    /* the question could not be put into the audit log, so it is not answered */
	ANSWER_VERDICTS
};

struct answer_about {
	uint32_t id;
	enum answer_verdict verdict;
	char stick[STICK_ID_SIZE], image_version[VERSION_SIZE];
	char state[CODE_SIZE];        /* of the stick now (health.h) */
	bool image_in_order;          /* by today's list of released images */
	int64_t since;                /* unix seconds: when the admission began in which the connection was opened */
	int64_t opened_ms, closed_ms; /* closed 0: not yet */
};

void answer_write(struct writer *w, const struct answer_about *answer);
void answer_read(struct reader *r, struct answer_about *answer);

#endif
