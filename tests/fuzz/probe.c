#include "vpn/device/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer to our echo, from the gateway or whoever is behind it: eight bytes of when it comes, and what it says. The
 * time it took is one that has passed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ends[2] = {-1, -1};
	int64_t now;
	if (ends[0] < 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0)
		abort();
	if (size < sizeof now)
		return 0;
	memcpy(&now, data, sizeof now);
	now &= INT64_MAX; /* a clock that counts from the start */
	if (send(ends[0], data + sizeof now, size - sizeof now, MSG_DONTWAIT) < 0)
		return 0;
	int64_t took = probe_receive(ends[1], now);
	if (took > now || (took < 0 && took != -EBADMSG) || probe_receive(ends[1], now) != -EAGAIN)
		abort();
	return 0;
}
