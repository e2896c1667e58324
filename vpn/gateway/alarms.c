#include "vpn/gateway/alarms.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum scope { SCOPE_GATEWAY, SCOPE_VERSION, SCOPE_NETWORK, SCOPE_REGION, SCOPE_STICK, SCOPES };

enum { BIT_GATEWAY = 1 << SCOPE_GATEWAY, BIT_VERSION = 1 << SCOPE_VERSION, BIT_NETWORK = 1 << SCOPE_NETWORK };
enum { BIT_REGION = 1 << SCOPE_REGION, BIT_LINE = BIT_GATEWAY | BIT_NETWORK | BIT_REGION };

/* What a cause of this kind can be shared by, and how much it matters for one stick, and for one with a bank open. */
static const struct {
	const char *name;
	enum alarm_severity severity, at_bank, folded;
	unsigned scopes;
	bool person, alone;
} kinds[ALARM_KINDS] = {
    [ALARM_DURESS] = {"duress", ALARM_CRITICAL, ALARM_CRITICAL, ALARM_CRITICAL, 0, true, true},
    [ALARM_COPIED] = {"copied", ALARM_CRITICAL, ALARM_CRITICAL, ALARM_CRITICAL, 0, true, true},
    [ALARM_ATTACK] = {"attack", ALARM_CRITICAL, ALARM_CRITICAL, ALARM_CRITICAL, BIT_LINE, true, true},
    [ALARM_LET_OUT] = {"let_out", ALARM_CRITICAL, ALARM_CRITICAL, ALARM_CRITICAL, BIT_VERSION, true, true},
    [ALARM_HELD_UP] = {"held_up", ALARM_WARNING, ALARM_WARNING, ALARM_CRITICAL, BIT_GATEWAY | BIT_VERSION, false, true},
    [ALARM_BROKE_OFF] = {"broke_off", ALARM_INFO, ALARM_WARNING, ALARM_WARNING, BIT_LINE, false, false},
    [ALARM_SILENT] = {"silent", ALARM_INFO, ALARM_WARNING, ALARM_WARNING, BIT_GATEWAY | BIT_VERSION, false, true},
    [ALARM_IMAGE_UNKNOWN] = {"image_unknown", ALARM_WARNING, ALARM_WARNING, ALARM_WARNING, BIT_VERSION, false, true},
    [ALARM_IMAGE_OLD] = {"image_old", ALARM_INFO, ALARM_INFO, ALARM_WARNING, BIT_VERSION, false, true},
    [ALARM_LOCKED] = {"locked", ALARM_WARNING, ALARM_WARNING, ALARM_CRITICAL, BIT_NETWORK | BIT_REGION, false, true},
    [ALARM_NOT_READY] = {"not_ready", ALARM_INFO, ALARM_INFO, ALARM_WARNING, BIT_GATEWAY, false, true},
    [ALARM_EXERCISE] = {"exercise", ALARM_WARNING, ALARM_WARNING, ALARM_WARNING, 0, true, true},
    [ALARM_KILLED] = {"killed", ALARM_CRITICAL, ALARM_CRITICAL, ALARM_CRITICAL, BIT_VERSION, true, true},
};

static const char *const severities[ALARM_SEVERITIES] = {"info", "warning", "critical"};
static const unsigned escalates_s[ALARM_SEVERITIES] = {0, 900, 300};

const char *alarm_kind_name(enum alarm_kind kind) { return kind < ALARM_KINDS ? kinds[kind].name : ""; }

enum alarm_kind alarm_kind_from_name(const char *name)
{
	int i = 0;
	while (i < ALARM_KINDS && strcmp(kinds[i].name, name) != 0)
		i++;
	return (enum alarm_kind)i;
}

const char *alarm_severity_name(enum alarm_severity severity)
{
	return severity < ALARM_SEVERITIES ? severities[severity] : "";
}

bool alarm_needs_person(enum alarm_kind kind) { return kind < ALARM_KINDS && kinds[kind].person; }

