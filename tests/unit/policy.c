/* The policy process without its loop: what it loads and takes, what it answers, what it mints. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/envelope.h"
#include "launcher/policy_answer.h"
#include "launcher/policy_mint.h"
#include "launcher/policy_store.h"
#include "tests/unit/signed.h"

#define POLICY   ENVELOPE_TYPE_POLICY
#define GATEWAYS ENVELOPE_TYPE_GATEWAYS

static int setup(void **state)
{
	(void)state;
	return signed_setup() || gnutls_global_init() ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	gnutls_global_deinit();
	return 0;
}

static struct blob blob(const char *text) { return (struct blob){(const uint8_t *)text, text ? strlen(text) : 0}; }

static uint64_t policy_floor, gateways_floor;

/* Load; NULL texts are not there. All are taken. */
static int load(struct policy_store *store, char *policy, char *kept, char *gateways, char *kept_gateways, int64_t now,
		struct store_refusal *refusal)
{
	struct store_sources sources = {.roots = blob(signed_roots_json()),
					.policy = blob(policy),
					.kept_policy = blob(kept),
					.gateways = blob(gateways),
					.kept_gateways = blob(kept_gateways),
					.policy_floor = policy_floor,
					.gateways_floor = gateways_floor};
	int error = store_load(store, &sources, now, refusal);
	free(policy);
	free(kept);
	free(gateways);
	free(kept_gateways);
	return error;
}

static char *policy(int version) { return signed_envelope(signed_policy(version), POLICY, "01"); }
static char *gateways(int version) { return signed_envelope(signed_gateways(version), GATEWAYS, "12"); }

static int offer(struct policy_store *store, char *envelope, int64_t now, struct store_refusal *refusal)
{
	int error = store_offer(store, blob(envelope), now, refusal);
	free(envelope);
	return error;
}

/* --- store --- */

