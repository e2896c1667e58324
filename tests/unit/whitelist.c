/* whitelist.h, gateways.h, names, dates, lint: what is good is read whole, what is wrong is named by its path. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/signed.h"
#include "whitelist/date.h"
#include "whitelist/gateways.h"
#include "whitelist/lint.h"
#include "whitelist/names.h"
#include "whitelist/whitelist.h"

static int setup(void **state)
{
	(void)state;
	return signed_setup();
}

/* Parse `tree` (taken). */
static struct whitelist *parse(json_t *tree, struct whitelist_fault *fault)
{
	struct whitelist *whitelist;
	char *text = json_dumps(tree, 0);
	json_decref(tree);
	int error = whitelist_parse((uint8_t *)text, strlen(text), &whitelist, fault);
	assert_int_equal(error == 0, whitelist != NULL);
	assert_int_equal(error == 0, fault->error == WHITELIST_OK);
	free(text);
	return whitelist;
}

static struct whitelist *good(void)
{
	struct whitelist_fault fault;
	struct whitelist *whitelist = parse(signed_policy(3), &fault);
	assert_non_null(whitelist);
	return whitelist;
}

static void a_good_policy_is_read_whole(void **state)
{
	(void)state;
	struct whitelist *w = good();
	assert_int_equal(w->version, 3);
	assert_string_equal(w->tenant, "demo");
	assert_false(w->pin);
	assert_int_equal(w->issued, 1793491200);
	assert_int_equal(w->expires, 1825027200);
	assert_int_equal(w->authority_count, 1);
	assert_int_equal(w->bank_count, 2);
	const struct whitelist_bank *alpha = whitelist_bank(w, "alpha");
	assert_string_equal(alpha->name_ja, "見本銀行");
	assert_string_equal(alpha->start, "https://www.alpha.example/");
	assert_int_equal(alpha->host_count, 3);
	assert_int_equal(alpha->hosts[1].role, ROLE_ASSET);
	assert_int_equal(alpha->port_count, 1);
	assert_int_equal(alpha->hosts[0].pin_count, 2);
	assert_int_equal(alpha->hosts[0].pins[1][31], 2);
	assert_ptr_equal(alpha->hosts[0].anchors[0], &w->authorities[0]);
	assert_null(whitelist_bank(w, "gamma"));
	whitelist_free(w);
}

/* --- each thing that can be wrong --- */

struct fault_case {
	const char *path;  /* of the change, see signed.h */
	const char *value; /* JSON; NULL removes */
	enum whitelist_error error;
	const char *where;
};

#define HOST "banks.0.hosts.0"
#define AT   "banks[0].hosts[0]"
#define A44  "\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\""

