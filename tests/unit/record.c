#include "firmware/boot/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define KEY_A               "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B               "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
#define MEMBER(name, value) "\"" name "\":\"" value "\""
#define DEVICE              MEMBER("device", "ST-000001")
#define TENANT              MEMBER("tenant", "demo")
#define WG                  MEMBER("wireguard_key", KEY_A)
#define ADDR                MEMBER("address", "10.77.0.2/32")
#define GATES               MEMBER("gateways", "{}")
#define MKEY                MEMBER("mutable_key", KEY_B)
#define GOOD                "{\"format\":1," DEVICE "," TENANT "," WG "," ADDR "," GATES "," MKEY "}"

static int new_device(void)
{
	int fd = memfd_create("record", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(record_create(fd, GOOD, strlen(GOOD)), RECORD_OK);
	return fd;
}

static void test_every_member_is_checked(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		enum record_error expected;
	} cases[] = {
	    {GOOD, RECORD_OK},
	    {"", RECORD_NOT_JSON},
	    {"[]", RECORD_NOT_JSON},
	    {"{\"format\":1", RECORD_NOT_JSON},
	    {"{\"format\":1,\"format\":1}", RECORD_NOT_JSON},
	    {"{}", RECORD_FORMAT},
	    {"{\"format\":2," DEVICE "," TENANT "," WG "," ADDR "," GATES "," MKEY "}", RECORD_FORMAT},
	    {"{\"format\":1," TENANT "," WG "," ADDR "," GATES "," MKEY "}", RECORD_DEVICE},
	    {"{\"format\":1," MEMBER("device", "st 1") "," TENANT "," WG "," ADDR "," GATES "," MKEY "}",
	     RECORD_DEVICE},
	    {"{\"format\":1," DEVICE "," MEMBER("tenant", "") "," WG "," ADDR "," GATES "," MKEY "}", RECORD_TENANT},
	    {"{\"format\":1," DEVICE "," TENANT "," MEMBER("wireguard_key", "AAEC") "," ADDR "," GATES "," MKEY "}",
	     RECORD_WIREGUARD_KEY},
	    {"{\"format\":1," DEVICE "," TENANT "," WG "," MEMBER("address", "10.77.0.2") "," GATES "," MKEY "}",
	     RECORD_ADDRESS},
	    {"{\"format\":1," DEVICE "," TENANT "," WG "," MEMBER("address", "10.77.0.2/33") "," GATES "," MKEY "}",
	     RECORD_ADDRESS},
	    {"{\"format\":1," DEVICE "," TENANT "," WG "," MEMBER("address", "fd00::2/128") "," GATES "," MKEY "}",
	     RECORD_OK},
	    {"{\"format\":1," DEVICE "," TENANT "," WG "," ADDR "," MKEY "}", RECORD_GATEWAYS},
	    {"{\"format\":1," DEVICE "," TENANT "," WG "," ADDR "," GATES "," MEMBER("mutable_key", "!") "}",
	     RECORD_MUTABLE_KEY},
	    {"{\"format\":1," DEVICE "," TENANT "," WG "," ADDR "," GATES "," MKEY ",\"identity_key\":7}",
	     RECORD_IDENTITY_KEY},
	    {"{\"format\":1," DEVICE "," TENANT "," WG "," ADDR "," GATES "," MKEY ",\"pin\":\"1234\"}",
	     RECORD_UNKNOWN_MEMBER},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(record_immutable_check(cases[i].json, strlen(cases[i].json), NULL), cases[i].expected);
}

static void test_new_record_has_no_mutable_half(void **state)
{
	(void)state;
	int fd = new_device();
	struct record record;
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	assert_string_equal(record.immutable, GOOD);
	assert_null(record.changing);
	assert_int_equal(record.newest, -1);
	assert_int_equal(record.copies[0], RECORD_BLANK);
	assert_int_equal(record.copies[1], RECORD_BLANK);
	if (fd >= 0)
		assert_int_equal(lseek(fd, 0, SEEK_END), RECORD_PARTITION_BYTES);
	record_free(&record);
	close(fd);
}

static void store(int fd, const char *json)
{
	struct record record;
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	assert_int_equal(record_store(fd, &record, json, strlen(json)), RECORD_OK);
	record_free(&record);
}

static void assert_changing(int fd, const char *json, uint64_t sequence)
{
	struct record record;
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	if (json) {
		assert_non_null(record.changing);
		assert_string_equal(record.changing, json);
	} else {
		assert_null(record.changing);
	}
	assert_int_equal(record.sequence, sequence);
	record_free(&record);
}

static void test_stores_alternate(void **state)
{
	(void)state;
	int fd = new_device();
	for (int i = 1; i <= 5; i++) {
		char json[32];
		snprintf(json, sizeof json, "{\"n\":%d}", i);
		store(fd, json);
		assert_changing(fd, json, (uint64_t)i);
	}
	struct record record;
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	assert_int_equal(record.copies[0], RECORD_OK);
	assert_int_equal(record.copies[1], RECORD_OK);
	assert_int_equal(record_store(fd, &record, "[]", 2), RECORD_NOT_JSON);
	char *large = malloc(RECORD_MUTABLE_MAX_BYTES + 1);
	memset(large, ' ', RECORD_MUTABLE_MAX_BYTES + 1);
	large[0] = '{', large[1] = '}';
	assert_int_equal(record_store(fd, &record, large, RECORD_MUTABLE_MAX_BYTES + 1), RECORD_SIZE);
	assert_int_equal(record_store(fd, &record, large, RECORD_MUTABLE_MAX_BYTES), RECORD_OK);
	free(large);
	record_free(&record);
	close(fd);
}

/* The half that is written next, as it was and as it becomes; a write of it that stops after `written` bytes. */
struct torn {
	int fd;
	uint8_t *before, *after;
	size_t size;
};

static void torn_begin(struct torn *torn, const char *old_json, const char *new_json)
{
	torn->fd = new_device();
	torn->size = (RECORD_HEADER_BYTES + strlen(new_json) + 4096) / 4096 * 4096;
	torn->before = malloc(torn->size);
	torn->after = malloc(torn->size);
	store(torn->fd, "{\"policy_version\":0}");
	store(torn->fd, old_json);
	assert_int_equal(pread(torn->fd, torn->before, torn->size, RECORD_HALF_BYTES), torn->size);
	store(torn->fd, new_json);
	assert_int_equal(pread(torn->fd, torn->after, torn->size, RECORD_HALF_BYTES), torn->size);
}

static void torn_write(const struct torn *torn, size_t written)
{
	assert_int_equal(pwrite(torn->fd, torn->before, torn->size, RECORD_HALF_BYTES), torn->size);
	assert_int_equal(pwrite(torn->fd, torn->after, written, RECORD_HALF_BYTES), written);
}

static void torn_end(struct torn *torn)
{
	free(torn->before);
	free(torn->after);
	close(torn->fd);
}

/* A write that stops after any number of bytes leaves the copy before it, or is complete. */
static void test_torn_write_keeps_the_copy_before(void **state)
{
	(void)state;
	static const char old_json[] = "{\"policy_version\":1,\"padding\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxx\"}";
	static const char new_json[] = "{\"policy_version\":2,\"padding\":\"yyyyyyyyyyyyyyyyyyyyyyyyyyy\"}";
	struct torn torn;
	torn_begin(&torn, old_json, new_json);
	const size_t complete = RECORD_HEADER_BYTES + strlen(new_json);
	for (size_t written = 0; written <= complete; written++) {
		torn_write(&torn, written);
		if (written == complete)
			assert_changing(torn.fd, new_json, 3);
		else
			assert_changing(torn.fd, old_json, 2);
	}
	torn_end(&torn);
}

/* The largest policy takes a thousand blocks, between any two of which the stick may be pulled. */
static void test_torn_write_of_megabytes(void **state)
{
	(void)state;
	enum { LARGE_BYTES = 4400000 };
	char *old_json = malloc(LARGE_BYTES + 1), *new_json = malloc(LARGE_BYTES + 1);
	snprintf(old_json, LARGE_BYTES + 1, "{\"p\":\"%0*d\"}", LARGE_BYTES - 8, 0);
	snprintf(new_json, LARGE_BYTES + 1, "{\"p\":\"%0*d\"}", LARGE_BYTES - 8, 1);
	struct torn torn;
	torn_begin(&torn, old_json, new_json);
	static const size_t stops[] = {0, 1, 63, 64, 4095, 4096, 65536, 1 << 20, LARGE_BYTES / 2, LARGE_BYTES + 63};
	for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
		torn_write(&torn, stops[i]);
		assert_changing(torn.fd, old_json, 2);
	}
	torn_write(&torn, RECORD_HEADER_BYTES + LARGE_BYTES);
	assert_changing(torn.fd, new_json, 3);
	torn_end(&torn);
	free(old_json);
	free(new_json);
}

