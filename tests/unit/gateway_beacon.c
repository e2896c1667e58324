#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "vpn/gateway/beacon.h"

#define GOOD                                                                                                           \
	"{\"device\":\"ST-000001\",\"boot\":\"0123456789abcdef\",\"sequence\":7,\"image\":{\"version\":3},"            \
	"\"policy_version\":4"

static struct beacon beacon;
static char why[160];

static int parse(const char *json) { return beacon_parse(json, strlen(json), &beacon, why, sizeof why); }

static void least_is_enough(void **state)
{
	(void)state;
	assert_int_equal(parse(GOOD "}"), 0);
	assert_string_equal(beacon.device, "ST-000001");
	assert_string_equal(beacon.image_version, "3");
	assert_int_equal(beacon.sequence, 7);
	assert_int_equal(beacon.policy_version, 4);
	assert_false(beacon.session);
	assert_int_equal(beacon.refused_count, 0);
}

static void everything_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse(GOOD ",\"uptime_s\":9,\"link\":\"wired\",\"tunnel\":{\"gateway\":\"gw1\","
				    "\"handshake_ms\":31,\"rtt_ms\":8.6,\"loss_permille\":1000},\"session\":true,"
				    "\"goodbye\":true,\"refused\":{\"not_listed\":2,\"pin\":1}}"),
			 0);
	assert_string_equal(beacon.link, "wired");
	assert_int_equal(beacon.rtt_ms, 8);
	assert_int_equal(beacon.loss_permille, 1000);
	assert_true(beacon.session && beacon.goodbye);
	assert_int_equal(beacon.refused_count, 2);
}

#define KEY "HNXBJZvKm5i3ZLoOOBLPehwKB91m9l/0AnQyFKKFaYw="

static void an_attack_comes_with_its_keys(void **state)
{
	static const char *const bad[] = {
	    "{}",
	    "{\"count\":1,\"host\":\"a b\",\"reason\":\"pin\",\"keys\":[]}",
	    "{\"count\":1,\"host\":\"www.bank.example\",\"reason\":\"P\",\"keys\":[]}",
	    "{\"count\":1,\"host\":\"www.bank.example\",\"reason\":\"pin\",\"keys\":[\"short\"]}",
	    "{\"count\":1,\"host\":\"www.bank.example\",\"reason\":\"pin\",\"keys\":[\"" KEY "\",\"" KEY "\",\"" KEY
	    "\",\"" KEY "\",\"" KEY "\",\"" KEY "\",\"" KEY "\",\"" KEY "\",\"" KEY "\"]}",
	};
	uint8_t wire[4096];
	struct writer w = writer_over(wire, sizeof wire);
	struct beacon again;
	(void)state;
	assert_int_equal(parse(GOOD ",\"attack\":{\"count\":3,\"host\":\"www.bank.example\",\"reason\":\"pin\","
				    "\"keys\":[\"" KEY "\",\"" KEY "\"]}}"),
			 0);
	beacon_write(&w, &beacon);
	assert_false(w.failed);
	struct reader r = reader_over(wire, w.size);
	beacon_read(&r, &again);
	assert_true(reader_done(&r));
	assert_int_equal(again.attack.count, 3);
	assert_string_equal(again.attack.host, "www.bank.example");
	assert_string_equal(again.attack.reason, "pin");
	assert_int_equal(again.attack.key_count, 2);
	assert_string_equal(again.attack.keys[1], KEY);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[1024];
		snprintf(text, sizeof text, GOOD ",\"attack\":%s}", bad[i]);
		assert_int_not_equal(parse(text), 0);
	}
}

static void newer_members_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(parse(GOOD ",\"tpm\":{\"quote\":[1,2,3]}}"), 0);
}