static const struct fault_case policy_faults[] = {
    {"format", "2", WHITELIST_FORMAT, "format"},
    {"format", NULL, WHITELIST_MISSING, "format"},
    {"format", "\"1\"", WHITELIST_WRONG_KIND, "format"},
    {"extra", "1", WHITELIST_UNKNOWN_MEMBER, "extra"},
    {"tenant", "\"De mo\"", WHITELIST_BAD_ID, "tenant"},
    {"tenant", "\"\"", WHITELIST_BAD_ID, "tenant"},
    {"tenant", "\"-a\"", WHITELIST_BAD_ID, "tenant"},
    {"version", "0", WHITELIST_BAD_VERSION, "version"},
    {"version", "-1", WHITELIST_BAD_VERSION, "version"},
    {"version", "9007199254740992", WHITELIST_BAD_VERSION, "version"},
    {"version", "1.0", WHITELIST_WRONG_KIND, "version"},
    {"issued", "\"yesterday\"", WHITELIST_BAD_DATE, "issued"},
    {"issued", "\"2026-11-22T00:00:00+09:00\"", WHITELIST_BAD_DATE, "issued"},
    {"expires", "\"2026-11-01T00:00:00Z\"", WHITELIST_BAD_PERIOD, "expires"},
    {"pin", "0", WHITELIST_WRONG_KIND, "pin"},
    {"pin", NULL, WHITELIST_MISSING, "pin"},
    {"authorities", "[]", WHITELIST_WRONG_KIND, "authorities"},
    {"authorities.Root", "\"x\"", WHITELIST_BAD_ID, "authorities.Root"},
    {"authorities.root", "\"x\"", WHITELIST_BAD_CERTIFICATE, "authorities.root"},
    {"authorities.root", "1", WHITELIST_WRONG_KIND, "authorities.root"},
    {"banks", "[]", WHITELIST_TOO_FEW, "banks"},
    {"banks", "{}", WHITELIST_WRONG_KIND, "banks"},
    {"banks.1.id", "\"alpha\"", WHITELIST_DUPLICATE, "banks[1].id"},
    {"banks.1.id", NULL, WHITELIST_MISSING, "banks[1].id"},
    {"banks.0.logo", "\"x\"", WHITELIST_UNKNOWN_MEMBER, "banks[0].logo"},
    {"banks.0.name.ja", "\"\"", WHITELIST_BAD_TEXT, "banks[0].name.ja"},
    {"banks.0.name.en", "\"a\\u202eb\"", WHITELIST_BAD_TEXT, "banks[0].name.en"},
    {"banks.0.name.en", "\"a\\u0007b\"", WHITELIST_BAD_TEXT, "banks[0].name.en"},
    {"banks.0.name.en", "\"a\\u200bb\"", WHITELIST_BAD_TEXT, "banks[0].name.en"},
    {"banks.0.name.fr", "\"banque\"", WHITELIST_UNKNOWN_MEMBER, "banks[0].name.fr"},
    {"banks.0.support", "\"call us\"", WHITELIST_BAD_SUPPORT, "banks[0].support"},
    {"banks.0.start", "\"http://www.alpha.example/\"", WHITELIST_BAD_START, "banks[0].start"},
    {"banks.0.start", "\"https://www.alpha.example\"", WHITELIST_BAD_START, "banks[0].start"},
    {"banks.0.start", "\"https://a@www.alpha.example/\"", WHITELIST_BAD_START, "banks[0].start"},
    {"banks.0.start", "\"https://www.beta.example/\"", WHITELIST_START_NOT_PAGE, "banks[0].start"},
    {"banks.0.start", "\"https://x.cdn.alpha.example/\"", WHITELIST_START_NOT_PAGE, "banks[0].start"},
    {"banks.0.start", "\"https://www.alpha.example:8443/\"", WHITELIST_START_NOT_PAGE, "banks[0].start"},
    {"banks.0.hosts", "[]", WHITELIST_TOO_FEW, "banks[0].hosts"},
    {HOST, "[]", WHITELIST_WRONG_KIND, AT},
    {HOST ".name", "\"WWW.alpha.example\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"www.alpha.example.\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"alpha\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"192.0.2.1\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"銀行.example\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"*.*.example\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"w*.alpha.example\"", WHITELIST_BAD_HOST, AT ".name"},
    {HOST ".name", "\"*.jp\"", WHITELIST_WIDE_WILDCARD, AT ".name"},
    {HOST ".name", "\"*.co.jp\"", WHITELIST_WIDE_WILDCARD, AT ".name"},
    {HOST ".name", "\"*.example\"", WHITELIST_WIDE_WILDCARD, AT ".name"},
    {HOST ".name", "\"*.tokyo.jp\"", WHITELIST_WIDE_WILDCARD, AT ".name"},
    {HOST ".name", "\"*.co.uk\"", WHITELIST_WIDE_WILDCARD, AT ".name"},
    {HOST ".name", "\"*.cloudfront.net\"", WHITELIST_WIDE_WILDCARD, AT ".name"},
    {"banks.0.hosts.2.name", "\"www.alpha.example\"", WHITELIST_DUPLICATE, "banks[0].hosts[2].name"},
    {HOST ".role", "\"frame\"", WHITELIST_BAD_ROLE, AT ".role"},
    {HOST ".ports", "[]", WHITELIST_TOO_FEW, AT ".ports"},
    {HOST ".ports", "[443, 443]", WHITELIST_DUPLICATE, AT ".ports[1]"},
    {HOST ".ports", "[0]", WHITELIST_BAD_PORT, AT ".ports[0]"},
    {HOST ".ports", "[53]", WHITELIST_BAD_PORT, AT ".ports[0]"},
    {HOST ".ports", "[65536]", WHITELIST_BAD_PORT, AT ".ports[0]"},
    {HOST ".ports", "[1, 2, 3, 4, 5]", WHITELIST_TOO_MANY, AT ".ports"},
    {"banks.0.hosts.1.ports", "[1, 2, 3, 4]", WHITELIST_TOO_MANY, "banks[0].hosts[1].ports[3]"},
    {HOST ".anchors", "[]", WHITELIST_TOO_FEW, AT ".anchors"},
    {HOST ".anchors", "[\"none\"]", WHITELIST_NO_SUCH_AUTHORITY, AT ".anchors[0]"},
    {HOST ".anchors", "[\"root\", \"root\"]", WHITELIST_DUPLICATE, AT ".anchors[1]"},
    {HOST ".pins", "[" A44 "]", WHITELIST_TOO_FEW, AT ".pins"},
    {HOST ".pins", "[" A44 ", " A44 "]", WHITELIST_DUPLICATE, AT ".pins[1]"},
    {HOST ".pins", "[" A44 ", \"AQ==\"]", WHITELIST_BAD_PIN, AT ".pins[1]"},
    {HOST ".pins", "[" A44 ", \"nothing\"]", WHITELIST_BAD_PIN, AT ".pins[1]"},
    {HOST ".pins", "{}", WHITELIST_WRONG_KIND, AT ".pins"},
};

