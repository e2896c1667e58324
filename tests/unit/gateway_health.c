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
