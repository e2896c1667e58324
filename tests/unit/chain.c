#include "tests/unit/unit.h"

#include <psa/crypto.h>
#include <string.h>

#include "tests/unit/chain_maker.h"
#include "whitelist/chain.h"
#include "whitelist/suffix.h"

#define NOW  1800000000 /* 2027 */
#define HOST "www.bank.example"

/* tests/unit/chain_masked.c: the check that is switched off */
extern enum chain_fault chain_masked;

struct trio {
	struct recipe leaf, issuer, root;
	struct pin revoked;
	const char *host;
	bool no_pin;
	bool without_issuer;
	unsigned strangers; /* sent as well */
};

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

/* --- one case for each row of chain.def --- */

#define EXTRA(text_oid, text_value)                                                                                    \
	(struct maker_extra){.oid = (text_oid),                                                                        \
			     .oid_size = sizeof(text_oid) - 1,                                                         \
			     .value = (text_value),                                                                    \
			     .value_size = sizeof(text_value) - 1}
#define UNKNOWN_OID "\x2b\x06\x01\x04\x01\x82\x37\x63"

static void issuer_left_out(struct trio *t)
{
	t->root = maker_root(), t->root.subject = "Somebody", t->root.issuer = "Somebody";
}
static void other_name(struct trio *t) { t->leaf.names[0] = t->leaf.subject = "other.bank.example"; }
static void leaf_expired(struct trio *t) { t->leaf.until = "20260101000000Z"; }
static void leaf_to_come(struct trio *t) { t->leaf.from = "20280101000000Z"; }
static void issuer_expired(struct trio *t) { t->issuer.until = "20260101000000Z"; }
static void root_expired(struct trio *t) { t->root.until = "20260101000000Z"; }
static void no_pin(struct trio *t) { t->no_pin = true; }
static void leaf_key_revoked(struct trio *t)
{
	mbedtls_x509_crt leaf;
	mbedtls_x509_crt_init(&leaf);
	assert_int_equal(maker_add(&leaf, &t->leaf), 0);
	assert_int_equal(chain_key(&leaf, &t->revoked), 0);
	mbedtls_x509_crt_free(&leaf);
}
static void odd_boolean(struct trio *t) { t->issuer.twist = MAKER_ODD_BOOLEAN; }
static void strangers(struct trio *t) { t->strangers = CHAIN_SENT_MAX; }
static void leaf_broken(struct trio *t) { t->leaf.broken = true; }
static void issuer_broken(struct trio *t) { t->issuer.broken = true; }
static void leaf_sha1(struct trio *t) { t->leaf.hash = MAKER_SHA1; }
static void issuer_sha1(struct trio *t) { t->issuer.hash = MAKER_SHA1; }
static void version_1(struct trio *t) { t->root.version = 1, t->root.no_v3 = true; }
static void twice(struct trio *t) { t->leaf.extra = EXTRA(UNKNOWN_OID, "\x05\x00"), t->leaf.twist = MAKER_TWICE; }
static void serial_zero(struct trio *t) { t->leaf.serial[0] = 0, t->leaf.serial_size = 1; }
static void serial_negative(struct trio *t) { t->issuer.serial[0] = 0x81; }
static void serial_long(struct trio *t) { t->leaf.serial_size = 21; }
static void critical_aki(struct trio *t) { t->leaf.aki_critical = true; }
static void critical_ski(struct trio *t) { t->issuer.ski_critical = true; }
static void critical_use(struct trio *t) { t->leaf.uses_critical = true; }
static void critical_san(struct trio *t) { t->leaf.san_critical = true; }
static void uncritical_san(struct trio *t) { t->leaf.subject = ""; }
static void short_rsa(struct trio *t) { t->leaf.key = t->leaf.ski_of = MAKER_RSA_1024; }
static void odd_rsa(struct trio *t) { t->leaf.key = t->leaf.ski_of = MAKER_RSA_2047; }
static void x25519(struct trio *t) { t->leaf.key = t->leaf.ski_of = MAKER_X25519; }
static void name_constraints(struct trio *t)
{
	t->issuer.extra = EXTRA("\x55\x1d\x1e", "\x30\x0c\xa0\x0a\x30\x08\x82\x06"
						"nobody");
}
static void leaf_constraints(struct trio *t) { t->leaf.extra = EXTRA("\x55\x1d\x1e", "\x30\x00"); }
static void policy_constraints(struct trio *t) { t->issuer.extra = EXTRA("\x55\x1d\x24", "\x30\x03\x80\x01\x00"); }
static void policy_mappings(struct trio *t)
{
	t->issuer.extra = EXTRA("\x55\x1d\x21", "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x20\x06\x03\x55\x1d\x20");
}
static void inhibit_any(struct trio *t) { t->root.extra = EXTRA("\x55\x1d\x36", "\x02\x01\x00"); }
static void no_authority(struct trio *t) { t->issuer.authority = false; }
static void no_constraints(struct trio *t) { t->issuer.constraints = false; }
static void uncritical(struct trio *t) { t->issuer.constraints_critical = false; }
static void root_uncritical(struct trio *t) { t->root.constraints_critical = false; }
static void may_not_sign(struct trio *t) { t->issuer.usage = MAKER_DIGITAL_SIGNATURE; }
static void no_usage(struct trio *t) { t->issuer.usage = 0; }
static void issuer_for_mail(struct trio *t) { t->issuer.uses = MAKER_EMAIL; }
static void issuer_for_any(struct trio *t) { t->issuer.uses = MAKER_ANY; }
static void root_for_servers(struct trio *t) { t->root.uses = MAKER_SERVER; }
static void too_long(struct trio *t) { t->root.path_length = 0; }
static void no_ski(struct trio *t) { t->issuer.ski = false; }
static void root_no_ski(struct trio *t) { t->root.ski = false; }
static void no_aki(struct trio *t) { t->leaf.aki = false; }
static void issuer_no_aki(struct trio *t) { t->issuer.aki = false; }
static void other_aki(struct trio *t) { t->leaf.aki_of = MAKER_OTHER; }
static void root_other_aki(struct trio *t) { t->root.aki = true, t->root.aki_of = MAKER_OTHER; }
static void leaf_authority(struct trio *t)
{
	t->leaf.constraints = t->leaf.constraints_critical = t->leaf.authority = true;
}
static void leaf_signs(struct trio *t) { t->leaf.usage |= MAKER_CERT_SIGN; }
static void leaf_encrypts(struct trio *t) { t->leaf.usage = MAKER_KEY_ENCIPHERMENT; }
static void no_use(struct trio *t) { t->leaf.uses = 0; }
static void for_mail(struct trio *t) { t->leaf.uses = MAKER_EMAIL; }
static void for_any(struct trio *t) { t->leaf.uses = MAKER_ANY; }
static void no_san(struct trio *t) { t->leaf.subject = "Bank", t->leaf.names[0] = NULL; }
static void mail_san(struct trio *t)
{
	t->leaf.subject = "Bank", t->leaf.names[0] = NULL, t->leaf.email = "a@www.bank.example";
}
static void wide(struct trio *t) { t->leaf.names[0] = t->leaf.subject = "*.co.jp", t->host = "bank.co.jp"; }
static void wide_private(struct trio *t)
{
	t->leaf.names[0] = t->leaf.subject = "*.github.io", t->host = "bank.github.io";
}
static void odd_name(struct trio *t) { t->leaf.names[1] = "192.0.2.1"; }
static void other_common_name(struct trio *t) { t->leaf.subject = "login.bank.example"; }
static void odd_access(struct trio *t)
{
	t->leaf.extra = EXTRA("\x2b\x06\x01\x05\x05\x07\x01\x01", "\x30\x02\x05\x00");
}
static void for_any_as_well(struct trio *t) { t->leaf.uses |= MAKER_ANY; }
static void underscore(struct trio *t) { t->leaf.names[1] = "a_b.bank.example"; }

