#include <stdlib.h>

/* what it reads is read by functions of its own */
#include "launcher/tunnelproc.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* nothing is configured here */
int wg_open(const char *link) { return link ? -ENODEV : 0; }
int wg_set_key(const char *link, const uint8_t private_key[WG_KEY_BYTES], uint32_t mark)
{
	return link && private_key && mark ? -ENODEV : 0;
}
int wg_set_peer(const char *link, const uint8_t public_key[WG_KEY_BYTES], const struct sockaddr *endpoint,
		uint16_t keepalive_s)
{
	return link && public_key && endpoint && keepalive_s ? -ENODEV : 0;
}
int wg_get_status(const char *link, struct wg_status *status) { return link && status ? -ENODEV : 0; }

/* The launcher's configuration: one that is taken keeps its bounds, and has its packet rules. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tunnel t;
	t = (struct tunnel){.probe_fd = -1};
	struct config config;
	struct msg m = {.type = MSG_TUNNEL_CONFIG, .size = size, .payload = (uint8_t *)(uintptr_t)data};
	if (read_config(&t, &m, &config))
		return 0;
	size_t endpoints = peers_endpoint_count(&t.peers);
	if (t.peers.count > PEERS_MAX || t.wall.port_count > TUNNELWALL_PORTS_MAX || endpoints == 0)
		abort();
	for (size_t i = 0; i < endpoints; i++) {
		const struct peer *peer = NULL;
		char text[ENDPOINT_TEXT_BYTES];
		endpoint_format(peers_endpoint(&t.peers, i, &peer), text);
		if (!peer)
			abort();
	}
	free(tunnelwall_text(&t.wall, &t.peers));
	return 0;
}
