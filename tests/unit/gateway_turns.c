/* What the desk has to do with a thousand sticks at once, turn by turn, and with accounts: a hub with a clock of ours.
 */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/envelope.h"
#include "firmware/lib/loop.h"
#include "vpn/gateway/hub_desk.h"

enum { STICKS = 1000 };

static struct hub hub;
static char path[64];
static time_t now = 1764000000;
static int64_t look_ms = 1;

time_t __wrap_time(time_t *at);
time_t __wrap_time(time_t *at)
{
	if (at)
		*at = now;
	return now;
}

static bool take_message(struct hub *h, enum gateway_role role, uint16_t type, uint32_t id,
			 const struct writer *payload)
{
	(void)h, (void)role, (void)type, (void)id, (void)payload;
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
	snprintf(path, sizeof path, "/tmp/gateway_turns.%d.db", getpid());
	unlink(path);
	open_hub();
	register_sticks();
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	char side[80];
	hub_close(&hub);
	unlink(path);
	for (int i = 0; i < 2; i++) {
		snprintf(side, sizeof side, "%s-%s", path, i ? "wal" : "shm");
		unlink(side);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_closed_alarm_does_not_hide_what_comes_after_it, make, unmake),
	};
	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