static const struct {
	enum chain_fault fault;
	void (*alter)(struct trio *trio);
} cases[] = {
    {CHAIN_CHAIN, issuer_left_out},
    {CHAIN_NAME, other_name},
    {CHAIN_NAME, mail_san},
    {CHAIN_DATES, leaf_expired},
    {CHAIN_DATES, leaf_to_come},
    {CHAIN_DATES, issuer_expired},
    {CHAIN_DATES, root_expired},
    {CHAIN_PIN, no_pin},
    {CHAIN_REVOKED, leaf_key_revoked},
    {CHAIN_UNREADABLE, odd_boolean},
    {CHAIN_UNREADABLE, odd_access},
    {CHAIN_LIMITS, strangers},
    {CHAIN_SIGNATURE, leaf_broken},
    {CHAIN_SIGNATURE, issuer_broken},
    {CHAIN_HASH, leaf_sha1},
    {CHAIN_HASH, issuer_sha1},
    {CHAIN_VERSION, version_1},
    {CHAIN_DUPLICATE, twice},
    {CHAIN_SERIAL, serial_zero},
    {CHAIN_SERIAL, serial_negative},
    {CHAIN_SERIAL, serial_long},
    {CHAIN_CRITICALITY, critical_aki},
    {CHAIN_CRITICALITY, critical_ski},
    {CHAIN_CRITICALITY, critical_use},
    {CHAIN_CRITICALITY, critical_san},
    {CHAIN_CRITICALITY, uncritical_san},
    {CHAIN_RSA_BITS, short_rsa},
    {CHAIN_RSA_BITS, odd_rsa},
    {CHAIN_KEY_KIND, x25519},
    {CHAIN_NAME_CONSTRAINTS, name_constraints},
    {CHAIN_NAME_CONSTRAINTS, leaf_constraints},
    {CHAIN_POLICY_CONSTRAINTS, policy_constraints},
    {CHAIN_POLICY_MAPPINGS, policy_mappings},
    {CHAIN_INHIBIT_ANY, inhibit_any},
    {CHAIN_NOT_AUTHORITY, no_authority},
    {CHAIN_NOT_AUTHORITY, no_constraints},
    {CHAIN_BASIC_CONSTRAINTS, uncritical},
    {CHAIN_BASIC_CONSTRAINTS, root_uncritical},
    {CHAIN_ISSUER_KEY_USAGE, may_not_sign},
    {CHAIN_ISSUER_KEY_USAGE, no_usage},
    {CHAIN_ISSUER_PURPOSE, issuer_for_mail},
    {CHAIN_ISSUER_PURPOSE, issuer_for_any},
    {CHAIN_ISSUER_PURPOSE, root_for_servers},
    {CHAIN_PATH_LENGTH, too_long},
    {CHAIN_NO_KEY_IDENTIFIER, no_ski},
    {CHAIN_NO_KEY_IDENTIFIER, root_no_ski},
    {CHAIN_NO_ISSUER_IDENTIFIER, no_aki},
    {CHAIN_NO_ISSUER_IDENTIFIER, issuer_no_aki},
    {CHAIN_ISSUER_IDENTIFIER, other_aki},
    {CHAIN_ISSUER_IDENTIFIER, root_other_aki},
    {CHAIN_LEAF_AUTHORITY, leaf_authority},
    {CHAIN_LEAF_SIGNS, leaf_signs},
    {CHAIN_LEAF_KEY_USAGE, leaf_encrypts},
    {CHAIN_LEAF_PURPOSE, no_use},
    {CHAIN_LEAF_PURPOSE, for_mail},
    {CHAIN_LEAF_PURPOSE, for_any},
    {CHAIN_LEAF_PURPOSE, for_any_as_well},
    {CHAIN_NO_SAN, no_san},
    {CHAIN_WIDE_WILDCARD, wide},
    {CHAIN_WIDE_WILDCARD, wide_private},
    {CHAIN_BAD_NAMES, odd_name},
    {CHAIN_BAD_NAMES, underscore},
    {CHAIN_COMMON_NAME, other_common_name},
};

