/*
 * proxy - haproxy(1)'s configuration, and what is said over its runtime socket, as text.
 *
 * The packet filter knows addresses; one address may be many names' (a shared CDN). So each connection of a stick to a
 * bank ends, as TCP, in haproxy: it reads the name in the ClientHello and connects on only if that stick has a bank
 * open that has this name on this port. TLS passes through unopened. The configuration comes from gateway.conf alone
 * and never changes while haproxy runs; who has which names open is in two maps, changed over the runtime socket:
 *
 *   10.77.0.2/www.bank.example:443 sekisho-demo
 */
#ifndef VPN_GATEWAY_PROXY_H
#define VPN_GATEWAY_PROXY_H

#include <netinet/in.h>
#include <stdio.h>

#include "vpn/gateway/config.h"
#include "vpn/gateway/plan.h"

/* haproxy's names of the maps: of names, and of wildcards (one label in place of the star). */
enum proxy_map { PROXY_NAMES, PROXY_FAMILIES, PROXY_MAPS };
extern const char *const proxy_maps[PROXY_MAPS];

/* A third one, which has the key "ready" when they were filled: until then nobody is let through, and nobody counted.
 */
#define PROXY_READY "virt@ready"

/* Longest key of the table of connections that were let through: ADDRESS:PORT/NAME:PORT. */
#define PROXY_LIVE_KEY_SIZE 288
/* How long a stick may take for its ClientHello. */
#define PROXY_HELLO_S 10
/* How many connections one stick may have; all together as many as descriptors allow. */
#define PROXY_CONNECTIONS_OF_ONE 256

void proxy_write_config(FILE *out, const struct config *config);

/* The configuration's path: beside the resolver's. It is written whole and renamed into place. 0 or -errno. */
void proxy_config_path(const struct config *config, char path[CONFIG_PATH_SIZE + 16]);
int proxy_store_config(const struct config *config);

/* Lines of one map, "KEY VALUE\n", for all names of a bank; without `values` the keys alone. */
void proxy_write_entries(FILE *out, enum proxy_map map, const struct plan *plan, const struct plan_bank *bank,
			 struct in_addr stick, bool values);

/* One that was let through to a bank. `port` is the stick's own, 0 unknown; `id` is what `shutdown session` takes. */
struct proxy_connection {
	struct in_addr stick;
	uint16_t port;
	const char *bank, *id;
};

/* Each connection of a stick in the answer to `show sess`, which is cut up. */
typedef void proxy_connection_fn(const struct proxy_connection *connection, void *context);
void proxy_each_connection(char *answer, proxy_connection_fn *fn, void *context);

/* What such a connection asked for: from this port of the stick's to that name and port. */
struct proxy_live {
	struct in_addr stick;
	uint16_t from, port;
	const char *name; /* in the answer */
};

/* The answer to `show table live`, which is cut up, as a new list, the caller's to free. 0 or -ENOMEM. */
int proxy_read_live(char *answer, struct proxy_live **list, size_t *count);

/* Each counter in the answer to `show table tried`, which is cut up: a stick, a word of hello.lua's or ours, a count.
 */
typedef void proxy_tried_fn(struct in_addr stick, const char *kind, uint64_t count, void *context);
void proxy_each_tried(char *answer, proxy_tried_fn *fn, void *context);

#endif
