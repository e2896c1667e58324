#include "firmware/boot/wallrules.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever list is taken has its script, and nothing from outside but numbers gets into it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char script[WALL_SCRIPT_MAX_BYTES];
	struct wall_gateways gateways;
	if (wall_gateways_read(data, size, &gateways) == 0 &&
	    (gateways.count > WALL_GATEWAYS_MAX || wall_gateways_script(&gateways, script, sizeof script) != 0))
		abort();
	char *name = strndup((const char *)data, size);
	if (name && wall_cover_script(name, script, sizeof script) == 0 && strpbrk(name, " ;{}\"'\n\\$#/,"))
		abort();
	free(name);
	return 0;
}
