/* Alarms: what is wrong now is compared with what is open, and what people did about it is kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/alarms.h"
#include "vpn/gateway/hub_desk.h"
#include "vpn/gateway/store_shift.h"

enum {
	LOOK_EVERY_MS = 3000,
	SETTLE_S = 10,          /* what broke off together shall be one alarm from the start */
	PUT_AWAY_S = 12 * 3600, /* a stick that has been gone this long was put away, not cut off */
	OPEN_MAX = 10000,
	CLOSED_SHOWN = 50,
	SHELF_MAX_MINUTES = 720, /* a shift */
	CHANGES_A_LOOK = 200,    /* alarms that are written in one: the others a second later */
};

/* Open, or closed while its cause still stands: that one keeps quiet until the cause comes anew. */
struct open_alarm {
	struct store_alarm row;
	struct alarm now; /* as it was folded last; sticks 0 if its cause is not there */
	char (*ids)[STICK_ID_SIZE];
	bool seen;
	int64_t shelved; /* until then nobody is called for it, 0: it is on no shelf */
	int64_t back;    /* when it came from there */
};

struct hub_alarms {
	struct open_alarm *list;
	size_t count, capacity;
	int64_t looked_ms;
	unsigned changes; /* in this look */
};

/* One alarm more is written. False: it waits for the next look. */
static bool spend(struct hub_alarms *alarms) { return ++alarms->changes <= CHANGES_A_LOOK; }

static struct open_alarm *find(struct hub_alarms *alarms, const char *subject, const char *kind)
{
	for (size_t i = 0; i < alarms->count; i++)
		if (strcmp(alarms->list[i].row.subject, subject) == 0 && strcmp(alarms->list[i].row.kind, kind) == 0)
			return &alarms->list[i];
	return NULL;
}

static struct open_alarm *find_id(struct hub_alarms *alarms, int64_t id)
{
	for (size_t i = 0; i < alarms->count; i++)
		if (alarms->list[i].row.id == id)
			return &alarms->list[i];
	return NULL;
}

static struct open_alarm *append(struct hub_alarms *alarms, const struct store_alarm *row)
{
	if (alarms->count == alarms->capacity) {
		size_t capacity = alarms->capacity ? alarms->capacity * 2 : 64;
		struct open_alarm *grown =
		    alarms->count < OPEN_MAX ? realloc(alarms->list, capacity * sizeof *grown) : NULL;
		if (!grown)
			return NULL;
		alarms->list = grown;
		alarms->capacity = capacity;
	}
	struct open_alarm *alarm = &alarms->list[alarms->count++];
	*alarm = (struct open_alarm){.row = *row};
	return alarm;
}

static void drop(struct hub_alarms *alarms, struct open_alarm *alarm)
{
	free(alarm->ids);
	*alarm = alarms->list[--alarms->count];
}

static void load(const struct store_alarm *row, void *context)
{
	struct hub_alarms *alarms = context;
	if (!row->closed || !row->ended)
		append(alarms, row);
}

static void load_shelf(int64_t id, int64_t until, void *context)
{
	struct open_alarm *open = find_id(context, id);
	if (open)
		open->shelved = until;
}

int hub_alarms_load(struct hub *hub)
{
	hub->alarms = calloc(1, sizeof *hub->alarms);
	if (!hub->alarms)
		return -ENOMEM;
	int error = store_each_alarm(hub->store, false, OPEN_MAX, load, hub->alarms);
	if (!error)
		error = store_each_alarm(hub->store, true, CLOSED_SHOWN, load, hub->alarms);
	return error ? error : store_each_shelf(hub->store, load_shelf, hub->alarms);
}

void hub_alarms_free(struct hub *hub)
{
	if (!hub->alarms)
		return;
	for (size_t i = 0; i < hub->alarms->count; i++)
		free(hub->alarms->list[i].ids);
	free(hub->alarms->list);
	free(hub->alarms);
	hub->alarms = NULL;
}

/* --- what is wrong now --- */

struct look {
	struct alarm_place *places;
	char (*networks)[REGION_SIZE];
	struct alarm_fact *facts;
	size_t fact_count;
};

enum { FACTS_PER_STICK = 6 };

