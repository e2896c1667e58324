#include "tests/unit/unit.h"

#include <ares.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/broker_names.h"

enum { TYPE_AT = 12 + 18 };

/* A question for www.bank.example, as glibc sends it. */
static const uint8_t plain[] = "\x12\x34\x01\x20\0\1\0\0\0\0\0\0\3WWw\4bank\7example\0\0\1\0\1";
static const uint8_t edns[] =
    "\x12\x34\x01\x20\0\1\0\0\0\0\0\1\3www\4bank\7example\0\0\1\0\1\0\0\x29\x04\xd0\0\0\0\0\0\0";

static enum names_verdict read_exact(const uint8_t *data, size_t size, struct names_query *query)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	enum names_verdict verdict = names_read(copy, size, query);
	free(copy);
	return verdict;
}

static ares_dns_record_t *answer(const struct names_query *query, enum names_outcome outcome)
{
	uint8_t out[NAMES_ANSWER_MAX_BYTES];
	size_t size = 0;
	ares_dns_record_t *record = NULL;
	assert_int_equal(names_answer(query, outcome, out, &size), 0);
	assert_true(size <= 512); /* no client needs TCP or EDNS for ours */
	assert_int_equal(ares_dns_parse(out, size, 0, &record), ARES_SUCCESS);
	assert_int_equal(ares_dns_record_get_id(record), 0x1234);
	assert_true(ares_dns_record_get_flags(record) & ARES_FLAG_QR);
	return record;
}

static struct names_query ask_type(unsigned type)
{
	uint8_t data[sizeof plain - 1];
	struct names_query query;
	memcpy(data, plain, sizeof data);
	data[TYPE_AT] = (uint8_t)(type >> 8);
	data[TYPE_AT + 1] = (uint8_t)type;
	assert_int_equal(read_exact(data, sizeof data, &query), NAMES_ASK);
	assert_string_equal(query.host, "www.bank.example");
	assert_int_equal(query.type, type);
	return query;
}

static void a_listed_name_has_one_address(void **state)
{
	(void)state;
	struct names_query query = ask_type(1);
	ares_dns_record_t *record = answer(&query, NAMES_LISTED);
	const char *name;
	ares_dns_record_query_get(record, 0, &name, NULL, NULL);
	assert_string_equal(name, "WWw.bank.example"); /* the question comes back as it was asked */
	assert_int_equal(ares_dns_record_get_rcode(record), ARES_RCODE_NOERROR);
	assert_int_equal(ares_dns_record_rr_cnt(record, ARES_SECTION_ANSWER), 1);
	const ares_dns_rr_t *rr = ares_dns_record_rr_get_const(record, ARES_SECTION_ANSWER, 0);
	assert_int_equal(ares_dns_rr_get_type(rr), ARES_REC_TYPE_A);
	assert_int_equal(ntohl(ares_dns_rr_get_addr(rr, ARES_RR_A_ADDR)->s_addr), INADDR_LOOPBACK);
	assert_int_equal(ares_dns_rr_get_ttl(rr), NAMES_TTL_S);
	ares_dns_record_destroy(record);
}

static void a_listed_name_has_nothing_else(void **state)
{
	(void)state;
	static const unsigned types[] = {28, 65, 64, 5, 2, 16, 255, 0xff63};
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct names_query query = ask_type(types[i]);
		ares_dns_record_t *record = answer(&query, NAMES_LISTED);
		assert_int_equal(ares_dns_record_get_rcode(record), ARES_RCODE_NOERROR);
		assert_int_equal(ares_dns_record_rr_cnt(record, ARES_SECTION_ANSWER), 0);
		assert_int_equal(ares_dns_record_rr_cnt(record, ARES_SECTION_AUTHORITY), 1);
		ares_dns_record_destroy(record);
	}
}

static void an_unlisted_name_does_not_exist(void **state)
{
	(void)state;
	struct names_query query = ask_type(1);
	ares_dns_record_t *record = answer(&query, NAMES_REFUSED);
	assert_int_equal(ares_dns_record_get_rcode(record), ARES_RCODE_NXDOMAIN);
	assert_int_equal(ares_dns_record_rr_cnt(record, ARES_SECTION_ANSWER), 0);
	assert_int_equal(ares_dns_record_rr_cnt(record, ARES_SECTION_AUTHORITY), 1);
	ares_dns_record_destroy(record);
	record = answer(&query, NAMES_FAILED);
	assert_int_equal(ares_dns_record_get_rcode(record), ARES_RCODE_SERVFAIL);
	ares_dns_record_destroy(record);
}

static void edns_is_answered_with_edns(void **state)
{
	(void)state;
	struct names_query query;
	assert_int_equal(read_exact(edns, sizeof edns - 1, &query), NAMES_ASK);
	ares_dns_record_t *record = answer(&query, NAMES_LISTED);
	assert_int_equal(ares_dns_record_rr_cnt(record, ARES_SECTION_ADDITIONAL), 1);
	ares_dns_record_destroy(record);
}

