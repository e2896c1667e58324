#include "whitelist/chain.h"

#include <errno.h>
#include <psa/crypto.h>
#include <string.h>

#include "whitelist/chain_checks.h"

/* Nodes of the search: the certificates sent, 0 the server's own, and behind them the anchors. */
enum { NODES = CHAIN_SENT_MAX + CHAIN_ANCHORS_MAX };
enum signature { SIGNATURE_UNKNOWN, SIGNATURE_GOOD, SIGNATURE_BAD };

struct search {
	const struct chain_question *question;
	struct chain_answer *answer;
	struct chain_view nodes[NODES];
	size_t sent_count, anchor_count;
	unsigned char signatures[CHAIN_SENT_MAX][NODES]; /* enum signature; each is verified once */
	unsigned steps;
	bool spent;  /* a bound was reached: nothing more is tried */
	bool strict; /* only over certificates that nothing is wrong with in themselves */
	bool bad_signature;
	bool explained; /* answer->fault is of a path to an anchor */
	size_t path[CHAIN_PATH_MAX], depth;
};

/* --- one path --- */

static bool is_one_of(const struct pin *key, const struct pin *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(key->sha256, list[i].sha256, sizeof key->sha256) == 0)
			return true;
	return false;
}

int chain_key(const mbedtls_x509_crt *certificate, struct pin *key)
{
	size_t size;
	psa_status_t status = psa_hash_compute(PSA_ALG_SHA_256, certificate->pk_raw.p, certificate->pk_raw.len,
					       key->sha256, sizeof key->sha256, &size);
	return status == PSA_SUCCESS && size == sizeof key->sha256 ? 0 : -EINVAL;
}

/* Puts the path into the answer. */
static chain_faults key_faults(struct search *s)
{
	const struct chain_question *q = s->question;
	struct chain_answer *a = s->answer;
	chain_faults faults = 0;
	bool pinned = q->unpinned;
	a->count = s->depth;
	for (size_t i = 0; i < s->depth; i++) {
		a->path[i] = s->nodes[s->path[i]].certificate;
		if (chain_key(a->path[i], &a->keys[i]))
			faults |= CHAIN_BIT(CHAIN_UNREADABLE);
		if (is_one_of(&a->keys[i], q->revoked, q->revoked_count))
			faults |= CHAIN_BIT(CHAIN_REVOKED);
		pinned |= is_one_of(&a->keys[i], q->pins, q->pin_count);
	}
	return pinned ? faults : faults | CHAIN_BIT(CHAIN_PIN);
}

/* RFC 5280 section 6.1.4 (l) and (m): certificates that are their own issuer's do not count. mbedTLS' number is one
 * higher than the certificate's, and 0 where there is none. */
static chain_faults length_faults(const struct search *s)
{
	int below = 0;
	for (size_t i = 1; i < s->depth; i++) {
		const struct chain_view *view = &s->nodes[s->path[i]];
		int most = view->certificate->MBEDTLS_PRIVATE(max_pathlen) - 1;
		if (most >= 0 && below > most)
			return CHAIN_BIT(CHAIN_PATH_LENGTH);
		below += !chain_names_link(view, view) && i + 1 < s->depth;
	}
	return below > CHAIN_INTERMEDIATES_MAX - s->question->fewer_intermediates ? CHAIN_BIT(CHAIN_PATH_LENGTH) : 0;
}

/* A missing pin is told only where nothing else is wrong: then it is a case of its own. */
static enum chain_fault gravest(chain_faults faults)
{
	chain_faults others = faults & ~((chain_faults)1 << CHAIN_PIN);
	for (int i = 1; i < CHAIN_FAULT_COUNT; i++)
		if ((others ? others : faults) >> i & 1)
			return (enum chain_fault)i;
	return CHAIN_GOOD;
}

static void keep_period(struct search *s)
{
	s->answer->from = INT64_MIN;
	s->answer->until = INT64_MAX;
	for (size_t i = 0; i < s->depth; i++) {
		const struct chain_view *view = &s->nodes[s->path[i]];
		if (view->from > s->answer->from)
			s->answer->from = view->from;
		if (view->until < s->answer->until)
			s->answer->until = view->until;
	}
}

/* True if the path on the stack, which ends in an anchor, is good. */
static bool judge(struct search *s)
{
	chain_faults faults = 0;
	if (s->explained && !s->strict)
		return false; /* one reason is enough */
	for (size_t i = 0; i < s->depth; i++) {
		faults |= s->nodes[s->path[i]].faults;
		if (i + 1 < s->depth)
			faults |= chain_link_faults(&s->nodes[s->path[i]], &s->nodes[s->path[i + 1]]);
	}
	faults |= length_faults(s) | key_faults(s);
	s->answer->fault = gravest(faults);
	s->explained = true;
	if (faults)
		return false;
	keep_period(s);
	return true;
}

