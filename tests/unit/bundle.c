/* bundle.h, and whose signatures count: roots hand over to roots, one version after the other. */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/bundle.h"

#define TYPE ENVELOPE_TYPE_POLICY

enum { PEOPLE = 6 };

static char private_pem[PEOPLE][ENVELOPE_PEM_MAX], public_pem[PEOPLE][ENVELOPE_PEM_MAX];

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < PEOPLE; i++)
		if (envelope_key_generate(private_pem[i], public_pem[i]))
			return -1;
	return 0;
}

/* Roots of the people in `who`, "012"; those in capitals ("A" is 0) are one person, "same". */
static json_t *roots_tree(int version, int threshold, const char *who)
{
	json_t *keys = json_array();
	for (; *who; who++) {
		bool same = *who >= 'A';
		char name[] = {'p', same ? 's' : *who, '\0'};
		json_array_append_new(
		    keys, json_pack("{s:s, s:s}", "holder", name, "key", public_pem[*who - (same ? 'A' : '0')]));
	}
	return json_pack("{s:i, s:i, s:o}", "version", version, "threshold", threshold, "keys", keys);
}

static enum envelope_error parse(json_t *tree, struct envelope_roots *roots)
{
	char *text = json_dumps(tree, 0);
	json_decref(tree);
	enum envelope_error error = envelope_roots_parse(text, strlen(text), roots);
	free(text);
	return error;
}

static struct envelope_roots first_roots(void)
{
	struct envelope_roots roots;
	assert_int_equal(parse(roots_tree(1, 2, "012"), &roots), ENVELOPE_OK);
	return roots;
}

static char *sign(const char *type, const char *payload, const char *who)
{
	char *text = NULL;
	for (; *who; who++) {
		char *more;
		assert_int_equal(envelope_sign(text, type, (const uint8_t *)payload, strlen(payload),
					       private_pem[*who - '0'], &more),
				 0);
		free(text);
		text = more;
	}
	return text;
}

/* A link to version `version`, of the people in `next`, signed by `who`. */
static char *link_to(int version, const char *next, const char *who)
{
	char *payload;
	json_t *tree = roots_tree(version, 2, next);
	payload = json_dumps(tree, 0);
	json_decref(tree);
	char *link = sign(ENVELOPE_TYPE_ROOTS, payload, who);
	free(payload);
	return link;
}

/* "{}" signed by `who`, behind the chain of `links` (taken; NULL ends them); verified from `roots`. */
static enum envelope_error follow(struct envelope_roots *roots, const char *who, uint64_t first, char *one, char *two)
{
	const char *links[2] = {one, two};
	char *text, *envelope = sign(TYPE, "{}", who);
	uint8_t *payload;
	size_t size, count = (one != NULL) + (two != NULL);
	assert_int_equal(bundle_make(envelope, links, count, first, &text), 0);
	uint64_t before = roots->version;
	enum envelope_error error = bundle_verify(text, strlen(text), TYPE, roots, &payload, &size);
	assert_int_equal(error == ENVELOPE_OK, payload != NULL);
	if (error)
		assert_int_equal(roots->version, before);
	free(payload);
	free(text);
	free(envelope);
	free(one);
	free(two);
	return error;
}

static void a_plain_envelope_is_a_bundle(void **state)
{
	(void)state;
	struct envelope_roots roots = first_roots();
	uint8_t *payload;
	size_t size;
	char *text = sign(TYPE, "{}", "02");
	assert_int_equal(bundle_verify(text, strlen(text), TYPE, &roots, &payload, &size), ENVELOPE_OK);
	assert_int_equal(roots.version, 1);
	free(payload);
	free(text);
	assert_int_equal(follow(&roots, "02", 2, NULL, NULL), ENVELOPE_OK);
}

/* Person 2 leaves, 3 and 4 come: those who stay and those who come have signed. */
static void roots_hand_over(void **state)
{
	(void)state;
	struct envelope_roots roots = first_roots();
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "034", "013"), NULL), ENVELOPE_OK);
	assert_int_equal(roots.version, 2);
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "034", "013"), NULL), ENVELOPE_OK);
	assert_int_equal(follow(&roots, "45", 2, link_to(2, "034", "013"), link_to(3, "45", "3045")), ENVELOPE_OK);
	assert_int_equal(roots.version, 3);
}

static void who_has_left_does_not_count(void **state)
{
	(void)state;
	struct envelope_roots roots = first_roots();
	assert_int_equal(follow(&roots, "12", 2, link_to(2, "034", "013"), NULL), ENVELOPE_UNDER_THRESHOLD);
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "034", "013"), NULL), ENVELOPE_OK);
	assert_int_equal(follow(&roots, "12", 2, NULL, NULL), ENVELOPE_UNDER_THRESHOLD);
	assert_int_equal(follow(&roots, "02", 2, link_to(2, "034", "013"), NULL), ENVELOPE_UNDER_THRESHOLD);
}

