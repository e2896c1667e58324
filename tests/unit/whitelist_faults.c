/* whitelist_check(), gateways_check() and position.h: every fault at once, with its line and what to write instead. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signed.h"
#include "whitelist/gateways.h"
#include "whitelist/position.h"
#include "whitelist/whitelist.h"

enum { ROOM = 32 };

static struct whitelist_fault list[ROOM];
static struct whitelist_faults faults = {.list = list, .capacity = ROOM};

static int setup(void **state)
{
	(void)state;
	return signed_setup();
}

static char *text_of(json_t *tree)
{
	char *text = json_dumps(tree, JSON_INDENT(1));
	json_decref(tree);
	return text;
}

static int check(const char *text) { return whitelist_check((const uint8_t *)text, strlen(text), &faults); }

static const char *line_of(const char *text, size_t line)
{
	while (--line > 0 && (text = strchr(text, '\n')))
		text++;
	return text ? text : "";
}

/* The nth fault is `error` at `where`, in a line that has `seen`, and the advice has `instead`. */
static void expect(size_t nth, const char *text, enum whitelist_error error, const char *where, const char *seen,
		   const char *instead)
{
	const struct whitelist_fault *fault = &list[nth];
	if (nth >= faults.count || fault->error != error || strcmp(fault->path, where) != 0)
		fail_msg("fault %zu of %zu is %s at %s, not %s at %s", nth, faults.count,
			 whitelist_error_code(fault->error), fault->path, whitelist_error_code(error), where);
	const char *line = line_of(text, fault->line);
	const char *found = strstr(line, seen);
	if (!found || (size_t)(found - line) >= strcspn(line, "\n"))
		fail_msg("%s: line %zu has no %s: %.*s", where, fault->line, seen, (int)strcspn(line, "\n"), line);
	if (!strstr(fault->advice, instead))
		fail_msg("%s: the advice is: %s", where, fault->advice);
}

static void every_fault_is_told_at_once(void **state)
{
	(void)state;
	json_t *tree = signed_policy(1);
	signed_put(tree, "version", json_string("7"));
	signed_put(tree, "issued", json_string("2026/11/01"));
	signed_put(tree, "banks.0.hosts.0.name", json_string("https://WWW.alpha.example/x"));
	signed_put(tree, "banks.0.hosts.2.rolle", json_string("page"));
	signed_put(tree, "banks.0.hosts.2.role", NULL);
	signed_put(tree, "banks.0.hosts.2.ports", json_integer(443));
	signed_put(tree, "banks.1.id", json_string("Beta_Bank"));
	signed_put(tree, "banks.1.start", json_string("http://beta.example"));
	char *text = text_of(tree);
	assert_int_equal(check(text), -EINVAL);
	size_t n = 0;
	expect(n++, text, WHITELIST_WRONG_KIND, "version", "\"version\"", "write 7, without quotes");
	expect(n++, text, WHITELIST_BAD_DATE, "issued", "\"issued\"", "\"2026-11-01T00:00:00Z\"");
	expect(n++, text, WHITELIST_BAD_HOST, "banks[0].hosts[0].name", "https://WWW", "\"www.alpha.example\"");
	expect(n++, text, WHITELIST_MISSING, "banks[0].hosts[2].role", "{", "add \"role\": \"page\" or \"asset\"");
	expect(n++, text, WHITELIST_UNKNOWN_MEMBER, "banks[0].hosts[2].rolle", "\"rolle\"", "write \"role\"");
	expect(n++, text, WHITELIST_WRONG_KIND, "banks[0].hosts[2].ports", "\"ports\": 443", "[443]");
	expect(n++, text, WHITELIST_BAD_ID, "banks[1].id", "Beta_Bank", "\"beta-bank\"");
	expect(n++, text, WHITELIST_BAD_START, "banks[1].start", "http://beta", "\"https://beta.example/\"");
	assert_int_equal(faults.count, n);
	free(text);
}

/* One fault is not to bring a dozen others along: of the hosts under a bad certificate, of the page on a bad host. */
static void what_follows_from_a_fault_is_none(void **state)
{
	(void)state;
	json_t *tree = signed_policy(1);
	signed_put(tree, "authorities.root", json_string("-----BEGIN CERTIFICATE-----"));
	signed_put(tree, "banks.1.hosts.0.name", json_string("beta.example."));
	char *text = text_of(tree);
	assert_int_equal(check(text), -EINVAL);
	expect(0, text, WHITELIST_BAD_CERTIFICATE, "authorities.root", "\"root\"", "PEM");
	expect(1, text, WHITELIST_BAD_HOST, "banks[1].hosts[0].name", "beta.example.", "\"beta.example\"");
	assert_int_equal(faults.count, 2);
	free(text);
}

