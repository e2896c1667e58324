#include "tests/unit/unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/agent_talk.h"

static const struct talk_self self = {.device = "ST-000001",
				      .boot = "00112233445566778899aabbccddeeff",
				      .image_version = "1",
				      .root_hash = {0xab},
				      .policy_version = 3};

static json_t *beacon(const char *health, bool goodbye)
{
	char *text = talk_write_beacon(&self, 7, health, strlen(health), goodbye);
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	free(text);
	return json;
}

static void a_beacon_says_who_and_how(void **state)
{
	(void)state;
	json_t *json = beacon("{\"uptime_s\":12,\"tunnel\":{\"rtt_ms\":30},\"session\":true}", false);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "device")), "ST-000001");
	assert_int_equal(json_integer_value(json_object_get(json, "sequence")), 7);
	assert_int_equal(json_integer_value(json_object_get(json, "policy_version")), 3);
	assert_int_equal(json_integer_value(json_object_get(json, "uptime_s")), 12);
	assert_true(json_is_false(json_object_get(json, "goodbye")));
	const char *hash = json_string_value(json_object_get(json_object_get(json, "image"), "root_hash"));
	assert_int_equal(strlen(hash), 64);
	assert_memory_equal(hash, "ab00", 4);
	json_decref(json);
	json = beacon("", true);
	assert_true(json_is_true(json_object_get(json, "goodbye")));
	json_decref(json);
}

static void health_cannot_change_who_speaks(void **state)
{
	(void)state;
	json_t *json = beacon("{\"device\":\"ST-000002\",\"sequence\":1,\"link\":\"eth0\"}", false);
	assert_string_equal(json_string_value(json_object_get(json, "device")), "ST-000001");
	assert_int_equal(json_integer_value(json_object_get(json, "sequence")), 7);
	assert_string_equal(json_string_value(json_object_get(json, "link")), "eth0");
	json_decref(json);
	assert_null(beacon("[1]", false));
	assert_null(beacon("{\"uptime_s\":", false));
}

static int admission(const char *json, struct talk_admission *out)
{
	const char *wrong = NULL;
	/* an exact copy, so that the address sanitizer sees a read behind it */
	size_t size = strlen(json);
	uint8_t *copy = malloc(size ? size : 1);
	for (size_t i = 0; i < size; i++)
		copy[i] = (uint8_t)json[i];
	int result = talk_read_admission(copy, size, out, &wrong);
	free(copy);
	assert_true((result == 0) == (wrong == NULL));
	return result;
}

#define GOOD "\"time\":1795330000,\"valid_s\":90,\"policy_version\":4,\"gateways_version\":1}"

static void a_reply_is_read(void **state)
{
	(void)state;
	struct talk_admission a;
	assert_int_equal(admission("{\"state\":\"admitted\",\"reason\":\"\"," GOOD, &a), 0);
	assert_int_equal(a.state, ADMISSION_ADMITTED);
	assert_int_equal(a.valid_s, 90);
	assert_true(a.time == 1795330000 && a.policy_version == 4 && a.gateways_version == 1);
	assert_int_equal(admission("{\"state\":\"revoked\",\"reason\":\"stolen\",\"more\":[]," GOOD, &a), 0);
	assert_int_equal(a.state, ADMISSION_REVOKED);
	assert_string_equal(a.reason, "stolen");
	assert_int_equal(admission("{\"state\":\"unknown\"," GOOD, &a), 0);
	assert_int_equal(admission("{\"state\":\"refused\"," GOOD, &a), 0);
	assert_int_equal(a.state, ADMISSION_REFUSED);
}