static void a_name_that_is_no_host_name_does_not_exist(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
	} names[] = {
	    {"\0", 1},
	    {"\4_dns\3arp\0", 10},
	    {"\3a.b\3com\0", 9},
	    {"\003127\0010\0010\0011\0", 11},
	};
	static const uint8_t a_in[] = {0, 1, 0, 1};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		uint8_t data[64] = "\x12\x34\1\0\0\1\0\0\0\0\0\0";
		memcpy(data + 12, names[i].bytes, names[i].size);
		memcpy(data + 12 + names[i].size, a_in, sizeof a_in);
		struct names_query query;
		assert_int_equal(read_exact(data, 16 + names[i].size, &query), NAMES_ANSWER);
		assert_string_equal(query.host, "");
		ares_dns_record_t *record = answer(&query, NAMES_LISTED); /* even then */
		assert_int_equal(ares_dns_record_get_rcode(record), ARES_RCODE_NXDOMAIN);
		ares_dns_record_destroy(record);
	}
}

static void expect_bare(const uint8_t *data, size_t size, unsigned rcode)
{
	struct names_query query;
	uint8_t out[NAMES_ANSWER_MAX_BYTES];
	size_t out_size = 0;
	assert_int_equal(read_exact(data, size, &query), NAMES_ANSWER);
	assert_int_equal(names_answer(&query, NAMES_LISTED, out, &out_size), 0);
	assert_int_equal(out_size, 12);
	assert_memory_equal(out, "\x12\x34", 2);
	assert_int_equal(out[2] & 0x80, 0x80);
	assert_int_equal(out[3] & 15, rcode);
	assert_memory_equal(out + 4, "\0\0\0\0\0\0\0\0", 8);
}

static void a_malformed_question_is_a_format_error(void **state)
{
	(void)state;
	uint8_t data[64];
	for (size_t size = 12; size < sizeof plain - 1; size++)
		expect_bare(plain, size, ARES_RCODE_FORMERR);
	memcpy(data, plain, sizeof plain);
	expect_bare(data, sizeof plain, ARES_RCODE_FORMERR); /* a byte behind it */
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {{5, 0}, {5, 2}, {7, 1}, {9, 1}, {11, 1}, {12, 0xc0}, {12, 64}, {TYPE_AT + 3, 77}};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		memcpy(data, plain, sizeof plain);
		data[changes[i].at] = changes[i].value;
		expect_bare(data, sizeof plain - 1, ARES_RCODE_FORMERR);
	}
	memcpy(data, plain, sizeof plain);
	for (unsigned binary = 0; binary < 256; binary += 255) { /* inside a label */
		data[13] = (uint8_t)binary;
		expect_bare(data, sizeof plain - 1, ARES_RCODE_FORMERR);
	}
	memcpy(data, plain, sizeof plain);
	data[2] = 5 << 3; /* an update */
	expect_bare(data, sizeof plain - 1, ARES_RCODE_NOTIMP);
}

static void what_is_no_question_is_dropped(void **state)
{
	(void)state;
	uint8_t data[NAMES_QUERY_MAX_BYTES + 1] = {0};
	struct names_query query;
	for (size_t size = 0; size < 12; size++)
		assert_int_equal(read_exact(plain, size, &query), NAMES_DROP);
	memcpy(data, plain, sizeof plain);
	assert_int_equal(read_exact(data, sizeof data, &query), NAMES_DROP);
	data[2] |= 0x80; /* an answer */
	assert_int_equal(read_exact(data, sizeof plain - 1, &query), NAMES_DROP);
}

static void other_classes_are_refused(void **state)
{
	(void)state;
	uint8_t data[sizeof plain];
	struct names_query query;
	memcpy(data, plain, sizeof plain);
	data[TYPE_AT + 3] = 3; /* CHAOS */
	assert_int_equal(read_exact(data, sizeof plain - 1, &query), NAMES_ANSWER);
	ares_dns_record_t *record = answer(&query, NAMES_LISTED);
	assert_int_equal(ares_dns_record_get_rcode(record), ARES_RCODE_REFUSED);
	assert_int_equal(ares_dns_record_rr_cnt(record, ARES_SECTION_ANSWER), 0);
	ares_dns_record_destroy(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_listed_name_has_one_address),
	    cmocka_unit_test(a_listed_name_has_nothing_else),
	    cmocka_unit_test(an_unlisted_name_does_not_exist),
	    cmocka_unit_test(edns_is_answered_with_edns),
	    cmocka_unit_test(a_name_that_is_no_host_name_does_not_exist),
	    cmocka_unit_test(a_malformed_question_is_a_format_error),
	    cmocka_unit_test(what_is_no_question_is_dropped),
	    cmocka_unit_test(other_classes_are_refused),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