unsigned alarm_escalates_s(const char *severity)
{
	for (int i = 0; i < ALARM_SEVERITIES; i++)
		if (strcmp(severities[i], severity) == 0)
			return escalates_s[i];
	return 0;
}

void alarm_network(const char *endpoint, char out[REGION_SIZE])
{
	struct in_addr v4;
	struct in6_addr v6;
	char address[ENDPOINT_SIZE];
	const char *colon = strrchr(endpoint, ':');
	size_t size = colon ? (size_t)(colon - endpoint) : 0;
	bool bracketed = size > 2 && endpoint[0] == '[' && endpoint[size - 1] == ']';
	out[0] = '\0';
	if (size == 0 || size >= sizeof address)
		return;
	memcpy(address, endpoint + bracketed, size - 2 * (size_t)bracketed);
	address[size - 2 * (size_t)bracketed] = '\0';
	const uint8_t *a = (const uint8_t *)&v4.s_addr;
	if (inet_pton(AF_INET, address, &v4) == 1)
		snprintf(out, REGION_SIZE, "%u.%u.0.0/16", a[0], a[1]);
	else if (inet_pton(AF_INET6, address, &v6) == 1)
		snprintf(out, REGION_SIZE, "%02x%02x:%02x%02x::/32", v6.s6_addr[0], v6.s6_addr[1], v6.s6_addr[2],
			 v6.s6_addr[3]);
}

/* --- folding --- */

struct fold {
	const struct alarm_place *places;
	size_t place_count, in_use;
	struct alarm *list;
	size_t count;
};

static const char *value_of(const struct alarm_place *place, enum scope scope)
{
	return scope == SCOPE_VERSION   ? place->version
	       : scope == SCOPE_NETWORK ? place->network
	       : scope == SCOPE_REGION  ? place->region
	       : scope == SCOPE_STICK   ? place->id
					: "";
}

static const struct alarm_place *order_places;
static enum scope order_scope;

/* By kind, then by what they share, then by time. */
static int compare(const void *left, const void *right)
{
	const struct alarm_fact *a = left, *b = right;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	int order =
	    strcmp(value_of(&order_places[a->place], order_scope), value_of(&order_places[b->place], order_scope));
	if (order)
		return order;
	return a->since != b->since ? a->since < b->since ? -1 : 1 : a->place < b->place ? -1 : a->place > b->place;
}

static void sort_facts(struct fold *fold, struct alarm_fact *facts, size_t count, enum scope scope)
{
	order_places = fold->places;
	order_scope = scope;
	if (count > 1)
		qsort(facts, count, sizeof *facts, compare);
}

static size_t in_use(const struct fold *fold, enum scope scope, const char *value)
{
	size_t count = 0;
	if (scope == SCOPE_GATEWAY)
		return fold->in_use;
	for (size_t i = 0; i < fold->place_count; i++)
		count += fold->places[i].in_use && strcmp(value_of(&fold->places[i], scope), value) == 0;
	return count;
}

static void name_subject(struct alarm *alarm, enum scope scope, const char *value)
{
	static const char *const prefixes[SCOPES] = {"gateway", "version:", "network:", "region:", "stick:"};
	snprintf(alarm->subject, sizeof alarm->subject, "%s%s", prefixes[scope], value);
}

/* The alarm of facts[0..count). */
static void add_alarm(struct fold *fold, const struct alarm_fact *facts, size_t count, enum scope scope)
{
	struct alarm *alarm = &fold->list[fold->count++];
	enum alarm_kind kind = facts[0].kind;
	*alarm = (struct alarm){.kind = kind, .since = facts[0].since, .newest = facts[0].since, .sticks = count};
	name_subject(alarm, scope, value_of(&fold->places[facts[0].place], scope));
	for (size_t i = 0; i < count; i++) {
		alarm->at_bank += facts[i].at_bank;
		if (facts[i].since < alarm->since)
			alarm->since = facts[i].since;
		if (facts[i].since > alarm->newest)
			alarm->newest = facts[i].since;
		if (i < ALARM_SHOWN)
			alarm->shown[i] = facts[i].place;
	}
	alarm->severity = scope == SCOPE_GATEWAY && kind != ALARM_NOT_READY ? ALARM_CRITICAL
			  : count > 1                                       ? kinds[kind].folded
			  : alarm->at_bank                                  ? kinds[kind].at_bank
									    : kinds[kind].severity;
}