static void the_highest_good_version_stands(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	assert_int_equal(load(&store, policy(2), policy(5), gateways(1), gateways(3), SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.whitelist->version, 5);
	assert_int_equal(store.gateways->version, 3);
	assert_string_equal(store.note, "");
	assert_int_equal(strlen((char *)store.policy_json), store.policy_json_size);
	store_free(&store);

	assert_int_equal(load(&store, policy(2), policy(1), gateways(3), gateways(2), SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.whitelist->version, 2);
	assert_int_equal(store.gateways->version, 3);
	assert_non_null(strstr(store.note, "older than the built-in"));
	store_free(&store);

	assert_int_equal(load(&store, policy(2), NULL, gateways(1), NULL, SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.whitelist->version, 2);
	store_free(&store);
}

static void a_bad_kept_one_is_left_aside_and_told(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	char *poor = signed_envelope(signed_policy(9), POLICY, "0"), *foreign = NULL;
	assert_int_equal(load(&store, policy(2), poor, gateways(1), strdup("{"), SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.whitelist->version, 2);
	assert_non_null(strstr(store.note, "the kept policy: too few"));
	assert_non_null(strstr(store.note, "the kept list of gateways: "));
	store_free(&store);

	json_t *tree = signed_policy(9);
	signed_put(tree, "tenant", json_string("other"));
	foreign = signed_envelope(tree, POLICY, "01");
	assert_int_equal(load(&store, policy(2), foreign, gateways(1), NULL, SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.whitelist->version, 2);
	assert_non_null(strstr(store.note, "another tenant's"));
	store_free(&store);
}

static void below_the_floor_the_banks_are_closed(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	policy_floor = 5;
	assert_int_equal(load(&store, policy(3), strdup("{"), gateways(1), NULL, SIGNED_NOW, &refusal), 0);
	policy_floor = 0;
	assert_int_equal(store.whitelist->version, 3);
	assert_true(store.whitelist->expires < SIGNED_NOW);
	assert_non_null(strstr(store.note, "older than 5"));
	assert_int_equal(offer(&store, policy(4), SIGNED_NOW, &refusal), -EINVAL);
	assert_string_equal(refusal.code, "older");
	assert_int_equal(offer(&store, policy(5), SIGNED_NOW, &refusal), 0);
	assert_true(store.whitelist->expires > SIGNED_NOW);
	store_free(&store);
}

/* Somebody spoilt the kept list: the way stays open, and none between the two is taken. */
static void below_its_floor_no_list_of_gateways_is_taken(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	gateways_floor = 5;
	assert_int_equal(load(&store, policy(3), NULL, gateways(1), strdup("{"), SIGNED_NOW, &refusal), 0);
	gateways_floor = 0;
	assert_int_equal(store.gateways->version, 1);
	assert_non_null(strstr(store.note, "older than one accepted before"));
	assert_int_equal(offer(&store, gateways(4), SIGNED_NOW, &refusal), -EINVAL);
	assert_string_equal(refusal.code, "older");
	assert_int_equal(store.gateways->version, 1);
	assert_int_equal(offer(&store, gateways(5), SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.gateways->version, 5);
	store_free(&store);
}

static void a_good_kept_one_stands_in_for_a_bad_built_in(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	assert_int_equal(load(&store, strdup("x"), policy(3), NULL, gateways(1), SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.whitelist->version, 3);
	assert_non_null(strstr(store.note, "the built-in policy: "));
	store_free(&store);
}

static void nothing_good_is_a_refusal_with_its_reason(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	json_t *tree = signed_policy(1);
	signed_put(tree, "banks.1.hosts.0.role", json_string("frame"));
	struct {
		char *policy, *gateways;
		const char *code;
	} cases[] = {
	    {NULL, gateways(1), "absent"},
	    {strdup("<html>"), gateways(1), "not_json"},
	    {strdup("{}"), gateways(1), "malformed"},
	    {signed_envelope(signed_policy(1), POLICY, "0"), gateways(1), "under_threshold"},
	    {signed_envelope(signed_policy(1), POLICY, "03"), gateways(1), "under_threshold"},
	    {gateways(1), gateways(1), "wrong_type"},
	    {signed_envelope(tree, POLICY, "12"), gateways(1), "bad_role"},
	    {policy(1), NULL, "absent"},
	    {policy(1), policy(1), "wrong_type"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(load(&store, cases[i].policy, NULL, cases[i].gateways, NULL, SIGNED_NOW, &refusal),
				 -EINVAL);
		assert_string_equal(refusal.code, cases[i].code);
		assert_null(store.whitelist);
		assert_null(store.policy_json);
	}
}

static void an_expired_one_is_loaded_and_told(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	const int64_t after = SIGNED_NOW + 400 * INT64_C(86400);
	assert_int_equal(load(&store, policy(2), NULL, gateways(1), NULL, after, &refusal), 0);
	assert_non_null(strstr(store.note, "expired on 2027-11-01T00:00:00Z"));
	json_t *tree = signed_policy(3);
	signed_put(tree, "expires", json_string("2030-01-01T00:00:00Z"));
	assert_int_equal(offer(&store, signed_envelope(tree, POLICY, "02"), after, &refusal), 0);
	assert_int_equal(store.whitelist->version, 3);
	store_free(&store);
}

static void only_what_is_newer_and_good_is_taken(void **state)
{
	(void)state;
	struct policy_store store;
	struct store_refusal refusal;
	assert_int_equal(load(&store, policy(3), NULL, gateways(2), NULL, SIGNED_NOW, &refusal), 0);
	json_t *wide = signed_policy(4);
	signed_put(wide, "banks.0.hosts.0.name", json_string("*.co.jp"));
	json_t *past = signed_policy(4);
	signed_put(past, "expires", json_string("2026-11-21T00:00:00Z"));
	/* good in every other way; JSON allows the spaces behind it */
	char *huge = calloc(1, WHITELIST_ENVELOPE_MAX_BYTES + 2),
	     *long_list = calloc(1, GATEWAYS_ENVELOPE_MAX_BYTES + 2);
	char *four = policy(4), *three = gateways(3);
	memset(huge, ' ', WHITELIST_ENVELOPE_MAX_BYTES + 1);
	memset(long_list, ' ', GATEWAYS_ENVELOPE_MAX_BYTES + 1);
	memcpy(huge, four, strlen(four));        /* NOLINT(bugprone-not-null-terminated-result) */
	memcpy(long_list, three, strlen(three)); /* NOLINT(bugprone-not-null-terminated-result) */
	free(four);
	free(three);
	char *cut = policy(4);
	cut[strlen(cut) / 2] = '\0';
	struct {
		char *envelope;
		const char *code;
	} cases[] = {
	    {policy(2), "older"},
	    {policy(3), "same"},
	    {signed_envelope(past, POLICY, "01"), "expired"},
	    {signed_envelope(wide, POLICY, "01"), "wide_wildcard"},
	    {signed_envelope(signed_policy(4), POLICY, "1"), "under_threshold"},
	    {huge, "too_large"},
	    {long_list, "too_large"},
	    {cut, "not_json"},
	    {strdup(""), "absent"},
	    {gateways(2), "same"},
	    {gateways(1), "older"},
	    {signed_envelope(signed_gateways(3), GATEWAYS, "2"), "under_threshold"},
	    {signed_envelope(signed_policy(4), GATEWAYS, "01"), "missing"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(offer(&store, cases[i].envelope, SIGNED_NOW, &refusal), -EINVAL);
		assert_string_equal(refusal.code, cases[i].code);
		assert_int_equal(store.whitelist->version, 3);
		assert_int_equal(store.gateways->version, 2);
	}
	assert_int_equal(offer(&store, policy(4), SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.whitelist->version, 4);
	assert_int_equal(offer(&store, gateways(5), SIGNED_NOW, &refusal), 0);
	assert_int_equal(store.gateways->version, 5);
	store_free(&store);
}

/* --- answers --- */

static struct whitelist *whitelist_of(json_t *tree)
{
	struct whitelist *w;
	struct whitelist_fault fault;
	char *text = json_dumps(tree, 0);
	json_decref(tree);
	assert_int_equal(whitelist_parse((uint8_t *)text, strlen(text), &w, &fault), 0);
	free(text);
	return w;
}

static struct answer answer;

static int ask(const struct whitelist *w, struct mint *mint, int64_t now, uint16_t type, const char *host, int port)
{
	uint8_t query[300];
	struct writer writer = writer_over(query, sizeof query);
	write_str(&writer, host);
	if (port >= 0)
		write_u16(&writer, (uint16_t)port);
	return answer_query(w, "alpha", mint, now, type, query, writer.size, &answer);
}

static void questions_of_other_banks_are_refused(void **state)
{
	(void)state;
	struct mint *mint;
	struct whitelist *w = whitelist_of(signed_policy(1));
	assert_int_equal(mint_new(&mint), 0);
	static const struct {
		const char *host;
		uint16_t port;
		enum refusal refusal;
	} cases[] = {{"beta.example", 443, REFUSAL_NOT_LISTED},      {"evil.example", 443, REFUSAL_NOT_LISTED},
		     {"www.alpha.example", 8443, REFUSAL_PORT},      {"www.alpha.example", 0, REFUSAL_PORT},
		     {"198.51.100.10", 443, REFUSAL_IP_LITERAL},     {"", 443, REFUSAL_NOT_LISTED},
		     {"www.alpha.example.", 443, REFUSAL_NOT_LISTED}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(ask(w, mint, SIGNED_NOW, MSG_QUERY_HOST, cases[i].host, cases[i].port), 0);
		assert_int_equal(answer.type, MSG_ANSWER_NO);
		assert_int_equal(answer.size, 1);
		assert_int_equal(answer.payload[0], cases[i].refusal);
	}
	assert_int_equal(ask(w, mint, w->expires, MSG_QUERY_HOST, "www.alpha.example", 443), 0);
	assert_int_equal(answer.payload[0], REFUSAL_EXPIRED_POLICY);
	assert_int_equal(ask(w, mint, SIGNED_NOW, MSG_QUERY_NAME, "x.cdn.alpha.example", -1), 0);
	assert_int_equal(answer.type, MSG_ANSWER_NAME);
	assert_int_equal(answer.size, 0);
	assert_int_equal(ask(w, mint, SIGNED_NOW, MSG_QUERY_NAME, "beta.example", -1), 0);
	assert_int_equal(answer.type, MSG_ANSWER_NO);
	mint_free(mint);
	whitelist_free(w);
}

static void what_is_no_question_breaks_the_broker(void **state)
{
	(void)state;
	struct mint *mint;
	struct whitelist *w = whitelist_of(signed_policy(1));
	assert_int_equal(mint_new(&mint), 0);
	assert_int_equal(ask(w, mint, SIGNED_NOW, MSG_QUERY_HOST, "www.alpha.example", -1), -EBADMSG);
	assert_int_equal(ask(w, mint, SIGNED_NOW, MSG_QUERY_NAME, "www.alpha.example", 443), -EBADMSG);
	assert_int_equal(ask(w, mint, SIGNED_NOW, MSG_POLICY_OFFER, "www.alpha.example", 443), -EBADMSG);
	assert_int_equal(answer_query(w, "alpha", mint, SIGNED_NOW, MSG_QUERY_NAME, "", 0, &answer), -EBADMSG);
	static const uint8_t with_nul[] = {3, 0, 0, 0, 'a', 0, 'b'};
	assert_int_equal(answer_query(w, "alpha", mint, SIGNED_NOW, MSG_QUERY_NAME, with_nul, sizeof with_nul, &answer),
			 -EBADMSG);
	static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 'a'};
	assert_int_equal(answer_query(w, "alpha", mint, SIGNED_NOW, MSG_QUERY_NAME, endless, sizeof endless, &answer),
			 -EBADMSG);
	mint_free(mint);
	whitelist_free(w);
}

static void yes_carries_anchors_pins_leaf_and_key(void **state)
{
	(void)state;
	struct mint *mint;
	struct whitelist *w = whitelist_of(signed_policy(1));
	assert_int_equal(mint_new(&mint), 0);
	assert_int_equal(ask(w, mint, SIGNED_NOW, MSG_QUERY_HOST, "www.alpha.example", 443), 0);
	assert_int_equal(answer.type, MSG_ANSWER_YES);
	struct reader r = reader_over(answer.payload, answer.size);
	size_t size, anchor_size;
	const uint8_t *anchors = read_blob(&r, &size);
	struct reader all = reader_over(anchors, size);
	const uint8_t *anchor = read_blob(&all, &anchor_size);
	assert_true(reader_done(&all));
	assert_int_equal(anchor_size, w->authorities[0].der_size);
	assert_memory_equal(anchor, w->authorities[0].der, anchor_size);
	assert_int_equal(read_u8(&r), 2);
	for (int i = 1; i <= 2; i++) {
		const uint8_t *pin = read_blob(&r, &size);
		assert_int_equal(size, 32);
		assert_int_equal(pin[0], i);
	}
	assert_int_equal(read_u8(&r), 0); /* revoked keys */
	size_t leaf_size, key_size;
	const uint8_t *leaf = read_blob(&r, &leaf_size), *key = read_blob(&r, &key_size);
	assert_true(reader_done(&r));
	mbedtls_x509_crt certificate;
	mbedtls_pk_context pk;
	mbedtls_x509_crt_init(&certificate);
	mbedtls_pk_init(&pk);
	assert_int_equal(mbedtls_x509_crt_parse_der(&certificate, leaf, leaf_size), 0);
	assert_int_equal(
	    mbedtls_pk_parse_key(&pk, key, key_size, NULL, 0, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE), 0);
	assert_int_equal(mbedtls_pk_check_pair(&certificate.pk, &pk, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE),
			 0);
	mbedtls_pk_free(&pk);
	mbedtls_x509_crt_free(&certificate);
	mint_free(mint);
	whitelist_free(w);
}

/* --- what WebKit's TLS library says of the minted chain --- */

struct chain {
	gnutls_x509_trust_list_t trust;
	gnutls_x509_crt_t leaf, authority;
};

static void chain_open(struct chain *chain, struct mint *mint, const char *host, int64_t now)
{
	struct mint_leaf leaf;
	assert_int_equal(mint_leaf(mint, host, now, &leaf), 0);
	gnutls_datum_t der = {.data = (uint8_t *)(uintptr_t)leaf.der, .size = (unsigned)leaf.der_size};
	gnutls_datum_t pem = {.data = (uint8_t *)(uintptr_t)mint_authority_pem(mint),
			      .size = (unsigned)strlen(mint_authority_pem(mint))};
	assert_int_equal(gnutls_x509_crt_init(&chain->leaf), 0);
	assert_int_equal(gnutls_x509_crt_import(chain->leaf, &der, GNUTLS_X509_FMT_DER), 0);
	assert_int_equal(gnutls_x509_crt_init(&chain->authority), 0);
	assert_int_equal(gnutls_x509_crt_import(chain->authority, &pem, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_trust_list_init(&chain->trust, 0), 0);
	assert_int_equal(gnutls_x509_trust_list_add_trust_mem(chain->trust, &pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0), 1);
}

static void chain_close(struct chain *chain)
{
	gnutls_x509_trust_list_deinit(chain->trust, 1);
	gnutls_x509_crt_deinit(chain->leaf);
	gnutls_x509_crt_deinit(chain->authority);
}

static time_t clock_of_gnutls;
static time_t tell_time(time_t *out)
{
	if (out)
		*out = clock_of_gnutls;
	return clock_of_gnutls;
}

/* As glib-networking checks: purpose, name, dates, chain. 0 is trusted. */
static unsigned gnutls_verdict(struct chain *chain, const char *host, int64_t now)
{
	unsigned status = ~0U;
	gnutls_typed_vdata_st data[] = {
	    {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (uint8_t *)(uintptr_t)host},
	    {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (uint8_t *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER}};
	clock_of_gnutls = (time_t)now;
	gnutls_global_set_time_function(tell_time);
	assert_int_equal(gnutls_x509_trust_list_verify_crt2(chain->trust, &chain->leaf, 1, data, 2, 0, &status, NULL),
			 0);
	return status;
}

static void the_browser_trusts_a_minted_leaf_for_its_name_only(void **state)
{
	(void)state;
	struct mint *mint, *other;
	struct chain chain;
	assert_int_equal(mint_new(&mint), 0);
	assert_int_equal(mint_new(&other), 0);
	chain_open(&chain, mint, "www.alpha.example", SIGNED_NOW);
	assert_int_equal(gnutls_verdict(&chain, "www.alpha.example", SIGNED_NOW), 0);
	assert_int_equal(gnutls_verdict(&chain, "www.alpha.example", SIGNED_NOW + 25 * 3600), 0);
	assert_int_not_equal(gnutls_verdict(&chain, "otp.alpha.example", SIGNED_NOW), 0);
	assert_int_not_equal(gnutls_verdict(&chain, "a.www.alpha.example", SIGNED_NOW), 0);
	assert_int_not_equal(gnutls_verdict(&chain, "www.alpha.example", SIGNED_NOW + 27 * 3600), 0);
	assert_int_not_equal(gnutls_verdict(&chain, "www.alpha.example", SIGNED_NOW - 2 * 3600), 0);
	chain_close(&chain);

	/* another start's authority, of the same name */
	struct mint_leaf leaf;
	chain_open(&chain, mint, "www.alpha.example", SIGNED_NOW);
	assert_int_equal(mint_leaf(other, "www.alpha.example", SIGNED_NOW, &leaf), 0);
	gnutls_datum_t der = {.data = (uint8_t *)(uintptr_t)leaf.der, .size = (unsigned)leaf.der_size};
	gnutls_x509_crt_deinit(chain.leaf);
	gnutls_x509_crt_init(&chain.leaf);
	assert_int_equal(gnutls_x509_crt_import(chain.leaf, &der, GNUTLS_X509_FMT_DER), 0);
	assert_int_not_equal(gnutls_verdict(&chain, "www.alpha.example", SIGNED_NOW), 0);
	chain_close(&chain);
	mint_free(other);
	mint_free(mint);
}

static void a_leaf_has_exactly_what_it_should(void **state)
{
	(void)state;
	struct mint *mint;
	struct chain chain;
	char name[256], purpose[64];
	uint8_t issuer_id[64], authority_id[64];
	size_t size = sizeof name, issuer_size = sizeof issuer_id, authority_size = sizeof authority_id;
	unsigned critical, usage, ca;
	assert_int_equal(mint_new(&mint), 0);
	chain_open(&chain, mint, "www.alpha.example", SIGNED_NOW);
	assert_int_equal(gnutls_x509_crt_get_subject_alt_name(chain.leaf, 0, name, &size, NULL), GNUTLS_SAN_DNSNAME);
	assert_string_equal(name, "www.alpha.example");
	size = sizeof name;
	assert_int_equal(gnutls_x509_crt_get_subject_alt_name(chain.leaf, 1, name, &size, NULL),
			 GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
	size = sizeof purpose;
	assert_int_equal(gnutls_x509_crt_get_key_purpose_oid(chain.leaf, 0, purpose, &size, NULL), 0);
	assert_string_equal(purpose, GNUTLS_KP_TLS_WWW_SERVER);
	size = sizeof purpose;
	assert_int_equal(gnutls_x509_crt_get_key_purpose_oid(chain.leaf, 1, purpose, &size, NULL),
			 GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
	assert_int_equal(gnutls_x509_crt_get_basic_constraints(chain.leaf, &critical, &ca, NULL), 0);
	assert_int_equal(ca, 0);
	assert_int_equal(gnutls_x509_crt_get_basic_constraints(chain.authority, &critical, &ca, NULL), 1);
	assert_int_not_equal(critical, 0);
	assert_int_equal(gnutls_x509_crt_get_key_usage(chain.authority, &usage, &critical), 0);
	assert_int_equal(usage, GNUTLS_KEY_KEY_CERT_SIGN);
	assert_int_equal(gnutls_x509_crt_get_authority_key_id(chain.leaf, issuer_id, &issuer_size, NULL), 0);
	assert_int_equal(gnutls_x509_crt_get_subject_key_id(chain.authority, authority_id, &authority_size, NULL), 0);
	assert_int_equal(issuer_size, authority_size);
	assert_memory_equal(issuer_id, authority_id, issuer_size);
	chain_close(&chain);
	mint_free(mint);
}

static void leaves_are_kept_and_renewed(void **state)
{
	(void)state;
	struct mint *mint;
	struct mint_leaf first, again, later, before;
	assert_int_equal(mint_new(&mint), 0);
	assert_int_equal(mint_leaf(mint, "a.example", SIGNED_NOW, &first), 0);
	uint8_t *copy = malloc(first.der_size);
	memcpy(copy, first.der, first.der_size);
	assert_int_equal(mint_leaf(mint, "a.example", SIGNED_NOW + 3600, &again), 0);
	assert_int_equal(again.der_size, first.der_size);
	assert_memory_equal(again.der, copy, first.der_size);
	assert_int_equal(mint_leaf(mint, "a.example", SIGNED_NOW + 26 * 3600, &later), 0);
	assert_true(later.der_size != first.der_size || memcmp(later.der, copy, first.der_size) != 0);
	assert_int_equal(mint_leaf(mint, "a.example", SIGNED_NOW - 365 * INT64_C(86400), &before), 0);
	free(copy);
	/* more names than are kept: the oldest are minted again, and every one of them is right */
	for (int i = 0; i < 300; i++) {
		char name[32];
		snprintf(name, sizeof name, "h%d.example", i);
		struct chain chain;
		chain_open(&chain, mint, name, SIGNED_NOW);
		assert_int_equal(gnutls_verdict(&chain, name, SIGNED_NOW), 0);
		chain_close(&chain);
	}
	mint_free(mint);
}

/* What a broker was given is of no use in the next session. */
static void a_session_has_a_key_of_its_own(void **state)
{
	(void)state;
	struct mint *mint;
	struct mint_leaf leaf;
	struct chain chain;
	size_t size, again_size;
	uint8_t before[256], old_leaf[2048];
	assert_int_equal(mint_new(&mint), 0);
	const uint8_t *key = mint_leaf_key(mint, &size);
	assert_true(size > 0 && size <= sizeof before);
	memcpy(before, key, size);
	assert_int_equal(mint_leaf(mint, "www.alpha.example", SIGNED_NOW, &leaf), 0);
	assert_true(leaf.der_size <= sizeof old_leaf);
	memcpy(old_leaf, leaf.der, leaf.der_size);
	size_t old_size = leaf.der_size;
	assert_int_equal(mint_begin_session(mint), 0);
	key = mint_leaf_key(mint, &again_size);
	assert_true(again_size != size || memcmp(key, before, size) != 0);
	assert_int_equal(mint_leaf(mint, "www.alpha.example", SIGNED_NOW, &leaf), 0);
	assert_true(leaf.der_size != old_size || memcmp(leaf.der, old_leaf, old_size) != 0);
	chain_open(&chain, mint, "www.alpha.example", SIGNED_NOW);
	assert_int_equal(gnutls_verdict(&chain, "www.alpha.example", SIGNED_NOW), 0);
	mbedtls_pk_context pk;
	mbedtls_x509_crt certificate;
	mbedtls_pk_init(&pk);
	mbedtls_x509_crt_init(&certificate);
	assert_int_equal(mbedtls_x509_crt_parse_der(&certificate, leaf.der, leaf.der_size), 0);
	assert_int_equal(
	    mbedtls_pk_parse_key(&pk, key, again_size, NULL, 0, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE), 0);
	assert_int_equal(mbedtls_pk_check_pair(&certificate.pk, &pk, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE),
			 0);
	mbedtls_pk_free(&pk);
	mbedtls_x509_crt_free(&certificate);
	chain_close(&chain);
	mint_free(mint);
}

/* The clock may be confirmed years away from where the start believed it to be. */
static void the_authority_outlives_a_moved_clock(void **state)
{
	(void)state;
	static const int64_t years[] = {-5, -1, 1, 20};
	struct mint *mint;
	assert_int_equal(mint_new(&mint), 0);
	for (size_t i = 0; i < sizeof years / sizeof *years; i++) {
		int64_t now = SIGNED_NOW + years[i] * 365 * 86400;
		struct chain chain;
		chain_open(&chain, mint, "www.alpha.example", now);
		assert_int_equal(gnutls_verdict(&chain, "www.alpha.example", now), 0);
		chain_close(&chain);
	}
	mint_free(mint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_highest_good_version_stands),
	    cmocka_unit_test(a_bad_kept_one_is_left_aside_and_told),
	    cmocka_unit_test(below_the_floor_the_banks_are_closed),
	    cmocka_unit_test(below_its_floor_no_list_of_gateways_is_taken),
	    cmocka_unit_test(a_good_kept_one_stands_in_for_a_bad_built_in),
	    cmocka_unit_test(nothing_good_is_a_refusal_with_its_reason),
	    cmocka_unit_test(an_expired_one_is_loaded_and_told),
	    cmocka_unit_test(only_what_is_newer_and_good_is_taken),
	    cmocka_unit_test(questions_of_other_banks_are_refused),
	    cmocka_unit_test(what_is_no_question_breaks_the_broker),
	    cmocka_unit_test(yes_carries_anchors_pins_leaf_and_key),
	    cmocka_unit_test(the_browser_trusts_a_minted_leaf_for_its_name_only),
	    cmocka_unit_test(a_leaf_has_exactly_what_it_should),
	    cmocka_unit_test(leaves_are_kept_and_renewed),
	    cmocka_unit_test(a_session_has_a_key_of_its_own),
	    cmocka_unit_test(the_authority_outlives_a_moved_clock),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
