/* What the desk and the monitoring read. */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/admit.h"
#include "vpn/gateway/hub_desk.h"
#include "vpn/gateway/metrics.h"

#ifndef GATEWAY_VERSION
#define GATEWAY_VERSION "0.1"
#endif

static void put(FILE *out, json_t *row, bool *first)
{
	if (!row)
		return;
	if (!*first)
		fputc(',', out);
	*first = false;
	json_dumpf(row, out, JSON_COMPACT);
	json_decref(row);
}

static json_t *number_or_null(int64_t value) { return value ? json_integer(value) : json_null(); }

/* What the stick says it refused since its boot, by reason; {} before its first beacon. */
static json_t *refused_json(const struct stick *s)
{
	json_t *refused = json_object();
	for (size_t i = 0; i < s->refused_count; i++)
		json_object_set_new(refused, s->refused[i].code, json_integer(s->refused[i].count));
	return refused;
}

/* What it let out and we refused, in this boot, by kind; only those that happened. */
static json_t *tried_json(const struct stick *s)
{
	json_t *tried = json_object();
	for (int i = 0; i < TRIED_COUNT; i++)
		if (s->tried[i] > 0)
			json_object_set_new(tried, tried_name((enum tried)i), json_integer(s->tried[i]));
	return tried;
}

/* The last time since its boot that somebody may have been between the stick and a bank; null where never. */
static json_t *attack_json(const struct stick *s)
{
	if (!s->attack)
		return json_null();
	json_t *keys = json_array();
	for (size_t i = 0; i < s->attack->key_count; i++)
		json_array_append_new(keys, json_string(s->attack->keys[i]));
	return json_pack("{s:I, s:s, s:s, s:o}", "count", (json_int_t)s->attack->count, "host", s->attack->host,
			 "reason", s->attack->reason, "keys", keys);
}

static json_t *stick_json(const struct stick *s)
{
	char address[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &s->row.address, address, sizeof address);
	json_t *open = json_array();
	for (int i = 0; i < FLEET_OPEN_MAX; i++)
		if (s->open[i][0])
			json_array_append_new(open, json_string(s->open[i]));
	json_t *row = json_pack(
	    "{s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:s, s:s, s:s, s:I, s:o, s:b, s:b, s:o}", "id", s->row.id, "name",
	    s->row.name, "region", s->row.region, "state", health_name(s->health.state), "since",
	    (json_int_t)s->row.since, "cause", health_cause_name(s->health.cause), "last_beacon",
	    number_or_null(s->last_beacon), "address", address, "endpoint", s->endpoint, "image_version",
	    s->row.image_version, "policy_version", (json_int_t)s->row.policy_version, "handshake",
	    number_or_null(s->handshake), "session", s->session, "admitted", s->admitted_until_ms != 0, "banks", open);
	if (!row)
		return NULL;
	json_object_set_new(row, "identity", json_boolean(admit_is_key(s->row.identity_key)));
	json_object_set_new(row, "pin", json_boolean(admit_is_key(s->admission.pin_key)));
	json_object_set_new(row, "pin_failures", json_integer(s->admission.pin_failures));
	json_object_set_new(row, "copied", json_boolean(s->admission.copied));
	json_object_set_new(row, "duress", number_or_null(s->admission.duress_at));
	json_object_set_new(row, "admitted_at", number_or_null(s->admission.at));
	json_object_set_new(row, "admitted_until", number_or_null(s->admission.until));
	json_object_set_new(row, "rtt_ms", s->heard ? json_integer(s->rtt_ms) : json_null());
	json_object_set_new(row, "loss_permille", s->heard ? json_integer(s->loss_permille) : json_null());
	json_object_set_new(row, "uptime_s", json_integer((json_int_t)s->uptime_s));
	json_object_set_new(row, "link", json_string(s->link));
	json_object_set_new(row, "received_bytes", json_integer((json_int_t)s->received_bytes));
	json_object_set_new(row, "sent_bytes", json_integer((json_int_t)s->sent_bytes));
	json_object_set_new(row, "refused", refused_json(s));
	json_object_set_new(row, "tried", tried_json(s));
	json_object_set_new(row, "differs", json_string(hub_difference(s)));
	json_object_set_new(row, "differs_at", number_or_null(s->differs_at));
	json_object_set_new(row, "attack", attack_json(s));
	return row;
}

