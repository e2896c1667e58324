#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <netinet/in.h>
#include <psa/crypto.h>
#include <string.h>

#include "launcher/broker_cert.h"
#include "launcher/broker_resolve.h"

enum { HOST_SAN = 1, OTHER_SAN = 2, CA_TRUE = 4, SERVER_AUTH = 8, EMAIL = 16, ANY_USE = 32 };

static mbedtls_pk_context key;

static int make_key(void **state)
{
	(void)state;
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t id;
	psa_crypto_init();
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, 256);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
	mbedtls_pk_init(&key);
	return psa_generate_key(&attributes, &id) == PSA_SUCCESS ? mbedtls_pk_setup_opaque(&key, id) : -1;
}

static int free_key(void **state)
{
	(void)state;
	mbedtls_pk_free(&key);
	mbedtls_psa_crypto_free();
	return 0;
}

static void add_san(mbedtls_x509write_cert *write, const char *name)
{
	mbedtls_x509_san_list san = {
	    .node = {.type = MBEDTLS_X509_SAN_DNS_NAME,
		     .san.unstructured_name = {.p = (unsigned char *)(uintptr_t)name, .len = strlen(name)}}};
	assert_int_equal(mbedtls_x509write_crt_set_subject_alternative_name(write, &san), 0);
}

#define OID(text) {.tag = MBEDTLS_ASN1_OID, .p = (unsigned char *)(uintptr_t)(text), .len = MBEDTLS_OID_SIZE(text)}

static void add_use(mbedtls_x509write_cert *write, unsigned features)
{
	mbedtls_asn1_sequence any = {.buf = OID(MBEDTLS_OID_ANY_EXTENDED_KEY_USAGE)};
	mbedtls_asn1_sequence email = {.buf = OID(MBEDTLS_OID_EMAIL_PROTECTION)};
	mbedtls_asn1_sequence server = {.buf = OID(MBEDTLS_OID_SERVER_AUTH)};
	mbedtls_asn1_sequence *first = features & ANY_USE ? &any : &email;
	first->next = features & SERVER_AUTH ? &server : NULL;
	assert_int_equal(mbedtls_x509write_crt_set_ext_key_usage(write, features & (EMAIL | ANY_USE) ? first : &server),
			 0);
}

