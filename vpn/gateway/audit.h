/*
 * audit - the log of what operators did and looked at: append-only, a hash tree over its entries (RFC 6962), signed
 * checkpoints of it, and a copy of each checkpoint in a witness file that this process can only add to.
 *
 * An entry is one JSON object, kept and hashed as the very text it was written as:
 *   {"action":"stick_revoked","at":1764000000,"detail":"","id":7,"stick":"S-1","who":"tanaka"}
 * `id` counts from 0 without a gap. The entry goes into the database in the transaction of the change it speaks of: no
 * change without its entry, no entry without its change.
 *
 * What it proves: an entry that was altered, taken out or put in after a checkpoint was made is found by
 * `sekisho gateway audit verify`, and by audit_review() after the next start. What it does not: whoever has this
 * process can leave out entries from then on, and sign that; what the witness holds from before he cannot take back.
 */
#ifndef VPN_GATEWAY_AUDIT_H
#define VPN_GATEWAY_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "vpn/gateway/checkpoint.h"
#include "vpn/gateway/merkle.h"
#include "vpn/gateway/store.h"

enum {
	AUDIT_CHECKPOINT_S = 10, /* a grown log has a checkpoint after at most this */
	/* entries that are reviewed before the gateway is ready, and in each second from then on: some milliseconds */
	AUDIT_REVIEW_FIRST = 10000,
	AUDIT_REVIEW_NEXT = 4000,
};

struct audit {
	struct store *store;
	struct checkpoint_key *key;
	int witness;               /* descriptor opened to append, or -1 */
	struct merkle tree, added; /* as committed, and with what the transaction has added */
	uint64_t next, added_next; /* id of the next entry: the tree's size, but in a log with entries missing */
	struct checkpoint last;    /* the newest checkpoint */
	char origin[CHECKPOINT_ORIGIN_SIZE];
	struct merkle reviewed;  /* of the log as it lay at the start, as far as it was read again */
	struct checkpoint start; /* what that has to come to; size 0: nothing to review */
	char broken[256]; /* what is wrong with the log, "" nothing: entries are still added, no checkpoint signed */
};

/*
 * Take the log up where its newest checkpoint left it: only what came after that is read, so that a start does not take
 * longer the longer the log is. A log that does not hold is no error: `broken` says what and where, for the desk. 0;
 * -EKEYREJECTED: `private_pem` is no P-256 key; -errno. Free with audit_close().
 */
int audit_open(struct store *store, const char *tenant, const char *gateway, const char *private_pem, int witness,
	       struct audit **audit);
void audit_close(struct audit *audit);

/* Read the next `limit` entries of those under that checkpoint again; what does not hold goes to `broken`, and into the
 * log. True while there are more. */
bool audit_review(struct audit *audit, uint64_t limit);

/* One entry more, inside the caller's transaction; audit_committed() or audit_undone() says how that ended. `stick`
 * and `detail` may be "". 0 or -errno: then the transaction must not be committed. */
int audit_add(struct audit *audit, int64_t now, const char *who, const char *action, const char *stick,
	      const char *detail);
void audit_committed(struct audit *audit);
void audit_undone(struct audit *audit);

/* A checkpoint if the log has grown and the last is old enough, or `force`: into the database, then into the witness. 0
 * or -errno (said in the log). */
int audit_checkpoint(struct audit *audit, int64_t now, bool force);

#endif
