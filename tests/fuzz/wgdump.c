#include <stdlib.h>

#include "vpn/gateway/peers_seen.h"
#include "vpn/gateway/wgdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_status(const struct backend_status *status, void *context)
{
	char endpoint[ENDPOINT_SIZE];
	backend_status_endpoint(status, endpoint);
	(void)peers_seen_tell(context, status);
}

/* A datagram of the kernel's dump of its peers: whatever stands in it, nothing outside is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool changed = false;
	struct peers_seen *seen = peers_seen_new();
	if (!seen)
		abort();
	if (wgdump_take(data, size, check_status, seen, &changed) > 1)
		abort();
	peers_seen_free(seen);
	return 0;
}
