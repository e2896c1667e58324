#include "launcher/policy_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/date.h"

/* One verified and parsed object of either type. */
struct object {
	uint8_t *json;
	size_t json_size;
	struct whitelist *whitelist;
	struct gateways *gateways;
};

static void object_free(struct object *o)
{
	free(o->json);
	whitelist_free(o->whitelist);
	gateways_free(o->gateways);
	*o = (struct object){0};
}

static int refuse(struct store_refusal *refusal, const char *what, const char *code, const char *sentence)
{
	snprintf(refusal->code, sizeof refusal->code, "%s", code);
	snprintf(refusal->sentence, sizeof refusal->sentence, "%s: %s", what, sentence);
	return -EINVAL;
}

/* --- one envelope --- */

static int object_parse(struct object *o, const char *type, const char *what, struct store_refusal *refusal)
{
	struct whitelist_fault fault;
	char sentence[WHITELIST_FAULT_BYTES];
	int error = strcmp(type, ENVELOPE_TYPE_POLICY) ? gateways_parse(o->json, o->json_size, &o->gateways, &fault)
						       : whitelist_parse(o->json, o->json_size, &o->whitelist, &fault);
	if (error)
		refuse(refusal, what, whitelist_error_code(fault.error), whitelist_fault_text(&fault, sentence));
	return error;
}

/* `what` names it in sentences: "the built-in policy". `roots` become those that its chain leads to (bundle.h). */
static int object_open(struct object *o, struct envelope_roots *roots, struct blob envelope, const char *type,
		       const char *what, struct store_refusal *refusal)
{
	*o = (struct object){0};
	size_t most = strcmp(type, ENVELOPE_TYPE_POLICY) ? GATEWAYS_ENVELOPE_MAX_BYTES : WHITELIST_ENVELOPE_MAX_BYTES;
	if (envelope.size == 0)
		return refuse(refusal, what, "absent", "is not there");
	if (envelope.size > most)
		return refuse(refusal, what, "too_large", "is larger than what a stick can keep");
	enum envelope_error error =
	    bundle_verify((const char *)envelope.data, envelope.size, type, roots, &o->json, &o->json_size);
	if (error)
		return refuse(refusal, what, envelope_error_code(error), envelope_error_text(error));
	int bad = object_parse(o, type, what, refusal);
	if (bad)
		object_free(o);
	return bad;
}

static void store_put_policy(struct policy_store *store, struct object *o)
{
	whitelist_free(store->whitelist);
	free(store->policy_json);
	store->whitelist = o->whitelist;
	store->policy_json = o->json;
	store->policy_json_size = o->json_size;
	*o = (struct object){0};
}

static void store_put_gateways(struct policy_store *store, struct object *o)
{
	gateways_free(store->gateways);
	free(store->gateways_json);
	store->gateways = o->gateways;
	store->gateways_json = o->json;
	store->gateways_json_size = o->json_size;
	*o = (struct object){0};
}

/* --- at start --- */

static void note_add(struct policy_store *store, const char *sentence)
{
	size_t used = strlen(store->note);
	snprintf(store->note + used, sizeof store->note - used, "%s%s", used ? "; " : "", sentence);
}

/* Is the kept policy the one to use? What it is not taken for goes into the note. */
static bool policy_supersedes(struct policy_store *store, const struct object *kept, const struct object *built_in)
{
	if (!built_in->whitelist)
		return true;
	if (strcmp(kept->whitelist->tenant, built_in->whitelist->tenant) != 0) {
		note_add(store, "the kept policy is another tenant's and was left aside");
		return false;
	}
	if (kept->whitelist->version < built_in->whitelist->version)
		note_add(store, "the kept policy is older than the built-in one and was left aside");
	return kept->whitelist->version > built_in->whitelist->version;
}

static bool gateways_supersede(struct policy_store *store, const struct object *kept, const struct object *first)
{
	(void)store;
	return !first->gateways || kept->gateways->version > first->gateways->version;
}

/*
 * The pair of one type: `first` came with the stick, and the roots that came with it judge it; `kept` was accepted
 * later. What came with the image hands over first: who was taken out of the roots by its policy's chain signs nothing
 * that was kept either. A rotation of roots comes with a policy, so that the kept one leads to the roots in force. A
 * kept list of gateways may be older than these, and was accepted all the same.
 */
static int load_pair(struct policy_store *store, const char *type, struct blob first, struct blob kept,
		     struct object *chosen, struct store_refusal *refusal)
{
	bool is_policy = !strcmp(type, ENVELOPE_TYPE_POLICY);
	struct object a, b = {0};
	struct store_refusal of_kept;
	struct envelope_roots roots = store->built_in;
	int error =
	    object_open(&a, &roots, first, type,
			is_policy ? "the built-in policy" : "the list of gateways in the device record", refusal);
	if (is_policy)
		store->start = store->roots = roots;
	const char *what = is_policy ? "the kept policy" : "the kept list of gateways";
	roots = store->roots;
	int bad = kept.size > 0 ? object_open(&b, &roots, kept, type, what, &of_kept) : 0;
	if (bad && !is_policy) {
		roots = store->start;
		bad = object_open(&b, &roots, kept, type, what, &of_kept);
	}
	if (bad)
		note_add(store, of_kept.sentence);
	if (is_policy)
		store->roots = roots;
	if (error && b.json)
		note_add(store, refusal->sentence);
	bool later = b.json && (is_policy ? policy_supersedes(store, &b, &a) : gateways_supersede(store, &b, &a));
	*chosen = later ? b : a;
	object_free(later ? &a : &b);
	return chosen->json ? 0 : error;
}