static void add_fact(struct look *look, size_t place, const struct stick *stick, enum alarm_kind kind, int64_t since)
{
	bool at_bank = stick->session;
	for (int i = 0; i < FLEET_OPEN_MAX; i++)
		at_bank |= stick->open[i][0] != '\0';
	look->facts[look->fact_count++] =
	    (struct alarm_fact){.place = place, .kind = kind, .since = since, .at_bank = at_bank};
}

static enum alarm_kind kind_of_state(const struct health_record *health)
{
	static const enum alarm_kind causes[CAUSE_COUNT] = {[CAUSE_IMAGE_OLD] = ALARM_IMAGE_OLD,
							    [CAUSE_IMAGE_UNKNOWN] = ALARM_IMAGE_UNKNOWN,
							    [CAUSE_PIN_LOCKED] = ALARM_LOCKED,
							    [CAUSE_PIN_NONE] = ALARM_NOT_READY,
							    [CAUSE_NO_IDENTITY] = ALARM_NOT_READY};
	if (health->state == HEALTH_STALE || health->state == HEALTH_LOST)
		return health->cause == CAUSE_UNREACHABLE ? ALARM_BROKE_OFF
		       : health->cause == CAUSE_SILENT    ? ALARM_SILENT
							  : ALARM_KINDS;
	if (!health_is_held(health->state) || health->cause == CAUSE_COPIED)
		return ALARM_KINDS;
	return causes[health->cause] ? causes[health->cause] : ALARM_KINDS;
}

static uint32_t killed(const struct stick *stick)
{
	for (size_t i = 0; i < stick->refused_count; i++)
		if (strcmp(stick->refused[i].code, "killed") == 0)
			return stick->refused[i].count;
	return 0;
}

static void add_facts(struct look *look, size_t place, const struct stick *stick, int64_t now)
{
	const char *difference = hub_difference(stick);
	enum alarm_kind kind = kind_of_state(&stick->health);
	if (stick->row.revoked)
		return;
	if (kind != ALARM_KINDS && now - stick->row.since < PUT_AWAY_S)
		add_fact(look, place, stick, kind, stick->row.since);
	if (difference[0])
		add_fact(look, place, stick, strcmp(difference, "let_out") == 0 ? ALARM_LET_OUT : ALARM_HELD_UP,
			 stick->differs_at);
	if (stick->admission.duress_at)
		add_fact(look, place, stick, ALARM_DURESS, stick->admission.duress_at);
	if (stick->admission.copied)
		add_fact(look, place, stick, ALARM_COPIED, stick->admission.at);
	if (stick->attack)
		add_fact(look, place, stick, ALARM_ATTACK, stick->attack_at);
	if (killed(stick))
		add_fact(look, place, stick, ALARM_KILLED, stick->killed_at);
}

static bool is_in_use(const struct stick *stick, int64_t now)
{
	enum health state = stick->health.state;
	return state == HEALTH_UP || state == HEALTH_LATE || health_is_held(state) ||
	       ((state == HEALTH_STALE || state == HEALTH_LOST) && now - stick->row.since < PUT_AWAY_S);
}

static int look_at(struct hub *hub, struct look *look, int64_t now)
{
	size_t count = fleet_count(hub->fleet);
	look->places = calloc(count ? count : 1, sizeof *look->places);
	look->networks = calloc(count ? count : 1, sizeof *look->networks);
	look->facts = calloc(count ? count : 1, FACTS_PER_STICK * sizeof *look->facts);
	if (!look->places || !look->networks || !look->facts)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct stick *stick = fleet_at(hub->fleet, i);
		alarm_network(stick->endpoint, look->networks[i]);
		look->places[i] = (struct alarm_place){stick->row.id, stick->row.region, look->networks[i],
						       stick->row.image_version, is_in_use(stick, now)};
		add_facts(look, i, stick, now);
	}
	return 0;
}

static void look_free(struct look *look)
{
	free(look->places);
	free(look->networks);
	free(look->facts);
}

/* --- what becomes of it --- */

