#include "launcher/broker_host.h"

#include <string.h>

#include "whitelist/names.h"

/* Not ctype's: that follows the locale. */
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

enum host_kind host_read(const void *bytes, size_t size, char out[HOST_MAX_BYTES + 1])
{
	const char *from = bytes;
	enum host_kind kind = HOST_MALFORMED;

	out[0] = '\0';
	if (size == 0 || size > HOST_MAX_BYTES || memchr(bytes, '\0', size))
		return HOST_MALFORMED;
	for (size_t i = 0; i < size; i++)
		out[i] = lower(from[i]);
	out[size] = '\0';
	if (name_is_host(out))
		kind = HOST_NAME;
	else if (name_is_address(out))
		kind = HOST_ADDRESS;
	if (kind != HOST_NAME)
		out[0] = '\0';
	return kind;
}
