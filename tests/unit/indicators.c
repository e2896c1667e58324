#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/agent_inquiry.h"
#include "whitelist/indicators.h"

struct faults {
	size_t count, lines[64];
	char first[256];
};

static void note(size_t line, const char *what, void *context)
{
	struct faults *faults = context;
	if (faults->count == 0)
		snprintf(faults->first, sizeof faults->first, "%s", what);
	if (faults->count < 64)
		faults->lines[faults->count] = line;
	faults->count++;
}

static uint8_t *build(struct indicator_list *list, struct indicators *indicators)
{
	uint8_t *data = NULL;
	size_t size = 0;
	assert_int_equal(indicator_list_build(list, 1795330000, &data, &size), 0);
	indicator_list_free(list);
	assert_int_equal(indicators_read(data, size, indicators), 0);
	assert_true(indicators_intact(indicators));
	return data;
}

static uint8_t *build_text(const char *text, struct indicators *indicators)
{
	struct faults faults = {0};
	size_t wrong = 0;
	struct indicator_list *list = indicator_list_new();
	assert_int_equal(indicator_list_add(list, text, strlen(text), INDICATOR_NONE, "list", note, &faults, &wrong),
			 0);
	assert_int_equal(wrong, 0);
	return build(list, indicators);
}

/* As a stick finds it out, from buckets alone; *questions counts them. */
static enum indicator_category ask(const struct indicators *indicators, const char *host, unsigned *questions)
{
	struct indicator_question question;
	enum indicator_category category;
	*questions = 0;
	if (indicator_ask(&question, host))
		return INDICATOR_NONE;
	for (;;) {
		size_t size;
		const uint8_t *bucket = indicators_bucket(indicators, indicator_prefix(&question), &size);
		++*questions;
		int settled = indicator_take(&question, bucket, size, &category);
		assert_true(settled >= 0);
		if (settled == 1)
			return category;
	}
}

/* Both ways of looking must agree. */
static void assert_is(const struct indicators *indicators, const char *host, enum indicator_category wanted)
{
	const char *source;
	unsigned questions;
	assert_int_equal(indicators_find(indicators, host, &source), wanted);
	assert_int_equal(ask(indicators, host, &questions), wanted);
}

static void a_name_stands_for_what_is_below_it(void **state)
{
	(void)state;
	struct indicators indicators;
	const char *source;
	uint8_t *data = build_text("# a list\n"
				   "bank-login.example phishing jpcert\n"
				   "Evil.Downloads.Example.,malware\r\n"
				   "*.wild.example malware other-list # why\n"
				   "\n"
				   "xn--bcher-kva.example\tphishing",
				   &indicators);
	assert_int_equal(indicators.count, 4);
	assert_is(&indicators, "bank-login.example", INDICATOR_PHISHING);
	assert_is(&indicators, "www.bank-login.example", INDICATOR_PHISHING);
	assert_is(&indicators, "a.b.c.d.bank-login.example", INDICATOR_PHISHING);
	assert_is(&indicators, "bank-login.example.net", INDICATOR_NONE);
	assert_is(&indicators, "notbank-login.example", INDICATOR_NONE);
	assert_is(&indicators, "evil.downloads.example", INDICATOR_MALWARE);
	assert_is(&indicators, "x.evil.downloads.example", INDICATOR_MALWARE);
	assert_is(&indicators, "downloads.example", INDICATOR_NONE);
	assert_is(&indicators, "other.downloads.example", INDICATOR_NONE);
	assert_is(&indicators, "wild.example", INDICATOR_MALWARE);
	assert_is(&indicators, "xn--bcher-kva.example", INDICATOR_PHISHING);
	assert_is(&indicators, "example", INDICATOR_NONE);
	assert_is(&indicators, "192.0.2.1", INDICATOR_NONE);
	assert_int_equal(indicators_find(&indicators, "a.bank-login.example", &source), INDICATOR_PHISHING);
	assert_string_equal(source, "jpcert");
	assert_int_equal(indicators_find(&indicators, "evil.downloads.example", &source), INDICATOR_MALWARE);
	assert_string_equal(source, "list");
	free(data);
}