static void note(struct hub *hub, const struct store_alarm *row, int64_t now, const char *what)
{
	char detail[ALARM_SUBJECT_SIZE + 2 * CODE_SIZE];
	snprintf(detail, sizeof detail, "%s %s %s", row->kind, row->severity, row->subject);
	store_alarm_note(hub->store, row->id, now, "", what, "");
	if (strcmp(what, "opened") == 0 || strcmp(what, "escalated") == 0) {
		store_event(hub->store, now, strcmp(what, "opened") == 0 ? "alarm_opened" : "alarm_escalated", "", "",
			    detail);
		log_warn("alarm %" PRId64 " %s: %s", row->id, what, detail);
	}
	hub->revision++;
}

static void keep_ids(struct hub *hub, struct open_alarm *open)
{
	size_t count = open->now.sticks < ALARM_SHOWN ? open->now.sticks : ALARM_SHOWN;
	free(open->ids);
	open->ids = calloc(count ? count : 1, sizeof *open->ids);
	for (size_t i = 0; i < count && open->ids; i++)
		snprintf(open->ids[i], STICK_ID_SIZE, "%s", fleet_at(hub->fleet, open->now.shown[i])->row.id);
}

/* `closed`: when somebody was done with the one before, of the same place; what went wrong since then opens this. */
static void open_new(struct hub *hub, const struct alarm *alarm, int64_t closed, int64_t now)
{
	bool of_state = !alarm_needs_person(alarm->kind);
	int64_t since = alarm->since > closed ? alarm->since : alarm->newest;
	struct store_alarm row = {.opened = of_state ? since : now, .sticks = (int64_t)alarm->sticks};
	if (alarm->kind <= ALARM_SILENT && of_state && now - alarm->since < SETTLE_S)
		return;
	memcpy(row.subject, alarm->subject, sizeof row.subject);
	snprintf(row.kind, sizeof row.kind, "%s", alarm_kind_name(alarm->kind));
	snprintf(row.severity, sizeof row.severity, "%s", alarm_severity_name(alarm->severity));
	if (!spend(hub->alarms) || store_alarm_add(hub->store, &row))
		return;
	struct open_alarm *open = append(hub->alarms, &row);
	if (!open)
		return;
	open->seen = true;
	open->now = *alarm;
	keep_ids(hub, open);
	note(hub, &row, now, "opened");
}

static enum alarm_severity severity_of(const struct store_alarm *row)
{
	int severity = 0;
	while (severity < ALARM_SEVERITIES - 1 &&
	       strcmp(alarm_severity_name((enum alarm_severity)severity), row->severity) != 0)
		severity++;
	return (enum alarm_severity)severity;
}

/* From the shelf, as new: whoever had it may have gone home. */
static void come_back(struct hub *hub, struct open_alarm *open, int64_t now)
{
	open->shelved = 0;
	open->back = now;
	open->row.acknowledged = open->row.escalated = 0;
	store_shelf_set(hub->store, open->row.id, 0);
	note(hub, &open->row, now, "unshelved");
}

/* Its cause is there: again, or still. */
static void go_on(struct hub *hub, struct open_alarm *open, const struct alarm *alarm, int64_t now)
{
	bool changed =
	    open->row.ended || (int64_t)alarm->sticks > open->row.sticks || alarm->severity > severity_of(&open->row);
	open->seen = true;
	open->now = *alarm;
	keep_ids(hub, open);
	bool worse = alarm->severity > severity_of(&open->row);
	bool is_back = open->shelved && (worse || now >= open->shelved);
	changed |= is_back;
	if (open->row.closed || !changed || !spend(hub->alarms))
		return;
	if (is_back)
		come_back(hub, open, now);
	if (open->row.ended) {
		open->row.ended = 0;
		note(hub, &open->row, now, "returned");
	}
	if ((int64_t)alarm->sticks > open->row.sticks)
		open->row.sticks = (int64_t)alarm->sticks;
	if (alarm->severity > severity_of(&open->row)) /* it is never taken back while somebody works on it */
		snprintf(open->row.severity, sizeof open->row.severity, "%s", alarm_severity_name(alarm->severity));
	store_alarm_set(hub->store, &open->row);
}