static void bad_ones_say_which_member(void **state)
{
	(void)state;
	static const struct {
		const char *json, *member;
	} cases[] = {
	    {"", "beacon"},
	    {"nonsense", "beacon"},
	    {"[]", "beacon"},
	    {"{}", "device"},
	    {GOOD, "beacon"},
	    {GOOD "} {}", "beacon"},
	    {GOOD ",\"device\":\"again\"}", "beacon"},
	    {"{\"device\":7,\"boot\":\"0123456789abcdef\",\"sequence\":7,\"image\":{\"version\":3},\"policy_version\":"
	     "4}",
	     "device"},
	    {"{\"device\":\"a b\",\"boot\":\"0123456789abcdef\",\"sequence\":7,\"image\":{\"version\":3},"
	     "\"policy_version\":4}",
	     "device"},
	    {"{\"device\":\"a\",\"boot\":\"short\",\"sequence\":7,\"image\":{\"version\":3},\"policy_version\":4}",
	     "boot"},
	    {"{\"device\":\"a\",\"boot\":\"0123456789abcdef\",\"sequence\":-1,\"image\":{\"version\":3},"
	     "\"policy_version\":4}",
	     "sequence"},
	    {"{\"device\":\"a\",\"boot\":\"0123456789abcdef\",\"sequence\":1,\"image\":{\"version\":-3},"
	     "\"policy_version\":4}",
	     "version"},
	    {"{\"device\":\"a\",\"boot\":\"0123456789abcdef\",\"sequence\":1,\"image\":7,\"policy_version\":4}",
	     "image"},
	    {GOOD ",\"tunnel\":{\"loss_permille\":1001}}", "loss_permille"},
	    {GOOD ",\"tunnel\":{\"rtt_ms\":1e300}}", "rtt_ms"},
	    {GOOD ",\"session\":1}", "session"},
	    {GOOD ",\"refused\":[]}", "refused"},
	    {GOOD ",\"refused\":{\"Not A Code\":1}}", "refused"},
	    {GOOD ",\"refused\":{\"pin\":4294967296}}", "refused"},
	    {GOOD ",\"image\":{\"version\":1,\"root_hash\":\"xyz\"}}", "beacon"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_not_equal(parse(cases[i].json), 0);
		if (strncmp(why, cases[i].member, strlen(cases[i].member)) != 0)
			fail_msg("%s: said \"%s\"", cases[i].json, why);
	}
}

static void sizes_are_bounded(void **state)
{
	(void)state;
	char json[BEACON_MAX_BYTES + 64];
	memset(json, ' ', sizeof json);
	memcpy(json, GOOD "}", sizeof(GOOD "}") - 1);
	assert_int_equal(beacon_parse(json, BEACON_MAX_BYTES, &beacon, why, sizeof why), 0);
	assert_int_not_equal(beacon_parse(json, BEACON_MAX_BYTES + 1, &beacon, why, sizeof why), 0);

	size_t used = (size_t)snprintf(json, sizeof json, GOOD ",\"refused\":{");
	for (int i = 0; i <= BEACON_REFUSED_MAX; i++)
		used += (size_t)snprintf(json + used, sizeof json - used, "%s\"c%d\":1", i ? "," : "", i);
	snprintf(json + used, sizeof json - used, "}}");
	assert_int_not_equal(parse(json), 0);
}

static void deep_nesting_is_no_crash(void **state)
{
	(void)state;
	char json[BEACON_MAX_BYTES];
	memset(json, '[', sizeof json);
	assert_int_not_equal(beacon_parse(json, sizeof json, &beacon, why, sizeof why), 0);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	uint8_t data[4096];
	struct beacon back;
	assert_int_equal(parse(GOOD ",\"refused\":{\"pin\":3},\"tunnel\":{\"rtt_ms\":5}}"), 0);
	struct writer w = writer_over(data, sizeof data);
	beacon_write(&w, &beacon);
	assert_false(w.failed);
	struct reader r = reader_over(data, w.size);
	beacon_read(&r, &back);
	assert_true(reader_done(&r));
	assert_memory_equal(&beacon, &back, sizeof back);
	for (size_t cut = 0; cut < w.size; cut++) {
		struct reader half = reader_over(data, cut);
		beacon_read(&half, &back);
		assert_false(reader_done(&half));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(least_is_enough),
	    cmocka_unit_test(everything_is_taken),
	    cmocka_unit_test(an_attack_comes_with_its_keys),
	    cmocka_unit_test(newer_members_are_passed_over),
	    cmocka_unit_test(bad_ones_say_which_member),
	    cmocka_unit_test(sizes_are_bounded),
	    cmocka_unit_test(deep_nesting_is_no_crash),
	    cmocka_unit_test(what_is_written_is_read),
	};
	return cmocka_run_group_tests_name("beacon", tests, NULL, NULL);
}