static void what_is_listed_twice_is_taken_once(void **state)
{
	(void)state;
	struct indicators indicators;
	uint8_t *data = build_text("b.example malware one\na.example phishing one\nB.example. phishing two\n"
				   "x.a.example malware two\n",
				   &indicators);
	assert_int_equal(indicators.count, 3);
	assert_is(&indicators, "b.example", INDICATOR_MALWARE);
	assert_is(&indicators, "a.example", INDICATOR_PHISHING);
	assert_is(&indicators, "y.a.example", INDICATOR_PHISHING);
	assert_is(&indicators, "x.a.example", INDICATOR_MALWARE); /* the nearer one */
	free(data);
}

static void every_wrong_line_is_told(void **state)
{
	(void)state;
	static const char text[] = "good.example phishing\n"
				   "https://bad.example/login phishing\n"
				   "192.0.2.7 malware\n"
				   "2001:db8::1 malware\n"
				   "localhost phishing\n"
				   "co.jp phishing\n"
				   "under_score.example phishing\n"
				   "b\xc3\xbc"
				   "cher.example phishing\n"
				   "other.example spam\n"
				   "nothing.example\n"
				   "fine.example phishing l\xc3\xafste\n"
				   "many.example phishing source more\n"
				   "last.example malware";
	struct faults faults = {0};
	size_t wrong = 0;
	struct indicator_list *list = indicator_list_new();
	assert_int_equal(indicator_list_add(list, text, sizeof text - 1, INDICATOR_NONE, "l", note, &faults, &wrong),
			 0);
	assert_int_equal(wrong, 11);
	assert_int_equal(faults.count, 11);
	for (size_t i = 0; i < 11; i++)
		assert_int_equal(faults.lines[i], i + 2);
	assert_non_null(strstr(faults.first, "write the host alone"));
	/* a NUL, and a name that is too long */
	assert_int_equal(
	    indicator_list_add(list, "a\0b.example phishing", 20, INDICATOR_NONE, "l", note, &faults, &wrong), 0);
	assert_int_equal(wrong, 12);
	char longest[300];
	memset(longest, 'a', sizeof longest);
	for (size_t i = 50; i < sizeof longest; i += 50)
		longest[i] = '.';
	assert_int_equal(
	    indicator_list_add(list, longest, sizeof longest, INDICATOR_MALWARE, "l", note, &faults, &wrong), 0);
	assert_int_equal(wrong, 13);
	struct indicators indicators;
	uint8_t *data = build(list, &indicators);
	assert_int_equal(indicators.count, 2);
	free(data);
}

static void add_many(struct indicator_list *list, const char *below, int count)
{
	char line[128];
	struct faults faults = {0};
	size_t wrong = 0;
	for (int i = 0; i < count; i++) {
		int size = snprintf(line, sizeof line, "n%d.%s", i, below);
		assert_int_equal(
		    indicator_list_add(list, line, (size_t)size, INDICATOR_PHISHING, "many", note, &faults, &wrong), 0);
	}
	assert_int_equal(wrong, 0);
}

/* A shared host must neither make one answer huge nor get all its neighbours a bad name. */
static void crowded_sites_are_asked_about_deeper(void **state)
{
	(void)state;
	struct indicators indicators;
	unsigned questions;
	struct indicator_list *list = indicator_list_new();
	add_many(list, "sites.example", INDICATOR_CROWD_MAX + 1);
	add_many(list, "deep.sites.example", INDICATOR_CROWD_MAX + 1);
	add_many(list, "quiet.example", INDICATOR_CROWD_MAX);
	struct faults faults = {0};
	size_t wrong = 0;
	static const char itself[] = "sites.example malware\n";
	assert_int_equal(
	    indicator_list_add(list, itself, sizeof itself - 1, INDICATOR_NONE, "l", note, &faults, &wrong), 0);
	uint8_t *data = build(list, &indicators);
	assert_int_equal(indicators.count, 3 * INDICATOR_CROWD_MAX + 2 + 1 + 2);

	assert_int_equal(ask(&indicators, "n7.sites.example", &questions), INDICATOR_PHISHING);
	assert_int_equal(questions, 2);
	assert_int_equal(ask(&indicators, "a.n7.deep.sites.example", &questions), INDICATOR_PHISHING);
	assert_int_equal(questions, 3);
	assert_int_equal(ask(&indicators, "n7.quiet.example", &questions), INDICATOR_PHISHING);
	assert_int_equal(questions, 1);
	assert_is(&indicators, "sites.example", INDICATOR_MALWARE);
	assert_is(&indicators, "neighbour.sites.example", INDICATOR_NONE);
	assert_is(&indicators, "deep.sites.example", INDICATOR_NONE);
	assert_is(&indicators, "neighbour.deep.sites.example", INDICATOR_NONE);
	assert_is(&indicators, "x.n600.sites.example", INDICATOR_NONE);
	assert_is(&indicators, "x.n512.sites.example", INDICATOR_PHISHING);
	size_t size, largest = 0;
	for (unsigned prefix = 0; prefix < INDICATOR_BUCKETS; prefix++) {
		indicators_bucket(&indicators, prefix, &size);
		largest = size > largest ? size : largest;
	}
	assert_true(largest < (INDICATOR_CROWD_MAX + 64) * INDICATOR_ENTRY_BYTES);
	free(data);
}

