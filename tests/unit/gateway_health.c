#include "tests/unit/unit.h"

#include <string.h>

#include "vpn/gateway/health.h"

static struct health_record record;

static int fresh(void **state)
{
	(void)state;
	record = (struct health_record){0};
	return 0;
}

static void beacon_at(int64_t seconds, const char *boot) { health_beacon(&record, seconds * 1000, boot, false); }

static enum health at(int64_t seconds)
{
	health_tick(&record, seconds * 1000, false);
	return record.state;
}

static void never_stays_never(void **state)
{
	(void)state;
	assert_false(health_tick(&record, 1LL << 40, false));
	assert_int_equal(record.state, HEALTH_NEVER);
}

static void quarantine_is_told_and_left(void **state)
{
	(void)state;
	beacon_at(0, "a");
	assert_true(health_quarantine(&record, CAUSE_IMAGE_OLD));
	assert_int_equal(record.state, HEALTH_QUARANTINED);
	assert_false(health_quarantine(&record, CAUSE_IMAGE_OLD));
	assert_true(health_quarantine(&record, CAUSE_IMAGE_UNKNOWN));
	assert_int_equal(at(45), HEALTH_QUARANTINED);
	assert_int_equal(at(46), HEALTH_LATE);
	beacon_at(47, "a");
	assert_true(health_quarantine(&record, CAUSE_IMAGE_OLD));
	assert_true(health_beacon(&record, 60000, "a", false));
	assert_int_equal(record.state, HEALTH_UP);
	assert_int_equal(record.cause, CAUSE_RELEASED);
}

static void a_lock_has_a_state_of_its_own(void **state)
{
	(void)state;
	beacon_at(0, "a");
	assert_true(health_quarantine(&record, CAUSE_PIN_LOCKED));
	assert_int_equal(record.state, HEALTH_LOCKED);
	assert_int_equal(at(46), HEALTH_LATE);
	beacon_at(47, "a");
	assert_true(health_quarantine(&record, CAUSE_PIN_LOCKED));
	assert_true(health_quarantine(&record, CAUSE_COPIED));
	assert_int_equal(record.state, HEALTH_QUARANTINED);
	assert_true(health_is_held(HEALTH_LOCKED) && health_is_held(HEALTH_QUARANTINED) && !health_is_held(HEALTH_UP));
	assert_true(health_beacon(&record, 60000, "a", false));
	assert_int_equal(record.cause, CAUSE_RELEASED);
}

/* --- hours of beacons, by a model that is written from the manual and not from the code --- */

struct step {
	int64_t at_s;
	char what; /* b beacon, n beacon of a new boot, g goodbye, t only the clock */
	enum health then;
};

/* gatewayd(8), States of a stick: each row is one moment of one story. */
static void stories_go_as_the_manual_says(void **state)
{
	(void)state;
	static const struct step line_goes_and_comes[] = {
	    {0, 'n', HEALTH_UP},     {30, 'b', HEALTH_UP},     {75, 't', HEALTH_UP},    {76, 't', HEALTH_LATE},
	    {120, 't', HEALTH_LATE}, {121, 't', HEALTH_STALE}, {130, 'b', HEALTH_LATE}, {160, 'b', HEALTH_UP}};
	static const struct step one_lost_beacon_is_no_news[] = {
	    {0, 'n', HEALTH_UP}, {40, 't', HEALTH_UP}, {45, 'b', HEALTH_UP}, {90, 'b', HEALTH_UP}};
	static const struct step a_bad_line_does_not_blink[] = {
	    {0, 'n', HEALTH_UP},      {100, 't', HEALTH_STALE}, {101, 'b', HEALTH_LATE},
	    {200, 't', HEALTH_STALE}, {201, 'b', HEALTH_LATE},  {300, 't', HEALTH_STALE},
	    {301, 'b', HEALTH_LATE},  {331, 'b', HEALTH_UP},    {361, 'b', HEALTH_UP}};
	static const struct step a_person_starts_again[] = {
	    {0, 'n', HEALTH_UP}, {400, 't', HEALTH_LOST}, {5000, 't', HEALTH_LOST}, {5001, 'n', HEALTH_UP}};
	static const struct step a_goodbye_lasts[] = {
	    {0, 'n', HEALTH_UP}, {30, 'g', HEALTH_OFFLINE}, {9000, 't', HEALTH_OFFLINE}, {9001, 'n', HEALTH_UP}};
	static const struct {
		const struct step *steps;
		size_t count;
	} stories[] = {
#define STORY(name) {name, sizeof(name) / sizeof(name)[0]}
	    STORY(line_goes_and_comes), STORY(one_lost_beacon_is_no_news), STORY(a_bad_line_does_not_blink),
	    STORY(a_person_starts_again), STORY(a_goodbye_lasts)};
	for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
		char boot[] = "a";
		fresh(NULL);
		for (size_t j = 0; j < stories[i].count; j++) {
			const struct step *step = &stories[i].steps[j];
			boot[0] += step->what == 'n';
			health_tick(&record, step->at_s * 1000, false);
			if (step->what != 't')
				health_beacon(&record, step->at_s * 1000, boot, step->what == 'g');
			assert_int_equal(record.state, step->then);
		}
	}
}

