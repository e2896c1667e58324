#include "launcher/broker_host.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

enum { LABEL_MAX_BYTES = 63 };

/* Not ctype's: those follow the locale. */
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_ldh(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool label_good(const char *label, size_t size)
{
	if (size == 0 || size > LABEL_MAX_BYTES || label[0] == '-' || label[size - 1] == '-')
		return false;
	for (size_t i = 0; i < size; i++)
		if (!is_ldh(label[i]))
			return false;
	return true;
}

static bool labels_good(const char *name, const char **last)
{
	for (;;) {
		size_t size = strcspn(name, ".");
		if (!label_good(name, size))
			return false;
		*last = name;
		if (name[size] == '\0')
			return true;
		name += size + 1;
	}
}

/* What inet_aton() and URL parsers take for an IPv4 address ends in a number, decimal or hexadecimal. */
static bool number(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
	return label[strspn(label, "0123456789")] == '\0';
}

enum host_kind host_read(const void *bytes, size_t size, char out[HOST_MAX_BYTES + 1])
{
	const char *from = bytes;
	enum host_kind kind = HOST_MALFORMED;
	const char *last = NULL;
	struct in6_addr address;

	out[0] = '\0';
	if (size == 0 || size > HOST_MAX_BYTES || memchr(bytes, '\0', size))
		return HOST_MALFORMED;
	for (size_t i = 0; i < size; i++)
		out[i] = lower(from[i]);
	out[size] = '\0';
	if (labels_good(out, &last))
		kind = number(last) ? HOST_ADDRESS : HOST_NAME;
	else if (inet_pton(AF_INET6, out, &address) == 1)
		kind = HOST_ADDRESS;
	if (kind != HOST_NAME)
		out[0] = '\0';
	return kind;
}