static void a_damaged_file_is_refused(void **state)
{
	(void)state;
	struct indicators indicators, again;
	uint8_t *data = build_text("a.example phishing\nb.example malware\n", &indicators);
	const size_t size = indicators.size;
	uint8_t *copy = malloc(size + 1);
	memcpy(copy, data, size);
	assert_int_equal(indicators_read(copy, size - 1, &again), -EBADMSG);
	copy[size] = 0;
	assert_int_equal(indicators_read(copy, size + 1, &again), -EBADMSG);
	assert_int_equal(indicators_read(copy, 0, &again), -EBADMSG);
	copy[0] ^= 1;
	assert_int_equal(indicators_read(copy, size, &again), -EBADMSG);
	copy[0] ^= 1;
	copy[8] ^= 1; /* the count */
	assert_int_equal(indicators_read(copy, size, &again), -EBADMSG);
	copy[8] ^= 1;
	copy[size - 1] ^= 1; /* a source: no look-up leaves the file, and the digest tells */
	assert_int_equal(indicators_read(copy, size, &again), 0);
	assert_false(indicators_intact(&again));
	free(copy);
	free(data);
}

static void a_file_is_mapped(void **state)
{
	(void)state;
	char path[] = "/tmp/indicators.XXXXXX";
	struct indicators indicators, mapped;
	uint8_t *data = build_text("a.example phishing\n", &indicators);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(indicators_map(fd, &mapped), -ENODATA);
	assert_int_equal(write(fd, data, indicators.size), indicators.size);
	assert_int_equal(indicators_map(fd, &mapped), 0);
	close(fd);
	unlink(path);
	assert_is(&mapped, "x.a.example", INDICATOR_PHISHING);
	indicators_unmap(&mapped);
	const char *source;
	assert_int_equal(indicators_find(&mapped, "a.example", &source), INDICATOR_NONE);
	free(data);
}

/* --- what the agent makes of it --- */

static void an_answer_settles_and_is_remembered(void **state)
{
	(void)state;
	static struct inquirer q;
	struct indicators indicators;
	enum indicator_category category;
	char host[WHITELIST_HOST_BYTES];
	int64_t wait;
	size_t size;
	q = (struct inquirer){0};
	uint8_t *data = build_text("bad.example phishing\n", &indicators);
	assert_int_equal(inquiry_add(&q, "www.bad.example", 1000, &category), 0);
	assert_int_equal(inquiry_add(&q, "www.bad.example", 1000, &category), 0);
	assert_int_equal(inquiry_add(&q, "not a host", 1000, &category), -EINVAL);
	assert_int_equal(q.count, 1);
	int prefix = inquiry_next(&q, 1000, &wait);
	assert_true(prefix >= 0);
	assert_int_equal(inquiry_next(&q, 1000, &wait), -EAGAIN); /* one at a time */
	assert_int_equal(wait, -1);
	const uint8_t *bucket = indicators_bucket(&indicators, (unsigned)prefix, &size);
	assert_int_equal(inquiry_answer(&q, bucket, size, 1100, host, &category), 1);
	assert_string_equal(host, "www.bad.example");
	assert_int_equal(category, INDICATOR_PHISHING);
	assert_int_equal(inquiry_add(&q, "www.bad.example", 1200, &category), 1);
	assert_int_equal(category, INDICATOR_PHISHING);
	assert_int_equal(inquiry_next(&q, 1200, &wait), -EAGAIN);
	assert_int_equal(inquiry_add(&q, "www.bad.example", 1100 + INQUIRY_REMEMBER_MS, &category), 0);
	/* an answer nobody asked for, and one that is none */
	assert_int_equal(inquiry_answer(&q, bucket, size, 1300, host, &category), -EBADMSG);
	assert_true(inquiry_next(&q, 1300, &wait) >= 0);
	assert_int_equal(inquiry_answer(&q, bucket, 7, 1300, host, &category), -EBADMSG);
	assert_int_equal(q.count, 0);
	free(data);
}

