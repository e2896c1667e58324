/*
 * policy_store - which policy and which list of gateways stand: verified, then parsed, then compared by version.
 *
 * Pure: no clock, no descriptor. The store keeps what stands when something offered is refused, whatever the reason.
 */
#ifndef LAUNCHER_POLICY_STORE_H
#define LAUNCHER_POLICY_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/bundle.h"
#include "whitelist/gateways.h"
#include "whitelist/whitelist.h"

#define STORE_CODE_BYTES     48
#define STORE_SENTENCE_BYTES 512

struct policy_store {
	struct envelope_roots built_in; /* of the image */
	struct envelope_roots start;    /* what its policy's chain led to: the first that judge anything kept */
	struct envelope_roots roots;    /* in force: what the policy's chain led to; they go forward only */
	struct whitelist *whitelist;
	struct gateways *gateways;
	uint8_t *policy_json, *gateways_json; /* the verified payloads */
	size_t policy_json_size, gateways_json_size;
	uint64_t policy_floor, gateways_floor;
	char note[STORE_SENTENCE_BYTES]; /* of the last load, for the desk: what was not taken, and why; "" */
};

/* Why not, for the desk: a stable word and one sentence. */
struct store_refusal {
	char code[STORE_CODE_BYTES];
	char sentence[STORE_SENTENCE_BYTES];
};

struct blob {
	const uint8_t *data;
	size_t size; /* 0: not there */
};

/* What the stick starts with. */
struct store_sources {
	struct blob roots;
	struct blob policy, kept_policy;     /* built-in, and the last accepted one */
	struct blob gateways, kept_gateways; /* of first contact, and the last accepted ones */
	uint64_t policy_floor;               /* the highest version accepted so far, 0 none */
	uint64_t gateways_floor;
};

/*
 * The highest good version of each; of two equal ones the built-in. An expired policy, and one below the floor because
 * the kept one cannot be read any more, is loaded all the same, with its banks closed (it has expired): the way to its
 * successor stays open. So is a list of gateways below its floor: without one there is no way at all. 0; or -EINVAL or
 * -ENOMEM with `refusal` filled and the store empty.
 */
int store_load(struct policy_store *store, const struct store_sources *sources, int64_t now,
	       struct store_refusal *refusal);

/*
 * Take a newer policy or list of gateways, whichever the envelope says it is. 0; -EINVAL or -ENOMEM with `refusal`
 * filled and the store as it was.
 */
int store_offer(struct policy_store *store, struct blob envelope, int64_t now, struct store_refusal *refusal);

void store_free(struct policy_store *store);

#endif
