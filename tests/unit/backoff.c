#include "tests/unit/unit.h"

#include <stdio.h>

#include "launcher/backoff.h"

static void waits_double_and_end_at_an_hour(void **state)
{
	(void)state;
	int64_t middle = BACKOFF_FIRST_MS;
	for (unsigned n = 1; n < 40; n++) {
		int64_t wait = backoff_ms(n, "00112233445566778899aabbccddeeff");
		assert_true(wait >= middle / 2 && wait < middle / 2 * 3);
		middle = middle * 2 < BACKOFF_LONGEST_MS ? middle * 2 : BACKOFF_LONGEST_MS;
	}
	assert_true(backoff_ms(UINT32_MAX, "") <= BACKOFF_LONGEST_MS / 2 * 3);
}

/* Ten thousand sticks whose gateway failed at the same moment come back evenly: no second has three times its share. */
static void a_fleet_does_not_come_back_at_once(void **state)
{
	(void)state;
	enum { STICKS = 10000, SECONDS = BACKOFF_FIRST_MS / 1000 };
	static unsigned in_second[SECONDS];
	for (unsigned i = 0; i < STICKS; i++) {
		char seed[64];
		snprintf(seed, sizeof seed, "ST-%06u%08x", i, i * 2654435761U);
		int64_t wait = backoff_ms(1, seed) - BACKOFF_FIRST_MS / 2;
		assert_true(wait >= 0 && wait < BACKOFF_FIRST_MS);
		in_second[wait / 1000]++;
	}
	for (int i = 0; i < SECONDS; i++)
		assert_in_range(in_second[i], STICKS / SECONDS / 3, STICKS / SECONDS * 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(waits_double_and_end_at_an_hour),
	    cmocka_unit_test(a_fleet_does_not_come_back_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