static void names_given_twice_are_all_told(void **state)
{
	(void)state;
	static const char text[] = "{ \"format\": 1,\n \"tenant\": \"a\",\n \"tenant\": \"b\",\n \"banks\": [ {\n"
				   "  \"id\": \"x\",\n  \"\\u0069d\": \"y\" } ] }";
	assert_int_equal(check(text), -EINVAL);
	expect(0, text, WHITELIST_DUPLICATE, "tenant", "\"b\"", "keep one");
	expect(1, text, WHITELIST_DUPLICATE, "banks[0].id", "\"y\"", "keep one");
	assert_true(faults.count > 2);
}

static void what_is_no_json_is_told_with_its_line(void **state)
{
	(void)state;
	assert_int_equal(check("{\n \"format\": 1,\n \"tenant\": demo\n}"), -EINVAL);
	assert_int_equal(faults.count, 1);
	assert_int_equal(list[0].error, WHITELIST_NOT_JSON);
	assert_int_equal(list[0].line, 3);
	assert_int_equal(check(""), -EINVAL);
	assert_int_equal(list[0].line, 1);
}

static void more_faults_than_room_are_counted(void **state)
{
	(void)state;
	json_t *tree = signed_policy(1);
	for (int i = 0; i < 2 * ROOM; i++) {
		char name[32];
		snprintf(name, sizeof name, "x%d", i);
		signed_put(tree, name, json_integer(1));
	}
	char *text = text_of(tree);
	assert_int_equal(check(text), -EINVAL);
	assert_int_equal(faults.count, 2 * ROOM);
	free(text);
}

static void gateways_are_checked_alike(void **state)
{
	(void)state;
	json_t *tree = signed_gateways(1);
	signed_put(tree, "gateways.0.addresses.0", json_string("gw.example:51820"));
	signed_put(tree, "gateways.0.control.port", json_integer(0));
	char *text = text_of(tree);
	assert_int_equal(gateways_check((uint8_t *)text, strlen(text), &faults), -EINVAL);
	expect(0, text, WHITELIST_BAD_ADDRESS, "gateways[0].addresses[0]", "gw.example", "203.0.113.11:51820");
	expect(1, text, WHITELIST_BAD_PORT, "gateways[0].control.port", "\"port\"", "8444");
	assert_int_equal(faults.count, 2);
	free(text);
}

static void nothing_is_told_of_what_is_good(void **state)
{
	(void)state;
	char *text = text_of(signed_policy(1));
	assert_int_equal(check(text), 0);
	assert_int_equal(faults.count, 0);
	free(text);
}

/* --- position.h alone --- */

static void expect_position(const char *text, const char *path, size_t line, size_t column)
{
	size_t found_line, found_column;
	position_in_lines(text, strlen(text), position_of_path(text, strlen(text), path), &found_line, &found_column);
	if (found_line != line || found_column != column)
		fail_msg("%s: %zu:%zu, not %zu:%zu", path, found_line, found_column, line, column);
}

static void paths_lead_to_lines(void **state)
{
	(void)state;
	static const char text[] = " {\n"
				   "\"a\": [1, {\"b]\": \"x}\"},\n"
				   "  [\"\\\"\", 3]],\n"
				   "\"a.b\": {\"c\": null}, \"名\": 1, \"z\": 2\n"
				   "}";
	expect_position(text, "", 1, 2);
	expect_position(text, "a", 2, 1);
	expect_position(text, "a[0]", 2, 7);
	expect_position(text, "a[1].b]", 2, 11);
	expect_position(text, "a[2]", 3, 3);
	expect_position(text, "a[2][1]", 3, 10);
	expect_position(text, "a[3]", 2, 1);
	expect_position(text, "a.b", 4, 1);
	expect_position(text, "a.b.c", 4, 9);
	expect_position(text, "z", 4, 29);
	expect_position(text, "none", 1, 2);
	expect_position(text, "a.b.none", 4, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_fault_is_told_at_once),
	    cmocka_unit_test(what_follows_from_a_fault_is_none),
	    cmocka_unit_test(names_given_twice_are_all_told),
	    cmocka_unit_test(what_is_no_json_is_told_with_its_line),
	    cmocka_unit_test(more_faults_than_room_are_counted),
	    cmocka_unit_test(gateways_are_checked_alike),
	    cmocka_unit_test(nothing_is_told_of_what_is_good),
	    cmocka_unit_test(paths_lead_to_lines),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
