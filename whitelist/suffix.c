#include "whitelist/suffix.h"

#include <stddef.h>
#include <string.h>

/* suffixes[]: the rules, sorted by their bytes, each ended by '\n' and its kind: '=' the name itself, '*' every name
 * one label below it (and, as the list's own algorithm has it, itself), '!' an exception. Made by suffixes.py. */
#include "whitelist/suffixes.h"

static size_t line_start(size_t at)
{
	while (at > 0 && suffixes[at - 1] != '\n')
		at--;
	return at;
}

/* The kind of `name`'s rule, or 0. A line is NAME KIND '\n'; no name holds a byte below '-', so that the kinds, which
 * are none of a name's, end it. */
static char rule_of(const char *name)
{
	size_t size = strlen(name), low = 0, high = sizeof suffixes - 1;
	while (low < high) {
		size_t line = line_start(low + (high - low) / 2);
		const char *rule = suffixes + line;
		size_t length = strcspn(rule, "=*!\n");
		int order = memcmp(rule, name, length < size ? length : size);
		if (order == 0 && length == size)
			return rule[length];
		if (order < 0 || (order == 0 && length < size))
			low = line + strcspn(rule, "\n") + 1;
		else
			high = line;
	}
	return 0;
}

bool suffix_is_public(const char *domain)
{
	const char *dot = strchr(domain, '.');
	char rule = rule_of(domain);
	if (!dot || rule == '=' || rule == '*')
		return true;
	return rule != '!' && rule_of(dot + 1) == '*';
}