/* What stops it without the check: nothing, but in two cases, where only the reason would be lost. A certificate of
 * version 1 has no extensions and so lacks all that others ask for; without a SAN no name is the host's. */
static enum chain_fault backed_by(enum chain_fault fault)
{
	if (fault == CHAIN_VERSION)
		return CHAIN_NOT_AUTHORITY;
	return fault == CHAIN_NO_SAN ? CHAIN_NAME : CHAIN_GOOD;
}

static struct trio good_trio(void)
{
	return (struct trio){.leaf = maker_leaf(), .issuer = maker_issuer(), .root = maker_root(), .host = HOST};
}

static void add(mbedtls_x509_crt *chain, const struct recipe *recipe) { assert_int_equal(maker_add(chain, recipe), 0); }

static enum chain_fault ask(const struct trio *trio, struct chain_answer *answer)
{
	mbedtls_x509_crt sent, anchors;
	struct pin pin = {{0}};
	mbedtls_x509_crt_init(&sent);
	mbedtls_x509_crt_init(&anchors);
	add(&sent, &trio->leaf);
	add(&sent, &trio->issuer);
	for (unsigned i = 0; i < trio->strangers; i++)
		add(&sent, &trio->root);
	add(&anchors, &trio->root);
	if (!trio->no_pin)
		assert_int_equal(chain_key(&sent, &pin), 0);
	const struct chain_question question = {.sent = &sent,
						.anchors = &anchors,
						.host = trio->host,
						.now = NOW,
						.pins = &pin,
						.pin_count = 1,
						.revoked = &trio->revoked,
						.revoked_count = 1};
	chain_verify(&question, answer);
	mbedtls_x509_crt_free(&sent);
	mbedtls_x509_crt_free(&anchors);
	return answer->fault;
}