static bool is_fold(const struct fold *fold, size_t count, enum scope scope, const char *value)
{
	bool whole = scope == SCOPE_GATEWAY;
	if (count < (whole ? ALARM_WHOLE_MANY : ALARM_MANY) || (!whole && value[0] == '\0'))
		return false;
	return count * 100 >= in_use(fold, scope, value) * (whole ? ALARM_WHOLE_PERCENT : ALARM_SHARE_PERCENT);
}

/* The facts that came one after the other without a long gap, from `from` on: where they end. */
static size_t burst_end(const struct alarm_fact *facts, size_t from, size_t end)
{
	size_t at = from + 1;
	while (at < end && facts[at].since - facts[at - 1].since <= ALARM_GAP_S)
		at++;
	return at;
}

/* What belongs to a fold of this scope moves to the front of the group. How many facts that are. */
static size_t gather(const struct fold *fold, struct alarm_fact *facts, size_t count, enum scope scope)
{
	size_t kept = 0;
	const char *value = value_of(&fold->places[facts[0].place], scope);
	for (size_t from = 0, end; from < count; from = end) {
		end = burst_end(facts, from, count);
		if (!is_fold(fold, end - from, scope, value))
			continue;
		for (size_t i = from; i < end; i++, kept++) {
			struct alarm_fact fact = facts[i];
			memmove(&facts[kept + 1], &facts[kept], (i - kept) * sizeof *facts);
			facts[kept] = fact;
		}
	}
	return kept;
}

/* The facts of one kind that share one value of `scope` end here. */
static size_t group_end(const struct fold *fold, const struct alarm_fact *facts, size_t from, size_t count,
			enum scope scope)
{
	size_t at = from + 1;
	while (at < count && facts[at].kind == facts[from].kind &&
	       strcmp(value_of(&fold->places[facts[at].place], scope),
		      value_of(&fold->places[facts[from].place], scope)) == 0)
		at++;
	return at;
}

/* One scope over all facts that are left; those that were folded are taken out. How many are left. */
static size_t fold_scope(struct fold *fold, struct alarm_fact *facts, size_t count, enum scope scope)
{
	size_t left = 0;
	sort_facts(fold, facts, count, scope);
	for (size_t from = 0, end; from < count; from = end) {
		end = group_end(fold, facts, from, count, scope);
		size_t folded = 0;
		if (scope == SCOPE_STICK && (kinds[facts[from].kind].alone || facts[from].at_bank))
			folded = end - from;
		else if (scope != SCOPE_STICK && kinds[facts[from].kind].scopes >> scope & 1)
			folded = gather(fold, &facts[from], end - from, scope);
		if (folded > 0)
			add_alarm(fold, &facts[from], folded, scope);
		memmove(&facts[left], &facts[from + folded], (end - from - folded) * sizeof *facts);
		left += end - from - folded;
	}
	return left;
}

int alarms_fold(const struct alarm_place *places, size_t place_count, struct alarm_fact *facts, size_t fact_count,
		struct alarm **list, size_t *count)
{
	struct fold fold = {.places = places, .place_count = place_count};
	fold.list = calloc(fact_count ? fact_count : 1, sizeof *fold.list);
	*list = NULL;
	*count = 0;
	if (!fold.list)
		return -ENOMEM;
	for (size_t i = 0; i < place_count; i++)
		fold.in_use += places[i].in_use;
	for (int scope = 0; scope < SCOPES; scope++)
		fact_count = fold_scope(&fold, facts, fact_count, (enum scope)scope);
	*list = fold.list;
	*count = fold.count;
	return 0;
}
