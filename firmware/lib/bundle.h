/*
 * bundle - a signed object together with the signed chain of roots that leads to its signers.
 *
 * { "roots": { "2": ENVELOPE, "3": ENVELOPE, ... }, "signed": ENVELOPE }
 *
 * Each link is an envelope of ENVELOPE_TYPE_ROOTS over a roots object whose version is its name. It is signed by the
 * threshold of the roots before it, so that those who are believed hand over, and by its own, so that those who take
 * over have their keys (as the root role of The Update Framework, specification 1.0.33 section 5.3). Versions go up by
 * one: none is skipped, none repeated. Links up to the version one starts from are left aside unread. A plain envelope
 * is a bundle without a chain.
 *
 * Verified before parsed, as envelopes are; links with envelope.h, each against the roots before it.
 */
#ifndef FIRMWARE_LIB_BUNDLE_H
#define FIRMWARE_LIB_BUNDLE_H

#include "firmware/lib/envelope.h"

#define BUNDLE_LINKS_MAX 16

/*
 * Follow the chain from `roots` and verify the signed object against where it leads. On ENVELOPE_OK `roots` are those,
 * and *payload is a new buffer as of envelope_verify(); else `roots` are as they were. Whoever keeps `roots` between
 * two calls goes forward only: an object that only earlier signers signed is refused.
 */
enum envelope_error bundle_verify(const char *json, size_t size, const char *type, struct envelope_roots *roots,
				  uint8_t **payload, size_t *payload_size);

/*
 * Does verifying it from `from` lead to exactly `to`? Whoever forgets the roots it has reached must be able to find
 * them again in what it keeps. Keys are compared, not versions: a forged link has those too.
 */
bool bundle_leads(const char *json, size_t size, const char *type, const struct envelope_roots *from,
		  const struct envelope_roots *to);

/* The signed object's envelope, as text, the caller's; of a plain envelope a copy of it. Nothing is verified. */
enum envelope_error bundle_open(const char *json, size_t size, char **envelope);

/*
 * Put a bundle together: `links` are texts of envelopes in the order of their versions, the first that of version
 * `first`. *out is the caller's. 0 or -errno (-EBADMSG: one of them is no JSON object; -EFBIG).
 */
int bundle_make(const char *envelope, const char *const *links, size_t link_count, uint64_t first, char **out);

#endif
