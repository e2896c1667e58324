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

/* The newest checkpoint splits the log: up to its size the entries must add up to its root. */
struct replay {
	struct audit *audit;
	int error;
};

static void note_broken(struct audit *audit, const char *what, uint64_t id)
{
	if (!audit->broken[0])
		snprintf(audit->broken, sizeof audit->broken, "%s (entry %" PRIu64 ")", what, id);
}

static void compare(struct audit *audit)
{
	struct merkle_hash root;
	if (audit->tree.size != audit->last.size || audit->last.size == 0)
		return;
	if (merkle_root(&audit->tree, &root) || memcmp(&root, &audit->last.root, sizeof root) != 0)
		note_broken(audit, "the entries do not add up to the last signed checkpoint", audit->last.size);
}

static void replay_entry(uint64_t id, const char *entry, const char *leaf, void *context)
{
	struct replay *replay = context;
	struct audit *audit = replay->audit;
	char encoded[BASE64_ENCODED_SIZE(MERKLE_BYTES)];
	struct merkle_hash hash;
	if (replay->error)
		return;
	if (id != audit->tree.size)
		note_broken(audit, "an entry is missing before this one", id);
	audit->next = id + 1;
	replay->error = merkle_leaf(entry, strlen(entry), &hash);
	base64_encode(hash.bytes, sizeof hash.bytes, encoded);
	if (strcmp(encoded, leaf) != 0)
		note_broken(audit, "an entry was altered", id);
	if (!replay->error)
		replay->error = merkle_add(&audit->tree, &hash);
	compare(audit);
}

static int read_last(struct audit *audit)
{
	char *note = NULL;
	int error = store_checkpoint_last(audit->store, &note);
	if (error)
		return error == -ENOENT ? 0 : error;
	if (checkpoint_open(audit->key, note, &audit->last))
		note_broken(audit, "the last checkpoint is not signed by this gateway's audit key", 0);
	free(note);
	return 0;
}

static int replay_all(struct audit *audit)
{
	struct replay replay = {.audit = audit};
	int error = store_each_audit(audit->store, 0, UINT64_MAX, replay_entry, &replay);
	if (!error)
		error = replay.error;
	if (!error && audit->tree.size < audit->last.size)
		note_broken(audit, "the log is shorter than its last signed checkpoint says", audit->tree.size);
	audit_undone(audit);
	return error;
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
		error = replay_all(audit);
	if (error) {
		audit_close(audit);
		return error;
	}
	if (audit->broken[0])
		log_error("the audit log does not hold: %s; run `sekisho gateway audit verify'", audit->broken);
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
	char note[CHECKPOINT_TEXT_SIZE];
	if (audit->broken[0] || audit->tree.size == audit->last.size ||
	    (!force && now - audit->last.time < AUDIT_CHECKPOINT_S))
		return 0;
	struct checkpoint checkpoint = {.size = audit->tree.size, .time = now};
	memcpy(checkpoint.origin, audit->origin, sizeof checkpoint.origin);
	int error = merkle_root(&audit->tree, &checkpoint.root);
	if (!error)
		error = checkpoint_sign(audit->key, &checkpoint, note);
	if (!error)
		error = store_checkpoint_add(audit->store, checkpoint.size, now, note);
	if (error) {
		log_error("the audit log has no checkpoint for its %" PRIu64 " entries: %s", checkpoint.size,
			  strerror(-error));
		return error;
	}
	audit->last = checkpoint;
	tell_witness(audit, note);
	return 0;
}