/* Each check stops its cases, and without the check they pass: nothing else would have stopped them. */
static void each_check_is_what_stops_its_cases(void **state)
{
	uint64_t seen = 0;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trio trio = good_trio();
		struct chain_answer answer;
		cases[i].alter(&trio);
		chain_masked = CHAIN_GOOD;
		if (ask(&trio, &answer) != cases[i].fault)
			fail_msg("case %zu, %s: %s", i, chain_fault_code(cases[i].fault),
				 chain_fault_code(answer.fault));
		assert_true(answer.count > 0);
		chain_masked = cases[i].fault;
		if (ask(&trio, &answer) != backed_by(cases[i].fault))
			fail_msg("case %zu: without the check of %s %s stops it", i, chain_fault_code(cases[i].fault),
				 chain_fault_code(answer.fault));
		seen |= UINT64_C(1) << cases[i].fault;
	}
	chain_masked = CHAIN_GOOD;
	for (int fault = 1; fault < CHAIN_FAULT_COUNT; fault++)
		if (!(seen >> fault & 1))
			fail_msg("no case for %s", chain_fault_code((enum chain_fault)fault));
}

static void a_good_chain_is_good(void **state)
{
	struct chain_answer answer;
	struct trio trio = good_trio();
	(void)state;
	assert_int_equal(ask(&trio, &answer), CHAIN_GOOD);
	assert_int_equal(answer.count, 3);
	assert_int_equal(answer.signatures, 2);
	assert_int_equal(answer.from, 1735689600);
	assert_int_equal(answer.until, 2366841600);
	trio.leaf.subject = "A bank of www.bank.example"; /* words */
	trio.leaf.names[0] = "*.bank.example";
	assert_int_equal(ask(&trio, &answer), CHAIN_GOOD);
	trio.leaf.names[0] = "WWW.Bank.Example";
	assert_int_equal(ask(&trio, &answer), CHAIN_GOOD);
	trio.leaf.uses |= MAKER_EMAIL;
	trio.leaf.serial_size = 20;
	trio.issuer.uses = 0;
	trio.root.usage |= 2;
	assert_int_equal(ask(&trio, &answer), CHAIN_GOOD);
}

