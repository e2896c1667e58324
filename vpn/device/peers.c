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

size_t peers_order(const struct peers *peers, uint8_t order[PEERS_ORDER_MAX])
{
	size_t count = peers_endpoint_count(peers);
	for (size_t i = 0; i < count; i++)
		order[i] = (uint8_t)i;
	return count;
}

/* Lower ones first: another gateway by the family that worked, another one, the one that was lost, the lost endpoint.
 */
static size_t rank(const struct peers *peers, size_t nth, size_t lost)
{
	const struct peer *owner = NULL, *silent = NULL;
	const union endpoint *endpoint = peers_endpoint(peers, nth, &owner);
	const union endpoint *before = peers_endpoint(peers, lost, &silent);
	if (nth == lost)
		return 3;
	if (owner == silent)
		return 2;
	return endpoint->any.sa_family != before->any.sa_family;
}

size_t peers_order_after(const struct peers *peers, size_t lost, unsigned turn, uint8_t order[PEERS_ORDER_MAX])
{
	const struct peer *silent = NULL;
	size_t count = peers_endpoint_count(peers), filled = 0;
	(void)peers_endpoint(peers, lost, &silent);
	/* the gateway to begin with: one of the others, if there are others */
	size_t others = peers->count > 1 ? peers->count - 1 : 1;
	size_t first = ((size_t)(silent - peers->items) + 1 + turn % others) % peers->count;
	for (size_t wanted = 0; wanted <= 3; wanted++)
		for (size_t i = 0; i < peers->count; i++)
			for (size_t nth = 0; nth < count; nth++) {
				const struct peer *owner = NULL;
				(void)peers_endpoint(peers, nth, &owner);
				if (owner == &peers->items[(first + i) % peers->count] &&
				    rank(peers, nth, lost) == wanted)
					order[filled++] = (uint8_t)nth;
			}
	return filled;
}
