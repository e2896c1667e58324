/* What the desk has to do with a thousand sticks at once, turn by turn, and with accounts: a hub with a clock of ours.
 */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/envelope.h"
#include "firmware/lib/loop.h"
#include "tests/unit/database.h"
#include "vpn/gateway/hub_desk.h"
#include "vpn/gateway/store_sql.h" /* to count commits */

enum { STICKS = 1000 };

static struct hub hub;
static char path[DATABASE_SIZE];
static time_t now = 1764000000;
static int64_t look_ms = 1;

time_t __wrap_time(time_t *at);
time_t __wrap_time(time_t *at)
{
	if (at)
		*at = now;
	return now;
}

static size_t fetched; /* bytes of the last answer to a fetch */

static bool take_message(struct hub *h, enum gateway_role role, uint16_t type, uint32_t id,
			 const struct writer *payload)
{
	(void)h, (void)role, (void)id;
	if (type == GW_FETCH_REPLY)
		fetched = payload->size;
	return true;
}

static void open_hub(void)
{
	static char key[ENVELOPE_PEM_MAX], unused[ENVELOPE_PEM_MAX];
	char why[256];
	hub = (struct hub){.send = take_message};
	assert_int_equal(config_parse("id = gw1\ntenant = demo\ninner = 10.77.0.1/16\n", &hub.config, why, sizeof why),
			 0);
	snprintf(hub.config.database, sizeof hub.config.database, "%s", path);
	if (!key[0])
		assert_int_equal(envelope_key_generate(key, unused), 0);
	assert_int_equal(hub_open(&hub, key, -1), 0);
}

/* A thousand sticks of ten regions, all of them heard. */
static void register_sticks(void)
{
	assert_int_equal(store_begin(hub.store), 0);
	for (uint32_t i = 0; i < STICKS; i++) {
		struct store_stick row = {.address.s_addr = htonl(0x0a4d0100 + i), .created = now};
		snprintf(row.id, sizeof row.id, "ST-%06u", i);
		snprintf(row.region, sizeof row.region, "region %u", i % 10);
		memcpy(row.key, &i, sizeof i);
		row.identity_key[0] = 4; /* there is one */
		assert_int_equal(store_stick_add(hub.store, &row), 0);
		struct stick *stick = fleet_add(hub.fleet, &row);
		assert_non_null(stick);
		stick->health.state = HEALTH_UP;
	}
	assert_int_equal(store_commit(hub.store), 0);
}

static int make(void **state)
{
	(void)state;
	database_new("gateway_turns", path);
	open_hub();
	register_sticks();
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	hub_close(&hub);
	remove_database(path);
	return 0;
}

/* --- alarms --- */

static void break_off(size_t stick)
{
	struct stick *one = fleet_at(hub.fleet, stick);
	one->health.state = HEALTH_LOST;
	one->health.cause = CAUSE_UNREACHABLE;
	one->row.since = now;
}

static void look(void)
{
	look_ms += 10000;
	hub_alarms_tick(&hub, look_ms);
}

/* A call by the control socket. */
static bool done(const char *request)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	hub_control(&hub, "root", request, strlen(request), out);
	fclose(out);
	bool good = strstr(text, "\"ok\":true") != NULL;
	if (!good)
		print_message("%s: %s\n", request, text);
	free(text);
	return good;
}

struct seen {
	unsigned count;
	struct store_alarm last;
};

static void see(const struct store_alarm *alarm, void *context)
{
	struct seen *seen = context;
	seen->count++;
	seen->last = *alarm;
}

static struct seen alarms(bool closed)
{
	struct seen seen = {0};
	assert_int_equal(store_each_alarm(hub.store, closed, 10000, see, &seen), 0);
	return seen;
}