static void flip(int fd, off_t at)
{
	uint8_t byte;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* As it was made before the partition grew: four quarters of 1 MiB. */
static int old_device(void)
{
	uint8_t *half = calloc(1, RECORD_OLD_HALF_BYTES);
	int fd = memfd_create("record", MFD_CLOEXEC);
	assert_true(half && fd >= 0);
	assert_int_equal(ftruncate(fd, RECORD_OLD_PARTITION_BYTES), 0);
	assert_int_equal(record_half_encode(half, RECORD_OLD_HALF_BYTES, RECORD_IMMUTABLE, NULL, GOOD, strlen(GOOD), 0),
			 RECORD_OK);
	assert_int_equal(pwrite(fd, half, RECORD_OLD_HALF_BYTES, 0), RECORD_OLD_HALF_BYTES);
	free(half);
	return fd;
}

static void test_an_older_stick_keeps_what_fits(void **state)
{
	(void)state;
	int fd = old_device();
	store(fd, "{\"n\":1}");
	store(fd, "{\"n\":2}");
	assert_changing(fd, "{\"n\":2}", 2);
	char magic[8];
	assert_int_equal(pread(fd, magic, 8, 2L * RECORD_OLD_HALF_BYTES), 8); /* where its older programs look */
	assert_memory_equal(magic, "SEKISHOR", 8);
	struct record record;
	const size_t most = RECORD_OLD_HALF_BYTES - RECORD_HEADER_BYTES;
	char *large = malloc(most + 1);
	memset(large, ' ', most + 1);
	large[0] = '{', large[1] = '}';
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	assert_int_equal(record_store(fd, &record, large, most + 1), RECORD_SHORT);
	assert_changing(fd, "{\"n\":2}", 2);
	assert_int_equal(record_store(fd, &record, large, most), RECORD_OK);
	if (fd >= 0)
		assert_int_equal(lseek(fd, 0, SEEK_END), RECORD_OLD_PARTITION_BYTES);
	free(large);
	record_free(&record);
	assert_int_equal(ftruncate(fd, RECORD_OLD_PARTITION_BYTES - 1), 0);
	assert_int_equal(record_load(fd, &record), RECORD_SHORT);
	close(fd);
}

static void store_token(int fd, const char *json)
{
	struct record record;
	assert_int_equal(record_load_token(fd, &record), RECORD_OK);
	assert_null(record.changing);
	assert_int_equal(record_store_token(fd, &record, json, strlen(json)), RECORD_OK);
	assert_string_equal(record.token, json);
	record_free(&record);
}

static void assert_token(int fd, const char *json, uint64_t sequence)
{
	struct record record;
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	if (json)
		assert_string_equal(record.token, json);
	else
		assert_null(record.token);
	assert_int_equal(record.token_sequence, sequence);
	record_free(&record);
}

/* Of the megabytes beside it not a byte is written, on today's sticks and on older ones. */
static void test_the_token_has_a_place_of_its_own(void **state)
{
	(void)state;
	const int devices[] = {new_device(), old_device()};
	for (size_t d = 0; d < 2; d++) {
		const int fd = devices[d];
		const size_t halves = 3 * (size_t)(d ? RECORD_OLD_HALF_BYTES : RECORD_HALF_BYTES);
		store(fd, "{\"n\":1}");
		assert_token(fd, NULL, 0);
		uint8_t *before = malloc(halves), *after = malloc(halves);
		assert_int_equal(pread(fd, before, halves, 0), halves);
		store_token(fd, "{\"t\":1}");
		store_token(fd, "{\"t\":2}");
		store_token(fd, "{\"t\":3}");
		assert_int_equal(pread(fd, after, halves, 0), halves);
		assert_memory_equal(before, after, halves);
		assert_token(fd, "{\"t\":3}", 3);
		store(fd, "{\"n\":2}");
		assert_token(fd, "{\"t\":3}", 3);
		assert_changing(fd, "{\"n\":2}", 2);
		struct record record;
		assert_int_equal(record_load_token(fd, &record), RECORD_OK);
		assert_int_equal(record_store_token(fd, &record, "[]", 2), RECORD_NOT_JSON);
		record_free(&record);
		free(before);
		free(after);
		if (fd >= 0)
			close(fd);
	}
}

/* The power may go off after any byte: the token before is there, or the new one. */
static void test_a_torn_token_keeps_the_one_before(void **state)
{
	(void)state;
	int fd = new_device();
	const off_t slot = 3 * RECORD_HALF_BYTES; /* of the first token, and so of the third */
	uint8_t before[RECORD_TOKEN_BYTES], after[RECORD_TOKEN_BYTES];
	store_token(fd, "{\"t\":1}");
	assert_int_equal(pread(fd, before, sizeof before, slot), sizeof before);
	store_token(fd, "{\"t\":2}");
	store_token(fd, "{\"t\":33}");
	assert_int_equal(pread(fd, after, sizeof after, slot), sizeof after);
	const size_t complete = RECORD_HEADER_BYTES + 8;
	for (size_t written = 0; written <= complete; written++) {
		assert_int_equal(pwrite(fd, before, sizeof before, slot), sizeof before);
		assert_int_equal(pwrite(fd, after, written, slot), written);
		if (written == complete)
			assert_token(fd, "{\"t\":33}", 3);
		else
			assert_token(fd, "{\"t\":2}", 2);
	}
	/* a damaged one goes to the slot before, and what is stored next over it */
	flip(fd, slot + RECORD_HEADER_BYTES);
	assert_token(fd, "{\"t\":2}", 2);
	store_token(fd, "{\"t\":4}");
	assert_token(fd, "{\"t\":4}", 3);
	close(fd);
}

static void test_what_cannot_be_written_costs_nothing(void **state)
{
	(void)state;
	int fd = memfd_create("record", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(record_create(fd, GOOD, strlen(GOOD)), RECORD_OK);
	store(fd, "{\"n\":1}");
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	struct record record;
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	assert_int_equal(record_store(fd, &record, "{\"n\":2}", 7), RECORD_IO);
	assert_string_equal(record.changing, "{\"n\":1}");
	record_free(&record);
	assert_changing(fd, "{\"n\":1}", 1);
	close(fd);
}

static void test_any_damaged_byte_is_seen(void **state)
{
	(void)state;
	int fd = new_device();
	store(fd, "{\"n\":1}");
	for (off_t at = 0; at < RECORD_HEADER_BYTES + 7; at++) {
		struct record record;
		flip(fd, RECORD_HALF_BYTES + at);
		assert_changing(fd, NULL, 0);
		flip(fd, RECORD_HALF_BYTES + at);
		flip(fd, at);
		assert_int_not_equal(record_load(fd, &record), RECORD_OK);
		assert_null(record.immutable);
		record_free(&record);
		flip(fd, at);
	}
	assert_changing(fd, "{\"n\":1}", 1);
	close(fd);
}

static void test_both_copies_damaged_still_starts(void **state)
{
	(void)state;
	int fd = new_device();
	store(fd, "{\"n\":1}");
	store(fd, "{\"n\":2}");
	flip(fd, RECORD_HALF_BYTES + RECORD_HEADER_BYTES + 2);
	assert_changing(fd, "{\"n\":2}", 2);
	flip(fd, 2 * RECORD_HALF_BYTES + RECORD_HEADER_BYTES + 2);
	struct record record;
	assert_int_equal(record_load(fd, &record), RECORD_OK);
	assert_null(record.changing);
	assert_int_equal(record.copies[0], RECORD_DIGEST);
	assert_int_equal(record.copies[1], RECORD_DIGEST);
	assert_int_equal(record_store(fd, &record, "{\"n\":3}", 7), RECORD_OK);
	record_free(&record);
	assert_changing(fd, "{\"n\":3}", 1);
	close(fd);
}

static void test_each_way_to_be_wrong_has_its_error(void **state)
{
	(void)state;
	struct record record;
	int fd = memfd_create("record", MFD_CLOEXEC);
	assert_int_equal(record_load(fd, &record), RECORD_SHORT);
	assert_int_equal(ftruncate(fd, RECORD_PARTITION_BYTES), 0);
	assert_int_equal(record_load(fd, &record), RECORD_BLANK);
	assert_int_equal(record_load(-1, &record), RECORD_IO);
	close(fd);

	uint8_t *half = malloc(RECORD_HALF_BYTES);
	static const uint8_t key[RECORD_KEY_BYTES] = {1};
	const char *json;
	size_t size;
	uint64_t sequence;
	assert_int_equal(record_half_encode(half, RECORD_HALF_BYTES, RECORD_MUTABLE, key, "{}", 2, 9), RECORD_OK);
	assert_int_equal(record_half_decode(half, RECORD_HALF_BYTES, RECORD_MUTABLE, key, &json, &size, &sequence),
			 RECORD_OK);
	assert_int_equal(sequence, 9);
	assert_int_equal(record_half_decode(half, RECORD_HALF_BYTES, RECORD_IMMUTABLE, key, &json, &size, &sequence),
			 RECORD_KIND);
	assert_int_equal(record_half_decode(half, RECORD_HALF_BYTES, RECORD_MUTABLE, NULL, &json, &size, &sequence),
			 RECORD_DIGEST);
	assert_int_equal(record_half_decode(half, 63, RECORD_MUTABLE, key, &json, &size, &sequence), RECORD_SHORT);
	assert_int_equal(record_half_decode(half, 65, RECORD_MUTABLE, key, &json, &size, &sequence), RECORD_SHORT);
	half[24] = 0xff, half[27] = 0xff;
	assert_int_equal(record_half_decode(half, RECORD_HALF_BYTES, RECORD_MUTABLE, key, &json, &size, &sequence),
			 RECORD_SIZE);
	half[8] = 2;
	assert_int_equal(record_half_decode(half, RECORD_HALF_BYTES, RECORD_MUTABLE, key, &json, &size, &sequence),
			 RECORD_FORMAT);
	half[0] = 'X';
	assert_int_equal(record_half_decode(half, RECORD_HALF_BYTES, RECORD_MUTABLE, key, &json, &size, &sequence),
			 RECORD_MAGIC);
	free(half);
	for (int error = 0; error < RECORD_ERROR_COUNT; error++)
		assert_non_null(record_error_text((enum record_error)error));
}

static void test_another_records_copy_is_not_taken(void **state)
{
	(void)state;
	int fd = new_device();
	static const uint8_t other_key[RECORD_KEY_BYTES] = {7};
	uint8_t *half = malloc(RECORD_HALF_BYTES);
	assert_int_equal(record_half_encode(half, RECORD_HALF_BYTES, RECORD_MUTABLE, other_key, "{\"n\":1}", 7, 5),
			 RECORD_OK);
	assert_int_equal(pwrite(fd, half, RECORD_HALF_BYTES, RECORD_HALF_BYTES), RECORD_HALF_BYTES);
	free(half);
	assert_changing(fd, NULL, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_member_is_checked),
	    cmocka_unit_test(test_new_record_has_no_mutable_half),
	    cmocka_unit_test(test_stores_alternate),
	    cmocka_unit_test(test_torn_write_keeps_the_copy_before),
	    cmocka_unit_test(test_torn_write_of_megabytes),
	    cmocka_unit_test(test_an_older_stick_keeps_what_fits),
	    cmocka_unit_test(test_what_cannot_be_written_costs_nothing),
	    cmocka_unit_test(test_the_token_has_a_place_of_its_own),
	    cmocka_unit_test(test_a_torn_token_keeps_the_one_before),
	    cmocka_unit_test(test_any_damaged_byte_is_seen),
	    cmocka_unit_test(test_both_copies_damaged_still_starts),
	    cmocka_unit_test(test_each_way_to_be_wrong_has_its_error),
	    cmocka_unit_test(test_another_records_copy_is_not_taken),
	};
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
