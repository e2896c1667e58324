#include "vpn/gateway/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/log.h"

/* --- reading back --- */

static void note_broken(struct audit *audit, const char *what, uint64_t id)
{
	if (audit->broken[0])
		return;
	snprintf(audit->broken, sizeof audit->broken, "%s (entry %" PRIu64 ")", what, id);
	log_error("the audit log does not hold: %s; run `sekisho gateway audit verify'", audit->broken);
}

static bool adds_up(const struct merkle *tree, const struct checkpoint *checkpoint)
{
	struct merkle_hash root;
	return merkle_root(tree, &root) == 0 && memcmp(&root, &checkpoint->root, sizeof root) == 0;
}

/* Some entries in their order, into a tree. */
struct walk {
	struct audit *audit;
	struct merkle *tree;
	const struct checkpoint *until; /* there the tree has this root */
	uint64_t next;                  /* after the last one seen */
	int error;
};

static void walk_entry(uint64_t id, const char *entry, const char *leaf, void *context)
{
	struct walk *walk = context;
	char encoded[BASE64_ENCODED_SIZE(MERKLE_BYTES)];
	struct merkle_hash hash;
	if (walk->error)
		return;
	if (id != walk->tree->size)
		note_broken(walk->audit, "an entry is missing before this one", id);
	walk->next = id + 1;
	walk->error = merkle_leaf(entry, strlen(entry), &hash);
	base64_encode(hash.bytes, sizeof hash.bytes, encoded);
	if (strcmp(encoded, leaf) != 0)
		note_broken(walk->audit, "an entry was altered", id);
	if (!walk->error)
		walk->error = merkle_add(walk->tree, &hash);
	if (walk->tree->size == walk->until->size && !adds_up(walk->tree, walk->until))
		note_broken(walk->audit, "the entries do not add up to the last signed checkpoint", walk->until->size);
}

/* The tree as it was at the newest checkpoint. What is kept beside that is believed because it comes to the signed
 * root; a checkpoint without (of an older gatewayd) leaves the tree empty, and the whole log is read. */
static void take_peaks(struct audit *audit, const char *text)
{
	struct merkle_hash peaks[MERKLE_PATH_MAX];
	size_t size = 0;
	if (text[0] == '\0')
		return;
	if (base64_decode(text, strlen(text), (uint8_t *)peaks, sizeof peaks, &size) || size % MERKLE_BYTES != 0 ||
	    merkle_from_peaks(audit->last.size, peaks, size / MERKLE_BYTES, &audit->tree) ||
	    !adds_up(&audit->tree, &audit->last)) {
		audit->tree = (struct merkle){0};
		note_broken(audit, "what is kept beside the last checkpoint does not add up to it", audit->last.size);
	}
}

static int read_last(struct audit *audit)
{
	char *note = NULL, *peaks = NULL;
	int error = store_checkpoint_last(audit->store, &note, &peaks);
	if (error)
		return error == -ENOENT ? 0 : error;
	if (checkpoint_open(audit->key, note, &audit->last))
		note_broken(audit, "the last checkpoint is not signed by this gateway's audit key", 0);
	else
		take_peaks(audit, peaks);
	free(note);
	free(peaks);
	return 0;
}

static void see_entry(uint64_t id, const char *entry, const char *leaf, void *context)
{
	(void)entry, (void)leaf;
	*(uint64_t *)context = id;
}

/* What came after the newest checkpoint, which has its last entry still. */
static int replay(struct audit *audit)
{
	struct walk walk = {.audit = audit, .tree = &audit->tree, .until = &audit->last, .next = audit->tree.size};
	uint64_t last = UINT64_MAX;
	if (audit->tree.size > 0)
		audit->start = audit->last;
	int error = store_each_audit(audit->store, audit->tree.size, UINT64_MAX, walk_entry, &walk);
	if (!error)
		error = walk.error;
	if (!error && audit->last.size > 0)
		error = store_each_audit(audit->store, audit->last.size - 1, 1, see_entry, &last);
	if (!error && audit->last.size > 0 && last != audit->last.size - 1)
		note_broken(audit, "the log is shorter than its last signed checkpoint says", audit->last.size);
	audit->next = walk.next;
	audit_undone(audit);
	return error;
}

