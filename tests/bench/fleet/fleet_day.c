/*
 * A day at the desk: what goes wrong with the sticks of one gateway, and how many alarms the gateway's own code
 * (hub_alarms.c, alarms.c, with its database) makes of it. The clock is ours, so that a day takes a minute.
 *
 *   fleet day STICKS COMMON_PERCENT SEED DATABASE
 *
 * Of STICKS, all in use, one in a hundred gets into trouble. COMMON_PERCENT of those by causes that hit several: a
 * provider's network (seven in ten), a region (two), an image version (one). How many such a cause hits is heavy-tailed
 * (Pareto with exponent 1, from 3 to 300): many small ones, few large. The others are alone: a line or a PC that goes
 * (70 %), a program that hangs (15 %), a PIN forgotten (15 %). One in ten has a bank open. Each lasts from 2 to 60
 * minutes; what a common cause hits comes within its first minute and goes together.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/lib/envelope.h"
#include "firmware/lib/log.h"
#include "tests/bench/fleet/fleet.h"
#include "vpn/gateway/alarms.h"
#include "vpn/gateway/hub_desk.h"

enum {
	DAY_S = 86400,
	LOOK_S = 3,   /* as the store process looks */
	BUSY_S = 15,  /* after something began or ended (an alarm settles for ten): then nothing changes for a while */
	REST_S = 700, /* and what ended is forgotten by then (ALARM_REST_S) */
	SHARE_DIVISOR = 100, /* one in a hundred */
	REGIONS = 47,
	STICKS_A_NETWORK = 150,
	VERSIONS = 3,
	CAUSE_MIN = 3,
	CAUSE_MAX = 300,
	TROUBLES_MAX = 100000,
	ALARMS_MAX = 1000000
};

static const time_t midnight = 1764000000;

struct trouble {
	size_t stick;
	time_t begins, ends;
	enum alarm_kind kind; /* ALARM_BROKE_OFF, ALARM_SILENT or ALARM_LOCKED */
};

static struct hub hub;
static time_t clock_s; /* 0: the world's */
static struct trouble *troubles;
static size_t trouble_count, causes;
static uint64_t dice_state;

time_t __real_time(time_t *at);
time_t __wrap_time(time_t *at);
time_t __wrap_time(time_t *at)
{
	if (!clock_s)
		return __real_time(at);
	if (at)
		*at = clock_s;
	return clock_s;
}