static const char *document_error(const struct hub *hub)
{
	return hub->policy.refused[0] ? hub->policy.refused : hub->gateways.refused;
}

void hub_report_documents(const struct hub *hub, FILE *out)
{
	bool first = true;
	put(out,
	    json_pack("{s:I, s:I, s:s}", "policy_version", (json_int_t)hub->policy.version, "gateways_version",
		      (json_int_t)hub->gateways.version, "document_error", document_error(hub)),
	    &first);
}

void hub_report_sticks(struct hub *hub, FILE *out)
{
	bool first = true;
	json_t *head = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:s, s:s, s:I, s:I}", "gateway", hub->config.id,
				 "tenant", hub->config.tenant, "now", (json_int_t)hub_now(), "policy_version",
				 (json_int_t)hub->policy.version, "gateways_version", (json_int_t)hub->gateways.version,
				 "policy_expires", number_or_null(hub->policy.expires), "document_error",
				 document_error(hub), "audit_error", hub->audit->broken, "image_floor",
				 (json_int_t)hub->images.floor, "drain_until", (json_int_t)hub->drain_until);
	char *text = head ? json_dumps(head, JSON_COMPACT) : NULL;
	json_decref(head);
	if (!text)
		return;
	text[strlen(text) - 1] = '\0'; /* the closing brace */
	fprintf(out, "%s,\"sticks\":[", text);
	free(text);
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		json_t *row = stick_json(fleet_at(hub->fleet, i));
		json_object_set_new(row, "tenant", json_string(hub->config.tenant));
		put(out, row, &first);
	}
	fputs("]}", out);
}

struct listing {
	FILE *out;
	bool first;
};

static void put_event(const struct store_event *e, void *context)
{
	struct listing *listing = context;
	put(listing->out,
	    json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "at", (json_int_t)e->at, "kind", e->kind, "stick",
		      e->stick, "who", e->who, "from", e->from, "to", e->to, "detail", e->detail),
	    &listing->first);
}

void hub_report_events(struct hub *hub, FILE *out, unsigned limit)
{
	struct listing listing = {.out = out, .first = true};
	fputs("{\"events\":[", out);
	store_each_event(hub->store, limit, put_event, &listing);
	fputs("]}", out);
}

/* --- metrics --- */

static const struct metrics_label no_label = {0};

static void put_one(FILE *out, const char *name, enum metrics_type type, const char *unit, const char *help,
		    double value)
{
	metrics_family(out, name, type, unit, help);
	metrics_sample(out, name, type, no_label, value);
}

static void put_states(const struct hub *hub, FILE *out)
{
	uint64_t counts[HEALTH_COUNT] = {0};
	for (size_t i = 0; i < fleet_count(hub->fleet); i++)
		counts[fleet_at(hub->fleet, i)->health.state]++;
	metrics_family(out, "sekisho_sticks", METRICS_GAUGE, NULL, "Registered sticks by state.");
	for (int i = 0; i < HEALTH_COUNT; i++)
		metrics_sample(out, "sekisho_sticks", METRICS_GAUGE,
			       (struct metrics_label){"state", health_name((enum health)i)}, (double)counts[i]);
	metrics_family(out, "sekisho_stick_transitions", METRICS_COUNTER, NULL, "Changes of state since the start.");
	for (int i = 0; i < HEALTH_COUNT; i++)
		metrics_sample(out, "sekisho_stick_transitions", METRICS_COUNTER,
			       (struct metrics_label){"to", health_name((enum health)i)}, (double)hub->transitions[i]);
}

static void put_beacons(const struct hub *hub, FILE *out)
{
	static const char *const results[COUNT_COUNT] = {"admitted",      "goodbye",         "malformed",  "unknown",
							 "revoked",       "device_mismatch", "old_beacon", "image_old",
							 "image_unknown", "no_statement",    "held",       "other"};
	metrics_family(out, "sekisho_beacons", METRICS_COUNTER, NULL, "Requests of sticks by what became of them.");
	for (int i = 0; i < COUNT_COUNT; i++)
		metrics_sample(out, "sekisho_beacons", METRICS_COUNTER, (struct metrics_label){"result", results[i]},
			       (double)hub->beacons[i]);
	metrics_family(out, "sekisho_statements", METRICS_COUNTER, NULL, "Statements by what became of them.");
	for (int i = 0; i < REASON_COUNT; i++)
		metrics_sample(
		    out, "sekisho_statements", METRICS_COUNTER,
		    (struct metrics_label){"result", i ? admission_reason_code((enum admission_reason)i) : "admitted"},
		    (double)hub->statements[i]);
	metrics_family(out, "sekisho_refusals", METRICS_COUNTER, NULL,
		       "Hosts and USB devices refused on sticks, by reason.");
	for (int i = 0; i < HUB_REFUSALS; i++)
		metrics_sample(out, "sekisho_refusals", METRICS_COUNTER,
			       (struct metrics_label){"reason", hub_refusals[i]}, (double)hub->refusals[i]);
	put_one(out, "sekisho_possible_attacks", METRICS_COUNTER, NULL,
		"Times that a bank's certificates on a stick looked like somebody in between.", (double)hub->attacks);
}

