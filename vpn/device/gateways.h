/*
 * gateways - where the tunnel can end: the gateways of the signed list, each with a key, an address inside the tunnel
 * and one or more literal addresses outside. Pure.
 */
#ifndef VPN_DEVICE_GATEWAYS_H
#define VPN_DEVICE_GATEWAYS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "vpn/device/wg.h"

#define GATEWAYS_MAX            8
#define GATEWAY_ENDPOINTS_MAX   8
#define GATEWAY_ID_MAX_BYTES    64
#define GATEWAY_ENDPOINT_BYTES  56 /* "[IPv6]:65535" and its NUL */
#define GATEWAY_INNER_MAX_BYTES INET_ADDRSTRLEN

union endpoint {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

struct gateway {
	char id[GATEWAY_ID_MAX_BYTES];
	uint8_t key[WG_KEY_BYTES];
	char inner[GATEWAY_INNER_MAX_BYTES]; /* literal IPv4 address */
	union endpoint endpoints[GATEWAY_ENDPOINTS_MAX];
	size_t endpoint_count;
};

struct gateways {
	struct gateway items[GATEWAYS_MAX];
	size_t count;
};

/* A literal address and a port; names are not resolved. 0 or -EINVAL. */
int endpoint_parse(const char *address, uint16_t port, union endpoint *endpoint);

/* "203.0.113.11:51820" or "[2001:db8::11]:51820". Writes at most GATEWAY_ENDPOINT_BYTES. */
void endpoint_format(const union endpoint *endpoint, char text[GATEWAY_ENDPOINT_BYTES]);

/* All endpoints of all gateways in the order in which they are tried. */
size_t gateways_endpoint_count(const struct gateways *gateways);

/* The nth of them (n below the count), and whose it is. */
const union endpoint *gateways_endpoint(const struct gateways *gateways, size_t nth, const struct gateway **owner);

#endif