/* Whoever closed a region's alarm was done with what was wrong then, not with what comes after it. */
static void a_closed_alarm_does_not_hide_what_comes_after_it(void **state)
{
	(void)state;
	char request[128];
	for (size_t i = 0; i < 300; i += 10)
		break_off(i);
	now += 20;
	look();
	struct seen open = alarms(false);
	assert_int_equal(open.count, 1);
	assert_string_equal(open.last.subject, "region:region 0");
	assert_int_equal(open.last.sticks, 30);
	snprintf(request, sizeof request, "{\"command\":\"alarm.close\",\"id\":\"%lld\",\"text\":\"known\"}",
		 (long long)open.last.id);
	assert_true(done(request));
	now += 20;
	look(); /* its cause still stands: that is known */
	assert_int_equal(alarms(false).count, 0);
	for (size_t i = 300; i < 600; i += 10)
		break_off(i);
	now += 20;
	look();
	struct seen next = alarms(false);
	assert_int_equal(next.count, 1);
	assert_string_equal(next.last.subject, "region:region 0");
	assert_int_equal(next.last.sticks, 60);
	assert_int_equal(next.last.opened, now - 20);
	assert_int_not_equal(next.last.id, open.last.id);
	struct seen closed = alarms(true);
	assert_int_equal(closed.count, 1);
	assert_int_equal(closed.last.ended, now);
	/* and the new one is the region's from then on */
	now += 20;
	look();
	assert_int_equal(alarms(false).count, 1);
}

/* --- turns --- */

/* A turn is measured in what it works, and in how often it waits for the disk: those do not depend on the machine's
 * other business. */
struct turn {
	double began, longest, sum; /* seconds */
	unsigned commits, most_commits;
	uint64_t before;
};
static struct turn turn;

static double worked(void)
{
	struct timespec at;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void turn_begin(void)
{
	turn.commits = 0;
	turn.before = db_commits(hub.store->db);
	turn.began = worked();
}

static void turn_end(void)
{
	double took = worked() - turn.began;
	turn.commits = (unsigned)(db_commits(hub.store->db) - turn.before);
	turn.sum += took;
	turn.longest = took > turn.longest ? took : turn.longest;
	turn.most_commits = turn.commits > turn.most_commits ? turn.commits : turn.most_commits;
}

/* Alarms that no cause is common to: each is one. */
static void a_thousand_alarms_open_some_at_a_time(void **state)
{
	(void)state;
	unsigned looks = 0, before = 0;
	turn = (struct turn){0};
	for (size_t i = 0; i < STICKS; i++)
		fleet_at(hub.fleet, i)->admission.copied = true;
	while (alarms(false).count < STICKS) {
		turn_begin();
		hub_alarms_tick(&hub, look_ms += 1000);
		turn_end();
		unsigned open = alarms(false).count;
		assert_in_range(open - before, 1, 200); /* what waits is not left until the look after next */
		before = open;
		looks++;
	}
	assert_int_equal(looks, 5);
	print_message("%d alarms: %u looks, the longest %.1f ms of %.1f\n", STICKS, looks, turn.longest * 1000,
		      turn.sum * 1000);
	assert_int_equal(turn.most_commits, 1);
	/* and end likewise */
	for (size_t i = 0; i < STICKS; i++)
		fleet_at(hub.fleet, i)->admission.copied = false;
	for (unsigned i = 0; i < 2 * looks; i++)
		hub_alarms_tick(&hub, look_ms += 10000);
	assert_true(alarms(false).last.ended > 0);
}

/* A disk that is full when it comes to the commit: what the desk sees is what is kept, and the next look does it. */
static void alarms_that_cannot_be_kept_are_opened_at_the_next_look(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size = 0;
	fleet_at(hub.fleet, 7)->admission.copied = true;
	assert_int_equal(store_begin(hub.store), 0); /* a second one fails */
	look();
	store_rollback(hub.store);
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	hub_report_alarms(&hub, out);
	fclose(out);
	assert_non_null(strstr(text, "\"alarms\":[]"));
	free(text);
	look();
	assert_int_equal(alarms(false).count, 1);
}

static unsigned revoked(void)
{
	unsigned count = 0;
	for (size_t i = 0; i < STICKS; i++)
		count += fleet_at(hub.fleet, i)->row.revoked != 0;
	return count;
}

static void call(const char *who, const char *name, json_t *request)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	struct desk_call one = {.request = request, .who = who, .local = true, .out = out};
	assert_true(hub_desk_call(&hub, name, &one, 0));
	fclose(out);
	if (one.status != 200)
		fail_msg("%s: %s", name, text);
	free(text);
	json_decref(request);
}

/* All thousand, one of them twice. */
static void ask_and_approve(void)
{
	static char list[STICKS * 10 + 32];
	char password[64];
	size_t at = (size_t)snprintf(list, sizeof list, "ST-000003 ");
	for (unsigned i = 0; i < STICKS - 1; i++)
		at += (size_t)snprintf(list + at, sizeof list - at, "ST-%06u ", i);
	assert_int_equal(hub_operator_password(&hub, "anna", "root", password, sizeof password), 0);
	call("anna", "request.ask",
	     json_pack("{s:s, s:s, s:s}", "kind", "revoke_many", "reason", "a lost box", "sticks", list));
	call("ben", "request.decide", json_pack("{s:s, s:s}", "id", "1", "verdict", "approve"));
}

