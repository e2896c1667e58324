/* What the desk decides without a database: alarms folded by cause, roles, the second factor. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/alarms.h"
#include "vpn/gateway/roles.h"
#include "vpn/gateway/samples.h"
#include "vpn/gateway/totp.h"

enum { PLACES = 2000, NOW = 1000000 };

static struct alarm_place places[PLACES];
static char ids[PLACES][STICK_ID_SIZE], regions[PLACES][REGION_SIZE], networks[PLACES][REGION_SIZE];
static struct alarm_fact facts[PLACES];
static size_t fact_count, count;
static struct alarm *list;

/* 2,000 sticks in use: 20 regions of a hundred, 10 networks that lie across them, one version. */
static int fresh(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		snprintf(ids[i], sizeof ids[i], "ST-%06zu", i);
		snprintf(regions[i], sizeof regions[i], "region %zu", i / 100);
		snprintf(networks[i], sizeof networks[i], "10.%zu.0.0/16", i % 10);
		places[i] = (struct alarm_place){ids[i], regions[i], networks[i], "7", true};
	}
	fact_count = 0;
	free(list);
	list = NULL;
	return 0;
}

static void fact(size_t place, enum alarm_kind kind, int64_t ago_s, bool at_bank)
{
	facts[fact_count++] = (struct alarm_fact){place, kind, NOW - ago_s, at_bank};
}

static void fold(void)
{
	free(list);
	assert_int_equal(alarms_fold(places, PLACES, facts, fact_count, &list, &count), 0);
}

static const struct alarm *find(const char *subject)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].subject, subject) == 0)
			return &list[i];
	return NULL;
}

static void a_closed_lid_is_no_alarm(void **state)
{
	(void)state;
	fact(1, ALARM_BROKE_OFF, 200, false);
	fact(2, ALARM_BROKE_OFF, 200, true);
	fold();
	assert_int_equal(count, 1);
	assert_string_equal(list[0].subject, "stick:ST-000002");
	assert_int_equal(list[0].severity, ALARM_WARNING);
}

static void the_days_luck_is_not_folded(void **state)
{
	(void)state;
	for (size_t i = 0; i < 19; i++)
		fact(i, ALARM_BROKE_OFF, 200, false); /* 19 of a region's hundred */
	fold();
	assert_int_equal(count, 0);
	fact(19, ALARM_BROKE_OFF, 200, false);
	fold();
	assert_int_equal(count, 1);
	assert_string_equal(list[0].subject, "region:region 0");
	assert_int_equal(list[0].sticks, 20);
}

static void what_came_apart_in_time_is_not_one_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < 20; i++)
		fact(i, ALARM_BROKE_OFF, 200 + (int64_t)i * (ALARM_GAP_S + 1), true);
	fold();
	assert_int_equal(count, 20);
	fresh(NULL);
	for (size_t i = 0; i < 20; i++)
		fact(i, ALARM_BROKE_OFF, 200 + (int64_t)i * ALARM_GAP_S, true);
	fold();
	assert_int_equal(count, 1);
	assert_int_equal(list[0].at_bank, 20);
	assert_int_equal(list[0].newest, NOW - 200);
	assert_int_equal(list[0].since, NOW - 200 - 19 * ALARM_GAP_S);
}

static void the_widest_cause_wins(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACES; i += 10)
		fact(i, ALARM_BROKE_OFF, 100, i == 0); /* all of one network, a tenth of each region */
	fold();
	assert_int_equal(count, 1);
	assert_string_equal(list[0].subject, "network:10.0.0.0/16");
	for (size_t i = 0; i < PLACES; i += 2)
		fact(i, ALARM_BROKE_OFF, 90, false);
	fact_count = PLACES / 2; /* half of all */
	for (size_t i = 0; i < fact_count; i++)
		facts[i] = (struct alarm_fact){i * 2, ALARM_BROKE_OFF, NOW - 90, false};
	fold();
	assert_int_equal(count, 1);
	assert_string_equal(list[0].subject, "gateway");
	assert_int_equal(list[0].severity, ALARM_CRITICAL);
}

