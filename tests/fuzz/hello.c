#include <stdlib.h>
#include <string.h>

#include "launcher/broker_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a result promises must hold, and more bytes behind a whole ClientHello change nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello hello, again;
	enum hello_result result = hello_parse(data, size, &hello);
	if ((result == HELLO_OK) != (hello.host[0] != '\0') || hello.protocol_count > HELLO_PROTOCOLS_MAX)
		abort();
	if (result != HELLO_OK)
		return 0;
	uint8_t *longer = malloc(size + 1);
	if (!longer)
		return 0;
	memcpy(longer, data, size);
	longer[size] = 0x17;
	if (hello_parse(longer, size + 1, &again) != HELLO_OK || strcmp(hello.host, again.host) != 0)
		abort();
	free(longer);
	return 0;
}
