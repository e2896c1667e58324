/*
 * wg - the WireGuard interface of the stick, one peer at a time: the gateway that is being tried or used.
 *
 * wg.c speaks to the kernel by the embeddable wg library. Tests on machines whose kernel has no WireGuard link a back
 * end of their own for user-space WireGuard in its place.
 */
#ifndef VPN_DEVICE_WG_H
#define VPN_DEVICE_WG_H

#include <stdint.h>
#include <sys/socket.h>

#define WG_KEY_BYTES 32

struct wg_status {
	int64_t handshake_ns; /* CLOCK_REALTIME of the peer's last handshake; 0: none yet */
	uint64_t received_bytes, sent_bytes;
};

/* Open what the calls below need, before the sandbox closes. The interface is in the caller's namespace. 0 or -errno.
 */
int wg_open(const char *link);

/* The device's private key and the firewall mark of its UDP packets. Forgets all peers. 0 or -errno. */
int wg_set_key(const char *link, const uint8_t private_key[WG_KEY_BYTES], uint32_t mark);

/*
 * Make this the only peer, everything of IPv4 routed to it. The peer is made anew even if it is the same one, so that
 * a handshake starts at once and a status with a handshake is a status of this attempt. 0 or -errno.
 */
int wg_set_peer(const char *link, const uint8_t public_key[WG_KEY_BYTES], const struct sockaddr *endpoint,
		uint16_t keepalive_s);

/* 0, -ENOENT if there is no peer, or -errno. */
int wg_get_status(const char *link, struct wg_status *status);

#endif
