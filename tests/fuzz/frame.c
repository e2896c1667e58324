#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A frame as a broken peer may send it. What is taken for one has its payload, a NUL behind it, and no descriptor. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ends[2] = {-1, -1};
	static struct msg m;
	if (ends[0] < 0 && msg_pair(ends) < 0)
		abort();
	if (send(ends[0], data, size, MSG_DONTWAIT) != (ssize_t)size)
		return 0;
	int got = msg_receive(ends[1], &m);
	if (got == 1 &&
	    (m.size > size || m.size > MSG_PAYLOAD_MAX_BYTES || m.payload[m.size] != '\0' || m.fd_count != 0))
		abort();
	if (got == 1 && m.size > 0 && memcmp(m.payload, data + (size - m.size), m.size) != 0)
		abort();
	return 0;
}