static void put_json(json_t *tree, const struct fault_case *c)
{
	signed_put(tree, c->path, c->value ? json_loads(c->value, JSON_DECODE_ANY, NULL) : NULL);
}

static void expect_fault(const struct fault_case *c, const struct whitelist_fault *fault)
{
	char text[WHITELIST_FAULT_BYTES];
	if (fault->error != c->error || strcmp(fault->path, c->where) != 0)
		fail_msg("%s = %s: expected %s at %s, got %s (%s)", c->path, c->value ? c->value : "(none)",
			 whitelist_error_code(c->error), c->where, whitelist_error_code(fault->error),
			 whitelist_fault_text(fault, text));
}

static void each_fault_is_named_by_its_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof policy_faults / sizeof *policy_faults; i++) {
		struct whitelist_fault fault;
		json_t *tree = signed_policy(1);
		put_json(tree, &policy_faults[i]);
		struct whitelist *w = parse(tree, &fault);
		expect_fault(&policy_faults[i], &fault);
		whitelist_free(w);
	}
}

static void certificates_are_checked(void **state)
{
	(void)state;
	struct whitelist_fault fault;
	json_t *tree = signed_policy(1);
	signed_put(tree, "authorities.root", json_string(signed_leaf_pem()));
	assert_null(parse(tree, &fault));
	assert_int_equal(fault.error, WHITELIST_NOT_AUTHORITY);
	static const char *const around[][2] = {{"", "x"}, {" ", ""}, {"", "\n\n"}, {NULL, NULL}};
	for (size_t i = 0; around[i][0]; i++) {
		char pem[8192];
		snprintf(pem, sizeof pem, "%s%s%s", around[i][0], signed_authority_pem(), around[i][1]);
		tree = signed_policy(1);
		signed_put(tree, "authorities.root", json_string(pem));
		assert_null(parse(tree, &fault));
		assert_int_equal(fault.error, WHITELIST_BAD_CERTIFICATE);
	}
	char two[8192];
	snprintf(two, sizeof two, "%s%s", signed_authority_pem(), signed_authority_pem());
	tree = signed_policy(1);
	signed_put(tree, "authorities.root", json_string(two));
	assert_null(parse(tree, &fault));
	assert_int_equal(fault.error, WHITELIST_BAD_CERTIFICATE);
}