static void kinds_stay_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < 30; i++)
		fact(i, ALARM_BROKE_OFF, 100, false);
	for (size_t i = 30; i < 33; i++)
		fact(i, ALARM_COPIED, 100, false); /* each is somebody's own case */
	fact(40, ALARM_SILENT, 100, false);
	fold();
	assert_int_equal(count, 5);
	assert_int_equal(find("region:region 0")->kind, ALARM_BROKE_OFF);
	assert_int_equal(find("stick:ST-000031")->severity, ALARM_CRITICAL);
	assert_int_equal(find("stick:ST-000040")->kind, ALARM_SILENT);
}

static void what_is_not_known_folds_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACES; i++)
		places[i].region = places[i].network = "";
	for (size_t i = 0; i < 100; i++)
		fact(i, ALARM_BROKE_OFF, 100, false);
	fold();
	assert_int_equal(count, 0);
}

/* One stick is in at most one alarm of a kind, whatever happens; and the same facts give the same alarms. */
static void every_fact_is_in_one_place(void **state)
{
	(void)state;
	unsigned random = 1;
	for (int round = 0; round < 200; round++) {
		fresh(NULL);
		size_t most = random % 400, sum = 0, alone = 0;
		for (size_t i = 0; i < most; i++) {
			random = random * 1103515245 + 12345;
			fact(i * 5 + (random >> 8) % 5, (random >> 4) % 2 ? ALARM_BROKE_OFF : ALARM_LOCKED,
			     (random >> 16) % 3000, (random >> 20) % 2);
		}
		for (size_t i = 0; i < fact_count; i++)
			alone += facts[i].kind == ALARM_BROKE_OFF && !facts[i].at_bank;
		fold();
		for (size_t i = 0; i < count; i++)
			sum += list[i].sticks;
		assert_true(sum <= fact_count && sum + alone >= fact_count);
	}
}

static void networks_are_told_by_endpoint(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"203.0.113.7:4711", "203.0.0.0/16"},
					       {"[2001:db8:1::7]:4711", "2001:0db8::/32"},
					       {"", ""},
					       {"x:1", ""},
					       {"[::", ""},
					       {":", ""}};
	char out[REGION_SIZE];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		alarm_network(cases[i][0], out);
		assert_string_equal(out, cases[i][1]);
	}
}

static void names_go_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < ALARM_KINDS; i++)
		assert_int_equal(alarm_kind_from_name(alarm_kind_name((enum alarm_kind)i)), i);
	assert_int_equal(alarm_kind_from_name(""), ALARM_KINDS);
	for (int i = 0; i < ROLES_COUNT; i++)
		assert_int_equal(role_from_name(role_name((enum role)i)), i);
	assert_int_equal(role_from_name("root"), ROLES_COUNT);
	assert_int_equal(alarm_escalates_s("info"), 0);
	assert_true(alarm_escalates_s("critical") < alarm_escalates_s("warning"));
}

/* The whole table, written out once more: a right that somebody gets by a slip is seen here. */
static void roles_have_their_rights(void **state)
{
	(void)state;
	static const char *const table[ROLES_COUNT] = {
	    /* watch alarms stick ask decide gateway accounts review */
	    [ROLE_IS_OPERATOR] = "11110000",
	    [ROLE_IS_SUPERVISOR] = "11111111",
	    [ROLE_IS_BANK_IT] = "10011000",
	    [ROLE_IS_AUDITOR] = "10000001",
	};
	for (int role = 0; role < ROLES_COUNT; role++)
		for (int right = 0; right < RIGHTS_COUNT; right++)
			assert_int_equal(role_may((enum role)role, (enum right)right), table[role][right] == '1');
	assert_false(role_may(ROLES_COUNT, RIGHT_WATCH));
	assert_true(right_needs_second_factor(RIGHT_STICK) && right_needs_second_factor(RIGHT_DECIDE));
	assert_true(right_needs_second_factor(RIGHT_ACCOUNTS) && right_needs_second_factor(RIGHTS_COUNT));
	assert_false(right_needs_second_factor(RIGHT_ALARMS));
}

