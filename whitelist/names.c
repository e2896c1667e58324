#include "whitelist/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/whitelist.h"

static bool is_ldh(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

static bool label_is_good(const char *label, size_t size)
{
	if (size == 0 || size > 63 || label[0] == '-' || label[size - 1] == '-')
		return false;
	for (size_t i = 0; i < size; i++)
		if (!is_ldh(label[i]))
			return false;
	return true;
}

/* Digits, or 0x and hexadecimal digits: what makes a browser read the whole as an IPv4 address. */
static bool label_is_number(const char *label)
{
	if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return label[2 + strspn(label + 2, "0123456789abcdefABCDEF")] == '\0';
	return label[0] != '\0' && label[strspn(label, "0123456789")] == '\0';
}

bool name_is_address(const char *name)
{
	if (strchr(name, ':') || name[0] == '[')
		return true;
	const char *last = strrchr(name, '.');
	return label_is_number(last ? last + 1 : name);
}

bool name_is_host(const char *name)
{
	size_t labels = 0, total = strlen(name);
	if (total == 0 || total >= WHITELIST_HOST_BYTES || name_is_address(name))
		return false;
	for (const char *label = name;; labels++) {
		size_t size = strcspn(label, ".");
		if (!label_is_good(label, size))
			return false;
		if (label[size] == '\0')
			break;
		label += size + 1;
	}
	return labels >= 1;
}

bool name_is_wildcard(const char *pattern)
{
	if (strncmp(pattern, "*.", 2) != 0 || strlen(pattern) >= WHITELIST_HOST_BYTES)
		return false;
	/* "*.jp" has the shape of a wildcard, and is refused as too wide, not as misspelled. */
	return name_is_host(pattern + 2) ||
	       (label_is_good(pattern + 2, strlen(pattern + 2)) && !label_is_number(pattern + 2));
}

bool name_matches(const char *pattern, const char *name)
{
	if (strncmp(pattern, "*.", 2) != 0)
		return !strcmp(pattern, name);
	const char *dot = strchr(name, '.');
	return dot && dot != name && !strcmp(pattern + 1, dot);
}

/* No space, control, quote, angle bracket or backslash: nothing that two parsers could read differently. */
static bool url_is_plain(const char *url)
{
	for (const char *c = url; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"'<>\\^`{|}#@", *c))
			return false;
	return true;
}

bool url_split(const char *url, char *host, uint16_t *port)
{
	static const char scheme[] = "https://";
	if (strncmp(url, scheme, strlen(scheme)) != 0 || !url_is_plain(url))
		return false;
	const char *authority = url + strlen(scheme);
	size_t size = strcspn(authority, "/?:");
	if (size == 0 || size >= WHITELIST_HOST_BYTES)
		return false;
	memcpy(host, authority, size);
	host[size] = '\0';
	const char *rest = authority + size;
	unsigned long number = 443;
	if (*rest == ':') {
		char *end;
		if (!isdigit((unsigned char)rest[1]) || rest[1] == '0')
			return false;
		number = strtoul(rest + 1, &end, 10);
		rest = end;
	}
	*port = (uint16_t)number;
	return *rest == '/' && number <= UINT16_MAX && name_is_host(host);
}
