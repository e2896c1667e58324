/* connection.c: what haproxy says of connections, and nothing else. */
#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vpn/gateway/connection.h"

#define OPEN "open 1764000000000001 1764000000250 10.77.0.2 203.0.113.101:40001 198.51.100.10:443 bank_sekisho-demo"
static const char open_and_more[] = OPEN " more";

static void a_connection_is_read(void **state)
{
	(void)state;
	struct connection c;
	char text[ENDPOINT_SIZE];
	assert_int_equal(connection_parse(OPEN, &c), 0);
	assert_true(c.open);
	assert_int_equal(c.proxy_us, 1764000000000001);
	assert_int_equal(c.at_ms, 1764000000250);
	assert_int_equal(c.stick.s_addr, htonl(0x0a4d0002));
	connection_end_text(&c.source, text);
	assert_string_equal(text, "203.0.113.101:40001");
	connection_end_text(&c.destination, text);
	assert_string_equal(text, "198.51.100.10:443");
	assert_string_equal(c.bank, "sekisho-demo");
	assert_int_equal(connection_parse("end 2421 1 10.77.0.2 203.0.113.101:1 198.51.100.10:65535 bank_a", &c), 0);
	assert_false(c.open);
}

static void one_that_reached_nobody_is_no_connection(void **state)
{
	(void)state;
	struct connection c;
	assert_int_equal(connection_parse("end 0 1764000000250 10.77.0.2 -:- -:- sticks", &c), -ENODATA);
}

static void anything_else_is_refused(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "",
	    "open",
	    open_and_more,
	    "opened 1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_a",
	    "shut 1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_a",
	    "open -1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_a",
	    "open 1 +1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_a",
	    "open 1 99999999999999999999 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_a",
	    "open 1 1 10.77.0 203.0.113.101:1 198.51.100.10:443 bank_a",
	    "open 1 1 10.77.0.2 203.0.113.101 198.51.100.10:443 bank_a",
	    "open 1 1 10.77.0.2 203.0.113.101:0 198.51.100.10:443 bank_a",
	    "open 1 1 10.77.0.2 203.0.113.101:65536 198.51.100.10:443 bank_a",
	    "open 1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:4x3 bank_a",
	    "open 1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 a",
	    "open 1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_",
	    "open 1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_A'",
	    "open 1 1 10.77.0.2 203.0.113.101:1 198.51.100.10:443 bank_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "open 1 1 10.77.0.2 -:- -:- bank_a",
	};
	struct connection c;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (connection_parse(lines[i], &c) != -EBADMSG)
			fail_msg("taken: %s", lines[i]);
}

static void messages_keep_what_was_written(void **state)
{
	(void)state;
	uint8_t data[512];
	struct connection c, c_back;
	struct answer_about a = {.id = 7,
				 .verdict = ANSWER_STICK,
				 .stick = "ST-000001",
				 .image_version = "7",
				 .state = "up",
				 .image_in_order = true,
				 .since = 1,
				 .opened_ms = 2,
				 .closed_ms = 3},
			    a_back = {0};
	connection_parse(OPEN, &c);
	struct writer w = writer_over(data, CONNECTION_WIRE_MAX_BYTES);
	connection_write(&w, &c);
	struct reader r = reader_over(data, w.size);
	connection_read(&r, &c_back);
	assert_true(!w.failed && reader_done(&r));
	assert_int_equal(c_back.source.port, c.source.port);
	assert_string_equal(c_back.bank, c.bank);
	w = writer_over(data, ANSWER_WIRE_MAX_BYTES);
	answer_write(&w, &a);
	r = reader_over(data, w.size);
	answer_read(&r, &a_back);
	assert_true(!w.failed && reader_done(&r));
	assert_memory_equal(&a, &a_back, sizeof a);
	data[4] = ANSWER_VERDICTS; /* behind the id */
	r = reader_over(data, w.size);
	answer_read(&r, &a_back);
	assert_false(reader_done(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_connection_is_read),
	    cmocka_unit_test(one_that_reached_nobody_is_no_connection),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(messages_keep_what_was_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
