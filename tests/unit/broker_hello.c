#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/broker_hello.h"

struct bytes {
	uint8_t data[65536];
	size_t size;
};

static void put(struct bytes *b, const void *data, size_t size)
{
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

static void put_integer(struct bytes *b, unsigned value, size_t bytes)
{
	for (size_t i = bytes; i > 0; i--)
		b->data[b->size++] = (uint8_t)(value >> (8 * (i - 1)));
}

static void put_vector(struct bytes *b, const struct bytes *content, size_t length_bytes)
{
	put_integer(b, (unsigned)content->size, length_bytes);
	put(b, content->data, content->size);
}

static void put_extension(struct bytes *b, unsigned type, const struct bytes *body)
{
	put_integer(b, type, 2);
	put_vector(b, body, 2);
}

static void put_name(struct bytes *extensions, unsigned type, const char *name, size_t size, const char *second)
{
	static struct bytes list, body;
	list.size = body.size = 0;
	put_integer(&list, type, 1);
	put_integer(&list, (unsigned)size, 2);
	put(&list, name, size);
	if (second) {
		put_integer(&list, 0, 1);
		put_integer(&list, (unsigned)strlen(second), 2);
		put(&list, second, strlen(second));
	}
	put_vector(&body, &list, 2);
	put_extension(extensions, 0, &body);
}

static void put_protocol(struct bytes *list, const char *name, size_t size)
{
	put_integer(list, (unsigned)size, 1);
	put(list, name, size);
}

static void put_protocols(struct bytes *extensions, const struct bytes *list)
{
	static struct bytes body;
	body.size = 0;
	put_vector(&body, list, 2);
	put_extension(extensions, 16, &body);
}

static void put_versions(struct bytes *extensions, const unsigned *versions, size_t count)
{
	static struct bytes list, body;
	list.size = body.size = 0;
	for (size_t i = 0; i < count; i++)
		put_integer(&list, versions[i], 2);
	put_vector(&body, &list, 1);
	put_extension(extensions, 43, &body);
}

/* The handshake message around the extensions; NULL: a hello that ends before them. */
static void make_message(struct bytes *message, const struct bytes *extensions, unsigned version)
{
	static struct bytes body;
	body.size = 0;
	put_integer(&body, version, 2);
	for (unsigned i = 0; i < 32; i++)
		put_integer(&body, i, 1);
	put_integer(&body, 0, 1);
	put_integer(&body, 2, 2);
	put_integer(&body, 0x1301, 2);
	put_integer(&body, 1, 1);
	put_integer(&body, 0, 1);
	if (extensions)
		put_vector(&body, extensions, 2);
	message->size = 0;
	put_integer(message, 1, 1);
	put_vector(message, &body, 3);
}

static void put_records(struct bytes *out, const struct bytes *message, size_t fragment)
{
	for (size_t at = 0; at < message->size; at += fragment) {
		size_t size = message->size - at < fragment ? message->size - at : fragment;
		put_integer(out, 22, 1);
		put_integer(out, 0x0301, 2);
		put_integer(out, (unsigned)size, 2);
		put(out, message->data + at, size);
	}
}

static void frame(struct bytes *out, const struct bytes *extensions, unsigned version, size_t fragment)
{
	static struct bytes message;
	make_message(&message, extensions, version);
	out->size = 0;
	put_records(out, &message, fragment);
}

static void good_extensions(struct bytes *extensions)
{
	static struct bytes protocols;
	static const unsigned versions[] = {0x0304, 0x0303};
	extensions->size = protocols.size = 0;
	put_name(extensions, 0, "WWW.Bank.example", 16, NULL);
	put_protocol(&protocols, "h2", 2);
	put_protocol(&protocols, "http/1.1", 8);
	put_protocols(extensions, &protocols);
	put_versions(extensions, versions, 2);
}

static enum hello_result parse(const struct bytes *wire, struct hello *hello)
{
	/* a copy of the exact size, so that the address sanitizer sees a read behind it */
	uint8_t *copy = malloc(wire->size + 1);
	memcpy(copy, wire->data, wire->size);
	uint8_t *exact = realloc(copy, wire->size ? wire->size : 1);
	enum hello_result result = hello_parse(exact, wire->size, hello);
	free(exact);
	return result;
}

static enum hello_result parse_extensions(const struct bytes *extensions, struct hello *hello)
{
	static struct bytes wire;
	frame(&wire, extensions, 0x0303, HELLO_MESSAGE_MAX_BYTES);
	return parse(&wire, hello);
}

static enum hello_result parse_name(const char *name, size_t size)
{
	static struct bytes extensions;
	struct hello hello;
	extensions.size = 0;
	put_name(&extensions, 0, name, size, NULL);
	return parse_extensions(&extensions, &hello);
}

static void a_browser_hello_gives_name_protocols_and_versions(void **state)
{
	(void)state;
	static struct bytes extensions;
	struct hello hello;
	good_extensions(&extensions);
	assert_int_equal(parse_extensions(&extensions, &hello), HELLO_OK);
	assert_string_equal(hello.host, "www.bank.example");
	assert_int_equal(hello.protocol_count, 2);
	assert_string_equal(hello.protocols[0], "h2");
	assert_string_equal(hello.protocols[1], "http/1.1");
	assert_true(hello.tls12);
	assert_true(hello.tls13);
}

static void every_truncation_asks_for_more(void **state)
{
	(void)state;
	static struct bytes extensions, wire;
	struct hello hello;
	good_extensions(&extensions);
	frame(&wire, &extensions, 0x0303, HELLO_MESSAGE_MAX_BYTES);
	size_t whole = wire.size;
	for (wire.size = 0; wire.size < whole; wire.size++) {
		assert_int_equal(parse(&wire, &hello), HELLO_MORE);
		assert_string_equal(hello.host, "");
	}
	assert_int_equal(parse(&wire, &hello), HELLO_OK);
}

static void a_hello_split_over_records_reads_the_same(void **state)
{
	(void)state;
	static struct bytes extensions, wire;
	struct hello hello;
	good_extensions(&extensions);
	for (size_t fragment = 8; fragment < 200; fragment++) {
		frame(&wire, &extensions, 0x0303, fragment);
		size_t whole = wire.size;
		assert_int_equal(parse(&wire, &hello), HELLO_OK);
		assert_string_equal(hello.host, "www.bank.example");
		for (wire.size = 0; wire.size < whole; wire.size += 7)
			assert_int_equal(parse(&wire, &hello), HELLO_MORE);
	}
	frame(&wire, &extensions, 0x0303, 1);
	assert_int_equal(parse(&wire, &hello), HELLO_TOO_LARGE); /* a record for each byte is no browser */
}

static void bytes_of_a_later_record_are_left_alone(void **state)
{
	(void)state;
	static struct bytes extensions, wire;
	struct hello hello;
	good_extensions(&extensions);
	frame(&wire, &extensions, 0x0303, HELLO_MESSAGE_MAX_BYTES);
	put(&wire, "\x17\x03\x03\x00\x01x", 6);
	assert_int_equal(parse(&wire, &hello), HELLO_OK);
}

static void bytes_behind_the_message_in_its_record_are_refused(void **state)
{
	(void)state;
	static struct bytes extensions, message, wire;
	struct hello hello;
	good_extensions(&extensions);
	make_message(&message, &extensions, 0x0303);
	put(&message, "\1", 1);
	wire.size = 0;
	put_records(&wire, &message, HELLO_MESSAGE_MAX_BYTES);
	assert_int_equal(parse(&wire, &hello), HELLO_MALFORMED);
}

static void what_is_not_tls_is_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
		enum hello_result result;
	} cases[] = {
	    {"", 0, HELLO_MORE},
	    {"GET / HTTP/1.1\r\n\r\n", 18, HELLO_NOT_TLS},
	    {"\0\0\0\0\0", 5, HELLO_NOT_TLS},
	    {"\x80\x2e\x01\x03\x01", 5, HELLO_SSL2},
	    {"\x80\x2e\x02\x03\x01", 5, HELLO_NOT_TLS},
	    {"\x16\x02\x00\x00\x05", 5, HELLO_NOT_TLS},
	    {"\x17\x03\x03\x00\x05", 5, HELLO_NOT_TLS},
	    {"\x16\x03\x01\x00\x00", 5, HELLO_MALFORMED},           /* an empty record */
	    {"\x16\x03\x01\x40\x01", 5, HELLO_TOO_LARGE},           /* a record over 2^14 */
	    {"\x16\x03\x01\x00\x04\x02\0\0\0", 9, HELLO_MALFORMED}, /* a ServerHello */
	    {"\x16\x03\x01\x00\x04\x01\x00\x40\x00", 9, HELLO_TOO_LARGE},
	    {"\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, HELLO_MALFORMED}, /* an empty ClientHello */
	};
	struct hello hello;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(hello_parse((const uint8_t *)cases[i].bytes, cases[i].size, &hello), cases[i].result);
}