static void take_now(struct hub *hub, const struct alarm *alarm, int64_t now)
{
	struct open_alarm *open = find(hub->alarms, alarm->subject, alarm_kind_name(alarm->kind));
	int64_t closed = open ? open->row.closed : 0;
	/* it happened again after somebody was done with it: to one more stick of the same place is enough */
	if (closed && alarm->newest > closed && spend(hub->alarms)) {
		open->row.ended = now;
		store_alarm_set(hub->store, &open->row);
		drop(hub->alarms, open);
		open = NULL;
	}
	if (open)
		go_on(hub, open, alarm, now);
	else
		open_new(hub, alarm, closed, now);
}

/* A stick's own alarm that another of the same kind has taken in. */
static bool is_folded(const struct hub_alarms *alarms, const struct open_alarm *open)
{
	if (strncmp(open->row.subject, "stick:", 6) != 0)
		return false;
	for (size_t i = 0; i < alarms->count; i++) {
		const struct open_alarm *other = &alarms->list[i];
		if (other == open || !other->seen || !other->ids || strcmp(other->row.kind, open->row.kind) != 0)
			continue;
		for (size_t j = 0; j < other->now.sticks && j < ALARM_SHOWN; j++)
			if (strcmp(other->ids[j], open->row.subject + 6) == 0)
				return true;
	}
	return false;
}

/* Its cause is gone. True when nothing is left to be done about it. */
static bool end(struct hub *hub, struct open_alarm *open, int64_t now)
{
	struct store_alarm *row = &open->row;
	open->now.sticks = 0;
	if (row->closed) {
		if (!spend(hub->alarms))
			return false;
		row->ended = now;
		store_alarm_set(hub->store, row);
		return true;
	}
	bool folded = is_folded(hub->alarms, open);
	if (!row->ended) {
		if (!spend(hub->alarms))
			return false;
		row->ended = now;
		note(hub, row, now, folded ? "folded" : "ended");
		store_alarm_set(hub->store, row);
	}
	if (alarm_needs_person(alarm_kind_from_name(row->kind)) || (!folded && now - row->ended < ALARM_REST_S) ||
	    !spend(hub->alarms))
		return false;
	row->closed = now;
	note(hub, row, now, "closed_itself");
	store_alarm_set(hub->store, row);
	if (open->shelved)
		store_shelf_set(hub->store, row->id, 0);
	open->shelved = 0;
	return true;
}

static void escalate(struct hub *hub, struct open_alarm *open, int64_t now)
{
	unsigned after_s = alarm_escalates_s(open->row.severity);
	int64_t from = open->row.opened > hub->started ? open->row.opened : hub->started;
	from = open->back > from ? open->back : from;
	if (after_s == 0 || open->shelved || open->row.closed || open->row.ended || open->row.acknowledged ||
	    open->row.escalated || now - from < after_s || !spend(hub->alarms))
		return;
	open->row.escalated = now;
	store_alarm_set(hub->store, &open->row);
	note(hub, &open->row, now, "escalated");
}

static bool is_exercise(const struct store_alarm *row)
{
	return strcmp(row->kind, alarm_kind_name(ALARM_EXERCISE)) == 0;
}

static void settle(struct hub *hub, const struct alarm *list, size_t count, int64_t now)
{
	struct hub_alarms *alarms = hub->alarms;
	for (size_t i = 0; i < alarms->count; i++)
		alarms->list[i].seen = false;
	for (size_t i = 0; i < count; i++)
		take_now(hub, &list[i], now);
	for (size_t i = alarms->count; i-- > 0;) {
		const struct store_alarm *row = &alarms->list[i].row;
		if (alarms->list[i].seen || (is_exercise(row) && !row->closed))
			escalate(hub, &alarms->list[i], now);
		else if (end(hub, &alarms->list[i], now))
			drop(alarms, &alarms->list[i]);
	}
}

/* The database did not take what was just worked out: what it has is what there is, until the next look. */
static void load_again(struct hub *hub)
{
	struct hub_alarms *before = hub->alarms;
	if (hub_alarms_load(hub) == 0) {
		struct hub_alarms *loaded = hub->alarms;
		loaded->looked_ms = before->looked_ms;
		hub->alarms = before;
		hub_alarms_free(hub);
		hub->alarms = loaded;
	} else {
		hub_alarms_free(hub);
		hub->alarms = before;
	}
}

