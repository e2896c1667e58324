#include "vpn/gateway/store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/log.h"
#include "vpn/gateway/store_schema.h"
#include "vpn/gateway/store_sql.h"

enum { VALUES_MAX = 16, PAGE_ROWS = 2000 };

/* Said here, but for what the caller asked to find out, and what db.h says itself. */
static int failed(struct store *store, const char *doing, int error)
{
	if (error && error != -EEXIST && error != -EHOSTDOWN)
		log_error("database, %s: %s", doing, db_why(store->db)[0] ? db_why(store->db) : strerror(-error));
	return error;
}

static size_t take(struct store *store, const char *kinds, va_list arguments, struct db_value values[VALUES_MAX])
{
	size_t count = 0;
	values[count++] = (struct db_value){.is_text = true, .text = store->tenant};
	for (; *kinds && count < VALUES_MAX; kinds++, count++) {
		values[count] = (struct db_value){.is_text = *kinds == 's'};
		if (*kinds == 's')
			values[count].text = va_arg(arguments, const char *);
		else
			values[count].number = va_arg(arguments, int64_t);
	}
	return count;
}

int sql_change(struct store *store, const char *doing, const char *sql, const char *kinds, ...)
{
	struct db_value values[VALUES_MAX];
	va_list arguments;
	va_start(arguments, kinds);
	size_t count = take(store, kinds, arguments, values);
	va_end(arguments);
	return failed(store, doing, db_change(store->db, sql, values, count));
}

struct db_rows *sql_ask(struct store *store, const char *sql, const char *kinds, ...)
{
	struct db_value values[VALUES_MAX];
	struct db_rows *rows = NULL;
	va_list arguments;
	va_start(arguments, kinds);
	size_t count = take(store, kinds, arguments, values);
	va_end(arguments);
	store->error = db_ask(store->db, sql, values, count, &rows);
	return rows;
}

int sql_next(struct store *store, struct db_rows *rows, const char *doing)
{
	int row = rows ? db_next(rows) : store->error;
	return row < 0 ? failed(store, doing, row) : row;
}

static int newer(int64_t version)
{
	log_error("the database has schema %d and this program knows %d: install the newer sekisho-gateway",
		  (int)version, store_migration_count);
	return -ENOTSUP;
}

/* One step further, unless another program just took it. */
static int step(struct store *store, int64_t *version)
{
	int error = db_begin(store->db);
	if (error)
		return error;
	error = db_schema_lock(store->db);
	if (!error)
		error = db_schema_version(store->db, version);
	bool wanted = !error && *version < store_migration_count;
	if (wanted)
		error = db_schema_step(store->db, store_migrations[*version], *version + 1);
	if (!error)
		error = db_commit(store->db);
	if (error)
		db_rollback(store->db);
	else
		*version += wanted;
	return error;
}

static int migrate(struct store *store)
{
	int64_t version = 0;
	int error = failed(store, "reading its schema's version", db_schema_version(store->db, &version));
	while (!error && version < store_migration_count)
		error = failed(store, "bringing its schema up to date", step(store, &version));
	return !error && version > store_migration_count ? newer(version) : error;
}