/* RFC 6238, appendix B, cut to six digits; the secret is "12345678901234567890". */
static void codes_are_those_of_the_standard(void **state)
{
	(void)state;
	static const char secret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
	static const struct {
		int64_t time;
		const char *code;
	} cases[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
		     {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
	char code[TOTP_CODE_SIZE];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(totp_code(secret, cases[i].time / TOTP_STEP_S, code), 0);
		assert_string_equal(code, cases[i].code);
	}
	assert_int_equal(totp_code("GEZD", 1, code), -22);
	assert_int_equal(totp_code("gezdgnbvgy3tqojqgezdgnbvgy3tqojq", 1, code), -22);
	assert_int_equal(totp_code("", 1, code), -22);
}

static void a_code_counts_once_and_near_its_time(void **state)
{
	(void)state;
	char secret[TOTP_SECRET_TEXT_SIZE], code[TOTP_CODE_SIZE], uri[256];
	int64_t used = 0, now = 1700000000;
	assert_int_equal(totp_new_secret(secret), 0);
	assert_int_equal(strlen(secret), TOTP_SECRET_TEXT_SIZE - 1);
	assert_int_equal(totp_code(secret, now / 30, code), 0);
	assert_true(totp_verify(secret, code, now + 30, &used)); /* a slow hand */
	assert_false(totp_verify(secret, code, now, &used));     /* over the shoulder */
	used = 0;
	assert_true(totp_verify(secret, code, now - 30, &used)); /* a clock that is behind */
	used = 0;
	assert_false(totp_verify(secret, code, now + 90, &used));
	assert_false(totp_verify(secret, "", now, &used));
	assert_false(totp_verify(secret, "12345", now, &used));
	assert_false(totp_verify("", code, now, &used));
	assert_int_equal(used, 0);
	assert_int_equal(totp_uri(secret, "gw1", "anna", uri, sizeof uri), 0);
	assert_non_null(strstr(uri, secret));
	assert_true(totp_uri(secret, "gw1", "anna", uri, 20) < 0);
}

static void samples_go_round(void **state)
{
	(void)state;
	struct samples samples = {0};
	for (uint32_t i = 0; i < SAMPLES_KEPT + 5; i++)
		samples_add(&samples, 1000 + i, i, i == 44 ? 1u << 30 : 0);
	assert_int_equal(samples.count, SAMPLES_KEPT);
	assert_int_equal(samples_at(&samples, 0)->at, 1005);
	assert_int_equal(samples_at(&samples, SAMPLES_KEPT - 1)->rtt_ms, SAMPLES_KEPT + 4);
	assert_int_equal(samples_at(&samples, SAMPLES_KEPT - 1)->loss_permille, UINT16_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_closed_lid_is_no_alarm, fresh),
	    cmocka_unit_test_setup(the_days_luck_is_not_folded, fresh),
	    cmocka_unit_test_setup(what_came_apart_in_time_is_not_one_cause, fresh),
	    cmocka_unit_test_setup(the_widest_cause_wins, fresh),
	    cmocka_unit_test_setup(kinds_stay_apart, fresh),
	    cmocka_unit_test_setup(what_is_not_known_folds_nothing, fresh),
	    cmocka_unit_test_setup(every_fact_is_in_one_place, fresh),
	    cmocka_unit_test(networks_are_told_by_endpoint),
	    cmocka_unit_test(names_go_both_ways),
	    cmocka_unit_test(roles_have_their_rights),
	    cmocka_unit_test(codes_are_those_of_the_standard),
	    cmocka_unit_test(a_code_counts_once_and_near_its_time),
	    cmocka_unit_test(samples_go_round),
	};
	int failed = cmocka_run_group_tests_name("desk", tests, NULL, NULL);
	free(list);
	return failed;
}
