#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/about.h"
#include "launcher/pem.h"
#include "launcher/provision.h"

#define KEY_TEXT "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define IMMUTABLE                                                                                                      \
	"{\"format\":1,\"device\":\"ST-000001\",\"tenant\":\"demo\",\"wireguard_key\":\"" KEY_TEXT                     \
	"\",\"address\":\"10.77.0.2/32\",\"gateways\":\"{}\",\"mutable_key\":\"" KEY_TEXT "\"}"

static int parse(const char *immutable, const char *changing, struct provision *p)
{
	return provision_parse(immutable, strlen(immutable), changing, strlen(changing), p);
}

static void a_new_stick_has_nothing_kept(void **unused)
{
	(void)unused;
	struct provision p;
	assert_int_equal(parse(IMMUTABLE, "", &p), 0);
	assert_string_equal(p.device, "ST-000001");
	assert_string_equal(p.tenant, "demo");
	assert_string_equal(p.address, "10.77.0.2/32");
	assert_int_equal(p.wireguard_key[31], 32);
	assert_string_equal(p.gateways, "{}");
	assert_false(p.has_identity || p.has_pin);
	assert_int_equal(p.token[0], 0);
	assert_null(p.kept_policy);
	assert_int_equal(p.time_floor, 0);
	provision_free(&p);
}

#define WITH_CLIENTS(clients)                                                                                          \
	"{\"format\":1,\"device\":\"ST-000001\",\"tenant\":\"demo\",\"wireguard_key\":\"" KEY_TEXT                     \
	"\",\"address\":\"10.77.0.2/32\",\"gateways\":\"{}\",\"mutable_key\":\"" KEY_TEXT                              \
	"\",\"client_certificates\":" clients "}"

static void customers_certificates_are_taken_by_bank(void **unused)
{
	(void)unused;
	struct provision p;
	assert_int_equal(parse(WITH_CLIENTS("{\"a\":{\"certificates\":\"C\",\"key\":\"K\"},"
					    "\"b\":{\"certificates\":\"D\",\"key\":\"L\"}}"),
			       "", &p),
			 0);
	assert_int_equal(p.client_count, 2);
	assert_string_equal(p.clients[1].bank, "b");
	assert_string_equal(p.clients[1].certificates, "D");
	assert_string_equal(p.clients[1].key, "L");
	provision_free(&p);
	assert_int_equal(p.client_count, 0);
	assert_int_equal(parse(WITH_CLIENTS("{\"a\":{\"certificates\":\"C\"}}"), "", &p), -EINVAL);
	assert_int_equal(parse(WITH_CLIENTS("{\"a\":{\"certificates\":7,\"key\":\"K\"}}"), "", &p), -EINVAL);
}

/* In the mutable half as sticks had it before, until it lies in its own place. */
static void the_token_moves_to_a_place_of_its_own(void **state)
{
	(void)state;
	struct provision p, q;
	const uint8_t token[32] = {9, 8, 7};
	assert_int_equal(parse(IMMUTABLE, "{\"format\":1,\"token\":\"" KEY_TEXT "\"}", &p), 0);
	assert_false(p.token_apart);
	assert_int_equal(p.token[1], 2);
	char *changing = provision_changing(&p);
	assert_non_null(strstr(changing, "\"token\":\"" KEY_TEXT));
	free(changing);
	char *json = provision_token(token);
	assert_true(strlen(json) < PROVISION_TOKEN_BYTES);
	assert_int_equal(provision_take_token(&p, json, strlen(json)), 0);
	free(json);
	assert_true(p.token_apart);
	assert_memory_equal(p.token, token, sizeof token);
	changing = provision_changing(&p);
	assert_null(strstr(changing, "token"));
	assert_int_equal(parse(IMMUTABLE, changing, &q), 0);
	assert_int_equal(q.token[0], 0);
	free(changing);
	assert_int_equal(provision_take_token(&q, "{}", 2), -EINVAL);
	assert_int_equal(provision_take_token(&q, "[", 1), -EINVAL);
	assert_int_equal(provision_take_token(&q, "{\"token\":\"AQ==\"}", 16), -EINVAL);
	assert_false(q.token_apart);
	provision_free(&p);
	provision_free(&q);
}

