/*
 * limbo - the verifier over the cases of x509-limbo, a collection of certificate chains that ought to be taken or
 * refused. The file is not part of this tree: $SEKISHO_LIMBO, or B/limbo.flat, where the host's make puts it. One "KEY
 * value" per line, CASE to END. Every case on which we differ is named here, with why.
 */
#include <mbedtls/base64.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "whitelist/chain.h"

enum { DER_MAX = 65536, WRONG_ACCEPTS_MAX = 4, WRONG_REJECTS_MAX = 20 };

/*
 * Harmless with a pin on the server's own key: the certificate that a CRL withdraws is then one that its bank still
 * holds the key of, and a key that it lost is withdrawn by the policy (`revoked`), which reaches every stick in a
 * minute.
 */
#define NO_CRL      "no CRL is taken: what is revoked is the policy's to say"
#define CONSTRAINTS "name constraints are not evaluated, so that no chain with them is taken"

static const struct {
	const char *name, *why;
} known[] = {
    {"crl::revoked-certificate-with-crl", NO_CRL},
    {"crl::crlnumber-missing", NO_CRL},
    {"crl::crlnumber-critical", NO_CRL},
    {"crl::issuer-missing-crlsign", NO_CRL},
    {"rfc5280::nc::permitted-dns-match", CONSTRAINTS},
    {"rfc5280::nc::permitted-dns-match-more", CONSTRAINTS},
    {"rfc5280::nc::permitted-ipv4-match", CONSTRAINTS},
    {"rfc5280::nc::permitted-ipv6-match", CONSTRAINTS},
    {"rfc5280::nc::permitted-dn-match", CONSTRAINTS},
    {"rfc5280::nc::permitted-self-issued", CONSTRAINTS},
    {"rfc5280::nc::permitted-different-constraint-type", CONSTRAINTS},
    {"rfc5280::nc::excluded-different-constraint-type", CONSTRAINTS},
    {"rfc5280::nc::nc-forbids-alternate-chain-ica", CONSTRAINTS},
    {"rfc5280::nc::nc-forbids-same-chain-ica", CONSTRAINTS},
    {"rfc5280::nc::nc-forbids-othername-noop", CONSTRAINTS},
    {"webpki::nc::permitted-dns-match-noncritical", CONSTRAINTS},
    {"webpki::nc::nc-permits-dns-san-pattern", CONSTRAINTS},
    {"crl::issuer-no-keyusage-extension", "an authority without keyUsage: the CA/Browser Forum asks for it"},
    {"cve::cve-2024-0567", "a cross-signed root without authorityKeyIdentifier, which another case wants refused"},
    {"pathlen::validation-ignores-pathlen-in-leaf", "the server's certificate is an authority's"},
    {"rfc5280::ca-as-leaf", "the server's certificate is an authority's"},
    {"rfc5280::eku::ee-without-eku",
     "RFC 5280 alone does not ask for server authentication, the CA/Browser Forum does"},
    {"rfc5280::unknown-critical-extension-unrelated-intermediate",
     "mbedTLS reads all that a server sends, or ends the handshake"},
    {"webpki::san::exact-localhost-ip-san", "a bank is no address"},
};

struct scene {
	char name[128], host[1024];
	bool success, client, unreadable, address;
	int64_t now;
	unsigned depth;
	mbedtls_x509_crt leaf, sent, anchors;
	enum chain_fault fault;
};

static struct {
	unsigned cases, right, accepts, rejects, left_out, unknown;
	bool seen[sizeof known / sizeof known[0]];
} sum;

static void begin(struct scene *s, const char *name)
{
	*s = (struct scene){.now = time(NULL), .depth = CHAIN_INTERMEDIATES_MAX};
	snprintf(s->name, sizeof s->name, "%s", name);
	mbedtls_x509_crt_init(&s->leaf);
	mbedtls_x509_crt_init(&s->sent);
	mbedtls_x509_crt_init(&s->anchors);
}

static bool take(mbedtls_x509_crt *list, const char *base64)
{
	static unsigned char der[DER_MAX];
	size_t size;
	return mbedtls_base64_decode(der, sizeof der, &size, (const unsigned char *)base64, strlen(base64)) == 0 &&
	       mbedtls_x509_crt_parse_der(list, der, size) == 0;
}

/* As the TLS library does: a certificate of the server's that cannot be read ends it, an anchor is left out. */
static void hear(struct scene *s, const char *key, const char *value)
{
	if (strcmp(key, "EXPECT") == 0)
		s->success = strcmp(value, "SUCCESS") == 0;
	else if (strcmp(key, "KIND") == 0)
		s->client = strcmp(value, "SERVER") != 0;
	else if (strcmp(key, "TIME") == 0)
		s->now = strtoll(value, NULL, 10);
	else if (strcmp(key, "DEPTH") == 0)
		s->depth = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(key, "PEER") == 0)
		snprintf(s->host, sizeof s->host, "%s", strchr(value, ' ') ? strchr(value, ' ') + 1 : "");
	else if (strcmp(key, "LEAF") == 0)
		s->unreadable |= !take(&s->leaf, value);
	else if (strcmp(key, "INT") == 0)
		s->unreadable |= !take(&s->sent, value);
	else if (strcmp(key, "ROOT") == 0)
		(void)take(&s->anchors, value);
}