static void a_wrong_reply_admits_nobody(void **state)
{
	(void)state;
	static const char *const wrong[] = {
	    "",
	    "[]",
	    "null",
	    "<html>",
	    "{\"state\":\"admitted\"",
	    "{\"state\":\"Admitted\"," GOOD,
	    "{\"state\":1," GOOD,
	    "{" GOOD,
	    "{\"state\":\"admitted\",\"state\":\"revoked\"," GOOD,
	    "{\"state\":\"admitted\",\"reason\":7," GOOD,
	    "{\"state\":\"admitted\",\"reason\":\"a\\nb\"," GOOD,
	    "{\"state\":\"admitted\",\"valid_s\":90,\"policy_version\":4,\"gateways_version\":1}",
	    "{\"state\":\"admitted\",\"time\":-1,\"valid_s\":90,\"policy_version\":4,\"gateways_version\":1}",
	    "{\"state\":\"admitted\",\"time\":1.5,\"valid_s\":90,\"policy_version\":4,\"gateways_version\":1}",
	    "{\"state\":\"admitted\",\"time\":1,\"valid_s\":86400,\"policy_version\":4,\"gateways_version\":1}",
	    "{\"state\":\"admitted\",\"time\":1,\"valid_s\":90,\"policy_version\":\"4\",\"gateways_version\":1}",
	    "{\"state\":\"admitted\",\"time\":1,\"valid_s\":90,\"policy_version\":4}",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct talk_admission a;
		assert_int_equal(admission(wrong[i], &a), -EINVAL);
	}
}

static void a_reply_has_a_size(void **state)
{
	(void)state;
	struct talk_admission a;
	char *large = malloc(TALK_REPLY_MAX_BYTES + 2);
	memset(large, ' ', TALK_REPLY_MAX_BYTES + 1);
	large[TALK_REPLY_MAX_BYTES + 1] = '\0';
	memcpy(large, "{\"state\":\"admitted\"," GOOD, strlen("{\"state\":\"admitted\"," GOOD));
	assert_int_equal(admission(large, &a), -EINVAL);
	large[TALK_REPLY_MAX_BYTES] = '\0';
	assert_int_equal(admission(large, &a), 0);
	free(large);
}

static void a_session_is_opened_by_a_plain_yes(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		int result;
		bool ok;
		const char *reason;
	} cases[] = {
	    {"{\"ok\":true}", 0, true, ""},
	    {"{\"ok\":false,\"reason\":\"not admitted\"}", 0, false, "not admitted"},
	    {"{\"ok\":\"true\"}", -EINVAL, false, ""},
	    {"{\"ok\":1}", -EINVAL, false, ""},
	    {"{}", -EINVAL, false, ""},
	    {"", -EINVAL, false, ""},
	    {"{\"ok\":true,\"ok\":true}", -EINVAL, false, ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool ok = true;
		char reason[TALK_REASON_MAX_BYTES];
		const char *wrong;
		assert_int_equal(talk_read_session(cases[i].json, strlen(cases[i].json), &ok, reason, &wrong),
				 cases[i].result);
		assert_int_equal(ok, cases[i].ok);
		assert_string_equal(reason, cases[i].reason);
	}
	char *text = talk_write_session("sekisho-demo", true);
	assert_string_equal(text, "{\"bank\":\"sekisho-demo\",\"open\":true}");
	free(text);
}

static void an_error_is_shown_only_if_it_can_be(void **state)
{
	(void)state;
	char reason[TALK_REASON_MAX_BYTES];
	talk_read_error("{\"reason\":\"too many\"}", 21, reason);
	assert_string_equal(reason, "too many");
	talk_read_error("<html>", 6, reason);
	assert_string_equal(reason, "");
	talk_read_error("{\"reason\":\"\\u001b[2J\"}", 22, reason);
	assert_string_equal(reason, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_beacon_says_who_and_how),
	    cmocka_unit_test(health_cannot_change_who_speaks),
	    cmocka_unit_test(a_reply_is_read),
	    cmocka_unit_test(a_wrong_reply_admits_nobody),
	    cmocka_unit_test(a_reply_has_a_size),
	    cmocka_unit_test(a_session_is_opened_by_a_plain_yes),
	    cmocka_unit_test(an_error_is_shown_only_if_it_can_be),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
