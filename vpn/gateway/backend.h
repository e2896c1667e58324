/*
 * backend - the gateway's WireGuard interface: the kernel's by netlink (embeddable wg library), or a user-space
 * implementation's by its UAPI socket (https://www.wireguard.com/xplatform/), for machines whose kernel has none.
 *
 * Peers are changed one by one and never replaced as a whole, so that a change to one drops no other.
 */
#ifndef VPN_GATEWAY_BACKEND_H
#define VPN_GATEWAY_BACKEND_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vpn/gateway/names.h"

struct backend;

struct backend_peer {
	uint8_t key[WG_KEY_BYTES];
	struct in_addr address; /* its one allowed address */
	bool remove;
};

struct backend_status {
	uint8_t key[WG_KEY_BYTES];
	/* Where it was heard of last, one of the two; neither if it never was: backend_status_endpoint() is its text.
	 */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	char endpoint[ENDPOINT_SIZE];
	int64_t handshake; /* unix seconds, 0 never */
	uint64_t received_bytes, sent_bytes;
};

typedef void backend_status_fn(const struct backend_status *status, void *context);

/* NULL with errno set. The UAPI descriptor is a connected stream; it becomes the back end's. */
struct backend *backend_kernel(const char *interface);
struct backend *backend_uapi(int fd);
void backend_free(struct backend *backend);

/* Each 0 or -errno. */
int backend_set_device(struct backend *backend, const uint8_t private_key[WG_KEY_BYTES], uint16_t port);
int backend_set_peers(struct backend *backend, const struct backend_peer *peers, size_t count);
int backend_each(struct backend *backend, backend_status_fn *fn, void *context);

/* For the back ends themselves. */
struct backend_ops {
	int (*set_device)(struct backend *backend, const uint8_t private_key[WG_KEY_BYTES], uint16_t port);
	int (*set_peers)(struct backend *backend, const struct backend_peer *peers, size_t count);
	int (*each)(struct backend *backend, backend_status_fn *fn, void *context);
	void (*free)(struct backend *backend);
};

struct backend {
	const struct backend_ops *ops;
};

/* "203.0.113.7:51820", "[2001:db8::7]:51820"; "" for none. */
void backend_status_endpoint(const struct backend_status *status, char out[ENDPOINT_SIZE]);
void backend_endpoint_text(const struct sockaddr *address, char out[ENDPOINT_SIZE]);

#endif