/* --- the search --- */

static bool signature_good(struct search *s, size_t child, size_t issuer)
{
	unsigned char *known = &s->signatures[child][issuer];
	if (*known == SIGNATURE_UNKNOWN) {
		if (s->answer->signatures == CHAIN_SIGNATURES_MAX) {
			s->spent = true;
			return false;
		}
		s->answer->signatures++;
		bool good = chain_signature_good(&s->nodes[child], &s->nodes[issuer]);
		*known = good ? SIGNATURE_GOOD : SIGNATURE_BAD;
		s->bad_signature |= !good;
	}
	return *known == SIGNATURE_GOOD || !CHAIN_BIT(CHAIN_SIGNATURE);
}

static bool is_on_path(const struct search *s, size_t node)
{
	for (size_t i = 0; i < s->depth; i++)
		if (s->path[i] == node)
			return true;
	return false;
}

/* Signatures come last: they cost. */
static bool links(struct search *s, size_t child, size_t issuer)
{
	const struct chain_view *below = &s->nodes[child], *above = &s->nodes[issuer];
	if (s->spent || !chain_names_link(below, above))
		return false;
	if (s->strict && (above->faults || chain_link_faults(below, above)))
		return false;
	return signature_good(s, child, issuer);
}

static bool is_trusted(size_t node) { return node >= CHAIN_SENT_MAX || (node > 0 && !CHAIN_BIT(CHAIN_CHAIN)); }

static bool extend(struct search *s);

static bool step(struct search *s, size_t node)
{
	if (s->steps++ == CHAIN_STEPS_MAX) {
		s->spent = true;
		return false;
	}
	s->path[s->depth++] = node;
	bool found = is_trusted(node) ? judge(s) : extend(s);
	s->depth--;
	return found;
}

/* Anchors first: the shortest way is tried before the longer ones. */
static bool extend(struct search *s)
{
	size_t last = s->path[s->depth - 1];
	for (size_t i = 0; i < s->anchor_count; i++)
		if (links(s, last, CHAIN_SENT_MAX + i) && step(s, CHAIN_SENT_MAX + i))
			return true;
	if (s->depth > CHAIN_INTERMEDIATES_MAX)
		return false;
	for (size_t i = 1; i < s->sent_count; i++)
		if (!is_on_path(s, i) && links(s, last, i) && step(s, i))
			return true;
	return false;
}

/* A certificate that is wrong in itself is on no good path; it is looked at a second time to say what was wrong. */
static bool find(struct search *s)
{
	s->strict = true;
	if (!s->spent && !s->nodes[0].faults && step(s, 0))
		return true;
	s->strict = false;
	return !s->explained && !s->spent && step(s, 0);
}

static void gather(struct search *s)
{
	const struct chain_question *q = s->question;
	const mbedtls_x509_crt *c = q->sent;
	for (; c && s->sent_count < CHAIN_SENT_MAX; c = c->next) {
		chain_view(&s->nodes[s->sent_count], c, s->sent_count ? ROLE_INTERMEDIATE : ROLE_LEAF, q);
		s->sent_count++;
	}
	s->spent = c && CHAIN_BIT(CHAIN_LIMITS);
	for (c = q->anchors; c && s->anchor_count < CHAIN_ANCHORS_MAX; c = c->next)
		chain_view(&s->nodes[CHAIN_SENT_MAX + s->anchor_count++], c, ROLE_ANCHOR, q);
}

static enum chain_fault why_no_path(const struct search *s)
{
	if (s->spent)
		return CHAIN_LIMITS;
	return s->bad_signature ? CHAIN_SIGNATURE : CHAIN_CHAIN;
}

void chain_verify(const struct chain_question *question, struct chain_answer *answer)
{
	struct search s = {.question = question, .answer = answer};
	*answer = (struct chain_answer){.fault = CHAIN_CHAIN};
	if (!question->sent)
		return;
	gather(&s);
	if (find(&s) || s.explained)
		return;
	answer->fault = why_no_path(&s);
	answer->path[0] = question->sent;
	answer->count = chain_key(question->sent, &answer->keys[0]) ? 0 : 1;
}

int chain_digest(const mbedtls_x509_crt *sent, struct pin *digest)
{
	psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
	size_t size;
	psa_status_t status = psa_hash_setup(&hash, PSA_ALG_SHA_256);
	/* DER tells its own length: no two lists run into the same bytes */
	for (; status == PSA_SUCCESS && sent; sent = sent->next)
		status = psa_hash_update(&hash, sent->raw.p, sent->raw.len);
	if (status == PSA_SUCCESS)
		status = psa_hash_finish(&hash, digest->sha256, sizeof digest->sha256, &size);
	psa_hash_abort(&hash);
	return status == PSA_SUCCESS ? 0 : -EINVAL;
}