static void note_expiry(struct policy_store *store, int64_t now)
{
	char sentence[128], date[DATE_BYTES];
	if (now < store->whitelist->expires)
		return;
	date_format(store->whitelist->expires, date);
	snprintf(sentence, sizeof sentence, "the policy expired on %s: every bank is closed until there is a newer one",
		 date);
	note_add(store, sentence);
}

/* Somebody may have spoilt the kept one to bring an older one back. */
static void close_below_floor(struct policy_store *store)
{
	char sentence[192];
	if (store->whitelist->version >= store->policy_floor)
		return;
	snprintf(sentence, sizeof sentence,
		 "policy %" PRIu64 " is older than %" PRIu64
		 ", which this stick has accepted before and cannot read any more: every bank is closed until there is "
		 "one as new",
		 store->whitelist->version, store->policy_floor);
	note_add(store, sentence);
	store->whitelist->expires = 0;
}

int store_load(struct policy_store *store, const struct store_sources *sources, int64_t now,
	       struct store_refusal *refusal)
{
	struct object policy = {0}, gateways = {0};
	*store = (struct policy_store){0};
	enum envelope_error bad =
	    envelope_roots_parse((const char *)sources->roots.data, sources->roots.size, &store->built_in);
	if (bad)
		return refuse(refusal, "the keys that policies are signed with", envelope_error_code(bad),
			      envelope_error_text(bad));
	int error = load_pair(store, ENVELOPE_TYPE_POLICY, sources->policy, sources->kept_policy, &policy, refusal);
	if (!error)
		error = load_pair(store, ENVELOPE_TYPE_GATEWAYS, sources->gateways, sources->kept_gateways, &gateways,
				  refusal);
	if (error) {
		object_free(&policy);
		store_free(store);
		return error;
	}
	store_put_policy(store, &policy);
	store_put_gateways(store, &gateways);
	store->policy_floor = sources->policy_floor;
	store->gateways_floor = sources->gateways_floor;
	note_expiry(store, now);
	if (store->gateways->version < store->gateways_floor)
		note_add(store,
			 "the list of gateways is older than one accepted before, which cannot be read any more");
	close_below_floor(store);
	return 0;
}

/* --- later --- */

static int offer_policy(struct policy_store *store, struct object *o, int64_t now, struct store_refusal *refusal)
{
	enum whitelist_verdict verdict = whitelist_accept(o->whitelist, store->whitelist, store->policy_floor, now);
	if (verdict != WHITELIST_NEWER)
		return refuse(refusal, "the offered policy", whitelist_verdict_code(verdict),
			      whitelist_verdict_text(verdict));
	store_put_policy(store, o);
	return 0;
}

static int offer_gateways(struct policy_store *store, struct object *o, struct store_refusal *refusal)
{
	if (o->gateways->version <= store->gateways->version)
		return refuse(refusal, "the offered list of gateways",
			      o->gateways->version == store->gateways->version ? "same" : "older",
			      "is not newer than the one in use; versions only go up");
	if (o->gateways->version < store->gateways_floor)
		return refuse(refusal, "the offered list of gateways", "older",
			      "is older than one that this stick has accepted before; versions only go up");
	store_put_gateways(store, o);
	return 0;
}

/* Only to know which of the two to verify it as; the verification covers the type again. */
static bool says_gateways(struct blob bundle)
{
	struct envelope opened;
	char *text;
	bool gateways = false;
	if (bundle_open((const char *)bundle.data, bundle.size, &text) == ENVELOPE_OK &&
	    envelope_open(text, strlen(text), &opened) == ENVELOPE_OK) {
		gateways = !strcmp(opened.type, ENVELOPE_TYPE_GATEWAYS);
		envelope_close(&opened);
	}
	free(text);
	return gateways;
}

int store_offer(struct policy_store *store, struct blob envelope, int64_t now, struct store_refusal *refusal)
{
	bool gateways = says_gateways(envelope);
	struct object o;
	struct envelope_roots reached = store->roots;
	int error = object_open(&o, &reached, envelope, gateways ? ENVELOPE_TYPE_GATEWAYS : ENVELOPE_TYPE_POLICY,
				gateways ? "the offered list of gateways" : "the offered policy", refusal);
	/* only what is kept remembers the roots: it must lead to these from where the next start begins, or that start
	 * would believe earlier signers again and could not read it */
	if (!error && !gateways &&
	    !bundle_leads((const char *)envelope.data, envelope.size, ENVELOPE_TYPE_POLICY, &store->start, &reached))
		error =
		    refuse(refusal, "the offered policy", "chain_missing",
			   "comes without the chain that leads from this image's roots to those who signed it: bundle "
			   "it with the chain");
	if (!error)
		error = gateways ? offer_gateways(store, &o, refusal) : offer_policy(store, &o, now, refusal);
	/* what keeps the policy keeps its chain: these roots are found again at the next start */
	if (!error && !gateways)
		store->roots = reached;
	object_free(&o);
	return error;
}

void store_free(struct policy_store *store)
{
	whitelist_free(store->whitelist);
	gateways_free(store->gateways);
	free(store->policy_json);
	free(store->gateways_json);
	*store = (struct policy_store){0};
}