/* In one transaction, and no more of it than beacons and banks' questions can wait for. */
static int settle_some(struct hub *hub, const struct alarm *list, size_t count, int64_t now)
{
	int error = hub_begin(hub);
	if (error)
		return error;
	hub->alarms->changes = 0;
	settle(hub, list, count, now);
	if (hub->alarms->changes > CHANGES_A_LOOK)
		hub->alarms->looked_ms = 0;
	error = hub_settle(hub, 0);
	if (error)
		load_again(hub);
	return error;
}

void hub_alarms_tick(struct hub *hub, int64_t now_ms)
{
	struct look look = {0};
	struct alarm *list = NULL;
	size_t count = 0;
	int64_t now = hub_now();
	if (!hub->alarms || (hub->alarms->looked_ms && now_ms - hub->alarms->looked_ms < LOOK_EVERY_MS))
		return;
	hub->alarms->looked_ms = now_ms;
	int error = look_at(hub, &look, now);
	if (!error)
		error = alarms_fold(look.places, fleet_count(hub->fleet), look.facts, look.fact_count, &list, &count);
	if (!error)
		error = settle_some(hub, list, count, now);
	if (error)
		log_error("alarms cannot be worked out: %s", strerror(-error));
	free(list);
	look_free(&look);
}

/* --- for the desk --- */

static json_t *stick_brief(const struct stick *stick)
{
	json_t *banks = json_array();
	for (int i = 0; i < FLEET_OPEN_MAX; i++)
		if (stick->open[i][0])
			json_array_append_new(banks, json_string(stick->open[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "id", stick->row.id, "name", stick->row.name, "region",
			 stick->row.region, "state", health_name(stick->health.state), "cause",
			 health_cause_name(stick->health.cause), "session", stick->session, "banks", banks);
}

/* The sticks it is about now; of one that has ended, the one in its subject. */
static json_t *sticks_of(struct hub *hub, const struct store_alarm *row, const struct open_alarm *open)
{
	json_t *list = json_array();
	size_t count = open && open->ids ? open->now.sticks : 0;
	for (size_t i = 0; i < count && i < ALARM_SHOWN; i++) {
		const struct stick *stick = fleet_by_id(hub->fleet, open->ids[i]);
		if (stick)
			json_array_append_new(list, stick_brief(stick));
	}
	const struct stick *one =
	    count == 0 && strncmp(row->subject, "stick:", 6) == 0 ? fleet_by_id(hub->fleet, row->subject + 6) : NULL;
	if (one)
		json_array_append_new(list, stick_brief(one));
	return list;
}

static json_t *alarm_json(struct hub *hub, const struct store_alarm *row, const struct open_alarm *open)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:o}", "id",
			 (json_int_t)row->id, "subject", row->subject, "kind", row->kind, "severity", row->severity,
			 "opened", (json_int_t)row->opened, "ended", (json_int_t)row->ended, "closed",
			 (json_int_t)row->closed, "most", (json_int_t)row->sticks, "count",
			 (json_int_t)(open ? open->now.sticks : 0), "at_bank",
			 (json_int_t)(open && open->now.sticks ? open->now.at_bank : 0), "owner", row->owner,
			 "acknowledged", (json_int_t)row->acknowledged, "escalated", (json_int_t)row->escalated,
			 "shelved", (json_int_t)(open ? open->shelved : 0), "sticks", sticks_of(hub, row, open));
}

struct listing {
	struct hub *hub;
	json_t *list;
};

static void put_closed(const struct store_alarm *row, void *context)
{
	struct listing *listing = context;
	json_array_append_new(listing->list, alarm_json(listing->hub, row, NULL));
}

void hub_report_alarms(struct hub *hub, FILE *out)
{
	json_t *open = json_array();
	struct listing closed = {hub, json_array()};
	for (size_t i = 0; i < hub->alarms->count; i++)
		if (!hub->alarms->list[i].row.closed)
			json_array_append_new(open, alarm_json(hub, &hub->alarms->list[i].row, &hub->alarms->list[i]));
	store_each_alarm(hub->store, true, CLOSED_SHOWN, put_closed, &closed);
	json_t *answer =
	    json_pack("{s:I, s:o, s:o}", "now", (json_int_t)hub_now(), "alarms", open, "closed", closed.list);
	if (answer)
		json_dumpf(answer, out, JSON_COMPACT);
	json_decref(answer);
}