static const char *request_state(void)
{
	static struct store_request request;
	assert_int_equal(store_request(hub.store, 1, &request), 0);
	return request.state;
}

static void a_thousand_sticks_are_revoked_some_at_a_time(void **state)
{
	(void)state;
	unsigned turns = 1, before;
	turn = (struct turn){0};
	ask_and_approve();
	before = revoked();
	assert_in_range(before, 1, 50); /* in the turn that approved it, so that a few are done with the answer */
	assert_string_equal(request_state(), "working");
	for (bool more = true; more; turns++) {
		turn_begin();
		more = hub_work(&hub);
		turn_end();
		assert_true(revoked() - before <= 50);
		before = revoked();
	}
	print_message("%d sticks: %u turns, the longest %.1f ms of %.1f\n", STICKS, turns, turn.longest * 1000,
		      turn.sum * 1000);
	assert_int_equal(turn.most_commits, 2); /* what is decided, and then what follows from it */
	assert_true(turn.longest < turn.sum / 4);
	assert_int_equal(before, STICKS - 1);
	assert_int_equal(fleet_at(hub.fleet, STICKS - 1)->row.revoked, 0);
	assert_string_equal(request_state(), "approved");
	assert_false(hub_work(&hub));
}

static void a_restart_goes_on_where_it_was(void **state)
{
	(void)state;
	ask_and_approve();
	assert_true(hub_work(&hub));
	unsigned before = revoked();
	hub_close(&hub);
	open_hub();
	assert_int_equal(revoked(), before);
	assert_string_equal(request_state(), "working");
	while (hub_work(&hub))
		;
	assert_int_equal(revoked(), STICKS - 1);
	assert_string_equal(request_state(), "approved");
}

static void what_cannot_be_kept_is_not_in_force_and_is_tried_again(void **state)
{
	(void)state;
	ask_and_approve();
	unsigned before = revoked();
	assert_int_equal(store_begin(hub.store), 0);
	assert_false(hub_work(&hub));
	store_rollback(hub.store);
	assert_int_equal(revoked(), before);
	while (hub_work(&hub))
		;
	assert_int_equal(revoked(), STICKS - 1);
}

/* A provider is gone: states are written in one transaction, so many of them in a second. */
static void a_thousand_states_change_some_at_a_time(void **state)
{
	(void)state;
	unsigned changed = 0;
	for (size_t i = 0; i < STICKS; i++)
		fleet_at(hub.fleet, i)->health.last_beacon_ms = now_ms() - 3600000;
	turn = (struct turn){0};
	turn_begin();
	hub_tick(&hub);
	turn_end();
	for (size_t i = 0; i < STICKS; i++)
		changed += fleet_at(hub.fleet, i)->health.state != HEALTH_UP;
	print_message("%u states: %.1f ms\n", changed, turn.longest * 1000);
	assert_int_equal(turn.most_commits, 1);
	assert_in_range(changed, 1, 500);
	hub_tick(&hub);
	changed = 0;
	for (size_t i = 0; i < STICKS; i++)
		changed += fleet_at(hub.fleet, i)->health.state != HEALTH_UP;
	assert_int_equal(changed, STICKS);
}

struct said {
	unsigned count;
	char who[OPERATOR_SIZE], detail[128];
};
static const char *wanted;

static void hear(const struct store_event *event, void *context)
{
	struct said *said = context;
	if (strcmp(event->kind, wanted) != 0)
		return;
	said->count++;
	snprintf(said->who, sizeof said->who, "%s", event->who);
	snprintf(said->detail, sizeof said->detail, "%s", event->detail);
}

static struct said events(const char *kind)
{
	struct said said = {0};
	wanted = kind;
	assert_int_equal(store_each_event(hub.store, 1000, hear, &said), 0);
	return said;
}

static bool log_in(const char *password)
{
	struct hub_who who;
	return hub_login(&hub, "anna", password, "", "192.0.2.7", &who);
}