int store_open(const char *where, const char *tenant, struct store **out)
{
	*out = NULL;
	struct store *store = calloc(1, sizeof *store);
	if (!store)
		return -ENOMEM;
	snprintf(store->tenant, sizeof store->tenant, "%s", tenant);
	int error = db_open(where, &store->db);
	if (!error)
		error = migrate(store);
	if (error) {
		store_close(store);
		return error;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	db_close(store->db);
	free(store);
}

int store_begin(struct store *store) { return failed(store, "beginning a change", db_begin(store->db)); }
int store_commit(struct store *store) { return failed(store, "keeping a change", db_commit(store->db)); }
void store_rollback(struct store *store) { db_rollback(store->db); }
const char *store_file(const struct store *store, size_t index) { return db_file(store->db, index); }

int store_look(struct store *store) { return db_look(store->db); }

int store_claim(struct store *store)
{
	char name[TENANT_SIZE + 16];
	snprintf(name, sizeof name, "sekisho %s", store->tenant);
	return failed(store, "being its only gateway", db_claim(store->db, name));
}

int store_stick_add(struct store *store, const struct store_stick *stick)
{
	char key[BASE64_ENCODED_SIZE(WG_KEY_BYTES)], address[INET_ADDRSTRLEN];
	char identity[BASE64_ENCODED_SIZE(STATEMENT_PUBLIC_BYTES)];
	base64_encode(stick->key, sizeof stick->key, key);
	base64_encode(stick->identity_key, sizeof stick->identity_key, identity);
	inet_ntop(AF_INET, &stick->address, address, sizeof address);
	return sql_change(store, "adding a stick",
			  "INSERT INTO sticks (tenant, id, name, region, public_key, address, created, identity_key)"
			  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
			  "sssssis", stick->id, stick->name, stick->region, key, address, stick->created, identity);
}

int store_stick_revoke(struct store *store, const char *id, int64_t now)
{
	int error = sql_change(store, "revoking a stick",
			       "UPDATE sticks SET revoked = ?3 WHERE tenant = ?1 AND id = ?2 AND revoked IS NULL", "si",
			       id, now);
	return error ? error : db_changed(store->db) > 0 ? 0 : -ENOENT;
}

static bool read_stick(struct db_rows *statement, struct store_stick *stick)
{
	*stick = (struct store_stick){0};
	size_t size = 0;
	const char *key = db_text(statement, 3);
	SQL_COPY(stick->id, statement, 0);
	SQL_COPY(stick->name, statement, 1);
	SQL_COPY(stick->region, statement, 2);
	stick->created = db_number(statement, 5);
	stick->revoked = db_number(statement, 6);
	SQL_COPY(stick->state, statement, 7);
	SQL_COPY(stick->cause, statement, 8);
	stick->since = db_number(statement, 9);
	stick->last_beacon = db_number(statement, 10);
	SQL_COPY(stick->boot, statement, 11);
	SQL_COPY(stick->image_version, statement, 12);
	stick->policy_version = (uint64_t)db_number(statement, 13);
	/* none in a row of an earlier schema: such a stick is not admitted */
	const char *identity = db_text(statement, 14);
	if (base64_decode(identity, strlen(identity), stick->identity_key, sizeof stick->identity_key, &size) ||
	    size != sizeof stick->identity_key)
		memset(stick->identity_key, 0, sizeof stick->identity_key);
	return base64_decode(key, strlen(key), stick->key, sizeof stick->key, &size) == 0 &&
	       size == sizeof stick->key && inet_pton(AF_INET, db_text(statement, 4), &stick->address) == 1;
}

int store_each_stick(struct store *store, void (*fn)(const struct store_stick *stick, void *context), void *context)
{
	char last[STICK_ID_SIZE] = "";
	int row, count;
	do {
		struct db_rows *statement =
		    sql_ask(store,
			    "SELECT s.id, s.name, s.region, s.public_key, s.address, s.created, s.revoked,"
			    " t.state, t.cause, t.since, t.last_beacon, t.boot, t.image_version,"
			    " t.policy_version, s.identity_key"
			    " FROM sticks s LEFT JOIN states t ON t.tenant = s.tenant AND t.stick = s.id"
			    " WHERE s.tenant = ?1 AND s.id > ?2 ORDER BY s.id LIMIT ?3",
			    "si", last, (int64_t)PAGE_ROWS);
		for (count = 0; (row = sql_next(store, statement, "reading the sticks")) == 1; count++) {
			struct store_stick stick;
			bool good = read_stick(statement, &stick);
			memcpy(last, stick.id, sizeof last);
			if (good)
				fn(&stick, context);
			else
				log_error("the database's row of stick %s has a key or address that is none: it is "
					  "left out",
					  stick.id);
		}
		db_rows_free(statement);
	} while (row == 0 && count == PAGE_ROWS);
	return row;
}

/* Ids are one more than the largest so far: the same in every database, and one process writes. */
int store_state(struct store *store, const struct store_stick *stick, const char *from, int64_t now)
{
	int error =
	    sql_change(store, "writing a state",
		       "INSERT INTO states (tenant, stick, state, cause, since, last_beacon, boot, image_version,"
		       " policy_version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
		       " ON CONFLICT (tenant, stick) DO UPDATE SET state = excluded.state, cause = excluded.cause,"
		       " since = excluded.since, last_beacon = excluded.last_beacon, boot = excluded.boot,"
		       " image_version = excluded.image_version, policy_version = excluded.policy_version",
		       "sssiissi", stick->id, stick->state, stick->cause, stick->since, stick->last_beacon, stick->boot,
		       stick->image_version, (int64_t)stick->policy_version);
	if (error || !from)
		return error;
	return sql_change(store, "writing a transition",
			  "INSERT INTO transitions (tenant, id, at, stick, from_state, to_state, cause) SELECT ?1,"
			  " COALESCE((SELECT MAX(id) FROM transitions WHERE tenant = ?1), 0) + 1, ?2, ?3, ?4, ?5, ?6",
			  "issss", now, stick->id, from, stick->state, stick->cause);
}

int store_session(struct store *store, const char *stick, const char *bank, bool open, int64_t now)
{
	if (!open)
		return sql_change(store, "closing a session",
				  "DELETE FROM sessions WHERE tenant = ?1 AND stick = ?2 AND bank = ?3", "ss", stick,
				  bank);
	return sql_change(store, "opening a session",
			  "INSERT INTO sessions (tenant, stick, bank, opened) VALUES (?1, ?2, ?3, ?4)"
			  " ON CONFLICT (tenant, stick, bank) DO NOTHING",
			  "ssi", stick, bank, now);
}

int store_sessions_of(struct store *store, const char *stick, void (*fn)(const char *bank, void *context),
		      void *context)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT bank FROM sessions WHERE tenant = ?1 AND stick = ?2 ORDER BY bank", "s", stick);
	int row;
	while ((row = sql_next(store, statement, "reading sessions")) == 1)
		fn(db_text(statement, 0), context);
	db_rows_free(statement);
	return row;
}