static void put_tried(const struct hub *hub, FILE *out)
{
	uint64_t differing = 0;
	metrics_family(out, "sekisho_tried", METRICS_COUNTER, NULL,
		       "What sticks let out and the gateway refused, by kind; 0 where all is well.");
	for (int i = 0; i < TRIED_COUNT; i++)
		metrics_sample(out, "sekisho_tried", METRICS_COUNTER,
			       (struct metrics_label){"kind", tried_name((enum tried)i)}, (double)hub->tried[i]);
	for (size_t i = 0; i < fleet_count(hub->fleet); i++)
		differing += hub_difference(fleet_at(hub->fleet, i))[0] != '\0';
	put_one(out, "sekisho_sticks_differing", METRICS_GAUGE, NULL,
		"Sticks whose own enforcer and the gateway's disagreed within a day.", (double)differing);
}

static void put_banks(const struct hub *hub, FILE *out)
{
	metrics_family(out, "sekisho_sessions", METRICS_GAUGE, NULL, "Sticks that have a bank open.");
	for (size_t b = 0; b < hub->plan.bank_count; b++) {
		uint64_t count = 0;
		for (size_t i = 0; i < fleet_count(hub->fleet); i++)
			for (int j = 0; j < FLEET_OPEN_MAX; j++)
				count += strcmp(fleet_at(hub->fleet, i)->open[j], hub->plan.banks[b].id) == 0;
		metrics_sample(out, "sekisho_sessions", METRICS_GAUGE,
			       (struct metrics_label){"bank", hub->plan.banks[b].id}, (double)count);
	}
}

static void put_traffic(const struct hub *hub, FILE *out)
{
	uint64_t received = 0, sent = 0;
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		received += fleet_at(hub->fleet, i)->received_bytes;
		sent += fleet_at(hub->fleet, i)->sent_bytes;
	}
	put_one(out, "sekisho_tunnel_received_bytes", METRICS_GAUGE, "bytes",
		"Bytes from all sticks since WireGuard counts.", (double)received);
	put_one(out, "sekisho_tunnel_sent_bytes", METRICS_GAUGE, "bytes", "Bytes to all sticks since WireGuard counts.",
		(double)sent);
}

static void put_lookups(const struct hub *hub, FILE *out)
{
	metrics_family(out, "sekisho_bank_questions", METRICS_COUNTER, NULL,
		       "Questions of banks about connections, by answer.");
	for (int i = 0; i < ANSWER_VERDICTS; i++)
		metrics_sample(out, "sekisho_bank_questions", METRICS_COUNTER,
			       (struct metrics_label){"answer", hub_answers[i]}, (double)hub->answers[i]);
	metrics_sample(out, "sekisho_bank_questions", METRICS_COUNTER, (struct metrics_label){"answer", "refused"},
		       (double)hub->lookups_refused);
}

static void put_self(const struct hub *hub, FILE *out)
{
	static const char *const roles[GATEWAY_ROLES] = {"store", "policy", "peers", "egress", "api", "web", "lookup"};
	metrics_family(out, "sekisho_process_restarts", METRICS_COUNTER, NULL, "Processes that ended and came back.");
	for (int i = ROLE_POLICY; i < GATEWAY_ROLES; i++)
		metrics_sample(out, "sekisho_process_restarts", METRICS_COUNTER,
			       (struct metrics_label){"process", roles[i]}, (double)hub->restarts[i]);
	metrics_family(out, "sekisho_logins", METRICS_COUNTER, NULL, "Operators' log-ins.");
	metrics_sample(out, "sekisho_logins", METRICS_COUNTER, (struct metrics_label){"result", "good"},
		       (double)hub->logins_good);
	metrics_sample(out, "sekisho_logins", METRICS_COUNTER, (struct metrics_label){"result", "bad"},
		       (double)hub->logins_bad);
	metrics_family(out, "sekisho_build", METRICS_INFO, NULL, "Version of the gateway.");
	metrics_sample(out, "sekisho_build", METRICS_INFO, (struct metrics_label){"version", GATEWAY_VERSION}, 1);
	put_one(out, "sekisho_start_time_seconds", METRICS_GAUGE, "seconds", "When the gateway started.",
		(double)hub->started);
}

