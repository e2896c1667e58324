/*
 * tunnelwall - the rules of the tunnel's namespace (nftables, default drop both ways): what may leave the stick by
 * wg0. Which address is whose is the gateway's to enforce; here it is ports.
 */
#ifndef VPN_DEVICE_TUNNELWALL_H
#define VPN_DEVICE_TUNNELWALL_H

#include <stddef.h>
#include <stdint.h>

#include "vpn/device/peers.h"

#define TUNNELWALL_PORTS_MAX 64

struct tunnelwall {
	const char *link;                     /* "wg0" */
	uint16_t control_port;                /* of the gateway's control API */
	uint16_t ports[TUNNELWALL_PORTS_MAX]; /* TCP ports of the policy's banks */
	size_t port_count;
};

/*
 * The whole ruleset as one transaction for nft(8), which replaces an earlier one of this table. A new text, the
 * caller's, or NULL if there is no memory or nothing to allow.
 */
char *tunnelwall_text(const struct tunnelwall *wall, const struct peers *peers);

/* Apply such a text in the caller's namespace. 0, or -EINVAL with nftables' own words logged. */
int tunnelwall_apply(const char *text);

#endif