static void exactly_one_name_is_wanted(void **state)
{
	(void)state;
	static struct bytes extensions;
	struct hello hello;
	extensions.size = 0;
	put_extension(&extensions, 23, &(struct bytes){.size = 0});
	assert_int_equal(parse_extensions(&extensions, &hello), HELLO_NO_NAME);
	assert_int_equal(parse_extensions(NULL, &hello), HELLO_NO_NAME);

	extensions.size = 0;
	put_name(&extensions, 0, "www.bank.example", 16, "phish.example");
	assert_int_equal(parse_extensions(&extensions, &hello), HELLO_SEVERAL_NAMES);

	extensions.size = 0;
	put_name(&extensions, 1, "www.bank.example", 16, NULL);
	assert_int_equal(parse_extensions(&extensions, &hello), HELLO_SEVERAL_NAMES);

	good_extensions(&extensions);
	put_name(&extensions, 0, "phish.example", 13, NULL);
	assert_int_equal(parse_extensions(&extensions, &hello), HELLO_MALFORMED); /* the extension twice */
	assert_string_equal(hello.host, "");
}

static void names_are_checked(void **state)
{
	(void)state;
	char long_name[300];
	memset(long_name, 'a', sizeof long_name);
	assert_int_equal(parse_name("xn--lckwg.example", 17), HELLO_OK);
	assert_int_equal(parse_name("", 0), HELLO_BAD_NAME);
	assert_int_equal(parse_name("www.bank.example.", 17), HELLO_BAD_NAME);
	assert_int_equal(parse_name("www..example", 12), HELLO_BAD_NAME);
	assert_int_equal(parse_name("-www.example", 12), HELLO_BAD_NAME);
	assert_int_equal(parse_name("www\0.example", 12), HELLO_BAD_NAME);
	assert_int_equal(parse_name("*.bank.example", 14), HELLO_BAD_NAME);
	assert_int_equal(parse_name("ba_nk.example", 13), HELLO_BAD_NAME);
	assert_int_equal(parse_name("b\xc3\xa4nk.example", 13), HELLO_BAD_NAME);
	assert_int_equal(parse_name(long_name, 64), HELLO_BAD_NAME);
	assert_int_equal(parse_name(long_name, sizeof long_name), HELLO_BAD_NAME);
	assert_int_equal(parse_name("198.51.100.10", 13), HELLO_ADDRESS);
	assert_int_equal(parse_name("2130706433", 10), HELLO_ADDRESS);
	assert_int_equal(parse_name("0x7f000001", 10), HELLO_ADDRESS);
	assert_int_equal(parse_name("2001:db8::1", 11), HELLO_ADDRESS);
}

