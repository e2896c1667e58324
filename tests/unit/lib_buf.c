#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "firmware/lib/buf.h"

static void what_is_written_reads_back(void **state)
{
	(void)state;
	uint8_t data[64];
	struct writer w = writer_over(data, sizeof data);
	write_u8(&w, 0xfe);
	write_u16(&w, 0xbeef);
	write_u32(&w, 0xdeadbeef);
	write_u64(&w, 0x0123456789abcdef);
	write_str(&w, "関所");
	assert_false(w.failed);
	/* little-endian on the wire, whatever the machine is */
	assert_int_equal(data[1], 0xef);
	assert_int_equal(data[2], 0xbe);

	struct reader r = reader_over(data, w.size);
	char text[16];
	assert_int_equal(read_u8(&r), 0xfe);
	assert_int_equal(read_u16(&r), 0xbeef);
	assert_int_equal(read_u32(&r), 0xdeadbeef);
	assert_true(read_u64(&r) == 0x0123456789abcdef);
	read_str(&r, text, sizeof text);
	assert_string_equal(text, "関所");
	assert_true(reader_done(&r));
}

static void a_writer_never_passes_its_end(void **state)
{
	(void)state;
	uint8_t data[9];
	memset(data, 0xaa, sizeof data);
	struct writer w = writer_over(data, 8);
	write_u32(&w, 1);
	write_str(&w, "x"); /* needs five, has four */
	assert_true(w.failed);
	assert_int_equal(data[8], 0xaa);
	write_u8(&w, 1);
	assert_int_equal(w.size, 8); /* the string's size went in, nothing after the failure did */
}

static void a_reader_refuses_every_truncation(void **state)
{
	(void)state;
	uint8_t data[32];
	struct writer w = writer_over(data, sizeof data);
	write_u16(&w, 7);
	write_str(&w, "abcdef");
	for (size_t size = 0; size < w.size; size++) {
		struct reader r = reader_over(data, size);
		char text[16];
		read_u16(&r);
		read_str(&r, text, sizeof text);
		assert_false(reader_done(&r));
		assert_string_equal(text, "");
	}
}

static void a_string_must_fit_and_hold_no_nul(void **state)
{
	(void)state;
	uint8_t data[32];
	char text[4];
	struct writer w = writer_over(data, sizeof data);
	write_str(&w, "abcd"); /* four and the NUL do not fit in four */
	struct reader r = reader_over(data, w.size);
	read_str(&r, text, sizeof text);
	assert_true(r.failed);

	w = writer_over(data, sizeof data);
	write_blob(&w, "a\0b", 3);
	r = reader_over(data, w.size);
	read_str(&r, text, sizeof text);
	assert_true(r.failed);
}

static void left_over_bytes_are_not_done(void **state)
{
	(void)state;
	struct reader r = reader_over("\1\2", 2);
	read_u8(&r);
	assert_false(reader_done(&r));
}

static void a_buffer_grows_to_its_limit_only(void **state)
{
	(void)state;
	struct buf b = {0};
	uint8_t kilobyte[1000] = {1};
	for (int i = 0; i < 10; i++)
		assert_int_equal(buf_append(&b, kilobyte, sizeof kilobyte, 10000), 0);
	assert_int_equal(buf_append(&b, kilobyte, 1, 10000), -EFBIG);
	assert_int_equal(b.size, 10000);
	buf_consume(&b, 9999);
	assert_int_equal(b.size, 1);
	buf_free(&b);
	assert_null(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_reads_back),        cmocka_unit_test(a_writer_never_passes_its_end),
	    cmocka_unit_test(a_reader_refuses_every_truncation), cmocka_unit_test(a_string_must_fit_and_hold_no_nul),
	    cmocka_unit_test(left_over_bytes_are_not_done),      cmocka_unit_test(a_buffer_grows_to_its_limit_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