static void make_certificate(mbedtls_x509_crt *out, unsigned features)
{
	unsigned char der[2048], serial = 1;
	mbedtls_x509write_cert write;
	mbedtls_x509write_crt_init(&write);
	mbedtls_x509write_crt_set_version(&write, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&write, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&write, &key);
	mbedtls_x509write_crt_set_issuer_key(&write, &key);
	mbedtls_x509write_crt_set_subject_name(&write, "CN=www.bank.example");
	mbedtls_x509write_crt_set_issuer_name(&write, "CN=issuer");
	mbedtls_x509write_crt_set_serial_raw(&write, &serial, 1);
	mbedtls_x509write_crt_set_validity(&write, "20250101000000", "20450101000000");
	mbedtls_x509write_crt_set_basic_constraints(&write, (features & CA_TRUE) != 0, -1);
	if (features & (HOST_SAN | OTHER_SAN))
		add_san(&write, features & HOST_SAN ? "www.bank.example" : "other.bank.example");
	if (features & (SERVER_AUTH | EMAIL | ANY_USE))
		add_use(&write, features);
	int size = mbedtls_x509write_crt_der(&write, der, sizeof der, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	assert_true(size > 0);
	mbedtls_x509_crt_init(out);
	assert_int_equal(mbedtls_x509_crt_parse_der(out, der + sizeof der - size, (size_t)size), 0);
	mbedtls_x509write_crt_free(&write);
}

static void a_leaf_is_judged_by_its_extensions(void **state)
{
	(void)state;
	static const struct {
		unsigned features;
		enum refusal refusal;
	} cases[] = {
	    {HOST_SAN | SERVER_AUTH, REFUSAL_NONE},
	    {HOST_SAN | SERVER_AUTH | EMAIL, REFUSAL_NONE},
	    {SERVER_AUTH, REFUSAL_NAME}, /* the name in the subject counts for nothing */
	    {OTHER_SAN | SERVER_AUTH, REFUSAL_NAME},
	    {HOST_SAN | SERVER_AUTH | CA_TRUE, REFUSAL_CHAIN},
	    {HOST_SAN, REFUSAL_CHAIN},
	    {HOST_SAN | EMAIL, REFUSAL_CHAIN},
	    {HOST_SAN | ANY_USE, REFUSAL_CHAIN},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mbedtls_x509_crt leaf;
		const char *detail = "";
		make_certificate(&leaf, cases[i].features);
		assert_int_equal(certificate_check_leaf(&leaf, "www.bank.example", &detail), cases[i].refusal);
		assert_true((cases[i].refusal == REFUSAL_NONE) == (detail[0] == '\0'));
		mbedtls_x509_crt_free(&leaf);
	}
}

static bool matches(const char *pattern, const char *host)
{
	return certificate_name_matches((const uint8_t *)pattern, strlen(pattern), host);
}

static void names_match_exactly(void **state)
{
	(void)state;
	assert_true(matches("www.bank.example", "www.bank.example"));
	assert_true(matches("WWW.Bank.Example", "www.bank.example"));
	assert_false(matches("bank.example", "www.bank.example"));
	assert_false(matches("www.bank.example.", "www.bank.example"));
	assert_false(matches("www.bank.exampl", "www.bank.example"));
	assert_false(matches("", "www.bank.example"));
	assert_true(matches("*.bank.example", "www.bank.example"));
	assert_false(matches("*.bank.example", "bank.example"));
	assert_false(matches("*.bank.example", "a.www.bank.example"));
	assert_false(matches("*.example", "bank.example"));
	assert_false(matches("*", "www.bank.example"));
	assert_false(matches("*.", "www.bank.example"));
	assert_false(matches("w*.bank.example", "www.bank.example"));
	assert_false(matches("www.*.example", "www.bank.example"));
	assert_false(matches("*.*.example", "www.bank.example"));
	assert_false(matches("198.51.100.10", "198.51.100.10"));
	/* a NUL inside, which a C string ends at */
	assert_false(
	    certificate_name_matches((const uint8_t *)"www.bank.example\0.phish.example", 31, "www.bank.example"));
}

static void a_pin_is_of_the_key(void **state)
{
	(void)state;
	mbedtls_x509_crt one;
	struct pin pins[2] = {{{0}}, {{0}}};
	size_t size;
	make_certificate(&one, HOST_SAN | SERVER_AUTH);
	assert_false(certificate_pinned(&one, pins, 2));
	assert_int_equal(
	    psa_hash_compute(PSA_ALG_SHA_256, one.pk_raw.p, one.pk_raw.len, pins[1].sha256, PIN_BYTES, &size),
	    PSA_SUCCESS);
	assert_true(certificate_pinned(&one, pins, 2));
	assert_false(certificate_pinned(&one, pins, 1));
	assert_false(certificate_pinned(&one, pins, 0));
	mbedtls_x509_crt_free(&one);
}

/* What mbedTLS found, and what is found here, comes out as one reason: the gravest. */
static void the_walk_over_the_chain_gives_one_reason(void **state)
{
	(void)state;
	static const struct {
		unsigned features;
		bool pinned;
		uint32_t above, leaf;
		enum refusal refusal;
	} cases[] = {
	    {HOST_SAN | SERVER_AUTH, true, 0, 0, REFUSAL_NONE},
	    {HOST_SAN | SERVER_AUTH, false, 0, 0, REFUSAL_PIN},
	    {OTHER_SAN | SERVER_AUTH, true, 0, 0, REFUSAL_NAME},
	    {HOST_SAN | SERVER_AUTH, true, MBEDTLS_X509_BADCERT_NOT_TRUSTED, 0, REFUSAL_CHAIN},
	    {HOST_SAN | SERVER_AUTH, true, 0, MBEDTLS_X509_BADCERT_EXPIRED, REFUSAL_DATES},
	    {HOST_SAN | SERVER_AUTH, true, MBEDTLS_X509_BADCERT_FUTURE, 0, REFUSAL_DATES},
	    {HOST_SAN | SERVER_AUTH, true, 0, MBEDTLS_X509_BADCERT_CN_MISMATCH, REFUSAL_NAME},
	    {HOST_SAN | SERVER_AUTH, true, 0, MBEDTLS_X509_BADCERT_BAD_KEY, REFUSAL_CHAIN},
	    {OTHER_SAN, false, MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_EXPIRED,
	     MBEDTLS_X509_BADCERT_CN_MISMATCH, REFUSAL_CHAIN},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mbedtls_x509_crt leaf;
		struct pin pin = {{0}};
		size_t size;
		uint32_t above = cases[i].above, flags = cases[i].leaf;
		make_certificate(&leaf, cases[i].features);
		if (cases[i].pinned)
			psa_hash_compute(PSA_ALG_SHA_256, leaf.pk_raw.p, leaf.pk_raw.len, pin.sha256, PIN_BYTES, &size);
		struct chain_check check = {.host = "www.bank.example", .pins = &pin, .pin_count = 1};
		assert_int_equal(chain_check_certificate(&check, &leaf, 1, &above), 0);
		assert_false(check.judged);
		assert_int_equal(chain_check_certificate(&check, &leaf, 0, &flags), 0);
		assert_true(check.judged);
		assert_int_equal(check.refusal, cases[i].refusal);
		assert_true((cases[i].refusal == REFUSAL_NONE) == (flags == 0));
		mbedtls_x509_crt_free(&leaf);
	}
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
	    cmocka_unit_test(a_leaf_is_judged_by_its_extensions),
	    cmocka_unit_test(names_match_exactly),
	    cmocka_unit_test(a_pin_is_of_the_key),
	    cmocka_unit_test(the_walk_over_the_chain_gives_one_reason),
	    cmocka_unit_test(some_addresses_are_no_banks),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_key, free_key);
}