static void put_note(const struct store_alarm_note *note, void *list)
{
	json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:s}", "at", (json_int_t)note->at, "who", note->who,
					      "what", note->what, "text", note->text));
}

void hub_report_alarm(struct hub *hub, FILE *out, int64_t id)
{
	json_t *notes = json_array();
	store_each_alarm_note(hub->store, id, put_note, notes);
	json_t *answer = json_pack("{s:I, s:o}", "id", (json_int_t)id, "notes", notes);
	if (answer)
		json_dumpf(answer, out, JSON_COMPACT);
	json_decref(answer);
}

struct alarm_counts hub_alarm_counts(const struct hub *hub)
{
	struct alarm_counts counts = {0};
	for (size_t i = 0; i < hub->alarms->count; i++) {
		const struct store_alarm *row = &hub->alarms->list[i].row;
		enum alarm_severity severity = severity_of(row);
		if (is_exercise(row)) {
			counts.exercises += !row->closed;
			continue;
		}
		counts.open[severity] += !row->closed && !row->ended;
		counts.waiting[severity] +=
		    !row->closed && !row->ended && !row->acknowledged && !hub->alarms->list[i].shelved;
	}
	return counts;
}

/* --- what people do about it --- */

/* The open alarm of the call, or NULL with the answer given. */
static struct open_alarm *alarm_of(struct hub *hub, struct desk_call *call)
{
	struct open_alarm *open = find_id(hub->alarms, strtoll(desk_text(call, "id"), NULL, 10));
	if (open && !open->row.closed)
		return open;
	desk_refuse(call, 404, "no_alarm", "no open alarm has this number: somebody may have closed it");
	return NULL;
}

/* Keep a changed row with its note, event and audit entry, or leave all as it was. */
static void keep_shelved(struct hub *hub, struct desk_call *call, struct open_alarm *open,
			 const struct store_alarm *changed, int64_t shelved, const char *what, const char *text)
{
	char detail[DESK_TEXT_SIZE + 32], kind[CODE_SIZE];
	snprintf(detail, sizeof detail, "%" PRId64 " %s", changed->id, text);
	snprintf(kind, sizeof kind, "alarm_%s", what);
	int error = hub_begin(hub);
	if (!error) {
		error = store_alarm_set(hub->store, changed);
		if (!error && shelved != open->shelved)
			error = store_shelf_set(hub->store, changed->id, shelved);
		if (!error)
			error = store_alarm_note(hub->store, changed->id, hub_now(), call->who, what, text);
		error = hub_end(hub, error, kind, "", call->who, detail);
	}
	if (error) {
		desk_failed(call, error);
		return;
	}
	open->row = *changed;
	open->shelved = shelved;
	hub->revision++;
	desk_done(call, NULL);
}

static void keep(struct hub *hub, struct desk_call *call, struct open_alarm *open, const struct store_alarm *changed,
		 const char *what, const char *text)
{
	keep_shelved(hub, call, open, changed, changed->closed ? 0 : open->shelved, what, text);
}

void desk_alarm_acknowledge(struct hub *hub, struct desk_call *call)
{
	struct open_alarm *open = alarm_of(hub, call);
	if (!open)
		return;
	struct store_alarm changed = open->row;
	if (!changed.acknowledged)
		changed.acknowledged = hub_now();
	if (!changed.owner[0])
		snprintf(changed.owner, sizeof changed.owner, "%s", call->who);
	keep(hub, call, open, &changed, "acknowledged", desk_text(call, "text"));
}

void desk_alarm_assign(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	struct open_alarm *open = alarm_of(hub, call);
	const char *owner = desk_text(call, "owner");
	if (!open)
		return;
	if (store_account(hub->store, owner, &account) || account.disabled ||
	    !role_may(role_from_name(account.role), RIGHT_ALARMS)) {
		desk_refuse(call, 400, "no_account", "nobody of this name handles alarms here");
		return;
	}
	struct store_alarm changed = open->row;
	snprintf(changed.owner, sizeof changed.owner, "%s", owner);
	keep(hub, call, open, &changed, "assigned", owner);
}