static void protocols_must_be_ones_that_can_be_offered_on(void **state)
{
	(void)state;
	static struct bytes extensions, list;
	struct hello hello;
	static const struct {
		const char *name;
		size_t size;
		int times;
		enum hello_result result;
	} cases[] = {
	    {"h2", 2, 1, HELLO_OK},
	    {"\x0a\x0a", 2, 1, HELLO_OK}, /* GREASE, RFC 8701 */
	    {"h2", 2, HELLO_PROTOCOLS_MAX, HELLO_OK},
	    {"h2", 2, HELLO_PROTOCOLS_MAX + 1, HELLO_BAD_PROTOCOLS},
	    {"", 0, 1, HELLO_BAD_PROTOCOLS},
	    {"h\0002", 3, 1, HELLO_BAD_PROTOCOLS},
	    {"0123456789012345678901234567890123", 34, 1, HELLO_BAD_PROTOCOLS},
	    {"", 0, 0, HELLO_MALFORMED}, /* an empty list */
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		extensions.size = list.size = 0;
		put_name(&extensions, 0, "www.bank.example", 16, NULL);
		for (int n = 0; n < cases[i].times; n++)
			put_protocol(&list, cases[i].name, cases[i].size);
		put_protocols(&extensions, &list);
		assert_int_equal(parse_extensions(&extensions, &hello), cases[i].result);
	}
}