static void questions_are_bounded(void **state)
{
	(void)state;
	static struct inquirer q;
	enum indicator_category category;
	char host[WHITELIST_HOST_BYTES];
	int64_t wait;
	q = (struct inquirer){0};
	int taken = 0, asked = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(host, sizeof host, "h%d.example", i);
		taken += inquiry_add(&q, host, 5000, &category) == 0;
	}
	assert_int_equal(taken, INQUIRY_WAITING_MAX);
	while (inquiry_next(&q, 5000, &wait) >= 0) {
		asked++;
		assert_int_equal(inquiry_answer(&q, NULL, 0, 5000, host, &category), 1);
		assert_int_equal(category, INDICATOR_NONE);
	}
	assert_int_equal(asked, INQUIRY_BURST);
	assert_int_equal(wait, INQUIRY_REFILL_MS);
	assert_true(inquiry_next(&q, 5000 + INQUIRY_REFILL_MS, &wait) >= 0);
	inquiry_failed(&q, false, 7000); /* only this one is given up */
	assert_int_equal(q.count, INQUIRY_WAITING_MAX - INQUIRY_BURST - 1);
	assert_true(inquiry_next(&q, 60000, &wait) >= 0);
	inquiry_failed(&q, true, 60000); /* nobody there who knows: silence for a while */
	assert_int_equal(q.count, 0);
	assert_int_equal(inquiry_add(&q, "x.example", 61000, &category), -EAGAIN);
	assert_int_equal(inquiry_add(&q, "x.example", 60000 + INQUIRY_NO_LIST_MS, &category), 0);
}

static void replies_are_read_strictly(void **state)
{
	(void)state;
	static uint8_t entries[INQUIRY_ENTRIES_MAX_BYTES];
	static const char *const wrong_ones[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"entries\":7}",
	    "{\"entries\":\"AAAA\"}",
	    "{\"entries\":\"****\"}",
	    "{\"entries\":\"\",\"entries\":\"\"}",
	};
	const char *wrong;
	size_t size;
	for (size_t i = 0; i < sizeof wrong_ones / sizeof wrong_ones[0]; i++) {
		assert_int_equal(inquiry_read(wrong_ones[i], strlen(wrong_ones[i]), entries, &size, &wrong), -EINVAL);
		assert_non_null(wrong);
		assert_int_equal(size, 0);
	}
	static const char good[] = "{\"entries\":\"AQIDBAUGBwg=\",\"later\":1}";
	assert_int_equal(inquiry_read(good, sizeof good - 1, entries, &size, &wrong), 0);
	assert_int_equal(size, 8);
	char *text = inquiry_write(4095);
	assert_string_equal(text, "{\"prefix\":4095}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_stands_for_what_is_below_it),
	    cmocka_unit_test(what_is_listed_twice_is_taken_once),
	    cmocka_unit_test(every_wrong_line_is_told),
	    cmocka_unit_test(crowded_sites_are_asked_about_deeper),
	    cmocka_unit_test(a_damaged_file_is_refused),
	    cmocka_unit_test(a_file_is_mapped),
	    cmocka_unit_test(an_answer_settles_and_is_remembered),
	    cmocka_unit_test(questions_are_bounded),
	    cmocka_unit_test(replies_are_read_strictly),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