int store_event(struct store *store, int64_t now, const char *kind, const char *stick, const char *who,
		const char *detail)
{
	return sql_change(store, "writing an event",
			  "INSERT INTO events (tenant, id, at, kind, stick, who, detail) SELECT ?1,"
			  " COALESCE((SELECT MAX(id) FROM events WHERE tenant = ?1), 0) + 1, ?2, ?3, ?4, ?5, ?6",
			  "issss", now, kind, stick, who, detail);
}

int sql_each_event(struct store *store, struct db_rows *statement, const char *doing,
		   void (*fn)(const struct store_event *event, void *context), void *context)
{
	int row;
	while ((row = sql_next(store, statement, doing)) == 1) {
		struct store_event event = {.at = db_number(statement, 0),
					    .kind = db_text(statement, 1),
					    .stick = db_text(statement, 2),
					    .who = db_text(statement, 3),
					    .from = db_text(statement, 4),
					    .to = db_text(statement, 5),
					    .detail = db_text(statement, 6)};
		fn(&event, context);
	}
	db_rows_free(statement);
	return row;
}

int store_each_event(struct store *store, unsigned limit, void (*fn)(const struct store_event *event, void *context),
		     void *context)
{
	struct db_rows *statement =
	    sql_ask(store,
		    "SELECT at, kind, stick, who, '' AS from_state, '' AS to_state, detail, id FROM"
		    " (SELECT * FROM events WHERE tenant = ?1 ORDER BY id DESC LIMIT ?2) AS e"
		    " UNION ALL SELECT at, 'transition', stick, '', from_state, to_state, cause, id FROM"
		    " (SELECT * FROM transitions WHERE tenant = ?1 ORDER BY id DESC LIMIT ?2) AS t"
		    " ORDER BY 1 DESC, 8 DESC LIMIT ?2",
		    "i", (int64_t)limit);
	return sql_each_event(store, statement, "reading events", fn, context);
}

