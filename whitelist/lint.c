#include "whitelist/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "whitelist/cdn.h"
#include "whitelist/date.h"

enum { DAY = 86400, LIFE_MOST_DAYS = 398, LIFE_LEFT_DAYS = 30 };

struct lint {
	const struct whitelist *whitelist;
	int64_t now;
	lint_fn *fn;
	void *context;
	size_t count;
	char where[WHITELIST_PATH_BYTES];
};

static void at(struct lint *l, const char *format, ...) PRINTF_LIKE(2, 3);
static void at(struct lint *l, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(l->where, sizeof l->where, format, arguments);
	va_end(arguments);
}

static void find(struct lint *l, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
static void find(struct lint *l, const char *code, const char *format, ...)
{
	struct lint_finding finding = {.code = code};
	memcpy(finding.where, l->where, sizeof finding.where);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(finding.text, sizeof finding.text, format, arguments);
	va_end(arguments);
	l->count++;
	l->fn(&finding, l->context);
}

static void lint_dates(struct lint *l)
{
	const struct whitelist *w = l->whitelist;
	at(l, "expires");
	if (w->expires - w->issued > (int64_t)LIFE_MOST_DAYS * DAY)
		find(l, "long_life",
		     "more than %d days after the issue date: a lost signing key would be believed for "
		     "that long; sign more often",
		     LIFE_MOST_DAYS);
	if (w->expires <= l->now)
		find(l, "expired", "is past: every stick that gets this policy closes its banks");
	else if (w->expires - l->now < (int64_t)LIFE_LEFT_DAYS * DAY)
		find(l, "short_life",
		     "less than %d days away: sticks that get no newer policy until then close their "
		     "banks",
		     LIFE_LEFT_DAYS);
	at(l, "issued");
	if (w->issued > l->now + DAY)
		find(l, "issued_ahead", "is in the future: sticks set their clock to at least this date");
	at(l, "pin");
	if (!w->pin)
		find(l, "no_pin", "is false: a stolen stick opens the way to the banks without its owner's PIN");
}

static bool is_used(const struct whitelist *w, const struct whitelist_authority *authority)
{
	for (size_t b = 0; b < w->bank_count; b++)
		for (size_t h = 0; h < w->banks[b].host_count; h++)
			for (size_t a = 0; a < w->banks[b].hosts[h].anchor_count; a++)
				if (w->banks[b].hosts[h].anchors[a] == authority)
					return true;
	return false;
}

static void lint_authorities(struct lint *l)
{
	const struct whitelist *w = l->whitelist;
	for (size_t i = 0; i < w->authority_count; i++) {
		const struct whitelist_authority *authority = &w->authorities[i];
		char date[DATE_BYTES];
		date_format(authority->not_after, date);
		at(l, "authorities.%s", authority->id);
		if (!is_used(w, authority))
			find(l, "unused_authority", "no host names it; take it out");
		if (authority->not_after <= l->now)
			find(l, "authority_expired",
			     "the certificate expired on %s: no connection will be trusted "
			     "through it",
			     date);
		else if (authority->not_after < w->expires)
			find(l, "authority_expires", "the certificate expires on %s, before the policy does", date);
	}
}

static const char *other_bank_with(const struct whitelist *w, size_t bank, const char *name)
{
	for (size_t b = 0; b < bank; b++)
		for (size_t h = 0; h < w->banks[b].host_count; h++)
			if (!strcmp(w->banks[b].hosts[h].name, name))
				return w->banks[b].id;
	return NULL;
}

static bool pins_an_authority(const struct whitelist_host *host)
{
	size_t found = 0;
	for (size_t p = 0; p < host->pin_count; p++)
		for (size_t a = 0; a < host->anchor_count; a++)
			found += !memcmp(host->pins[p], host->anchors[a]->spki_sha256, WHITELIST_PIN_BYTES);
	return found > 0;
}

static bool pins_a_revoked_key(const struct whitelist *w, const struct whitelist_host *host)
{
	for (size_t p = 0; p < host->pin_count; p++)
		for (size_t r = 0; r < w->revoked_count; r++)
			if (!memcmp(host->pins[p], w->revoked[r], WHITELIST_PIN_BYTES))
				return true;
	return false;
}

static void lint_host(struct lint *l, size_t b, size_t h)
{
	const struct whitelist_host *host = &l->whitelist->banks[b].hosts[h];
	at(l, "banks[%zu].hosts[%zu]", b, h);
	bool wildcard = host->name[0] == '*';
	if (wildcard && host->role == ROLE_PAGE)
		find(l, "wildcard_page",
		     "%s may be a whole page under any name; give the pages' names one by one and "
		     "keep wildcards for assets",
		     host->name);
	const char *other = other_bank_with(l->whitelist, b, host->name);
	if (other)
		find(l, "shared_host",
		     "%s is also a host of %s: a page of one bank could be shown in the other's "
		     "session",
		     host->name, other);
	const char *network = cdn_of(host->name);
	if (network)
		find(
		    l, "shared_cdn",
		    "%s is on shared addresses of %s: whoever has taken over a browser can be shown another customer's "
		    "site there; ask the bank for a name and addresses of its own",
		    host->name, network);
	if (pins_a_revoked_key(l->whitelist, host))
		find(l, "revoked_pin",
		     "a pin of %s is of a key that \"revoked\" refuses: a bank that still uses it is closed, and it is "
		     "no "
		     "backup; take it out",
		     host->name);
	if (pins_an_authority(host))
		find(l, "authority_pinned",
		     "a pin of %s names a trust anchor itself and so adds nothing; pin the "
		     "bank's own key or its issuer",
		     host->name);
	for (size_t p = 0; p < host->port_count; p++)
		if (host->ports[p] != 443)
			find(l, "odd_port",
			     "%s is reached on port %u as well as or instead of 443; take it out if it "
			     "is not needed",
			     host->name, host->ports[p]);
}

size_t whitelist_lint(const struct whitelist *whitelist, int64_t now, lint_fn *fn, void *context)
{
	struct lint l = {.whitelist = whitelist, .now = now, .fn = fn, .context = context};
	lint_dates(&l);
	lint_authorities(&l);
	for (size_t b = 0; b < whitelist->bank_count; b++)
		for (size_t h = 0; h < whitelist->banks[b].host_count; h++)
			lint_host(&l, b, h);
	return l.count;
}