static void old_versions_are_refused(void **state)
{
	(void)state;
	static struct bytes extensions, wire;
	static const unsigned old[] = {0x0302, 0x0301}, grease[] = {0x0a0a, 0x0304};
	struct hello hello;
	extensions.size = 0;
	put_name(&extensions, 0, "www.bank.example", 16, NULL);
	frame(&wire, &extensions, 0x0302, HELLO_MESSAGE_MAX_BYTES);
	assert_int_equal(parse(&wire, &hello), HELLO_OLD);
	frame(&wire, &extensions, 0x0303, HELLO_MESSAGE_MAX_BYTES);
	assert_int_equal(parse(&wire, &hello), HELLO_OK);
	assert_true(hello.tls12 && !hello.tls13);

	put_versions(&extensions, old, 2); /* the list counts, not the field before it */
	assert_int_equal(parse_extensions(&extensions, &hello), HELLO_OLD);
	extensions.size = 0;
	put_name(&extensions, 0, "www.bank.example", 16, NULL);
	put_versions(&extensions, grease, 2);
	assert_int_equal(parse_extensions(&extensions, &hello), HELLO_OK);
	assert_true(!hello.tls12 && hello.tls13);
}

/* Any one byte changed never reads outside the input (the sanitizers watch) and never invents a second name. */
static void a_changed_byte_is_survived(void **state)
{
	(void)state;
	static struct bytes extensions, wire;
	struct hello hello;
	good_extensions(&extensions);
	frame(&wire, &extensions, 0x0303, HELLO_MESSAGE_MAX_BYTES);
	for (size_t at = 0; at < wire.size; at++) {
		uint8_t was = wire.data[at];
		for (unsigned value = 0; value < 256; value++) {
			wire.data[at] = (uint8_t)value;
			enum hello_result result = parse(&wire, &hello);
			assert_true((result == HELLO_OK) == (hello.host[0] != '\0'));
		}
		wire.data[at] = was;
	}
}

static void each_result_has_its_words(void **state)
{
	(void)state;
	for (int i = 0; i < HELLO_RESULT_COUNT; i++)
		assert_non_null(hello_text((enum hello_result)i));
	assert_string_equal(hello_text((enum hello_result)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_browser_hello_gives_name_protocols_and_versions),
	    cmocka_unit_test(every_truncation_asks_for_more),
	    cmocka_unit_test(a_hello_split_over_records_reads_the_same),
	    cmocka_unit_test(bytes_of_a_later_record_are_left_alone),
	    cmocka_unit_test(bytes_behind_the_message_in_its_record_are_refused),
	    cmocka_unit_test(what_is_not_tls_is_told_apart),
	    cmocka_unit_test(exactly_one_name_is_wanted),
	    cmocka_unit_test(names_are_checked),
	    cmocka_unit_test(protocols_must_be_ones_that_can_be_offered_on),
	    cmocka_unit_test(old_versions_are_refused),
	    cmocka_unit_test(a_changed_byte_is_survived),
	    cmocka_unit_test(each_result_has_its_words),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
