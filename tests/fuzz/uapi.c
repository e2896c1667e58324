#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vpn/gateway/backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_status(const struct backend_status *status, void *context)
{
	(void)context;
	if (!memchr(status->endpoint, '\0', sizeof status->endpoint))
		abort();
}

/* What a user-space WireGuard answers: one that is not whole is an error, not a wait. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	struct backend *backend = backend_uapi(ends[0]);
	if (!backend || send(ends[1], data, size, MSG_DONTWAIT) < 0 || shutdown(ends[1], SHUT_WR) < 0)
		abort();
	if (backend_each(backend, check_status, NULL) > 0)
		abort();
	backend_free(backend);
	close(ends[1]);
	return 0;
}