static void both_sides_must_sign(void **state)
{
	(void)state;
	struct envelope_roots roots = first_roots();
	/* one of the old; none of the old; both of the old and one of the new */
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "034", "03"), NULL), ENVELOPE_UNDER_THRESHOLD);
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "345", "345"), NULL), ENVELOPE_UNDER_THRESHOLD);
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "345", "013"), NULL), ENVELOPE_UNDER_THRESHOLD);
	/* a lost key (2) is replaced by those who are left */
	assert_int_equal(follow(&roots, "05", 2, link_to(2, "015", "015"), NULL), ENVELOPE_OK);
}

static void versions_go_up_by_one(void **state)
{
	(void)state;
	struct envelope_roots roots = first_roots();
	assert_int_equal(follow(&roots, "34", 2, link_to(3, "034", "013"), NULL), ENVELOPE_ROOTS_SKIPPED);
	assert_int_equal(follow(&roots, "34", 3, link_to(3, "034", "013"), NULL), ENVELOPE_ROOTS_SKIPPED);
	assert_int_equal(follow(&roots, "34", 2, link_to(1, "034", "013"), NULL), ENVELOPE_ROOTS_SKIPPED);
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "034", "013"), link_to(2, "034", "034")),
			 ENVELOPE_ROOTS_SKIPPED);
	/* another version 2, replayed when a first one is in force: left aside, and its people do not count */
	assert_int_equal(follow(&roots, "34", 2, link_to(2, "034", "013"), NULL), ENVELOPE_OK);
	assert_int_equal(follow(&roots, "15", 2, link_to(2, "15", "15"), NULL), ENVELOPE_UNDER_THRESHOLD);
}

static void a_link_is_roots_and_nothing_else(void **state)
{
	(void)state;
	struct envelope_roots roots = first_roots();
	assert_int_equal(follow(&roots, "01", 2, sign(TYPE, "{}", "01"), NULL), ENVELOPE_WRONG_TYPE);
	assert_int_equal(follow(&roots, "01", 2, sign(ENVELOPE_TYPE_ROOTS, "{}", "01"), NULL), ENVELOPE_BAD_ROOTS);
	assert_int_equal(follow(&roots, "01", 2, strdup("{}"), NULL), ENVELOPE_MALFORMED);
}

static void one_person_counts_once(void **state)
{
	(void)state;
	struct envelope_roots roots;
	uint8_t *payload;
	size_t size;
	/* "A" and "B" are two keys of one person */
	assert_int_equal(parse(roots_tree(1, 2, "AB2"), &roots), ENVELOPE_OK);
	char *text = sign(TYPE, "{}", "01");
	assert_int_equal(envelope_verify(text, strlen(text), TYPE, &roots, &payload, &size), ENVELOPE_ONE_PERSON);
	free(text);
	text = sign(TYPE, "{}", "012");
	assert_int_equal(envelope_verify(text, strlen(text), TYPE, &roots, &payload, &size), ENVELOPE_OK);
	free(payload);
	free(text);
	text = sign(TYPE, "{}", "12");
	assert_int_equal(envelope_verify(text, strlen(text), TYPE, &roots, &payload, &size), ENVELOPE_OK);
	free(payload);
	free(text);
	/* two people cannot be asked for where there is one, and one key is not two people's */
	assert_int_equal(parse(roots_tree(1, 2, "AB"), &roots), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse(roots_tree(1, 2, "A01"), &roots), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse(roots_tree(1, 3, "AB2"), &roots), ENVELOPE_BAD_ROOTS);
	assert_int_equal(parse(roots_tree(0, 2, "012"), &roots), ENVELOPE_BAD_ROOTS);
}

static void bundles_are_read_strictly(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  "{",
					  "[]",
					  "{\"signed\": {}}",
					  "{\"signed\": {}, \"roots\": []}",
					  "{\"signed\": {}, \"roots\": {}, \"more\": 1}",
					  "{\"signed\": {}, \"roots\": {\"x\": {}}}"};
	struct envelope_roots roots = first_roots();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint8_t *payload;
		size_t size;
		if (!bundle_verify(bad[i], strlen(bad[i]), TYPE, &roots, &payload, &size))
			fail_msg("taken: %s", bad[i]);
		assert_null(payload);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_envelope_is_a_bundle), cmocka_unit_test(roots_hand_over),
	    cmocka_unit_test(who_has_left_does_not_count),  cmocka_unit_test(both_sides_must_sign),
	    cmocka_unit_test(versions_go_up_by_one),        cmocka_unit_test(a_link_is_roots_and_nothing_else),
	    cmocka_unit_test(one_person_counts_once),       cmocka_unit_test(bundles_are_read_strictly),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
