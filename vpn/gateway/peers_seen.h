/*
 * peers_seen - what WireGuard said of each peer the last time, so that only what is new goes to the store: of 50,000
 * peers that are read every three seconds, those that have sent or been sent something since. Pure.
 */
#ifndef VPN_GATEWAY_PEERS_SEEN_H
#define VPN_GATEWAY_PEERS_SEEN_H

#include "vpn/gateway/backend.h"

struct peers_seen;

struct peers_seen *peers_seen_new(void); /* NULL: no memory */
void peers_seen_free(struct peers_seen *seen);
/* All is new again. */
void peers_seen_clear(struct peers_seen *seen);

/*
 * To be told: it changed since the last time, or the last time it had. What came in before a decision is then told once
 * more after it (hub_place() waits for a reading that is later than the statement). True where there is no memory.
 */
bool peers_seen_tell(struct peers_seen *seen, const struct backend_status *status);

#endif