/* One text column of one row. */
static int ask_text(struct store *store, const char *doing, const char *sql, const char *argument, char **out,
		    size_t *size)
{
	*out = NULL;
	struct db_rows *statement = sql_ask(store, sql, "s", argument);
	int row = sql_next(store, statement, doing);
	if (row == 1) {
		*out = strdup(db_text(statement, 0));
		if (*out && size)
			*size = strlen(*out);
	}
	db_rows_free(statement);
	return row < 0 ? row : row == 0 ? -ENOENT : *out ? 0 : -ENOMEM;
}

int store_operator_hash(struct store *store, const char *name, char **hash)
{
	return ask_text(store, "reading an operator", "SELECT password FROM operators WHERE tenant = ?1 AND name = ?2",
			name, hash, NULL);
}

int store_operator_set(struct store *store, const char *name, const char *hash, int64_t now)
{
	return sql_change(store, "writing an operator",
			  "INSERT INTO operators (tenant, name, password, created) VALUES (?1, ?2, ?3, ?4)"
			  " ON CONFLICT (tenant, name) DO UPDATE SET password = excluded.password",
			  "ssi", name, hash, now);
}

int store_operator_count(struct store *store, unsigned *count)
{
	struct db_rows *statement = sql_ask(store, "SELECT COUNT(*) FROM operators WHERE tenant = ?1", "");
	int row = sql_next(store, statement, "counting operators");
	*count = row == 1 ? (unsigned)db_number(statement, 0) : 0;
	db_rows_free(statement);
	return row < 0 ? row : 0;
}

int store_document(struct store *store, const char *kind, char **envelope, size_t *size)
{
	return ask_text(store, "reading a document", "SELECT envelope FROM documents WHERE tenant = ?1 AND kind = ?2",
			kind, envelope, size);
}

int store_document_set(struct store *store, const char *kind, uint64_t version, const char *envelope, size_t size,
		       int64_t now)
{
	if (envelope[size] != '\0')
		return -EINVAL;
	return sql_change(
	    store, "keeping a document",
	    "INSERT INTO documents (tenant, kind, version, accepted, envelope) VALUES (?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT (tenant, kind) DO UPDATE SET version = excluded.version,"
	    " accepted = excluded.accepted, envelope = excluded.envelope",
	    "siis", kind, (int64_t)version, now, envelope);
}

int store_image_add(struct store *store, uint64_t version, const char *root_hash, int64_t now)
{
	return sql_change(store, "adding an image",
			  "INSERT INTO images (tenant, version, root_hash, added) VALUES (?1, ?2, ?3, ?4)", "isi",
			  (int64_t)version, root_hash, now);
}

int store_image_remove(struct store *store, uint64_t version, const char *root_hash)
{
	return sql_change(store, "removing an image",
			  "DELETE FROM images WHERE tenant = ?1 AND version = ?2 AND root_hash = ?3", "is",
			  (int64_t)version, root_hash);
}

int store_each_image(struct store *store, void (*fn)(uint64_t version, const char *root_hash, void *context),
		     void *context)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT version, root_hash FROM images WHERE tenant = ?1 ORDER BY version, root_hash", "");
	int row;
	while ((row = sql_next(store, statement, "reading the images")) == 1)
		fn((uint64_t)db_number(statement, 0), db_text(statement, 1), context);
	db_rows_free(statement);
	return row;
}

