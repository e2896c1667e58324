/*
 * peers - where the tunnel can end: the gateways of the signed list, each with a key, an address inside the tunnel
 * and one or more literal addresses outside. Pure.
 */
#ifndef VPN_DEVICE_PEERS_H
#define VPN_DEVICE_PEERS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "vpn/device/wg.h"

#define PEERS_MAX           16
#define PEER_ENDPOINTS_MAX  8
#define PEER_ID_BYTES       33 /* as whitelist.h has it */
#define ENDPOINT_TEXT_BYTES 56 /* "[IPv6]:65535" and its NUL */
#define PEER_INNER_BYTES    INET_ADDRSTRLEN
#define PEERS_ORDER_MAX     (PEERS_MAX * PEER_ENDPOINTS_MAX)

union endpoint {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

struct peer {
	char id[PEER_ID_BYTES];
	uint8_t key[WG_KEY_BYTES];
	char inner[PEER_INNER_BYTES]; /* literal IPv4 address */
	union endpoint endpoints[PEER_ENDPOINTS_MAX];
	size_t endpoint_count;
};

struct peers {
	struct peer items[PEERS_MAX];
	size_t count;
};

/* A literal address and a port; names are not resolved. 0 or -EINVAL. */
int endpoint_parse(const char *address, uint16_t port, union endpoint *endpoint);

/* "203.0.113.11:51820" or "[2001:db8::11]:51820". Writes at most ENDPOINT_TEXT_BYTES. */
void endpoint_format(const union endpoint *endpoint, char text[ENDPOINT_TEXT_BYTES]);

/* All endpoints of all gateways in the order in which they are tried. */
size_t peers_endpoint_count(const struct peers *peers);

/* The nth of them (n below the count), and whose it is. */
const union endpoint *peers_endpoint(const struct peers *peers, size_t nth, const struct peer **owner);

/* The order in which they are tried from the start: as they stand in the list. Returns how many. */
size_t peers_order(const struct peers *peers, uint8_t order[PEERS_ORDER_MAX]);

/*
 * The order after the nth was lost: a gateway that is silent at one of its addresses is most likely silent at all, so
 * that the others come first, and the one that was lost last. What went by IPv4 is tried by IPv4 first: this line may
 * have no IPv6 at all, and it shows only as silence. `turn` is any number, another one for every stick: the sticks of a
 * gateway that died are spread over all that are left. Returns how many.
 */
size_t peers_order_after(const struct peers *peers, size_t lost, unsigned turn, uint8_t order[PEERS_ORDER_MAX]);

#endif
