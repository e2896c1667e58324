/*
 * store - what the gateway remembers, in SQLite or PostgreSQL (db.h): registry, states, transitions, events, operators,
 * open sessions, the last good documents, released images. Tenant in every key; only types and statements that both
 * have; times are unix seconds. One transaction per call, unless store_begin() was called.
 *
 * All return 0 or -errno (-EEXIST: a key is taken, -ENOENT, those of db.h, with the database's own words in the log).
 */
#ifndef VPN_GATEWAY_STORE_H
#define VPN_GATEWAY_STORE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vpn/admission/statement.h"
#include "vpn/gateway/connection.h"
#include "vpn/gateway/names.h"

struct store;

struct store_stick {
	char id[STICK_ID_SIZE], name[STICK_NAME_SIZE], region[REGION_SIZE];
	uint8_t key[WG_KEY_BYTES];
	uint8_t identity_key[STATEMENT_PUBLIC_BYTES]; /* all zero: none */
	struct in_addr address;
	int64_t created, revoked; /* revoked 0: not */
	/* last known state; state "" if none was recorded */
	char state[CODE_SIZE], cause[CODE_SIZE];
	int64_t since, last_beacon;
	char boot[BOOT_SIZE], image_version[VERSION_SIZE];
	uint64_t policy_version;
};

/* What an admission of a stick rests on (admit.h). Keys that are not there are all zero. */
struct store_admission {
	uint8_t pin_key[STATEMENT_PUBLIC_BYTES], duress_key[STATEMENT_PUBLIC_BYTES];
	uint8_t token[STATEMENT_HASH_BYTES], next[STATEMENT_HASH_BYTES]; /* SHA-256 of the last used and of the next */
	bool adopt;  /* new, or released by an operator: the next token that comes is taken, whichever it is */
	bool copied; /* a token came out of its turn */
	unsigned pin_failures;
	/* the last admission; at 0: there was none */
	int64_t at, until; /* unix seconds */
	char place[ENDPOINT_SIZE], boot[BOOT_SIZE];
	int64_t duress_at; /* when the PIN that calls for help was typed, and no operator has answered yet */
};

/* Open or create the database and bring its schema up to date. A newer schema than ours is -ENOTSUP. */
int store_open(const char *where, const char *tenant, struct store **store);
void store_close(struct store *store);
/* Be the tenant's only gateway in this database: -EBUSY if another one is. */
int store_claim(struct store *store);
/* Once a second; -ESTALE: start again (db_look()). */
int store_look(struct store *store);
/* Files that the database's library reads again with every new connection; NULL after the last. */
const char *store_file(const struct store *store, size_t index);

int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);

int store_stick_add(struct store *store, const struct store_stick *stick);
int store_stick_revoke(struct store *store, const char *id, int64_t now);
int store_each_stick(struct store *store, void (*fn)(const struct store_stick *stick, void *context), void *context);

/* The state's row, and a transition if `from` is not NULL. */
int store_state(struct store *store, const struct store_stick *stick, const char *from, int64_t now);

int store_admission_set(struct store *store, const char *stick, const struct store_admission *admission);
/* Of every stick that has a row. */
/* As it is in the database now: 1, 0 where there is none, or -errno. */
int store_admission_get(struct store *store, const char *stick, struct store_admission *admission);
int store_each_admission(struct store *store,
			 void (*fn)(const char *stick, const struct store_admission *admission, void *context),
			 void *context);

int store_session(struct store *store, const char *stick, const char *bank, bool open, int64_t now);
int store_sessions_of(struct store *store, const char *stick, void (*fn)(const char *bank, void *context),
		      void *context);

/* Released images. */
int store_image_add(struct store *store, uint64_t version, const char *root_hash, int64_t now);
int store_image_remove(struct store *store, uint64_t version, const char *root_hash);
int store_each_image(struct store *store, void (*fn)(uint64_t version, const char *root_hash, void *context),
		     void *context);

/* A number by its name; 0 if it was never set. */
int store_number(struct store *store, const char *name, int64_t *value);
int store_number_set(struct store *store, const char *name, int64_t value);

int store_event(struct store *store, int64_t now, const char *kind, const char *stick, const char *who,
		const char *detail);

struct store_event {
	int64_t at;
	const char *kind, *stick, *who, *from, *to, *detail; /* of a transition: from, to, and the cause as detail */
};

/* Newest first: events and transitions together, at most `limit`. */
int store_each_event(struct store *store, unsigned limit, void (*fn)(const struct store_event *event, void *context),
		     void *context);

/* Password hashes (Argon2id, encoded). -ENOENT if there is no such operator; *hash is the caller's. */
int store_operator_hash(struct store *store, const char *name, char **hash);
int store_operator_set(struct store *store, const char *name, const char *hash, int64_t now);
int store_operator_count(struct store *store, unsigned *count);

/* The last good signed documents: kind "policy" or "gateways". -ENOENT if none; *envelope is the caller's. */
int store_document(struct store *store, const char *kind, char **envelope, size_t *size);
int store_document_set(struct store *store, const char *kind, uint64_t version, const char *envelope, size_t size,
		       int64_t now);

/* Connections to banks (connection.h). One that is opened from where another was open ends that one; what is told twice
 * changes nothing. store_connections_ended(): those of this gateway that another proxy than that had open. */
struct store_connection {
	const char *gateway;
	struct connection connection;
	char stick[STICK_ID_SIZE], image_version[VERSION_SIZE], root_hash[ROOT_HASH_SIZE];
	int64_t since;                /* of its admission, unix seconds */
	int64_t opened_ms, closed_ms; /* read back; closed 0: not yet */
};
int store_connection_opened(struct store *store, const struct store_connection *connection);
int store_connection_ended(struct store *store, const struct connection *connection);
int store_connections_ended(struct store *store, const char *gateway, uint64_t other_than, int64_t now_ms);
/* Those of the bank that were open within CONNECTION_SKEW_MS of the question's time, the newest first. */
int store_each_connection(struct store *store, const struct question *question,
			  void (*fn)(const struct store_connection *connection, void *context), void *context);
int store_connections_forget(struct store *store, int64_t opened_before_ms);

/* The audit log (audit.h): entries by id, as text, each with the hash of its text (base64); checkpoints by size. */
int store_audit_add(struct store *store, uint64_t id, int64_t now, const char *stick, const char *entry,
		    const char *leaf);
int store_each_audit(struct store *store, uint64_t from, uint64_t limit,
		     void (*fn)(uint64_t id, const char *entry, const char *leaf, void *context), void *context);
/* `peaks` is what the tree needs to grow from there (merkle.h), as text. */
int store_checkpoint_add(struct store *store, uint64_t size, int64_t now, const char *note, const char *peaks);
/* Smallest first. */
int store_each_checkpoint(struct store *store, void (*fn)(const char *note, void *context), void *context);
/* -ENOENT if there is none; *note and *peaks are the caller's. */
int store_checkpoint_last(struct store *store, char **note, char **peaks);

#endif