static void every_shorter_policy_is_refused(void **state)
{
	(void)state;
	json_t *tree = signed_policy(1);
	char *text = json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	size_t size = strlen(text);
	for (size_t cut = 0; cut < size; cut++) {
		struct whitelist *w;
		struct whitelist_fault fault;
		uint8_t *part = malloc(cut ? cut : 1);
		memcpy(part, text, cut);
		assert_int_equal(whitelist_parse(part, cut, &w, &fault), -EINVAL);
		assert_int_equal(fault.error, WHITELIST_NOT_JSON);
		free(part);
	}
	free(text);
}

static void members_given_twice_are_refused(void **state)
{
	(void)state;
	struct whitelist *w;
	struct whitelist_fault fault;
	json_t *tree = signed_policy(1);
	char *text = json_dumps(tree, JSON_COMPACT), *doubled = NULL;
	json_decref(tree);
	assert_true(asprintf(&doubled, "{\"pin\": true,%s", text + 1) > 0);
	assert_int_equal(whitelist_parse((uint8_t *)doubled, strlen(doubled), &w, &fault), -EINVAL);
	assert_int_equal(fault.error, WHITELIST_NOT_JSON);
	free(doubled);
	free(text);
}

/* --- look-up --- */

static void look_up_knows_bank_host_and_port(void **state)
{
	(void)state;
	static const struct {
		const char *bank, *host;
		uint16_t port;
		enum whitelist_answer answer;
	} cases[] = {
	    {"alpha", "www.alpha.example", 443, WHITELIST_YES},
	    {"alpha", "www.alpha.example", 0, WHITELIST_YES},
	    {"alpha", "www.alpha.example", 8443, WHITELIST_OTHER_PORT},
	    {"alpha", "x.cdn.alpha.example", 443, WHITELIST_YES},
	    {"alpha", "cdn.alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "x.y.cdn.alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", ".cdn.alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "*.cdn.alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "xcdn.alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "WWW.alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "www.alpha.example.", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "www.alpha.example.evil.example", 443, WHITELIST_NOT_LISTED},
	    {"alpha", "beta.example", 443, WHITELIST_NOT_LISTED},
	    {"beta", "beta.example", 443, WHITELIST_YES},
	    {"beta", "www.alpha.example", 443, WHITELIST_NOT_LISTED},
	    {"gamma", "beta.example", 443, WHITELIST_NO_BANK},
	    {"", "beta.example", 443, WHITELIST_NO_BANK},
	    {"alpha", "192.0.2.1", 443, WHITELIST_IP_LITERAL},
	    {"alpha", "0x7f.1", 443, WHITELIST_IP_LITERAL},
	    {"alpha", "2130706433", 443, WHITELIST_IP_LITERAL},
	    {"alpha", "[2001:db8::1]", 443, WHITELIST_IP_LITERAL},
	    {"alpha", "::1", 443, WHITELIST_IP_LITERAL},
	    {"alpha", "", 443, WHITELIST_NOT_LISTED},
	};
	struct whitelist *w = good();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct whitelist_host *found = NULL;
		enum whitelist_answer answer =
		    whitelist_look_up(w, cases[i].bank, cases[i].host, cases[i].port, SIGNED_NOW, &found);
		if (answer != cases[i].answer)
			fail_msg("%s %s:%u: %d, not %d", cases[i].bank, cases[i].host, cases[i].port, (int)answer,
				 (int)cases[i].answer);
		assert_int_equal(answer == WHITELIST_YES, found != NULL);
	}
	whitelist_free(w);
}

static void an_exact_entry_goes_before_a_wildcard(void **state)
{
	(void)state;
	struct whitelist_fault fault;
	json_t *tree = signed_policy(1);
	signed_put(tree, "banks.0.hosts.2.name", json_string("a.cdn.alpha.example"));
	signed_put(tree, "banks.0.hosts.2.ports.0", json_integer(8443));
	struct whitelist *w = parse(tree, &fault);
	assert_non_null(w);
	const struct whitelist_host *found;
	assert_int_equal(whitelist_look_up(w, "alpha", "a.cdn.alpha.example", 8443, SIGNED_NOW, &found), WHITELIST_YES);
	assert_string_equal(found->name, "a.cdn.alpha.example");
	assert_int_equal(whitelist_look_up(w, "alpha", "a.cdn.alpha.example", 443, SIGNED_NOW, &found),
			 WHITELIST_OTHER_PORT);
	assert_int_equal(whitelist_look_up(w, "alpha", "b.cdn.alpha.example", 443, SIGNED_NOW, &found), WHITELIST_YES);
	whitelist_free(w);
}

