#include "tests/unit/unit.h"

#include "launcher/supervise.h"

static void the_first_death_costs_nothing(void **unused)
{
	(void)unused;
	struct supervised s = {0};
	supervise_started(&s, 1000);
	assert_int_equal(supervise_died(&s, 1500), 0);
}

static void quick_deaths_wait_longer_and_longer(void **unused)
{
	(void)unused;
	struct supervised s = {0};
	int64_t last = 0, now = 0;
	for (int i = 0; i < 100; i++) {
		supervise_started(&s, now);
		int64_t wait = supervise_died(&s, now + 10);
		assert_true(wait >= last);
		assert_true(wait <= SUPERVISE_LONGEST_WAIT_MS);
		if (i == 1)
			assert_int_equal(wait, SUPERVISE_FIRST_WAIT_MS);
		if (i == 2)
			assert_int_equal(wait, 2 * SUPERVISE_FIRST_WAIT_MS);
		last = wait;
		now += 10 + wait;
	}
	assert_int_equal(last, SUPERVISE_LONGEST_WAIT_MS);
}

static void a_good_life_clears_the_account(void **unused)
{
	(void)unused;
	struct supervised s = {.deaths = 50};
	supervise_started(&s, 0);
	assert_int_equal(supervise_died(&s, SUPERVISE_GOOD_LIFE_MS), 0);
	supervise_started(&s, SUPERVISE_GOOD_LIFE_MS);
	assert_int_equal(supervise_died(&s, SUPERVISE_GOOD_LIFE_MS + 1), SUPERVISE_FIRST_WAIT_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_death_costs_nothing),
	    cmocka_unit_test(quick_deaths_wait_longer_and_longer),
	    cmocka_unit_test(a_good_life_clears_the_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