static void what_is_kept_comes_back(void **unused)
{
	(void)unused;
	struct provision p, q;
	assert_int_equal(parse(IMMUTABLE, "", &p), 0);
	assert_int_equal(provision_keep(&p.kept_policy, "{\"payload\":\"x\"}", 15), 0);
	p.kept_policy_version = 4;
	p.time_floor = 1795305600;
	memset(p.token, 0x5a, sizeof p.token);
	p.time_last = 1795305601;
	char *changing = provision_changing(&p);
	assert_non_null(changing);
	assert_int_equal(parse(IMMUTABLE, changing, &q), 0);
	assert_string_equal(q.kept_policy, "{\"payload\":\"x\"}");
	assert_int_equal(q.kept_policy_version, 4);
	assert_int_equal(q.time_floor, 1795305600);
	assert_memory_equal(q.token, p.token, sizeof q.token);
	assert_int_equal(q.time_last, 1795305601);
	assert_null(q.kept_gateways);
	free(changing);
	provision_free(&p);
	provision_free(&q);
	assert_int_equal(q.wireguard_key[31], 0);
}

static void a_record_of_another_shape_is_refused(void **unused)
{
	(void)unused;
	static const char *const wrong[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"device\":1}",
	    "{\"device\":\"ST-1\",\"tenant\":\"t\",\"wireguard_key\":\"AQID\",\"address\":\"a\",\"gateways\":\"{}\"}",
	    "{\"device\":\"ST-1\",\"tenant\":\"t\",\"wireguard_key\":\"" KEY_TEXT "\",\"address\":\"a\"}",
	    "{\"device\":\"A-NAME-THAT-IS-LONGER-THAN-A-DEVICE-MAY-BE\",\"tenant\":\"t\",\"wireguard_key\":\"" KEY_TEXT
	    "\",\"address\":\"a\",\"gateways\":\"{}\"}"};
	struct provision p;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(parse(wrong[i], "", &p), -EINVAL);
	assert_int_equal(parse(IMMUTABLE, "{\"time_floor\":-1}", &p), -EINVAL);
	assert_int_equal(parse(IMMUTABLE, "{\"policy\":3}", &p), -EINVAL);
	assert_int_equal(parse(IMMUTABLE, "{\"token\":\"AQID\"}", &p), -EINVAL);
	assert_int_equal(parse(IMMUTABLE, "{", &p), -EINVAL);
}

static void a_certificate_goes_to_pem_and_back(void **unused)
{
	(void)unused;
	uint8_t der[300], back[300];
	size_t size = 0;
	for (size_t i = 0; i < sizeof der; i++)
		der[i] = (uint8_t)(i * 7);
	char *pem = pem_encode(der, sizeof der);
	assert_non_null(pem);
	assert_non_null(strstr(pem, "-----BEGIN CERTIFICATE-----\n"));
	assert_int_equal(pem_decode(pem, strlen(pem), back, sizeof back, &size), 0);
	assert_int_equal(size, sizeof der);
	assert_memory_equal(der, back, size);
	assert_int_equal(pem_decode(pem, strlen(pem), back, sizeof back - 1, &size), -EMSGSIZE);
	assert_int_equal(pem_decode(pem, strlen(pem) - 30, back, sizeof back, &size), -EINVAL);
	assert_int_equal(pem_decode("", 0, back, sizeof back, &size), -EINVAL);
	free(pem);
}

static void the_root_hash_is_the_first_target_s(void **unused)
{
	(void)unused;
	uint8_t hash[ROOT_HASH_BYTES];
	static const char line[] =
	    "dm-mod.create=\"root,,0,ro,0 1616 verity 1 PARTUUID=a PARTUUID=a 4096 4096 202 203 sha256 "
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff aa55;usr,,1,ro,0 8 verity 1 PARTUUID=b "
	    "PARTUUID=b 4096 4096 1 1 sha256 ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff 00\" "
	    "quiet";
	assert_int_equal(about_root_hash(line, hash), 0);
	assert_int_equal(hash[1], 0x11);
	assert_int_equal(hash[31], 0xff);
	assert_int_equal(about_root_hash("root=/dev/sda1", hash), -EINVAL);
	assert_int_equal(about_root_hash("x verity 1 a b 4096 4096 1 1 sha1 00", hash), -EINVAL);
	assert_int_equal(about_root_hash("x verity 1 a b 4096 4096 1 1 sha256 0011", hash), -EINVAL);
	assert_int_equal(about_root_hash("x verity 1 a", hash), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_stick_has_nothing_kept),
	    cmocka_unit_test(customers_certificates_are_taken_by_bank),
	    cmocka_unit_test(what_is_kept_comes_back),
	    cmocka_unit_test(the_token_moves_to_a_place_of_its_own),
	    cmocka_unit_test(a_record_of_another_shape_is_refused),
	    cmocka_unit_test(a_certificate_goes_to_pem_and_back),
	    cmocka_unit_test(the_root_hash_is_the_first_target_s),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