static void expiry_closes_every_bank(void **state)
{
	(void)state;
	struct whitelist *w = good();
	assert_int_equal(whitelist_look_up(w, "alpha", "www.alpha.example", 443, w->expires - 1, NULL), WHITELIST_YES);
	assert_int_equal(whitelist_look_up(w, "alpha", "www.alpha.example", 443, w->expires, NULL), WHITELIST_EXPIRED);
	assert_int_equal(whitelist_look_up(w, "beta", "beta.example", 0, w->expires + 1, NULL), WHITELIST_EXPIRED);
	whitelist_free(w);
}

static void versions_only_go_up(void **state)
{
	(void)state;
	struct whitelist_fault fault;
	struct whitelist *two = parse(signed_policy(2), &fault), *three = good();
	json_t *tree = signed_policy(4);
	signed_put(tree, "tenant", json_string("other"));
	struct whitelist *foreign = parse(tree, &fault);
	assert_int_equal(whitelist_accept(three, two, 0, SIGNED_NOW), WHITELIST_NEWER);
	assert_int_equal(whitelist_accept(three, NULL, 0, SIGNED_NOW), WHITELIST_NEWER);
	assert_int_equal(whitelist_accept(three, NULL, 3, SIGNED_NOW), WHITELIST_NEWER);
	assert_int_equal(whitelist_accept(three, NULL, 4, SIGNED_NOW), WHITELIST_OLDER);
	assert_int_equal(whitelist_accept(two, three, 0, SIGNED_NOW), WHITELIST_OLDER);
	assert_int_equal(whitelist_accept(three, three, 0, SIGNED_NOW), WHITELIST_SAME);
	assert_int_equal(whitelist_accept(three, two, 0, three->expires), WHITELIST_OUT_OF_DATE);
	assert_int_equal(whitelist_accept(foreign, three, 0, SIGNED_NOW), WHITELIST_OTHER_TENANT);
	whitelist_free(two);
	whitelist_free(three);
	whitelist_free(foreign);
}

/* --- names, addresses of pages, dates --- */