int store_number(struct store *store, const char *name, int64_t *value)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT value FROM numbers WHERE tenant = ?1 AND name = ?2", "s", name);
	int row = sql_next(store, statement, "reading a number");
	*value = row == 1 ? db_number(statement, 0) : 0;
	db_rows_free(statement);
	return row < 0 ? row : 0;
}

int store_number_set(struct store *store, const char *name, int64_t value)
{
	return sql_change(store, "writing a number",
			  "INSERT INTO numbers (tenant, name, value) VALUES (?1, ?2, ?3)"
			  " ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
			  "si", name, value);
}

int store_audit_add(struct store *store, uint64_t id, int64_t now, const char *stick, const char *entry,
		    const char *leaf)
{
	return sql_change(store, "adding to the audit log",
			  "INSERT INTO audit (tenant, id, at, stick, entry, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			  "iisss", (int64_t)id, now, stick, entry, leaf);
}

int store_each_audit(struct store *store, uint64_t from, uint64_t limit,
		     void (*fn)(uint64_t id, const char *entry, const char *leaf, void *context), void *context)
{
	uint64_t count, page;
	int row;
	do {
		page = limit < PAGE_ROWS ? limit : PAGE_ROWS;
		struct db_rows *statement = sql_ask(
		    store, "SELECT id, entry, leaf FROM audit WHERE tenant = ?1 AND id >= ?2 ORDER BY id LIMIT ?3",
		    "ii", (int64_t)from, (int64_t)page);
		for (count = 0; (row = sql_next(store, statement, "reading the audit log")) == 1; count++) {
			from = (uint64_t)db_number(statement, 0) + 1;
			fn(from - 1, db_text(statement, 1), db_text(statement, 2), context);
		}
		db_rows_free(statement);
		limit -= count;
	} while (row == 0 && limit > 0 && count == page);
	return row;
}

int store_checkpoint_add(struct store *store, uint64_t size, int64_t now, const char *note, const char *peaks)
{
	return sql_change(store, "keeping a checkpoint",
			  "INSERT INTO checkpoints (tenant, size, at, note, peaks) VALUES (?1, ?2, ?3, ?4, ?5)", "iiss",
			  (int64_t)size, now, note, peaks);
}

int store_each_checkpoint(struct store *store, void (*fn)(const char *note, void *context), void *context)
{
	struct db_rows *statement = sql_ask(store, "SELECT note FROM checkpoints WHERE tenant = ?1 ORDER BY size", "");
	int row;
	while ((row = sql_next(store, statement, "reading the checkpoints")) == 1)
		fn(db_text(statement, 0), context);
	db_rows_free(statement);
	return row;
}

int store_checkpoint_last(struct store *store, char **note, char **peaks)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT note, peaks FROM checkpoints WHERE tenant = ?1 ORDER BY size DESC LIMIT 1", "");
	int row = sql_next(store, statement, "reading the last checkpoint");
	*note = row == 1 ? strdup(db_text(statement, 0)) : NULL;
	*peaks = row == 1 ? strdup(db_text(statement, 1)) : NULL;
	db_rows_free(statement);
	if (row == 1 && *note && *peaks)
		return 0;
	free(*note);
	free(*peaks);
	*note = *peaks = NULL;
	return row < 0 ? row : row == 0 ? -ENOENT : -ENOMEM;
}

/* Of those opened until `opened_ms`: one is told of again when a gateway comes back, and does not end what came later.
 */
static int end_connection(struct store *store, const struct connection *c, int64_t opened_ms)
{
	char source[INET_ADDRSTRLEN], destination[ENDPOINT_SIZE];
	inet_ntop(AF_INET, &c->source.address, source, sizeof source);
	connection_end_text(&c->destination, destination);
	return sql_change(store, "ending a connection",
			  "UPDATE connections SET closed = ?2 WHERE tenant = ?1 AND source = ?3 AND port = ?4 AND"
			  " destination = ?5 AND opened <= ?6 AND closed IS NULL",
			  "isisi", c->at_ms, source, (int64_t)c->source.port, destination, opened_ms);
}