/* Three days of any line there is: what must hold at every second. */
static void no_line_makes_a_stick_blink(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++) {
		unsigned random = seed;
		int64_t last = 0, better_at = -1000;
		fresh(NULL);
		beacon_at(0, "a");
		for (int64_t now = 1; now < 3 * 86400; now++) {
			enum health before = record.state;
			random = random * 1103515245 + 12345;
			bool comes = (random >> 8) % (20 + seed * 7) == 0;
			health_tick(&record, now * 1000, false);
			enum health age = now - last > 180  ? HEALTH_LOST
					  : now - last > 90 ? HEALTH_STALE
					  : now - last > 45 ? HEALTH_LATE
							    : HEALTH_UP;
			assert_true(record.state >= age); /* never better than the clock allows */
			if (comes) {
				bool in_time = now - last <= 45;
				last = now;
				beacon_at(now, "a");
				assert_true(record.state == HEALTH_UP || record.state == HEALTH_LATE);
				/* out of trouble only by the second beacon in time */
				assert_true(record.state == HEALTH_LATE || before == HEALTH_UP || in_time);
			}
			if (before != HEALTH_UP && record.state == HEALTH_UP)
				better_at = now;
			if (before == HEALTH_UP && record.state != HEALTH_UP)
				assert_true(now - better_at > 45); /* the hysteresis */
		}
	}
}

static void silence_gets_worse_by_the_clock(void **state)
{
	(void)state;
	assert_true(health_beacon(&record, 0, "a", false));
	assert_int_equal(record.cause, CAUSE_FIRST_BEACON);
	assert_int_equal(at(45), HEALTH_UP);
	assert_int_equal(at(46), HEALTH_LATE);
	assert_int_equal(at(90), HEALTH_LATE);
	assert_int_equal(at(91), HEALTH_STALE);
	assert_int_equal(at(180), HEALTH_STALE);
	assert_int_equal(at(181), HEALTH_LOST);
	assert_int_equal(at(100000), HEALTH_LOST);
}

static void the_tunnel_tells_the_cause(void **state)
{
	(void)state;
	beacon_at(0, "a");
	assert_true(health_tick(&record, 46000, true));
	assert_int_equal(record.cause, CAUSE_SILENT);
	assert_true(health_tick(&record, 91000, false));
	assert_int_equal(record.cause, CAUSE_UNREACHABLE);
	assert_false(health_tick(&record, 91000, true));
}

static void coming_back_takes_two_in_time(void **state)
{
	(void)state;
	beacon_at(0, "a");
	assert_int_equal(at(100), HEALTH_STALE);
	beacon_at(100, "a");
	assert_int_equal(record.state, HEALTH_LATE);
	assert_int_equal(record.cause, CAUSE_RESUMED);
	beacon_at(150, "a"); /* 50 s later: not in time */
	assert_int_equal(record.state, HEALTH_LATE);
	beacon_at(180, "a");
	assert_int_equal(record.state, HEALTH_UP);
}

static void a_new_boot_is_up_at_once(void **state)
{
	(void)state;
	beacon_at(0, "a");
	assert_int_equal(at(500), HEALTH_LOST);
	beacon_at(501, "b");
	assert_int_equal(record.state, HEALTH_UP);
	assert_int_equal(record.cause, CAUSE_NEW_BOOT);
}

static void goodbye_is_not_loss(void **state)
{
	(void)state;
	beacon_at(0, "a");
	assert_true(health_beacon(&record, 1000, "a", true));
	assert_int_equal(record.state, HEALTH_OFFLINE);
	assert_int_equal(at(100000), HEALTH_OFFLINE);
	beacon_at(100001, "a");
	assert_int_equal(record.state, HEALTH_UP);
}

static void revoked_is_for_good(void **state)
{
	(void)state;
	beacon_at(0, "a");
	assert_true(health_revoke(&record));
	assert_false(health_beacon(&record, 1000, "b", false));
	assert_int_equal(at(100000), HEALTH_REVOKED);
}

static void names_go_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < HEALTH_COUNT; i++)
		assert_int_equal(health_from_name(health_name((enum health)i)), i);
	for (int i = 0; i < CAUSE_COUNT; i++)
		assert_int_equal(health_cause_from_name(health_cause_name((enum health_cause)i)), i);
	assert_int_equal(health_from_name(""), HEALTH_COUNT);
	assert_null(health_name(HEALTH_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(never_stays_never, fresh),
	    cmocka_unit_test_setup(quarantine_is_told_and_left, fresh),
	    cmocka_unit_test_setup(a_lock_has_a_state_of_its_own, fresh),
	    cmocka_unit_test_setup(stories_go_as_the_manual_says, fresh),
	    cmocka_unit_test_setup(no_line_makes_a_stick_blink, fresh),
	    cmocka_unit_test_setup(silence_gets_worse_by_the_clock, fresh),
	    cmocka_unit_test_setup(the_tunnel_tells_the_cause, fresh),
	    cmocka_unit_test_setup(coming_back_takes_two_in_time, fresh),
	    cmocka_unit_test_setup(a_new_boot_is_up_at_once, fresh),
	    cmocka_unit_test_setup(goodbye_is_not_loss, fresh),
	    cmocka_unit_test_setup(revoked_is_for_good, fresh),
	    cmocka_unit_test_setup(names_go_both_ways, fresh),
	};
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
