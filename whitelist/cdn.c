#include "whitelist/cdn.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *suffix, *network;
} shared[] = {
#define SHARED(suffix, network) {suffix, network},
#include "whitelist/cdn.def"
#undef SHARED
};

const char *cdn_of(const char *name)
{
	size_t size = strlen(name);
	if (size > 0 && name[size - 1] == '.')
		size--;
	for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
		size_t length = strlen(shared[i].suffix);
		if (size < length || strncasecmp(name + size - length, shared[i].suffix, length) != 0)
			continue;
		if (size == length || name[size - length - 1] == '.')
			return shared[i].network;
	}
	return NULL;
}
