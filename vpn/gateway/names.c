#include "vpn/gateway/names.h"

#include <stddef.h>
#include <string.h>

static bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

static bool is_alphanumeric(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

static bool is_short(const char *text)
{
	size_t size = strlen(text);
	return size >= 1 && size <= 32;
}

bool name_is_id(const char *text)
{
	if (!is_short(text) || *text == '.' || *text == '-')
		return false;
	for (; *text; text++)
		if (!is_alphanumeric(*text) && *text != '.' && *text != '_' && *text != '-')
			return false;
	return true;
}

bool name_is_bank(const char *text)
{
	if (!is_short(text) || *text == '-')
		return false;
	for (; *text; text++)
		if (!is_lower_or_digit(*text) && *text != '-')
			return false;
	return true;
}

bool name_is_code(const char *text)
{
	if (!is_short(text))
		return false;
	for (; *text; text++)
		if (!is_lower_or_digit(*text) && *text != '_')
			return false;
	return true;
}

/* Bytes of the well-formed sequence at `at` (RFC 3629 section 4), 0 if there is none. */
static unsigned utf8_size(const unsigned char *at)
{
	unsigned size = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : 0;
	if (at[0] >= 0xf0 && at[0] <= 0xf4)
		size = 4;
	for (unsigned i = 1; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if (size == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)))
		return 0;
	if (size == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)))
		return 0;
	return size;
}

/* Signs that change the direction or the line of what stands beside them: a name with one can look like another's. */
static bool is_turning(const unsigned char *at)
{
	static const char *const signs[] = {
	    "\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b",
	    "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069",
	};
	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strncmp((const char *)at, signs[i], strlen(signs[i])) == 0)
			return true;
	return false;
}

bool name_is_text(const char *text, unsigned max_bytes)
{
	if (strlen(text) > max_bytes)
		return false;
	const unsigned char *at = (const unsigned char *)text;
	while (*at) {
		unsigned size = utf8_size(at);
		/* C0 and C1 controls, and DEL */
		if (size == 0 || *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0) || is_turning(at))
			return false;
		at += size;
	}
	return true;
}