static void put_alarms(const struct hub *hub, FILE *out)
{
	const struct alarm_counts counts = hub_alarm_counts(hub);
	metrics_family(out, "sekisho_alarms", METRICS_GAUGE, NULL,
		       "Open alarms whose cause still stands, by severity.");
	for (int i = 0; i < ALARM_SEVERITIES; i++)
		metrics_sample(out, "sekisho_alarms", METRICS_GAUGE,
			       (struct metrics_label){"severity", alarm_severity_name((enum alarm_severity)i)},
			       counts.open[i]);
	metrics_family(out, "sekisho_alarms_waiting", METRICS_GAUGE, NULL, "Those of them that nobody has taken.");
	for (int i = 0; i < ALARM_SEVERITIES; i++)
		metrics_sample(out, "sekisho_alarms_waiting", METRICS_GAUGE,
			       (struct metrics_label){"severity", alarm_severity_name((enum alarm_severity)i)},
			       counts.waiting[i]);
	put_one(out, "sekisho_alarms_exercise", METRICS_GAUGE, NULL,
		"Open alarms of an exercise, which are in no other count.", counts.exercises);
}

void hub_report_metrics(struct hub *hub, FILE *out)
{
	put_states(hub, out);
	put_alarms(hub, out);
	put_beacons(hub, out);
	put_tried(hub, out);
	put_banks(hub, out);
	put_traffic(hub, out);
	put_one(out, "sekisho_policy_version", METRICS_GAUGE, NULL, "Version of the policy in force, 0 none.",
		(double)hub->policy.version);
	put_one(out, "sekisho_policy_expiry_time_seconds", METRICS_GAUGE, "seconds",
		"When the policy in force expires, 0 none.", (double)hub->policy.expires);
	put_one(out, "sekisho_drain_deadline_time_seconds", METRICS_GAUGE, "seconds",
		"By when the sticks of this gateway, which is being emptied, are to be gone; 0: it is not.",
		(double)hub->drain_until);
	put_one(out, "sekisho_image_floor", METRICS_GAUGE, NULL, "Oldest image version that is admitted, 0 any.",
		(double)hub->images.floor);
	put_one(out, "sekisho_images_released", METRICS_GAUGE, NULL, "Registered images, 0 if any is admitted.",
		(double)hub->images.count);
	put_one(out, "sekisho_audit_broken", METRICS_GAUGE, NULL,
		"1 if the audit log did not hold when the gateway read it again.", hub->audit->broken[0] != 0);
	put_one(out, "sekisho_audit_entries", METRICS_GAUGE, NULL, "Entries of the audit log.",
		(double)hub->audit->tree.size);
	put_one(out, "sekisho_document_refused", METRICS_GAUGE, NULL,
		"1 if the newest policy or list of gateways was refused and an older one is in force.",
		document_error(hub)[0] != '\0');
	put_one(out, "sekisho_indicators", METRICS_GAUGE, NULL, "Known bad hosts that sticks can ask about.",
		(double)hub->indicators);
	put_one(out, "sekisho_indicators_made_time_seconds", METRICS_GAUGE, "seconds",
		"When the file of known bad hosts was made, 0 none.", (double)hub->indicators_made);
	put_one(out, "sekisho_indicators_refused", METRICS_GAUGE, NULL,
		"1 if the newest file of known bad hosts was refused and an older one is in force.",
		hub->indicators_refused[0] != '\0');
	put_lookups(hub, out);
	put_one(out, "sekisho_peers_renewed", METRICS_COUNTER, NULL,
		"Peers made anew so that a stick whose clock was ahead comes in.", (double)hub->peers_renewed);
	put_self(hub, out);
	metrics_end(out);
}
