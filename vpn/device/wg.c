#include "vpn/device/wg.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <wireguard.h>

#include "firmware/lib/buf.h"

_Static_assert(WG_KEY_BYTES == sizeof(wg_key), "one size of keys");

/* Every exchange opens a netlink socket of its own, which the sandbox of the caller must allow. */
int wg_open(const char *link)
{
	struct wg_status status;
	int error = wg_get_status(link, &status);
	return error == -ENOENT ? 0 : error;
}

static int name_device(wg_device *device, const char *link)
{
	int size = snprintf(device->name, sizeof device->name, "%s", link);
	return size < 0 || (size_t)size >= sizeof device->name ? -EINVAL : 0;
}

int wg_set_key(const char *link, const uint8_t private_key[WG_KEY_BYTES], uint32_t mark)
{
	/* the library's flags are bits of an enum that names each bit only */
	// NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
	wg_device device = {.flags = WGDEVICE_HAS_PRIVATE_KEY | WGDEVICE_HAS_FWMARK | WGDEVICE_REPLACE_PEERS,
			    .fwmark = mark};
	int error = name_device(&device, link);
	if (!error) {
		memcpy(device.private_key, private_key, sizeof device.private_key);
		error = wg_set_device(&device);
	}
	wipe(&device, sizeof device);
	return error;
}

static int set_endpoint(wg_peer *peer, const struct sockaddr *endpoint)
{
	if (endpoint->sa_family == AF_INET)
		memcpy(&peer->endpoint.addr4, endpoint, sizeof peer->endpoint.addr4);
	else if (endpoint->sa_family == AF_INET6)
		memcpy(&peer->endpoint.addr6, endpoint, sizeof peer->endpoint.addr6);
	else
		return -EAFNOSUPPORT;
	return 0;
}

int wg_set_peer(const char *link, const uint8_t public_key[WG_KEY_BYTES], const struct sockaddr *endpoint,
		uint16_t keepalive_s)
{
	wg_allowedip everything = {.family = AF_INET};
	// NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
	wg_peer peer = {.flags = WGPEER_HAS_PUBLIC_KEY | WGPEER_REPLACE_ALLOWEDIPS |
				 WGPEER_HAS_PERSISTENT_KEEPALIVE_INTERVAL,
			.persistent_keepalive_interval = keepalive_s,
			.first_allowedip = &everything,
			.last_allowedip = &everything};
	memcpy(peer.public_key, public_key, sizeof peer.public_key);
	wg_device device = {.flags = WGDEVICE_REPLACE_PEERS, .first_peer = &peer, .last_peer = &peer};
	int error = name_device(&device, link);
	if (!error)
		error = set_endpoint(&peer, endpoint);
	return error ? error : wg_set_device(&device);
}

int wg_get_status(const char *link, struct wg_status *status)
{
	*status = (struct wg_status){0};
	wg_device *device = NULL;
	int error = wg_get_device(&device, link);
	if (error)
		return error;
	const wg_peer *peer = device->first_peer;
	if (peer)
		*status = (struct wg_status){.handshake_ns = peer->last_handshake_time.tv_sec * 1000000000 +
							     peer->last_handshake_time.tv_nsec,
					     .received_bytes = peer->rx_bytes,
					     .sent_bytes = peer->tx_bytes};
	else
		error = -ENOENT;
	wipe(device->private_key, sizeof device->private_key);
	wg_free_device(device);
	return error;
}