static void names_have_one_spelling(void **state)
{
	(void)state;
	static const char *const hosts[] = {
	    "a.b", "www.bank.example", "xn--fiqs8s.example", "1.example", "a-b.c-d", "0x.example", "1.2.3.a4"};
	static const char *const others[] = {"",     ".",     "a",      "a.",    ".a",      "a..b", "-a.b",
					     "a-.b", "a_b.c", "a.b ",   "A.b",   "1.2.3.4", "a.1",  "a.0x1",
					     "a.0x", "a b.c", "\xe9.b", "*.a.b", "[::1]",   "a:1"};
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (!name_is_host(hosts[i]))
			fail_msg("%s is a host name", hosts[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (name_is_host(others[i]))
			fail_msg("%s is no host name", others[i]);
	char label[66], name[300] = "";
	memset(label, 'a', sizeof label);
	label[63] = '\0';
	snprintf(name, sizeof name, "%s.b", label);
	assert_true(name_is_host(name));
	snprintf(name, sizeof name, "a%s.b", label);
	assert_false(name_is_host(name));
	snprintf(name, sizeof name, "%s.%s.%s.%.61s", label, label, label, label);
	assert_int_equal(strlen(name), 253);
	assert_true(name_is_host(name));
	snprintf(name, sizeof name, "%s.%s.%s.%.62s", label, label, label, label);
	assert_false(name_is_host(name));
}

static void urls_are_plain(void **state)
{
	(void)state;
	char host[WHITELIST_HOST_BYTES];
	uint16_t port;
	assert_true(url_split("https://a.example/x?y=%20z", host, &port));
	assert_string_equal(host, "a.example");
	assert_int_equal(port, 443);
	assert_true(url_split("https://a.example:8443/", host, &port));
	assert_int_equal(port, 8443);
	static const char *const wrong[] = {"",
					    "https://",
					    "https:///",
					    "http://a.example/",
					    "HTTPS://a.example/",
					    "https://a.example",
					    "https://a.example?x",
					    "https://a.example:/",
					    "https://a.example:0/",
					    "https://a.example:65536/",
					    "https://a.example:99999999999999999999/",
					    "https://a.example:+1/",
					    "https://a.example:443x/",
					    "https://u@a.example/",
					    "https://a.example/#x",
					    "https://a.example/ x",
					    "https://a.example\\b/",
					    "https://a.example/\xe9",
					    "https://192.0.2.1/",
					    "https://[::1]/",
					    "https://A.example/",
					    "https://a.example/\"",
					    "javascript:alert(1)"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (url_split(wrong[i], host, &port))
			fail_msg("%s is not plain", wrong[i]);
}

static void dates_go_there_and_back(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds;
	} good_dates[] = {{"1970-01-01T00:00:00Z", 0},          {"2000-02-29T23:59:59Z", 951868799},
			  {"2026-11-22T00:00:00Z", SIGNED_NOW}, {"2038-01-19T03:14:08Z", 2147483648},
			  {"2100-03-01T00:00:00Z", 4107542400}, {"9999-12-31T23:59:59Z", 253402300799}};
	for (size_t i = 0; i < sizeof good_dates / sizeof *good_dates; i++) {
		int64_t seconds = -1;
		char text[DATE_BYTES];
		assert_int_equal(date_parse(good_dates[i].text, &seconds), 0);
		assert_int_equal(seconds, good_dates[i].seconds);
		date_format(seconds, text);
		assert_string_equal(text, good_dates[i].text);
	}
	static const char *const wrong[] = {"",
					    "2026-11-22",
					    "2026-11-22T00:00:00",
					    "2026-11-22 00:00:00Z",
					    "2026-11-22t00:00:00z",
					    "2026-11-22T00:00:00.0Z",
					    "2026-11-22T24:00:00Z",
					    "2026-11-22T00:60:00Z",
					    "2026-11-22T00:00:60Z",
					    "2026-00-22T00:00:00Z",
					    "2026-13-22T00:00:00Z",
					    "2026-02-29T00:00:00Z",
					    "2100-02-29T00:00:00Z",
					    "2026-11-31T00:00:00Z",
					    "2026-11-00T00:00:00Z",
					    "1969-12-31T23:59:59Z",
					    "+026-11-22T00:00:00Z"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int64_t seconds;
		if (date_parse(wrong[i], &seconds) == 0)
			fail_msg("%s is no date", wrong[i]);
	}
	char text[DATE_BYTES];
	date_format(253402300800, text);
	assert_string_equal(text, "invalid");
	date_format(-1, text);
	assert_string_equal(text, "invalid");
}

/* --- gateways --- */

static const struct fault_case gateway_faults[] = {
    {"format", "2", WHITELIST_FORMAT, "format"},
    {"expires", "\"2026-11-22T00:00:00Z\"", WHITELIST_UNKNOWN_MEMBER, "expires"},
    {"version", "0", WHITELIST_BAD_VERSION, "version"},
    {"gateways", "[]", WHITELIST_TOO_FEW, "gateways"},
    {"gateways.0.id", "\"GW\"", WHITELIST_BAD_ID, "gateways[0].id"},
    {"gateways.0.key", "\"x\"", WHITELIST_BAD_KEY, "gateways[0].key"},
    {"gateways.0.key", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", WHITELIST_BAD_KEY, "gateways[0].key"},
    {"gateways.0.inner", "\"gw1\"", WHITELIST_BAD_ADDRESS, "gateways[0].inner"},
    {"gateways.0.addresses", "[]", WHITELIST_TOO_FEW, "gateways[0].addresses"},
    {"gateways.0.control.port", "0", WHITELIST_BAD_PORT, "gateways[0].control.port"},
    {"gateways.0.control.name", "\"10.77.0.1\"", WHITELIST_BAD_HOST, "gateways[0].control.name"},
    {"gateways.0.control.certificate", "\"\"", WHITELIST_BAD_CERTIFICATE, "gateways[0].control.certificate"},
    {"gateways.0.control.pin", "\"\"", WHITELIST_BAD_PIN, "gateways[0].control.pin"},
};

static struct gateways *parse_gateways(json_t *tree, struct whitelist_fault *fault)
{
	struct gateways *gateways;
	char *text = json_dumps(tree, 0);
	json_decref(tree);
	int error = gateways_parse((uint8_t *)text, strlen(text), &gateways, fault);
	assert_int_equal(error == 0, gateways != NULL);
	free(text);
	return gateways;
}

static void gateways_are_read_whole(void **state)
{
	(void)state;
	struct whitelist_fault fault;
	struct gateways *g = parse_gateways(signed_gateways(7), &fault);
	assert_non_null(g);
	assert_int_equal(g->version, 7);
	assert_int_equal(g->count, 1);
	assert_string_equal(g->list[0].id, "gw1");
	assert_int_equal(g->list[0].address_count, 2);
	assert_string_equal(g->list[0].addresses[0].text, "203.0.113.11");
	assert_int_equal(g->list[0].addresses[0].family, 4);
	assert_memory_equal(g->list[0].addresses[0].bytes, "\xcb\x00\x71\x0b", 4);
	assert_int_equal(g->list[0].addresses[0].port, 51820);
	assert_string_equal(g->list[0].addresses[1].text, "2001:db8::11");
	assert_int_equal(g->list[0].addresses[1].family, 6);
	assert_int_equal(g->list[0].key[31], 3);
	assert_string_equal(g->list[0].inner, "10.77.0.1");
	assert_int_equal(g->list[0].control_port, 8444);
	assert_int_equal(g->list[0].control_pin[0], 4);
	gateways_free(g);
	for (size_t i = 0; i < sizeof gateway_faults / sizeof *gateway_faults; i++) {
		json_t *tree = signed_gateways(1);
		put_json(tree, &gateway_faults[i]);
		gateways_free(parse_gateways(tree, &fault));
		expect_fault(&gateway_faults[i], &fault);
	}
}

static void only_one_remote_host_is_an_address(void **state)
{
	(void)state;
	static const char *const wrong[] = {"",
					    "203.0.113.11",
					    "203.0.113.11:",
					    "203.0.113.11:0",
					    "203.0.113.11:65536",
					    "203.0.113.11:051820",
					    "203.0.113.011:1",
					    "gw.example:1",
					    "2001:db8::11:1",
					    "[203.0.113.11]:1",
					    "[2001:DB8::11]:1",
					    "[2001:db8:0::11]:1",
					    "[::1]:1",
					    "[::]:1",
					    "[ff02::1]:1",
					    "[fe80::1]:1",
					    "[::ffff:203.0.113.11]:1",
					    "[2001:db8::11:1",
					    "[]:1",
					    "0.0.0.0:1",
					    "127.0.0.1:1",
					    "224.0.0.1:1",
					    "255.255.255.255:1",
					    "169.254.1.1:1"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct whitelist_fault fault;
		json_t *tree = signed_gateways(1);
		signed_put(tree, "gateways.0.addresses.1", json_string(wrong[i]));
		if (parse_gateways(tree, &fault))
			fail_msg("%s is no address of one remote host", wrong[i]);
		assert_int_equal(fault.error, WHITELIST_BAD_ADDRESS);
		assert_string_equal(fault.path, "gateways[0].addresses[1]");
	}
}

/* --- lint --- */

static void collect(const struct lint_finding *finding, void *context)
{
	char *all = context;
	size_t used = strlen(all);
	snprintf(all + used, 1024 - used, "%s@%s ", finding->code, finding->where);
}

static void expect_lint(const char *path, const char *value, int64_t now, const char *expected)
{
	struct whitelist_fault fault;
	char found[1024] = "";
	json_t *tree = signed_policy(1);
	signed_put(tree, "pin", json_true());
	if (path)
		signed_put(tree, path, json_loads(value, JSON_DECODE_ANY, NULL));
	struct whitelist *w = parse(tree, &fault);
	assert_non_null(w);
	whitelist_lint(w, now, collect, found);
	assert_string_equal(found, expected);
	whitelist_free(w);
}

static void lint_finds_what_is_unwise(void **state)
{
	(void)state;
	expect_lint(NULL, NULL, SIGNED_NOW, "");
	expect_lint("pin", "false", SIGNED_NOW, "no_pin@pin ");
	expect_lint("expires", "\"2029-01-01T00:00:00Z\"", SIGNED_NOW, "long_life@expires ");
	expect_lint("expires", "\"2026-12-01T00:00:00Z\"", SIGNED_NOW, "short_life@expires ");
	expect_lint("expires", "\"2026-11-21T00:00:00Z\"", SIGNED_NOW, "expired@expires ");
	expect_lint("issued", "\"2027-01-01T00:00:00Z\"", SIGNED_NOW, "issued_ahead@issued ");
	expect_lint("banks.0.hosts.1.role", "\"page\"", SIGNED_NOW, "wildcard_page@banks[0].hosts[1] ");
	expect_lint("banks.0.hosts.2.name", "\"bank.edgekey.net\"", SIGNED_NOW, "shared_cdn@banks[0].hosts[2] ");
	expect_lint("banks.0.hosts.2.name", "\"bank-edgekey.net\"", SIGNED_NOW, "");
	expect_lint("banks.0.hosts.2.ports", "[8443]", SIGNED_NOW, "odd_port@banks[0].hosts[2] ");
	expect_lint("banks.0.hosts.2.name", "\"beta.example\"", SIGNED_NOW, "shared_host@banks[1].hosts[0] ");
	expect_lint("expires", "\"2037-01-01T00:00:00Z\"", INT64_C(2095891200),
		    "long_life@expires authority_expired@authorities.root ");
	expect_lint("expires", "\"2036-06-01T00:00:00Z\"", SIGNED_NOW,
		    "long_life@expires authority_expires@authorities.root ");
}

/* --- examples --- */

static char *read_example(const char *name, size_t *size)
{
	char path[128];
	snprintf(path, sizeof path, "whitelist/examples/%s", name);
	FILE *file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	char *text = malloc(1 << 16);
	*size = fread(text, 1, 1 << 16, file);
	fclose(file);
	return text;
}

static void the_examples_are_clean(void **state)
{
	(void)state;
	struct whitelist *w;
	struct gateways *g;
	struct whitelist_fault fault;
	char found[1024] = "", sentence[WHITELIST_FAULT_BYTES];
	size_t size;
	char *text = read_example("banks-of-japan.json", &size);
	if (whitelist_parse((uint8_t *)text, size, &w, &fault))
		fail_msg("%s", whitelist_fault_text(&fault, sentence));
	whitelist_lint(w, SIGNED_NOW, collect, found);
	assert_string_equal(found, "");
	assert_int_equal(w->bank_count, 5);
	whitelist_free(w);
	free(text);
	text = read_example("gateways.json", &size);
	if (gateways_parse((uint8_t *)text, size, &g, &fault))
		fail_msg("%s", whitelist_fault_text(&fault, sentence));
	gateways_free(g);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_policy_is_read_whole),
	    cmocka_unit_test(each_fault_is_named_by_its_path),
	    cmocka_unit_test(certificates_are_checked),
	    cmocka_unit_test(every_shorter_policy_is_refused),
	    cmocka_unit_test(members_given_twice_are_refused),
	    cmocka_unit_test(look_up_knows_bank_host_and_port),
	    cmocka_unit_test(an_exact_entry_goes_before_a_wildcard),
	    cmocka_unit_test(expiry_closes_every_bank),
	    cmocka_unit_test(versions_only_go_up),
	    cmocka_unit_test(names_have_one_spelling),
	    cmocka_unit_test(urls_are_plain),
	    cmocka_unit_test(dates_go_there_and_back),
	    cmocka_unit_test(gateways_are_read_whole),
	    cmocka_unit_test(only_one_remote_host_is_an_address),
	    cmocka_unit_test(lint_finds_what_is_unwise),
	    cmocka_unit_test(the_examples_are_clean),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