/* A flood of log-ins: what there is no time for costs no commit, and the desk is told once a minute. */
static void log_ins_that_are_not_looked_at_cost_nothing(void **state)
{
	(void)state;
	char password[64];
	assert_int_equal(hub_operator_password(&hub, "anna", "root", password, sizeof password), 0);
	for (int i = 0; i < 8; i++) {
		hub.login_filled_ms = i ? now_ms() : 0; /* no time passes, however slow the machine */
		assert_false(log_in("wrong"));
	}
	assert_int_equal(events("login_refused").count, 8);
	turn = (struct turn){0};
	turn_begin();
	for (int i = 0; i < 500; i++) {
		hub.login_filled_ms = now_ms();
		assert_false(log_in(password));
	}
	turn_end();
	assert_int_equal(turn.commits, 0);
	assert_int_equal(hub.logins_bad, 508);
	hub_login_tick(&hub);
	hub_login_tick(&hub);
	struct said said = events("logins_rationed");
	assert_int_equal(said.count, 1);
	assert_string_equal(said.who, HUB_ITSELF);
	assert_string_equal(said.detail, "500, the last from 192.0.2.7");
	hub.login_filled_ms = now_ms();
	assert_false(log_in(password));
	now += 30;
	hub_login_tick(&hub);
	assert_int_equal(events("logins_rationed").count, 1);
	now += 30;
	hub_login_tick(&hub);
	assert_int_equal(events("logins_rationed").count, 2);
}

static void count_entry(uint64_t id, const char *entry, const char *leaf, void *context)
{
	(void)id, (void)leaf;
	*(unsigned *)context += strstr(entry, wanted) != NULL;
}

static unsigned entries(const char *action)
{
	unsigned count = 0;
	wanted = action;
	assert_int_equal(store_each_audit(hub.store, 0, UINT64_MAX, count_entry, &count), 0);
	return count;
}

static void a_lock_has_its_entry_in_the_audit_log(void **state)
{
	(void)state;
	char password[64];
	assert_int_equal(hub_operator_password(&hub, "anna", "root", password, sizeof password), 0);
	for (int i = 0; i < 10; i++) {
		hub.login_filled_ms = 0; /* all the time there is */
		hub.login_tokens_ms = 0;
		assert_false(log_in("wrong"));
	}
	struct said said = events("account_locked");
	assert_int_equal(said.count, 1);
	assert_string_equal(said.who, HUB_ITSELF);
	assert_string_equal(said.detail, "anna, from 192.0.2.7");
	assert_int_equal(entries("account_locked"), 1);
}

static void take_policy(uint64_t version, const char *envelope)
{
	uint8_t data[256];
	struct writer w = writer_over(data, sizeof data);
	write_u64(&w, version);
	write_u64(&w, (uint64_t)now + 1000);
	write_u8(&w, 0);
	write_blob(&w, envelope, strlen(envelope));
	struct reader r = reader_over(data, w.size);
	hub_policy(&hub, &r);
}

/* Which one, by the hash of the very document (this one's: printf '{}' | sha256sum). */
static void a_policy_in_force_has_its_entry_in_the_audit_log(void **state)
{
	(void)state;
	take_policy(7, "{}");
	take_policy(7, "{}"); /* looked at again */
	struct said said = events("policy_accepted");
	assert_int_equal(said.count, 1);
	assert_string_equal(said.who, HUB_ITSELF);
	assert_string_equal(said.detail, "version 7, SHA-256 "
					 "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	assert_int_equal(entries("policy_accepted"), 1);
}

static size_t fetch(uint64_t held)
{
	uint8_t data[16];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(0x0a4d0100));
	write_u8(&w, 0);
	write_u64(&w, held);
	struct reader r = reader_over(data, w.size);
	hub_fetch(&hub, 9, &r);
	return fetched;
}

/* Megabytes go to the api once: not to what has them, and not again while they are on their way. */
static void a_policy_that_is_on_its_way_is_not_sent_again(void **state)
{
	(void)state;
	static char envelope[200];
	memset(envelope, ' ', sizeof envelope - 1);
	take_policy(7, envelope);
	assert_true(fetch(0) > sizeof envelope);
	assert_true(fetch(GW_FETCH_COMING) < 40);
	assert_true(fetch(hub.policy.serial) < 40);
	assert_true(fetch(hub.policy.serial + 1) > sizeof envelope);
}

/* --- a restart of the gateway --- */

static void say_beacon(uint32_t stick, uint64_t sequence)
{
	uint8_t data[1024];
	struct beacon b = {.sequence = sequence, .policy_version = 3, .image_version = "1", .boot = "0123456789abcdef"};
	snprintf(b.device, sizeof b.device, "ST-%06u", stick);
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, htonl(0x0a4d0100 + stick));
	beacon_write(&w, &b);
	struct reader r = reader_over(data, w.size);
	hub_beacon(&hub, stick, &r);
}