/* --- ways through what was sent --- */

struct bag {
	mbedtls_x509_crt sent, anchors;
};

static struct bag bag(void)
{
	struct bag b;
	mbedtls_x509_crt_init(&b.sent);
	mbedtls_x509_crt_init(&b.anchors);
	return b;
}

static enum chain_fault find(struct bag *b, struct chain_answer *answer)
{
	const struct chain_question question = {
	    .sent = &b->sent, .anchors = &b->anchors, .host = HOST, .now = NOW, .unpinned = true};
	chain_verify(&question, answer);
	mbedtls_x509_crt_free(&b->sent);
	mbedtls_x509_crt_free(&b->anchors);
	return answer->fault;
}

/* leaf <- Issuer <- Middle <- Root, with Middle also signed by Other, which is no anchor, and each expired once more:
 * in every order. */
static void no_order_and_nothing_extra_breaks_a_good_chain(void **state)
{
	enum { EXTRAS = 6 };
	struct recipe leaf = maker_leaf(), root = maker_root(), extras[EXTRAS];
	(void)state;
	for (size_t i = 0; i < EXTRAS; i++)
		extras[i] = maker_issuer();
	/* Issuer, signed by Middle, which has MAKER_OTHER's key */
	extras[0].issuer = "Middle";
	extras[0].signer = extras[0].aki_of = MAKER_OTHER;
	extras[1] = extras[0];
	extras[1].until = "20260101000000Z";
	/* Middle, signed by Root */
	extras[2].subject = "Middle";
	extras[2].key = extras[2].ski_of = MAKER_OTHER;
	extras[3] = extras[2];
	extras[3].until = "20260101000000Z";
	/* Middle, signed by Somebody */
	extras[4] = extras[2];
	extras[4].issuer = "Somebody";
	extras[4].signer = extras[4].aki_of = MAKER_LEAF;
	/* a name that lies: Issuer by Root, not so signed */
	extras[5].broken = true;
	uint8_t der[EXTRAS][2048];
	size_t size[EXTRAS];
	for (size_t i = 0; i < EXTRAS; i++)
		size[i] = maker_der(&extras[i], der[i], sizeof der[i]);
	for (unsigned n = 0; n < 720; n += 7) { /* a seventh of all orders, of every beginning */
		unsigned rest = n, left[EXTRAS] = {0, 1, 2, 3, 4, 5};
		struct bag b = bag();
		struct chain_answer answer;
		add(&b.sent, &leaf);
		for (unsigned i = 0; i < EXTRAS; i++) {
			unsigned pick = rest % (EXTRAS - i), one = left[pick];
			rest /= EXTRAS - i;
			memmove(&left[pick], &left[pick + 1], (EXTRAS - 1 - pick) * sizeof *left);
			assert_int_equal(mbedtls_x509_crt_parse_der(&b.sent, der[one], size[one]), 0);
		}
		add(&b.anchors, &root);
		if (find(&b, &answer) != CHAIN_GOOD)
			fail_msg("order %u: %s", n, chain_fault_code(answer.fault));
		assert_int_equal(answer.count, 4);
	}
}

static void of_two_anchors_the_reachable_one_is_found(void **state)
{
	struct recipe leaf = maker_leaf(), issuer = maker_issuer(), root = maker_root(), twin = maker_root();
	struct bag b = bag();
	struct chain_answer answer;
	(void)state;
	twin.key = twin.signer = twin.ski_of = MAKER_OTHER; /* another with the same name */
	add(&b.sent, &leaf);
	add(&b.sent, &issuer);
	add(&b.sent, &root); /* sent as well, which does no harm */
	add(&b.anchors, &twin);
	add(&b.anchors, &root);
	assert_int_equal(find(&b, &answer), CHAIN_GOOD);
	assert_int_equal(answer.count, 3);
}