bool audit_review(struct audit *audit, uint64_t limit)
{
	const uint64_t from = audit->reviewed.size, size = audit->start.size;
	struct walk walk = {.audit = audit, .tree = &audit->reviewed, .until = &audit->start, .next = from};
	if (audit->broken[0] || from >= size)
		return false;
	int error = store_each_audit(audit->store, from, limit < size - from ? limit : size - from, walk_entry, &walk);
	if (!error)
		error = walk.error;
	if (error)
		log_error("the audit log cannot be read again: %s", strerror(-error));
	else if (audit->reviewed.size == from)
		note_broken(audit, "the log is shorter than its last signed checkpoint says", from);
	if (error)
		audit->start.size = 0;
	return !audit->broken[0] && audit->reviewed.size < audit->start.size;
}

int audit_open(struct store *store, const char *tenant, const char *gateway, const char *private_pem, int witness,
	       struct audit **out)
{
	*out = NULL;
	struct audit *audit = calloc(1, sizeof *audit);
	if (!audit)
		return -ENOMEM;
	audit->store = store;
	audit->witness = witness;
	snprintf(audit->origin, sizeof audit->origin, "sekisho/%s/%s", tenant, gateway);
	int error = checkpoint_key_private(private_pem, &audit->key);
	if (!error)
		error = read_last(audit);
	if (!error)
		error = replay(audit);
	if (error) {
		audit_close(audit);
		return error;
	}
	*out = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	if (!audit)
		return;
	checkpoint_key_free(audit->key);
	free(audit);
}

/* --- adding --- */

static char *entry_text(uint64_t id, int64_t now, const char *who, const char *action, const char *stick,
			const char *detail)
{
	json_t *entry = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s}", "id", (json_int_t)id, "at", (json_int_t)now, "who",
				  who, "action", action, "stick", stick, "detail", detail);
	char *text = entry ? json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(entry);
	return text;
}

int audit_add(struct audit *audit, int64_t now, const char *who, const char *action, const char *stick,
	      const char *detail)
{
	char encoded[BASE64_ENCODED_SIZE(MERKLE_BYTES)];
	struct merkle_hash leaf;
	uint64_t id = audit->added_next;
	char *text = entry_text(id, now, who, action, stick, detail);
	if (!text)
		return -ENOMEM;
	int error = merkle_leaf(text, strlen(text), &leaf);
	if (!error) {
		base64_encode(leaf.bytes, sizeof leaf.bytes, encoded);
		error = store_audit_add(audit->store, id, now, stick, text, encoded);
	}
	if (!error)
		error = merkle_add(&audit->added, &leaf);
	if (!error)
		audit->added_next++;
	free(text);
	return error;
}

void audit_committed(struct audit *audit)
{
	audit->tree = audit->added;
	audit->next = audit->added_next;
}

void audit_undone(struct audit *audit)
{
	audit->added = audit->tree;
	audit->added_next = audit->next;
}

/* --- checkpoints --- */

static void tell_witness(struct audit *audit, const char *note)
{
	char text[CHECKPOINT_TEXT_SIZE + 2];
	int size = snprintf(text, sizeof text, "%s\n", note); /* an empty line between two */
	if (audit->witness < 0)
		return;
	if (write(audit->witness, text, (size_t)size) != size || fdatasync(audit->witness) < 0)
		log_error("the audit log's witness file does not take a checkpoint (%s): mend it, and compare with "
			  "`sekisho gateway audit verify'",
			  strerror(errno));
}

int audit_checkpoint(struct audit *audit, int64_t now, bool force)
{
	char note[CHECKPOINT_TEXT_SIZE], encoded[BASE64_ENCODED_SIZE(sizeof(struct merkle_hash) * MERKLE_PATH_MAX)];
	struct merkle_hash peaks[MERKLE_PATH_MAX];
	if (audit->broken[0] || audit->tree.size == audit->last.size ||
	    (!force && now - audit->last.time < AUDIT_CHECKPOINT_S))
		return 0;
	struct checkpoint checkpoint = {.size = audit->tree.size, .time = now};
	memcpy(checkpoint.origin, audit->origin, sizeof checkpoint.origin);
	base64_encode((const uint8_t *)peaks, merkle_peaks(&audit->tree, peaks) * MERKLE_BYTES, encoded);
	int error = merkle_root(&audit->tree, &checkpoint.root);
	if (!error)
		error = checkpoint_sign(audit->key, &checkpoint, note);
	if (!error)
		error = store_checkpoint_add(audit->store, checkpoint.size, now, note, encoded);
	if (error) {
		log_error("the audit log has no checkpoint for its %" PRIu64 " entries: %s", checkpoint.size,
			  strerror(-error));
		return error;
	}
	audit->last = checkpoint;
	tell_witness(audit, note);
	return 0;
}
