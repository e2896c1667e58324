#include "tests/unit/unit.h"

#include <stdio.h>

#include "launcher/broker_report.h"

static void the_same_is_told_once_in_a_while(void **state)
{
	(void)state;
	struct reporter r = {0};
	assert_true(report_due(&r, "phish.example", REFUSAL_NOT_LISTED, "d", 1000));
	assert_false(report_due(&r, "phish.example", REFUSAL_NOT_LISTED, "d", 1000 + REPORT_REPEAT_MS - 1));
	assert_true(report_due(&r, "phish.example", REFUSAL_PIN, "d", 1001));
	assert_true(report_due(&r, "phish.example", REFUSAL_NOT_LISTED, "e", 1001));
	assert_true(report_due(&r, "other.example", REFUSAL_NOT_LISTED, "d", 1001));
	assert_true(report_due(&r, "phish.example", REFUSAL_NOT_LISTED, "d", 1000 + REPORT_REPEAT_MS));
}

static int flood(struct reporter *r, int64_t now, int from)
{
	int told = 0;
	for (int i = from; i < from + 1000; i++) {
		char host[32];
		snprintf(host, sizeof host, "h%d.example", i);
		told += report_due(r, host, REFUSAL_NOT_LISTED, "", now);
	}
	return told;
}

static void a_flood_is_told_in_part(void **state)
{
	(void)state;
	struct reporter r = {0};
	assert_int_equal(flood(&r, 5000, 0), REPORT_BURST);
	assert_int_equal(flood(&r, 5000, 1000), 0);
	assert_int_equal(flood(&r, 5000 + 3 * REPORT_REFILL_MS, 2000), 3);
	assert_int_equal(flood(&r, 5000000, 3000), REPORT_BURST); /* a long pause saves up no more than that */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_is_told_once_in_a_while),
					   cmocka_unit_test(a_flood_is_told_in_part)};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
