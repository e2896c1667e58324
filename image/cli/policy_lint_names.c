/* sekisho policy lint --resolve: where each host's name ends up today. The only part of lint that asks anybody. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "image/cli/policy.h"
#include "whitelist/cdn.h"

static const char *judge(const char *name, char *text, size_t size)
{
	const struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int error = getaddrinfo(name, NULL, &hints, &found);
	if (error) {
		snprintf(text, size, "does not resolve from here (%.60s): customers would not reach it; check the name",
			 gai_strerror(error));
		return "no_address";
	}
	const char *end = found->ai_canonname ? found->ai_canonname : name;
	const char *network = cdn_of(end);
	if (network)
		snprintf(
		    text, size,
		    "is an alias of %.60s, an address shared by customers of %.20s: a taken-over browser can be shown "
		    "another's site there; ask the bank for addresses of its own",
		    end, network);
	freeaddrinfo(found);
	return network && !cdn_of(name) ? "shared_cdn" : NULL;
}

size_t policy_lint_names(const struct whitelist *whitelist, lint_fn *fn, void *context)
{
	size_t count = 0;
	for (size_t b = 0; b < whitelist->bank_count; b++)
		for (size_t h = 0; h < whitelist->banks[b].host_count; h++) {
			const char *name = whitelist->banks[b].hosts[h].name;
			struct lint_finding finding = {0};
			finding.code = name[0] == '*' ? NULL : judge(name, finding.text, sizeof finding.text);
			if (!finding.code)
				continue;
			snprintf(finding.where, sizeof finding.where, "banks[%zu].hosts[%zu].name", b, h);
			fn(&finding, context);
			count++;
		}
	return count;
}
