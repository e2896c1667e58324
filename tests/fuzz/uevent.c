#include "firmware/boot/uevent.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is pointed to lies in the datagram and ends in it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uevent event;
	if (uevent_parse((const char *)data, size, &event))
		return 0;
	const char *const fields[] = {event.action, event.path, event.subsystem, event.name};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const uint8_t *field = (const uint8_t *)fields[i];
		if (fields[i][0] && (field < data || field + strlen(fields[i]) >= data + size))
			abort();
	}
	return 0;
}
