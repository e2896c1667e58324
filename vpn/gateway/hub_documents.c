/* The signed documents: what the policy process verified becomes what sticks are served and what egress enforces. */
#include <errno.h>
#include <inttypes.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/hub.h"

void hub_brief_policy(struct hub *hub)
{
	const size_t capacity = hub->policy.size + hub->gateways.size + 2 * sizeof(uint32_t);
	uint8_t *data = malloc(capacity);
	struct writer w = writer_over(data, data ? capacity : 0);
	write_blob(&w, hub->policy.envelope ? hub->policy.envelope : "", hub->policy.size);
	write_blob(&w, hub->gateways.envelope ? hub->gateways.envelope : "", hub->gateways.size);
	hub->send(hub, ROLE_POLICY, GW_KEPT, 0, &w);
	free(data);
}

/* Which one it is, beyond doubt: whose signatures it has is in the document itself. */
static void name_document(uint64_t version, const char *envelope, size_t size, char detail[128])
{
	uint8_t digest[32];
	size_t made = 0;
	int at = snprintf(detail, 128, "version %" PRIu64 ", SHA-256 ", version);
	if (psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)envelope, size, digest, sizeof digest, &made) !=
	    PSA_SUCCESS)
		made = 0;
	for (size_t i = 0; i < made; i++)
		at += snprintf(detail + at, (size_t)(128 - at), "%02x", digest[i]);
}

/* Take a verified document; keep it if it differs from the kept one. What is said of it (version, expiry, PIN) is said
 * of the envelope that is served, or sticks would be told of one that they cannot fetch. False: the old one stays. */
static bool take(struct hub *hub, const char *kind, struct hub_document *document, uint64_t version,
		 const uint8_t *envelope, size_t size)
{
	bool same = document->envelope && document->size == size && memcmp(document->envelope, envelope, size) == 0;
	/* all of it, also one that a policy process gone wrong sent with a NUL inside: `size` bytes are read back */
	char *copy = same ? NULL : malloc(size + 1);
	if (!same && !copy) {
		log_error("out of memory for a new %s: the old one is served on", kind);
		snprintf(document->refused, sizeof document->refused,
			 "%s: out of memory for version %" PRIu64 "; the one before is served on", kind, version);
		return false;
	}
	document->version = version;
	document->refused[0] = '\0';
	if (same)
		return true;
	if (size > 0)
		memcpy(copy, envelope, size);
	copy[size] = '\0';
	free(document->envelope);
	document->envelope = copy;
	document->size = size;
	document->serial++;
	if (store_document_set(hub->store, kind, version, copy, size, hub_now()))
		log_error("%s version %" PRIu64 " is in force but could not be kept for the next start", kind, version);
	char detail[128];
	name_document(version, copy, size, detail);
	hub_note(hub, strcmp(kind, "policy") == 0 ? "policy_accepted" : "gateways_accepted", "", HUB_ITSELF, detail);
	return true;
}

void hub_policy(struct hub *hub, struct reader *r)
{
	size_t size;
	uint64_t version = read_u64(r);
	int64_t expires = (int64_t)read_u64(r);
	bool pin = read_u8(r) != 0;
	const uint8_t *envelope = read_blob(r, &size);
	if (!reader_done(r))
		return;
	if (!take(hub, "policy", &hub->policy, version, envelope, size))
		return;
	hub->policy.expires = expires;
	hub->policy.pin = pin;
}

void hub_gateways(struct hub *hub, struct reader *r)
{
	size_t size;
	uint64_t version = read_u64(r);
	const uint8_t *envelope = read_blob(r, &size);
	if (reader_done(r))
		(void)take(hub, "gateways", &hub->gateways, version, envelope, size);
}

static void warn_without_egress(const struct hub *hub)
{
	for (size_t i = 0; i < hub->plan.bank_count; i++)
		if (!config_egress_of(&hub->config, hub->plan.banks[i].id))
			log_warn("bank %s is in the policy but has no egress address here, so nobody reaches it: add"
				 " `egress = %s ADDRESS' to gateway.conf",
				 hub->plan.banks[i].id, hub->plan.banks[i].id);
}

void hub_plan(struct hub *hub, struct reader *r)
{
	struct plan plan;
	/* A reload without a change must not empty the sets of addresses that are in use. */
	if (hub->plan_wire.size == r->size && hub->plan_wire.data && memcmp(hub->plan_wire.data, r->data, r->size) == 0)
		return;
	int error = plan_read(r, &plan);
	if (error || !reader_done(r)) {
		log_error("a plan could not be read: %s; the old one stays", strerror(error ? -error : EBADMSG));
		plan_free(&plan); /* one with something behind it was read */
		return;
	}
	plan_free(&hub->plan);
	hub->plan = plan;
	hub->plan_wire.size = 0;
	if (buf_append(&hub->plan_wire, r->data, r->size, r->size))
		log_warn("out of memory: the next reload will close idle connections to banks");
	warn_without_egress(hub);
	hub_brief_egress(hub);
}

void hub_document_refused(struct hub *hub, struct reader *r)
{
	char what[32], sentence[512];
	read_str(r, what, sizeof what);
	read_str(r, sentence, sizeof sentence);
	if (!reader_done(r))
		return;
	/* Without roots nothing can be verified: that is said of the policy, which is what sticks wait for. */
	struct hub_document *document = strcmp(what, "gateways") == 0 ? &hub->gateways : &hub->policy;
	snprintf(document->refused, sizeof document->refused, "%s: %s", what, sentence);
	hub_note(hub, "document_refused", "", HUB_ITSELF, document->refused);
}
