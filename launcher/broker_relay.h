/*
 * broker_relay - bytes from the browser to the bank and back, between two TLS ends whose handshakes are over.
 *
 * Knows no loop and no time: what an end waits for is in its `wants`. What was read is written before more is read, so
 * a slow reader slows its writer down; only what waits for one is kept in memory of the relay's own. One end's
 * close_notify becomes the other's, and an end without one becomes the other's reset, which is the caller's to send.
 */
#ifndef LAUNCHER_BROKER_RELAY_H
#define LAUNCHER_BROKER_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/broker_tls.h"

/* One direction. */
struct relay_pump {
	uint8_t *rest; /* NULL: nothing waits */
	size_t at, size;
	bool closed; /* the reading end said close_notify */
	bool cut;    /* it ended without; what it had sent is written */
	bool done;   /* and the writing end was told */
};

struct relay {
	struct relay_pump up, down;
	bool asked, answered; /* bytes went up, came down */
};

struct relay_moved {
	uint64_t up, down;
};

/*
 * Move records both ways until both ends wait or it is other connections' turn. `record` is room for
 * TLS_RECORD_MAX_BYTES, used within the call. TLS_WAIT: go on when an end's `wants` are there; TLS_DONE: go on when the
 * others had their turn, whether or not `wants` are there by then; TLS_CUT: it ends here, for both.
 */
enum tls_result relay_run(struct relay *relay, struct tls_end *browser, struct tls_end *bank, uint8_t *record,
			  struct relay_moved *moved);

/* Something was asked of the bank, and not a byte has come back. */
bool relay_unanswered(const struct relay *relay);

/* Wipes what waited. */
void relay_free(struct relay *relay);

#endif