static enum chain_fault judge(struct scene *s)
{
	struct chain_answer answer;
	if (s->unreadable)
		return CHAIN_UNREADABLE;
	unsigned most = s->depth < CHAIN_INTERMEDIATES_MAX ? s->depth : CHAIN_INTERMEDIATES_MAX;
	s->leaf.next = s->sent.raw.p ? &s->sent : NULL;
	const struct chain_question question = {.sent = &s->leaf,
						.anchors = s->anchors.raw.p ? &s->anchors : NULL,
						.host = s->host,
						.now = s->now,
						.unpinned = true,
						.fewer_intermediates = (uint8_t)(CHAIN_INTERMEDIATES_MAX - most)};
	chain_verify(&question, &answer);
	s->leaf.next = NULL;
	return answer.fault;
}

static const char *why(const char *name)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i].name, name) == 0) {
			sum.seen[i] = true;
			return known[i].why;
		}
	sum.unknown++;
	return "not known here";
}

static void finish(struct scene *s)
{
	sum.cases++;
	if (s->client) {
		sum.left_out++;
	} else {
		s->fault = judge(s);
		bool accepted = s->fault == CHAIN_GOOD;
		if (accepted == s->success) {
			sum.right++;
		} else {
			sum.accepts += accepted;
			sum.rejects += !accepted;
			printf("# wrongly %s%s: %s: %s\n", accepted ? "accepted" : "refused as ",
			       accepted ? "" : chain_fault_code(s->fault), s->name, why(s->name));
		}
	}
	mbedtls_x509_crt_free(&s->leaf);
	mbedtls_x509_crt_free(&s->sent);
	mbedtls_x509_crt_free(&s->anchors);
}

static bool read_all(FILE *file)
{
	char *line = NULL;
	size_t capacity = 0;
	static struct scene scene;
	bool open = false;
	while (getline(&line, &capacity, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		char *value = strchr(line, ' ');
		if (value)
			*value++ = '\0';
		if (strcmp(line, "CASE") == 0) {
			begin(&scene, value ? value : "");
			open = true;
		} else if (open && strcmp(line, "END") == 0) {
			finish(&scene);
			open = false;
		} else if (open) {
			hear(&scene, line, value ? value : "");
		}
	}
	free(line);
	return !open && sum.cases > 0;
}

static const char *build(void) { return getenv("B") ? getenv("B") : "build"; }

static void write_figures(void)
{
	char path[512];
	snprintf(path, sizeof path, "%s/figures", build());
	(void)mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/figures/limbo.json", build());
	FILE *file = fopen(path, "w");
	if (!file)
		return;
	fprintf(file,
		"{\"limbo_cases\": %u, \"limbo_right\": %u, \"limbo_wrong_accepts\": %u, \"limbo_wrong_rejects\": %u, "
		"\"limbo_not_for_servers\": %u}\n",
		sum.cases, sum.right, sum.accepts, sum.rejects, sum.left_out);
	fclose(file);
}

static void check(int number, bool good, const char *what)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", number, what);
}

int main(void)
{
	char path[512];
	snprintf(path, sizeof path, "%s/limbo.flat", build());
	const char *given = getenv("SEKISHO_LIMBO");
	FILE *file = fopen(given && given[0] ? given : path, "r");
	if (!file) {
		printf("1..0 # SKIP the cases of x509-limbo are not here: SEKISHO_LIMBO names their file\n");
		return 0;
	}
	bool read = psa_crypto_init() == PSA_SUCCESS && read_all(file);
	fclose(file);
	write_figures();
	bool all_seen = true;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (!sum.seen[i]) {
			printf("# agrees by now, take it out of the list: %s\n", known[i].name);
			all_seen = false;
		}
	printf("1..5\n");
	check(1, read, "the cases can be read");
	check(2, sum.accepts <= WRONG_ACCEPTS_MAX, "at most 4 are wrongly accepted");
	check(3, sum.rejects <= WRONG_REJECTS_MAX, "at most 20 are wrongly refused");
	check(4, sum.unknown == 0, "each of them is named, with why");
	check(5, all_seen, "and no other");
	printf("# %u cases: %u right, %u wrongly accepted, %u wrongly refused, %u of clients left out\n", sum.cases,
	       sum.right, sum.accepts, sum.rejects, sum.left_out);
	return 0;
}