/* A pin on an intermediate holds where any way leads over it. */
static void a_way_over_the_pin_is_found(void **state)
{
	struct recipe leaf = maker_leaf(), issuer = maker_issuer(), middle = maker_issuer(), cross = maker_issuer(),
		      root = maker_root();
	struct bag b = bag();
	struct chain_answer answer;
	struct pin pin;
	(void)state;
	middle.subject = "Middle";
	middle.key = middle.ski_of = MAKER_OTHER;
	cross.issuer = "Middle";
	cross.signer = cross.aki_of = MAKER_OTHER;
	add(&b.sent, &leaf);
	add(&b.sent, &issuer); /* the short way */
	add(&b.sent, &cross);
	add(&b.sent, &middle);
	add(&b.anchors, &root);
	assert_int_equal(chain_key(b.sent.next->next->next, &pin), 0);
	struct chain_question question = {
	    .sent = &b.sent, .anchors = &b.anchors, .host = HOST, .now = NOW, .pins = &pin, .pin_count = 1};
	chain_verify(&question, &answer);
	assert_int_equal(answer.fault, CHAIN_GOOD);
	assert_int_equal(answer.count, 4);
	question.revoked = &pin;
	question.revoked_count = 1;
	chain_verify(&question, &answer);
	assert_int_not_equal(answer.fault, CHAIN_GOOD);
	question.revoked_count = 0;
	question.pin_count = 0; /* none matches */
	chain_verify(&question, &answer);
	assert_int_equal(answer.fault, CHAIN_PIN);
	mbedtls_x509_crt_free(&b.sent);
	mbedtls_x509_crt_free(&b.anchors);
}

/* Fifteen authorities, each signed by every other: more ways than anybody walks. */
static void a_maze_costs_a_bounded_number_of_signatures(void **state)
{
	struct recipe leaf = maker_leaf(), one = maker_issuer(), root = maker_root();
	struct bag b = bag();
	struct chain_answer answer;
	(void)state;
	root.subject = root.issuer = "Somebody";
	one.issuer = "Issuer";
	one.signer = one.aki_of = MAKER_ISSUER;
	add(&b.sent, &leaf);
	for (uint8_t i = 1; i < CHAIN_SENT_MAX; i++) {
		one.serial[0] = i;
		add(&b.sent, &one);
	}
	add(&b.anchors, &root);
	assert_int_equal(find(&b, &answer), CHAIN_LIMITS);
	assert_true(answer.signatures <= CHAIN_SIGNATURES_MAX);
}

static void a_long_chain_ends_somewhere(void **state)
{
	(void)state;
	for (unsigned intermediates = 1; intermediates <= CHAIN_INTERMEDIATES_MAX + 1; intermediates++) {
		struct recipe leaf = maker_leaf(), one = maker_issuer(), root = maker_root();
		static const char *const names[] = {"Issuer", "2", "3", "4", "5", "6", "7", "8"};
		struct bag b = bag();
		struct chain_answer answer;
		add(&b.sent, &leaf);
		for (unsigned i = 0; i < intermediates; i++) {
			bool last = i + 1 == intermediates;
			one.subject = names[i];
			one.issuer = last ? "Root" : names[i + 1];
			one.signer = one.aki_of = last ? MAKER_ROOT : MAKER_ISSUER;
			add(&b.sent, &one);
		}
		add(&b.anchors, &root);
		assert_int_equal(find(&b, &answer),
				 intermediates <= CHAIN_INTERMEDIATES_MAX ? CHAIN_GOOD : CHAIN_CHAIN);
	}
}