static unsigned count_admitted(void)
{
	unsigned count = 0;
	for (size_t i = 0; i < fleet_count(hub.fleet); i++)
		count += fleet_at(hub.fleet, i)->admitted_until_ms != 0;
	return count;
}

/* Ten minutes of maintenance: a thousand sticks of which nobody has heard meanwhile are no thousand troubles. What
 * stood stands: admissions that still hold, open banks, tries that were used up, an order to empty this gateway, and
 * alarms with their owners. */
static void a_restart_makes_no_storm_and_loses_nothing(void **state)
{
	(void)state;
	hub.policy.version = 3;
	hub.policy.expires = now + 86400;
	look();
	const unsigned before = alarms(false).count;
	hub_batch(&hub);
	for (uint32_t i = 0; i < STICKS; i++) {
		struct stick *stick = fleet_at(hub.fleet, i);
		stick->health.state = HEALTH_NEVER;
		snprintf(stick->admission.boot, sizeof stick->admission.boot, "0123456789abcdef");
		stick->admission.until = now + 1200;
		stick->admission.pin_failures = i % 3;
		store_admission_set(hub.store, stick->row.id, &stick->admission);
		say_beacon(i, 1);
		assert_int_equal(store_session(hub.store, stick->row.id, "bank-a", true, now), 0);
	}
	hub_batch_end(&hub, true);
	assert_true(done("{\"command\":\"gateway.drain\",\"minutes\":\"60\",\"reason\":\"kernel\"}"));
	const int64_t until = hub.drain_until;
	hub_close(&hub);
	now += 600;
	open_hub();
	hub.policy.version = 3;
	hub.policy.expires = now + 86400;
	for (int i = 0; i < 3; i++) {
		hub_tick(&hub);
		look();
	}
	assert_int_equal(alarms(false).count, before);
	assert_int_equal(hub.transitions[HEALTH_LATE] + hub.transitions[HEALTH_STALE] + hub.transitions[HEALTH_LOST],
			 0);
	assert_int_equal(hub.drain_until, until);
	for (uint32_t i = 0; i < STICKS; i++) {
		const struct stick *stick = fleet_at(hub.fleet, i);
		assert_int_equal(stick->health.state, HEALTH_UP);
		assert_int_equal(stick->admission.pin_failures, i % 3);
		assert_true(stick_has_open(stick, "bank-a"));
	}
	assert_int_equal(count_admitted(), STICKS);
	/* they come back over half a minute, and nothing is said of it */
	for (uint32_t i = 0; i < STICKS; i++)
		say_beacon(i, 2);
	hub_tick(&hub);
	look();
	assert_int_equal(alarms(false).count, before);
	for (int to = 0; to < HEALTH_COUNT; to++)
		assert_int_equal(hub.transitions[to], 0);
	assert_int_equal(hub.beacons[COUNT_ADMITTED], STICKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_closed_alarm_does_not_hide_what_comes_after_it, make, unmake),
	    cmocka_unit_test_setup_teardown(a_thousand_alarms_open_some_at_a_time, make, unmake),
	    cmocka_unit_test_setup_teardown(alarms_that_cannot_be_kept_are_opened_at_the_next_look, make, unmake),
	    cmocka_unit_test_setup_teardown(a_thousand_sticks_are_revoked_some_at_a_time, make, unmake),
	    cmocka_unit_test_setup_teardown(a_restart_goes_on_where_it_was, make, unmake),
	    cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_not_in_force_and_is_tried_again, make, unmake),
	    cmocka_unit_test_setup_teardown(a_thousand_states_change_some_at_a_time, make, unmake),
	    cmocka_unit_test_setup_teardown(log_ins_that_are_not_looked_at_cost_nothing, make, unmake),
	    cmocka_unit_test_setup_teardown(a_lock_has_its_entry_in_the_audit_log, make, unmake),
	    cmocka_unit_test_setup_teardown(a_policy_that_is_on_its_way_is_not_sent_again, make, unmake),
	    cmocka_unit_test_setup_teardown(a_policy_in_force_has_its_entry_in_the_audit_log, make, unmake),
	    cmocka_unit_test_setup_teardown(a_restart_makes_no_storm_and_loses_nothing, make, unmake),
	};
	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
