#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <psa/crypto.h>
#include <string.h>

#include "launcher/broker_cert.h"
#include "launcher/broker_resolve.h"
#include "tests/unit/chain_maker.h"

enum { NOW = 1800000000 }; /* 2027 */

static int start(void **state)
{
	(void)state;
	return maker_start();
}

static int end(void **state)
{
	(void)state;
	maker_end();
	mbedtls_psa_crypto_free();
	return 0;
}

static struct {
	mbedtls_x509_crt sent, anchors;
	struct pin pin;
} bank;

static void present(const struct recipe *leaf)
{
	struct recipe issuer = maker_issuer(), root = maker_root();
	mbedtls_x509_crt_init(&bank.sent);
	mbedtls_x509_crt_init(&bank.anchors);
	assert_int_equal(maker_add(&bank.sent, leaf), 0);
	assert_int_equal(maker_add(&bank.sent, &issuer), 0);
	assert_int_equal(maker_add(&bank.anchors, &root), 0);
	assert_int_equal(chain_key(&bank.sent, &bank.pin), 0);
}

static void forget(void)
{
	mbedtls_x509_crt_free(&bank.sent);
	mbedtls_x509_crt_free(&bank.anchors);
}

static struct chain_question question(void)
{
	return (struct chain_question){.sent = &bank.sent,
				       .anchors = &bank.anchors,
				       .host = "www.bank.example",
				       .now = NOW,
				       .pins = &bank.pin,
				       .pin_count = 1};
}

/* Without anchors only what is remembered is good. */
static void a_good_chain_is_remembered_while_it_is_valid(void **state)
{
	struct chain_memory memory = {.count = 0};
	struct chain_check check;
	struct recipe leaf = maker_leaf();
	(void)state;
	present(&leaf);
	struct chain_question q = question();
	certificate_judge(&q, &memory, &check);
	assert_true(check.judged);
	assert_int_equal(check.refusal, REFUSAL_NONE);
	q.anchors = NULL;
	certificate_judge(&q, &memory, &check);
	assert_int_equal(check.refusal, REFUSAL_NONE);
	q.now = 2366841601; /* one second behind its end */
	certificate_judge(&q, &memory, &check);
	assert_int_not_equal(check.refusal, REFUSAL_NONE);
	q.now = NOW;
	certificate_judge(&q, NULL, &check);
	assert_int_equal(check.refusal, REFUSAL_CHAIN);
	forget();
	leaf.serial[0] = 9; /* another certificate is another chain */
	present(&leaf);
	q.anchors = NULL;
	certificate_judge(&q, &memory, &check);
	assert_int_equal(check.refusal, REFUSAL_CHAIN);
	forget();
}

static void a_refused_chain_is_not_remembered_and_says_its_keys(void **state)
{
	struct chain_memory memory = {.count = 0};
	struct chain_check check;
	struct recipe leaf = maker_leaf();
	struct pin own;
	(void)state;
	present(&leaf);
	own = bank.pin;
	bank.pin.sha256[0] ^= 1;
	struct chain_question q = question();
	for (int i = 0; i < 2; i++) {
		certificate_judge(&q, &memory, &check);
		assert_int_equal(check.refusal, REFUSAL_PIN);
		assert_true(refusal_is_attack(check.refusal));
		assert_int_equal(check.key_count, 3);
		assert_memory_equal(&check.keys[0], &own, sizeof own);
	}
	assert_int_equal(memory.count, 0);
	forget();
}

static void every_fault_is_a_refusal_and_back(void **state)
{
	unsigned certificates = 0;
	(void)state;
	for (int i = 0; i < CHAIN_FAULT_COUNT; i++)
		assert_int_equal(refusal_chain(refusal_of_chain((enum chain_fault)i)), i);
	for (int i = 0; i < REFUSAL_COUNT; i++)
		if (refusal_chain((enum refusal)i)) {
			certificates++;
			assert_int_equal(refusal_of_chain(refusal_chain((enum refusal)i)), i);
			assert_string_equal(refusal_code((enum refusal)i),
					    chain_fault_code(refusal_chain((enum refusal)i)));
		}
	assert_int_equal(certificates, CHAIN_FAULT_COUNT - 1);
	assert_int_equal(refusal_of_chain(CHAIN_PIN), REFUSAL_PIN);
	assert_int_equal(refusal_of_chain(CHAIN_REVOKED), REFUSAL_REVOKED);
	assert_string_equal(refusal_code(REFUSAL_DATES), "dates");
	assert_string_equal(refusal_code((enum refusal)4711), "none");
}

static bool possible4(const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
	return address_possible((struct sockaddr *)&address);
}

static bool possible6(const char *text)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	assert_int_equal(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
	return address_possible((struct sockaddr *)&address);
}

static void some_addresses_are_no_banks(void **state)
{
	(void)state;
	static const char *const bad4[] = {"0.0.0.0",     "0.1.2.3",   "127.0.0.1", "127.255.255.255",
					   "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"};
	static const char *const bad6[] = {"::",         "::1", "fe80::1", "febf::1", "ff02::1", "::ffff:127.0.0.1",
					   "::127.0.0.1"};
	for (size_t i = 0; i < sizeof bad4 / sizeof bad4[0]; i++)
		assert_false(possible4(bad4[i]));
	for (size_t i = 0; i < sizeof bad6 / sizeof bad6[0]; i++)
		assert_false(possible6(bad6[i]));
	assert_true(possible4("198.51.100.10"));
	assert_true(possible4("169.253.255.255"));
	assert_true(possible6("2001:db8::1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_chain_is_remembered_while_it_is_valid),
	    cmocka_unit_test(a_refused_chain_is_not_remembered_and_says_its_keys),
	    cmocka_unit_test(every_fault_is_a_refusal_and_back),
	    cmocka_unit_test(some_addresses_are_no_banks),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, start, end);
}
