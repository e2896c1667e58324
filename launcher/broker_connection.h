/*
 * broker_connection - one browser connection carried to the bank, from its ClientHello to the last byte.
 *
 * HELLO → ASKING (policy) → RESOLVING → CONNECTING → BANK (its handshake, checked) → BROWSER (its handshake, with the
 * protocol that the bank chose) → RELAY. Each state has its time; whatever goes wrong on the way is reported once, and
 * the browser gets a TLS alert and the end of its connection. No byte of the browser reaches the bank, and none of the
 * bank's the browser, before RELAY. Where the bank ends without close_notify, LAST_BYTES waits until the browser has
 * what the bank sent, and resets.
 *
 * One opened ahead of the browser begins at ASKING and waits behind BANK, checked, for a ClientHello to the same host;
 * one that fits takes it over where it is. How many, how large and how long: broker_limits.h.
 */
#ifndef LAUNCHER_BROKER_CONNECTION_H
#define LAUNCHER_BROKER_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/loop.h"
#include "launcher/broker_cert.h"
#include "launcher/broker_policy.h"
#include "launcher/broker_resolve.h"
#include "launcher/messages.h"

struct connections;

struct connection_counts {
	uint64_t connections, bytes_up, bytes_down, refused;
};

/* `host` is "" where none was understood; `check` holds the keys that the bank presented, if it came to that. */
typedef void connection_report_fn(enum broker_event kind, const char *host, enum refusal refusal, const char *detail,
				  const struct chain_check *check, void *context);
typedef void connection_room_fn(void *context); /* a connection ended: there is room for one more */

/* Policy and resolver stay the caller's and outlive it. NULL on failure. */
struct connections *connections_new(struct loop *loop, struct policy *policy, struct resolver *resolver,
				    connection_report_fn *report, connection_room_fn *room, void *context);

/*
 * Take a connected, non-blocking socket of the browser's; it is closed on failure. 0, CONNECTION_LAST_PLACE (taken, and
 * no more until `room` is called), or -errno.
 */
enum { CONNECTION_LAST_PLACE = 1 };
int connection_start(struct connections *all, int fd, uint16_t port);

/* Connect to a host of the bank before the browser asks for it. 0, -EMFILE (there are enough) or -ENOMEM. */
int connection_start_ahead(struct connections *all, const char *host, uint16_t port);

/* End every connection at once, unsent bytes dropped: nothing moves after it returns. */
void connections_end_all(struct connections *all);

const struct connection_counts *connections_counts(const struct connections *all);

#endif
