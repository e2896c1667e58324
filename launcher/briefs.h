/*
 * briefs - what the launcher tells its children about policy and gateways, as payloads of messages.h. Pure.
 *
 * Everything that is longer than a receiver takes is an error, never cut.
 */
#ifndef LAUNCHER_BRIEFS_H
#define LAUNCHER_BRIEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/buf.h"
#include "launcher/provision.h"
#include "whitelist/gateways.h"
#include "whitelist/whitelist.h"

#define BRIEF_PORTS_MAX 64

/* MSG_WALL_GATEWAYS. All of these: 0 or -EMSGSIZE. */
int brief_wall(struct writer *w, const struct gateways *gateways);

/* MSG_TUNNEL_CONFIG; holds the private key, the caller wipes. The gateway of the id `last` ("" none) is named last, and
 * so tried last. */
int brief_tunnel(struct writer *w, const struct provision *provision, const struct gateways *gateways,
		 const struct whitelist *policy, const char *last);

/* MSG_TUNNEL_PORTS: every TCP port of every bank, once. */
int brief_ports(struct writer *w, const struct whitelist *policy);

/* MSG_KIOSK_BANKS. Also -ENOMEM. */
int brief_banks(struct writer *w, const struct whitelist *policy, bool devel);
size_t brief_banks_size(const struct whitelist *policy); /* room enough for it */

#endif