int store_connection_opened(struct store *store, const struct store_connection *c)
{
	char source[INET_ADDRSTRLEN], destination[ENDPOINT_SIZE];
	inet_ntop(AF_INET, &c->connection.source.address, source, sizeof source);
	connection_end_text(&c->connection.destination, destination);
	int error = end_connection(store, &c->connection, c->connection.at_ms - 1);
	if (error)
		return error;
	return sql_change(
	    store, "writing a connection",
	    "INSERT INTO connections (tenant, source, port, opened, destination, gateway, proxy, bank, stick,"
	    " since, image_version, root_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
	    " ON CONFLICT (tenant, source, port, opened, destination) DO NOTHING",
	    "siissississ", source, (int64_t)c->connection.source.port, c->connection.at_ms, destination, c->gateway,
	    (int64_t)c->connection.proxy_us, c->connection.bank, c->stick, c->since, c->image_version, c->root_hash);
}

int store_connection_ended(struct store *store, const struct connection *c)
{
	return end_connection(store, c, c->at_ms);
}

int store_connections_ended(struct store *store, const char *gateway, uint64_t other_than, int64_t at_ms)
{
	return sql_change(store, "ending the connections of an earlier proxy",
			  "UPDATE connections SET closed = ?2 WHERE tenant = ?1 AND gateway = ?3 AND proxy <> ?4 AND"
			  " closed IS NULL",
			  "isi", at_ms, gateway, (int64_t)other_than);
}

int store_each_connection(struct store *store, const struct question *q,
			  void (*fn)(const struct store_connection *connection, void *context), void *context)
{
	char source[INET_ADDRSTRLEN], destination[ENDPOINT_SIZE] = "";
	inet_ntop(AF_INET, &q->source.address, source, sizeof source);
	if (q->destination.port)
		connection_end_text(&q->destination, destination);
	struct db_rows *statement = sql_ask(
	    store,
	    "SELECT stick, since, image_version, root_hash, opened, closed FROM connections WHERE tenant = ?1 AND"
	    " source = ?2 AND port = ?3 AND opened <= ?4 AND (closed IS NULL OR closed >= ?5) AND bank = ?6 AND"
	    " (?7 = '' OR destination = ?7) ORDER BY opened DESC LIMIT 16",
	    "siiiss", source, (int64_t)q->source.port, q->at_ms + CONNECTION_SKEW_MS, q->at_ms - CONNECTION_SKEW_MS,
	    q->bank, destination);
	int row;
	while ((row = sql_next(store, statement, "reading connections")) == 1) {
		struct store_connection c = {.since = db_number(statement, 1),
					     .opened_ms = db_number(statement, 4),
					     .closed_ms = db_number(statement, 5)};
		SQL_COPY(c.stick, statement, 0);
		SQL_COPY(c.image_version, statement, 2);
		SQL_COPY(c.root_hash, statement, 3);
		fn(&c, context);
	}
	db_rows_free(statement);
	return row;
}

int store_connections_forget(struct store *store, int64_t opened_before_ms)
{
	return sql_change(store, "forgetting connections", "DELETE FROM connections WHERE tenant = ?1 AND opened < ?2",
			  "i", opened_before_ms);
}

/* --- admissions --- */

enum { ADMISSION_BLOB_MAX = STATEMENT_PUBLIC_BYTES };

static const char *encode(const uint8_t *data, size_t size, char text[BASE64_ENCODED_SIZE(ADMISSION_BLOB_MAX)])
{
	base64_encode(data, size, text);
	return text;
}

