#include "vpn/gateway/backend.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void backend_free(struct backend *backend)
{
	if (backend)
		backend->ops->free(backend);
}

int backend_set_device(struct backend *backend, const uint8_t private_key[WG_KEY_BYTES], uint16_t port)
{
	return backend->ops->set_device(backend, private_key, port);
}

int backend_set_peers(struct backend *backend, const struct backend_peer *peers, size_t count)
{
	return count > 0 ? backend->ops->set_peers(backend, peers, count) : 0;
}

int backend_each(struct backend *backend, backend_status_fn *fn, void *context)
{
	return backend->ops->each(backend, fn, context);
}

void backend_endpoint_text(const struct sockaddr *address, char out[ENDPOINT_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "";
	out[0] = '\0';
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(out, ENDPOINT_SIZE, "%s:%u", host, ntohs(in->sin_port));
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		snprintf(out, ENDPOINT_SIZE, "[%s]:%u", host, ntohs(in6->sin6_port));
	}
}

void backend_status_endpoint(const struct backend_status *status, char out[ENDPOINT_SIZE])
{
	if (status->endpoint[0])
		memcpy(out, status->endpoint, ENDPOINT_SIZE);
	else
		backend_endpoint_text(&status->address.any, out);
}
