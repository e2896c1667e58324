#include "vpn/gateway/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* gateway.conf, as its owner may mistype it: refused with a sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	char why[256] = "";
	char *text = strndup((const char *)data, size);
	if (text && config_parse(text, &config, why, sizeof why) != 0 && !why[0])
		abort();
	config_free(&config);
	free(text);
	return 0;
}
