#include "vpn/gateway/health.h"

#include <stdio.h>
#include <string.h>

static const char *const names[HEALTH_COUNT] = {"never",   "up",      "late",        "stale", "lost",
						"offline", "revoked", "quarantined", "locked"};
static const char *const causes[CAUSE_COUNT] = {
    "registered", "first_beacon",  "new_boot",    "resumed", "silent",   "unreachable", "goodbye", "revoked",
    "image_old",  "image_unknown", "no_identity", "copied",  "pin_none", "pin_locked",  "released"};

static bool change(struct health_record *record, enum health state, enum health_cause cause)
{
	if (record->state == state)
		return false;
	record->state = state;
	record->cause = cause;
	return true;
}

static bool is_in_trouble(enum health state)
{
	return state == HEALTH_LATE || state == HEALTH_STALE || state == HEALTH_LOST;
}

bool health_is_held(enum health state) { return state == HEALTH_QUARANTINED || state == HEALTH_LOCKED; }

bool health_beacon(struct health_record *record, int64_t now_ms, const char *boot, bool goodbye)
{
	if (record->state == HEALTH_REVOKED)
		return false;
	bool first = record->state == HEALTH_NEVER;
	bool new_boot = strcmp(record->boot, boot) != 0;
	bool in_time = !first && !new_boot && now_ms - record->last_beacon_ms <= HEALTH_LATE_MS;
	record->steady = in_time ? record->steady + 1 : 1;
	record->last_beacon_ms = now_ms;
	snprintf(record->boot, sizeof record->boot, "%s", boot);
	if (goodbye)
		return change(record, HEALTH_OFFLINE, CAUSE_GOODBYE);
	if (first)
		return change(record, HEALTH_UP, CAUSE_FIRST_BEACON);
	if (new_boot)
		return change(record, HEALTH_UP, CAUSE_NEW_BOOT);
	if (health_is_held(record->state))
		return change(record, HEALTH_UP, CAUSE_RELEASED);
	if (is_in_trouble(record->state) && record->steady < HEALTH_STEADY)
		return change(record, HEALTH_LATE, CAUSE_RESUMED);
	return change(record, HEALTH_UP, CAUSE_RESUMED);
}

bool health_tick(struct health_record *record, int64_t now_ms, bool tunnel_fresh)
{
	bool held = health_is_held(record->state);
	if (record->state != HEALTH_UP && !held && !is_in_trouble(record->state))
		return false;
	int64_t age_ms = now_ms - record->last_beacon_ms;
	enum health worse = age_ms > HEALTH_LOST_MS    ? HEALTH_LOST
			    : age_ms > HEALTH_STALE_MS ? HEALTH_STALE
			    : age_ms > HEALTH_LATE_MS  ? HEALTH_LATE
						       : HEALTH_UP;
	if (worse <= (held ? HEALTH_UP : record->state))
		return false;
	return change(record, worse, tunnel_fresh ? CAUSE_SILENT : CAUSE_UNREACHABLE);
}

bool health_quarantine(struct health_record *record, enum health_cause cause)
{
	bool other = record->cause != cause;
	bool changed = change(record, cause == CAUSE_PIN_LOCKED ? HEALTH_LOCKED : HEALTH_QUARANTINED, cause);
	record->cause = cause;
	return changed || other;
}

bool health_revoke(struct health_record *record) { return change(record, HEALTH_REVOKED, CAUSE_REVOKED); }

const char *health_name(enum health state) { return state < HEALTH_COUNT ? names[state] : NULL; }

enum health health_from_name(const char *name)
{
	int i = 0;
	while (i < HEALTH_COUNT && strcmp(names[i], name) != 0)
		i++;
	return (enum health)i;
}

const char *health_cause_name(enum health_cause cause) { return cause < CAUSE_COUNT ? causes[cause] : NULL; }

enum health_cause health_cause_from_name(const char *name)
{
	int i = 0;
	while (i < CAUSE_COUNT && strcmp(causes[i], name) != 0)
		i++;
	return (enum health_cause)i;
}