static void nothing_sent_is_nothing_good(void **state)
{
	struct chain_answer answer;
	const struct chain_question question = {.host = HOST, .now = NOW, .unpinned = true};
	(void)state;
	chain_verify(&question, &answer);
	assert_int_equal(answer.fault, CHAIN_CHAIN);
	assert_int_equal(answer.count, 0);
}

/* --- names --- */

static void names_match_exactly(void **state)
{
	static const struct {
		const char *pattern, *host;
		bool match;
	} names[] = {
	    {"bank.example", HOST, false},
	    {"www.bank.example.", HOST, false},
	    {"www.bank.exampl", HOST, false},
	    {"*.bank.example", "bank.example", false},
	    {"*.bank.example", "a.www.bank.example", false},
	    {"*", HOST, false},
	    {"*.", HOST, false},
	    {"w*.bank.example", HOST, false},
	    {"www.*.example", HOST, false},
	    {"*.*.example", HOST, false},
	    {"198.51.100.10", "198.51.100.10", false},
	    {"*.bank.example", HOST, true},
	    {HOST, HOST, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct trio trio = good_trio();
		struct chain_answer answer;
		trio.leaf.names[0] = names[i].pattern;
		trio.leaf.subject = "Bank";
		trio.host = names[i].host;
		assert_int_equal(ask(&trio, &answer), names[i].match ? CHAIN_GOOD : CHAIN_NAME);
	}
}

static void public_suffixes_are_known(void **state)
{
	static const char *const public[] = {"jp",
					     "com",
					     "co.jp",
					     "or.jp",
					     "tokyo.jp",
					     "github.io",
					     "ck",
					     "foo.ck",
					     "abc.kawasaki.jp",
					     "co.uk",
					     "zzzz",
					     "xn--p1ai",
					     "xn--vermgensberater-ctb"};
	static const char *const private[] = {"bank.jp",          "example.com",       "bank.co.jp",
					      "www.ck",           "city.kawasaki.jp",  "bank.example",
					      "a.foo.ck.example", "a.abc.kawasaki.jp", "0.example"};
	(void)state;
	for (size_t i = 0; i < sizeof public / sizeof public[0]; i++)
		if (!suffix_is_public(public[i]))
			fail_msg("%s", public[i]);
	for (size_t i = 0; i < sizeof private / sizeof private[0]; i++)
		if (suffix_is_public(private[i]))
			fail_msg("%s", private[i]);
}

static void every_fault_has_its_own_words(void **state)
{
	(void)state;
	for (int i = 0; i < CHAIN_FAULT_COUNT; i++)
		for (int j = i + 1; j < CHAIN_FAULT_COUNT; j++) {
			enum chain_fault one = (enum chain_fault)i, other = (enum chain_fault)j;
			assert_string_not_equal(chain_fault_code(one), chain_fault_code(other));
			assert_string_not_equal(chain_fault_text(one), chain_fault_text(other));
			assert_string_not_equal(chain_fault_customer_ja(one), chain_fault_customer_ja(other));
			assert_string_not_equal(chain_fault_customer_en(one), chain_fault_customer_en(other));
		}
	assert_string_equal(chain_fault_code((enum chain_fault)4711), "unreadable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_chain_is_good),
	    cmocka_unit_test(each_check_is_what_stops_its_cases),
	    cmocka_unit_test(no_order_and_nothing_extra_breaks_a_good_chain),
	    cmocka_unit_test(of_two_anchors_the_reachable_one_is_found),
	    cmocka_unit_test(a_way_over_the_pin_is_found),
	    cmocka_unit_test(a_maze_costs_a_bounded_number_of_signatures),
	    cmocka_unit_test(a_long_chain_ends_somewhere),
	    cmocka_unit_test(nothing_sent_is_nothing_good),
	    cmocka_unit_test(names_match_exactly),
	    cmocka_unit_test(public_suffixes_are_known),
	    cmocka_unit_test(every_fault_has_its_own_words),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, start, end);
}