void desk_alarm_comment(struct hub *hub, struct desk_call *call)
{
	struct open_alarm *open = alarm_of(hub, call);
	if (open && desk_text(call, "text")[0])
		keep(hub, call, open, &open->row, "comment", desk_text(call, "text"));
	else if (open)
		desk_refuse(call, 400, "no_text", "a comment wants words");
}

void desk_alarm_close(struct hub *hub, struct desk_call *call)
{
	struct open_alarm *open = alarm_of(hub, call);
	if (!open)
		return;
	if (!desk_text(call, "text")[0]) {
		desk_refuse(call, 400, "no_reason", "closing an alarm wants a reason");
		return;
	}
	struct store_alarm changed = open->row;
	changed.closed = hub_now();
	if (!changed.owner[0])
		snprintf(changed.owner, sizeof changed.owner, "%s", call->who);
	if (!changed.acknowledged)
		changed.acknowledged = changed.closed;
	keep(hub, call, open, &changed, "closed", desk_text(call, "text"));
}

void desk_alarm_shelve(struct hub *hub, struct desk_call *call)
{
	char text[DESK_TEXT_SIZE];
	struct open_alarm *open = alarm_of(hub, call);
	long minutes = strtol(desk_text(call, "minutes"), NULL, 10);
	if (!open)
		return;
	struct store_alarm changed = open->row;
	snprintf(text, sizeof text, "%ld: %.480s", minutes, desk_text(call, "text"));
	if (alarm_needs_person(alarm_kind_from_name(changed.kind)))
		desk_refuse(call, 409, "not_shelved", "this kind wants a person at once, and until it is closed");
	else if (minutes < 1 || minutes > SHELF_MAX_MINUTES)
		desk_refuse(call, 400, "shelf_minutes", "the minutes want a whole number from 1 to 720");
	else if (!desk_text(call, "text")[0])
		desk_refuse(call, 400, "no_reason", "shelving an alarm wants a reason");
	else {
		if (!changed.owner[0])
			snprintf(changed.owner, sizeof changed.owner, "%s", call->who);
		keep_shelved(hub, call, open, &changed, hub_now() + minutes * 60, "shelved", text);
	}
}

void desk_alarm_unshelve(struct hub *hub, struct desk_call *call)
{
	struct open_alarm *open = alarm_of(hub, call);
	if (open && !open->shelved)
		desk_refuse(call, 409, "no_shelf", "it is on no shelf: its time may have come");
	else if (open) {
		open->back = hub_now();
		keep_shelved(hub, call, open, &open->row, 0, "unshelved", "");
	}
}

static const struct open_alarm *open_exercise(const struct hub_alarms *alarms)
{
	for (size_t i = 0; i < alarms->count; i++)
		if (is_exercise(&alarms->list[i].row) && !alarms->list[i].row.closed)
			return &alarms->list[i];
	return NULL;
}

static int keep_exercise(struct hub *hub, struct store_alarm *row, const char *who, const char *text)
{
	int error = hub_begin(hub);
	if (error)
		return error;
	error = store_alarm_add(hub->store, row);
	if (!error)
		error = store_alarm_note(hub->store, row->id, row->opened, who, "opened", text);
	error = hub_end(hub, error, "exercise_opened", "", who, text);
	return !error && !append(hub->alarms, row) ? -ENOMEM : error;
}

void desk_alarm_exercise(struct hub *hub, struct desk_call *call)
{
	const char *severity = desk_text(call, "severity"), *text = desk_text(call, "text");
	struct store_alarm row = {.subject = "gateway", .opened = hub_now()};
	snprintf(row.kind, sizeof row.kind, "%s", alarm_kind_name(ALARM_EXERCISE));
	snprintf(row.severity, sizeof row.severity, "%s", severity);
	if (strcmp(alarm_severity_name(severity_of(&row)), severity) != 0)
		desk_refuse(call, 400, "severity", "the severity is one of info, warning, critical");
	else if (!text[0])
		desk_refuse(call, 400, "no_reason", "an exercise wants words on what is practised");
	else if (open_exercise(hub->alarms))
		desk_refuse(call, 409, "exercise_open", "one exercise at a time: close the one before");
	else {
		int error = keep_exercise(hub, &row, call->who, text);
		if (error)
			desk_failed(call, error);
		else
			desk_done(call, NULL);
	}
}