/* splitmix64: the same seed is the same day. */
static uint64_t roll(void)
{
	uint64_t z = dice_state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t die(size_t sides) { return (size_t)(roll() % sides); }
static bool chance(unsigned percent) { return die(100) < percent; }
static double fraction(void) { return (double)(roll() >> 11) / 9007199254740992.0; }

/* --- the day's troubles --- */

static void add_trouble(size_t stick, time_t begins, time_t ends, enum alarm_kind kind)
{
	if (trouble_count < TROUBLES_MAX)
		troubles[trouble_count++] = (struct trouble){stick, begins, ends, kind};
}

static time_t lasting(void) { return 120 + (time_t)die(3480); }

static void happen_alone(size_t sticks)
{
	unsigned kind = (unsigned)die(100);
	time_t begins = midnight + (time_t)die(DAY_S);
	add_trouble(die(sticks), begins, begins + lasting(),
		    kind < 70   ? ALARM_BROKE_OFF
		    : kind < 85 ? ALARM_SILENT
				: ALARM_LOCKED);
}

/* Network, region and version of a stick follow from its number: so many apart are the sticks that share it. */
static size_t members_apart(size_t sticks, unsigned what)
{
	size_t networks = sticks / STICKS_A_NETWORK + 1;
	return what < 70 ? networks : what < 90 ? REGIONS : VERSIONS;
}

static size_t happen_to_many(size_t sticks, size_t most)
{
	unsigned what = (unsigned)die(100);
	size_t apart = members_apart(sticks, what), first = die(apart), members = (sticks - first + apart - 1) / apart;
	size_t size = (size_t)(CAUSE_MIN / (1 - fraction() * (1 - (double)CAUSE_MIN / CAUSE_MAX)));
	time_t begins = midnight + (time_t)die(DAY_S), ends = begins + 60 + lasting();
	size = size > most ? most : size;
	size = size > members ? members : size;
	size_t from = die(members);
	for (size_t i = 0; i < size; i++)
		add_trouble(first + (from + i) % members * apart, begins + (time_t)die(60), ends,
			    what < 90 ? ALARM_BROKE_OFF : ALARM_SILENT);
	causes++;
	return size;
}

static void plan_day(size_t sticks, unsigned common_percent)
{
	size_t hit = sticks / SHARE_DIVISOR, common = hit * common_percent / 100, done = 0;
	while (done < common)
		done += happen_to_many(sticks, common - done);
	for (size_t i = 0; i < hit - common; i++, causes++)
		happen_alone(sticks);
}

/* --- the gateway --- */

static bool send_nothing(struct hub *h, enum gateway_role role, uint16_t type, uint32_t id,
			 const struct writer *payload)
{
	(void)h, (void)role, (void)type, (void)id, (void)payload;
	return true;
}

static void open_hub(const char *path)
{
	static char key[ENVELOPE_PEM_MAX], unused[ENVELOPE_PEM_MAX];
	char why[256];
	hub.send = send_nothing;
	if (config_parse("id = gw1\ntenant = demo\ninner = 10.64.0.1/10\n", &hub.config, why, sizeof why))
		fatal("%s", why);
	snprintf(hub.config.database, sizeof hub.config.database, "%s", path);
	int error = envelope_key_generate(key, unused);
	if (!error)
		error = hub_open(&hub, key, -1);
	if (error)
		fatal("%s: %s", path, strerror(-error));
}

static void add_sticks(size_t count)
{
	size_t networks = count / STICKS_A_NETWORK + 1;
	for (size_t i = 0; i < count; i++) {
		struct store_stick row = {.created = clock_s, .address = fleet_address(i)};
		size_t network = i % networks;
		char id[FLEET_ID_SIZE];
		fleet_id(i, id);
		memcpy(row.id, id, sizeof id);
		memcpy(row.key, &i, sizeof i);
		snprintf(row.region, sizeof row.region, "region-%02zu", i % REGIONS + 1);
		snprintf(row.image_version, sizeof row.image_version, "%zu", i % VERSIONS + 7);
		struct stick *stick = fleet_add(hub.fleet, &row);
		if (!stick)
			fatal("out of memory");
		stick->health.state = HEALTH_UP;
		stick->session = chance(10);
		snprintf(stick->endpoint, sizeof stick->endpoint, "%zu.%zu.0.1:51820", network / 250 + 20,
			 network % 250);
	}
}

static void set_state(const struct trouble *trouble, bool begins)
{
	struct stick *stick = fleet_at(hub.fleet, trouble->stick);
	bool locked = trouble->kind == ALARM_LOCKED;
	stick->health.state = !begins ? HEALTH_UP : locked ? HEALTH_LOCKED : HEALTH_LOST;
	stick->health.cause = !begins                            ? CAUSE_RESUMED
			      : locked                           ? CAUSE_PIN_LOCKED
			      : trouble->kind == ALARM_BROKE_OFF ? CAUSE_UNREACHABLE
								 : CAUSE_SILENT;
	stick->row.since = clock_s;
}

struct change {
	time_t at;
	size_t trouble;
	bool begins;
};

static int compare(const void *a, const void *b)
{
	const struct change *left = a, *right = b;
	return left->at < right->at ? -1 : left->at > right->at;
}

static void look_until(time_t *looked, time_t until)
{
	static int64_t look_ms;
	const time_t changed = *looked;
	while (*looked + LOOK_S <= until) {
		/* nothing goes on: to where what has ended is forgotten, and to the next change */
		if (*looked - changed > BUSY_S)
			*looked = *looked - changed < REST_S && until - changed > REST_S ? changed + REST_S : until;
		else
			*looked += LOOK_S;
		clock_s = *looked;
		hub_alarms_tick(&hub, look_ms += LOOK_S * 1000);
	}
	*looked = until;
}

static void live(void)
{
	struct change *changes = calloc(trouble_count * 2 + 1, sizeof *changes);
	time_t looked = midnight;
	if (!changes)
		fatal("out of memory");
	for (size_t i = 0; i < trouble_count; i++) {
		changes[2 * i] = (struct change){troubles[i].begins, i, true};
		changes[2 * i + 1] = (struct change){troubles[i].ends, i, false};
	}
	if (trouble_count > 0)
		qsort(changes, trouble_count * 2, sizeof *changes, compare);
	for (size_t i = 0; i < trouble_count * 2; i++) {
		look_until(&looked, changes[i].at);
		clock_s = changes[i].at;
		set_state(&troubles[changes[i].trouble], changes[i].begins);
	}
	look_until(&looked, midnight + 2 * (time_t)DAY_S);
	free(changes);
}

static struct {
	unsigned all, calling, of_many;
} made;

static void count_alarm(const struct store_alarm *alarm, void *context)
{
	(void)context;
	made.all++;
	made.calling += strcmp(alarm->severity, "info") != 0;
	made.of_many += strncmp(alarm->subject, "stick:", 6) != 0;
}

int fleet_day(int argc, char **argv)
{
	const size_t sticks = argc == 5 ? strtoul(argv[1], NULL, 10) : 0;
	const unsigned common = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (sticks < 1000 || sticks > FLEET_MAX || common > 100)
		fatal("usage: fleet day STICKS COMMON_PERCENT SEED DATABASE");
	dice_state = strtoull(argv[3], NULL, 10);
	troubles = calloc(TROUBLES_MAX, sizeof *troubles);
	clock_s = midnight;
	if (!troubles)
		fatal("out of memory");
	open_hub(argv[4]);
	add_sticks(sticks);
	plan_day(sticks, common);
	live();
	store_each_alarm(hub.store, true, ALARMS_MAX, count_alarm, NULL);
	store_each_alarm(hub.store, false, ALARMS_MAX, count_alarm, NULL);
	printf("{\"sticks\":%zu,\"common_percent\":%u,\"troubles\":%zu,\"causes\":%zu,\"alarms\":%u,\"calling\":%u,"
	       "\"of_many\":%u}\n",
	       sticks, common, trouble_count, causes, made.all, made.calling, made.of_many);
	hub_close(&hub);
	free(troubles);
	return 0;
}