int store_admission_set(struct store *store, const char *stick, const struct store_admission *a)
{
	char text[4][BASE64_ENCODED_SIZE(ADMISSION_BLOB_MAX)];
	return sql_change(store, "writing an admission",
			  "INSERT INTO admissions (tenant, stick, pin_key, duress_key, token, next_token, adopt,"
			  " copied, pin_failures, at, until, place, boot, duress_at)"
			  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
			  " ON CONFLICT (tenant, stick) DO UPDATE SET pin_key = excluded.pin_key, duress_key = "
			  "excluded.duress_key, token = excluded.token,"
			  " next_token = excluded.next_token, adopt = excluded.adopt, copied = excluded.copied,"
			  " pin_failures = excluded.pin_failures, at = excluded.at, until = excluded.until,"
			  " place = excluded.place, boot = excluded.boot, duress_at = excluded.duress_at",
			  "sssssiiiiissi", stick, encode(a->pin_key, sizeof a->pin_key, text[0]),
			  encode(a->duress_key, sizeof a->duress_key, text[1]),
			  encode(a->token, sizeof a->token, text[2]), encode(a->next, sizeof a->next, text[3]),
			  (int64_t)a->adopt, (int64_t)a->copied, (int64_t)a->pin_failures, a->at, a->until, a->place,
			  a->boot, a->duress_at);
}

static bool decode(struct db_rows *statement, int column, uint8_t *out, size_t wanted)
{
	size_t size = 0;
	const char *text = db_text(statement, column);
	return base64_decode(text, strlen(text), out, wanted, &size) == 0 && size == wanted;
}

static bool read_admission(struct db_rows *statement, struct store_admission *a)
{
	*a = (struct store_admission){
	    .adopt = db_number(statement, 5) != 0,
	    .copied = db_number(statement, 6) != 0,
	    .pin_failures = (unsigned)db_number(statement, 7),
	    .at = db_number(statement, 8),
	    .until = db_number(statement, 9),
	    .duress_at = db_number(statement, 12),
	};
	SQL_COPY(a->place, statement, 10);
	SQL_COPY(a->boot, statement, 11);
	return decode(statement, 1, a->pin_key, sizeof a->pin_key) &&
	       decode(statement, 2, a->duress_key, sizeof a->duress_key) &&
	       decode(statement, 3, a->token, sizeof a->token) && decode(statement, 4, a->next, sizeof a->next);
}

#define ADMISSION_COLUMNS                                                                                              \
	"stick, pin_key, duress_key, token, next_token, adopt, copied, pin_failures, at, until, place, boot, "         \
	"duress_at"

int store_admission_get(struct store *store, const char *stick, struct store_admission *admission)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT " ADMISSION_COLUMNS " FROM admissions WHERE tenant = ?1 AND stick = ?2", "s", stick);
	int row = sql_next(store, statement, "reading an admission");
	if (row == 1 && !read_admission(statement, admission)) {
		log_error("the database's admission of stick %s cannot be read: it is not admitted", stick);
		row = -EBADMSG;
	}
	db_rows_free(statement);
	return row;
}

int store_each_admission(struct store *store,
			 void (*fn)(const char *stick, const struct store_admission *admission, void *context),
			 void *context)
{
	char last[STICK_ID_SIZE] = "";
	int row, count;
	do {
		struct db_rows *statement =
		    sql_ask(store,
			    "SELECT " ADMISSION_COLUMNS " FROM admissions WHERE tenant = ?1 AND stick > ?2"
			    " ORDER BY stick LIMIT ?3",
			    "si", last, (int64_t)PAGE_ROWS);
		for (count = 0; (row = sql_next(store, statement, "reading the admissions")) == 1; count++) {
			struct store_admission admission;
			SQL_COPY(last, statement, 0);
			if (read_admission(statement, &admission))
				fn(last, &admission, context);
			else
				log_error("the database's admission of stick %s cannot be read: it is not admitted",
					  last);
		}
		db_rows_free(statement);
	} while (row == 0 && count == PAGE_ROWS);
	return row;
}
