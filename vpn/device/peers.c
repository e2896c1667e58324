#include "vpn/device/peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

int endpoint_parse(const char *address, uint16_t port, union endpoint *endpoint)
{
	*endpoint = (union endpoint){0};
	if (port == 0)
		return -EINVAL;
	if (inet_pton(AF_INET, address, &endpoint->ip4.sin_addr) == 1) {
		endpoint->ip4.sin_family = AF_INET;
		endpoint->ip4.sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, address, &endpoint->ip6.sin6_addr) == 1) {
		endpoint->ip6.sin6_family = AF_INET6;
		endpoint->ip6.sin6_port = htons(port);
		return 0;
	}
	return -EINVAL;
}

void endpoint_format(const union endpoint *endpoint, char text[ENDPOINT_TEXT_BYTES])
{
	char address[INET6_ADDRSTRLEN] = "?";
	if (endpoint->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &endpoint->ip6.sin6_addr, address, sizeof address);
		snprintf(text, ENDPOINT_TEXT_BYTES, "[%s]:%u", address, ntohs(endpoint->ip6.sin6_port));
		return;
	}
	inet_ntop(AF_INET, &endpoint->ip4.sin_addr, address, sizeof address);
	snprintf(text, ENDPOINT_TEXT_BYTES, "%s:%u", address, ntohs(endpoint->ip4.sin_port));
}

size_t peers_endpoint_count(const struct peers *peers)
{
	size_t count = 0;
	for (size_t i = 0; i < peers->count; i++)
		count += peers->items[i].endpoint_count;
	return count;
}

const union endpoint *peers_endpoint(const struct peers *peers, size_t nth, const struct peer **owner)
{
	for (size_t i = 0; i < peers->count; i++) {
		const struct peer *peer = &peers->items[i];
		if (nth < peer->endpoint_count) {
			*owner = peer;
			return &peer->endpoints[nth];
		}
		nth -= peer->endpoint_count;
	}
	return NULL;
}
