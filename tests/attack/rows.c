/* rows - the launcher's own table of what it starts, a line each: name, namespace, uid, capabilities (hexadecimal). */
#include <inttypes.h>
#include <stdio.h>

#include "launcher/processes.h"

int main(void)
{
	static const char *const namespaces[NAMESPACE_COUNT] = {"underlay", "tunnel", "screen", "nowhere"};
	for (int i = 0; i < PROCESS_COUNT; i++) {
		const struct process_row *row = process_row((enum stick_process)i);
		printf("%s %s %u %" PRIx64 "\n", row->name, namespaces[row->namespace], row->uid, row->capabilities);
	}
	return 0;
}
