#include "vpn/gateway/store_backup.h"

#include <errno.h>
#include <jansson.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "vpn/gateway/store_schema.h"
#include "vpn/gateway/store_sql.h"

enum { COLUMNS_MAX = 20, PAGE_ROWS = 1000, DIGEST_BYTES = 32, SQL_SIZE = 2048 };

/* Columns but for the tenant, the key's first; kinds as in store_sql.h. */
static const struct table {
	const char *name;
	size_t keys;
	const char *kinds, *columns;
} tables[] = {
    {"sticks", 1, "sssssiis", "id,name,region,public_key,address,created,revoked,identity_key"},
    {"states", 1, "sssiissi", "stick,state,cause,since,last_beacon,boot,image_version,policy_version"},
    {"admissions", 1, "sssssiiiiissi",
     "stick,pin_key,duress_key,token,next_token,adopt,copied,pin_failures,at,until,place,boot,duress_at"},
    {"sessions", 2, "ssi", "stick,bank,opened"},
    {"documents", 1, "siis", "kind,version,accepted,envelope"},
    {"images", 2, "isi", "version,root_hash,added"},
    {"numbers", 1, "si", "name,value"},
    {"operators", 1, "ssissiiiiiss",
     "name,password,created,role,totp,totp_step,changed,failures,locked,disabled,password_by,totp_by"},
    {"transitions", 1, "iissss", "id,at,stick,from_state,to_state,cause"},
    {"events", 1, "iissss", "id,at,kind,stick,who,detail"},
    {"alarms", 1, "isssiiiisii", "id,subject,kind,severity,opened,ended,closed,sticks,owner,acknowledged,escalated"},
    {"alarm_notes", 2, "iiisss", "alarm,id,at,who,what,text"},
    {"shelves", 1, "ii", "alarm,until"},
    {"handovers", 1, "iissiiiis", "id,given,given_by,text,info,warning,critical,taken,taken_by"},
    {"requests", 1, "ississsiss", "id,kind,asked_by,asked,reason,sticks,decided_by,decided,state,answer"},
    {"connections", 4, "siisisississ",
     "source,port,opened,destination,closed,gateway,proxy,bank,stick,since,image_version,root_hash"},
    {"audit", 1, "iisss", "id,at,stick,entry,leaf"},
    {"checkpoints", 1, "iiss", "size,at,note,peaks"},
};

enum { TABLE_COUNT = sizeof tables / sizeof tables[0] };

const char *store_backup_columns(size_t table, const char **name)
{
	if (table >= TABLE_COUNT)
		return NULL;
	*name = tables[table].name;
	return tables[table].columns;
}

static int say(char *why, size_t why_size, int error, const char *what)
{
	snprintf(why, why_size, "%s", what);
	return error;
}

/* --- lines, all of which the digest covers --- */

struct lines {
	FILE *file;
	psa_hash_operation_t digest;
	uint64_t rows;
};

static int lines_begin(struct lines *lines, FILE *file)
{
	*lines = (struct lines){.file = file, .digest = psa_hash_operation_init()};
	if (psa_crypto_init() != PSA_SUCCESS || psa_hash_setup(&lines->digest, PSA_ALG_SHA_256) != PSA_SUCCESS)
		return -EIO;
	return 0;
}

static int lines_digest(struct lines *lines, char text[BASE64_ENCODED_SIZE(DIGEST_BYTES)])
{
	uint8_t digest[DIGEST_BYTES];
	size_t size;
	if (psa_hash_finish(&lines->digest, digest, sizeof digest, &size) != PSA_SUCCESS)
		return -EIO;
	base64_encode(digest, sizeof digest, text);
	return 0;
}

static int line_cover(struct lines *lines, const char *text, size_t size)
{
	return psa_hash_update(&lines->digest, (const uint8_t *)text, size) == PSA_SUCCESS ? 0 : -EIO;
}

/* Takes the reference. */
static int line_write(struct lines *lines, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	int error = text ? line_cover(lines, text, strlen(text)) : -ENOMEM;
	if (!error && fprintf(lines->file, "%s\n", text) < 0)
		error = -EIO;
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	json_decref(line);
	return error;
}

/* --- out --- */

static const char *first_columns(const struct table *table, size_t count, char *out, size_t size)
{
	size_t used = 0;
	for (const char *at = table->columns; *at && used + 1 < size; at++) {
		if (*at == ',' && --count == 0)
			break;
		out[used++] = *at;
	}
	out[used] = '\0';
	return out;
}

/* A page of rows after the last one, by the whole key. */
static void page_sql(const struct table *table, bool first, char sql[SQL_SIZE])
{
	char keys[128], after[256] = "", marks[64] = "";
	first_columns(table, table->keys, keys, sizeof keys);
	for (size_t i = 0; i < table->keys; i++)
		snprintf(marks + strlen(marks), sizeof marks - strlen(marks), "%s?%zu", i ? ", " : "", i + 2);
	if (!first)
		snprintf(after, sizeof after, " AND (%s) > (%s)", keys, marks);
	snprintf(sql, SQL_SIZE, "SELECT %s FROM %s WHERE tenant = ?1%s ORDER BY %s LIMIT %d", table->columns,
		 table->name, after, keys, PAGE_ROWS);
}

static json_t *row_out(const struct table *table, const struct db_rows *rows)
{
	json_t *row = json_array();
	for (int i = 0; table->kinds[i] && row; i++)
		json_array_append_new(row, db_is_null(rows, i)      ? json_null()
					   : table->kinds[i] == 's' ? json_string(db_text(rows, i))
								    : json_integer(db_number(rows, i)));
	if (json_array_size(row) == strlen(table->kinds))
		return json_pack("{s:s, s:o}", "table", table->name, "row", row);
	json_decref(row); /* a text that is none */
	return NULL;
}

/* The key of a row, for the page after it. */
static void take_key(const struct table *table, const json_t *line, struct db_value values[COLUMNS_MAX])
{
	const json_t *row = json_object_get(line, "row");
	for (size_t i = 0; i < table->keys; i++) {
		const json_t *value = json_array_get(row, i);
		values[i + 1] = (struct db_value){.is_text = table->kinds[i] == 's',
						  .text = json_string_value(value),
						  .number = json_integer_value(value)};
	}
}

static int table_out(struct store *store, const struct table *table, struct lines *lines)
{
	struct db_value values[COLUMNS_MAX] = {{.is_text = true, .text = store->tenant}};
	json_t *last = NULL;
	int error = 0, count = PAGE_ROWS;
	while (!error && count == PAGE_ROWS) {
		char sql[SQL_SIZE];
		struct db_rows *rows = NULL;
		page_sql(table, !last, sql);
		error = db_ask(store->db, sql, values, last ? table->keys + 1 : 1, &rows);
		for (count = 0; !error && (error = db_next(rows)) == 1; count++) {
			json_decref(last);
			last = row_out(table, rows);
			error = last ? line_write(lines, json_incref(last)) : -EILSEQ;
			lines->rows++;
		}
		db_rows_free(rows);
		if (!error && count == PAGE_ROWS)
			take_key(table, last, values);
	}
	json_decref(last);
	return error;
}

int store_backup(struct store *store, FILE *out, uint64_t *rows, char *why, size_t why_size)
{
	char digest[BASE64_ENCODED_SIZE(DIGEST_BYTES)];
	struct lines lines;
	int error = lines_begin(&lines, out);
	if (!error)
		error = db_begin_reading(store->db);
	if (!error)
		error = line_write(&lines, json_pack("{s:s, s:i, s:s}", "backup", "sekisho gateway", "schema",
						     store_migration_count, "tenant", store->tenant));
	for (size_t i = 0; i < TABLE_COUNT && !error; i++)
		error = table_out(store, &tables[i], &lines);
	db_rollback(store->db);
	if (!error)
		error = lines_digest(&lines, digest);
	if (!error &&
	    (fprintf(out, "{\"rows\":%llu,\"sha256\":\"%s\"}\n", (unsigned long long)lines.rows, digest) < 0 ||
	     fflush(out)))
		error = -EIO;
	psa_hash_abort(&lines.digest);
	*rows = lines.rows;
	if (error)
		snprintf(why, why_size, "the backup could not be finished (%s%s%s)", strerror(-error),
			 db_why(store->db)[0] ? ": " : "", db_why(store->db));
	return error;
}

/* --- in --- */

static const struct table *table_of(const char *name)
{
	for (size_t i = 0; i < TABLE_COUNT && name; i++)
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	return NULL;
}

/* Does the value fit the column? NULL does; where it may not be, the database says so. */
static bool value_in(char kind, const json_t *value, struct db_value *out)
{
	*out = (struct db_value){.is_text = kind == 's',
				 .is_null = json_is_null(value),
				 .text = json_string_value(value),
				 .number = json_integer_value(value)};
	return json_is_null(value) || (kind == 's' ? json_is_string(value) : json_is_integer(value));
}

static int row_in(struct store *store, const json_t *line)
{
	const struct table *table = table_of(json_string_value(json_object_get(line, "table")));
	const json_t *row = json_object_get(line, "row");
	struct db_value values[COLUMNS_MAX] = {{.is_text = true, .text = store->tenant}};
	char sql[SQL_SIZE];
	size_t count = table ? strlen(table->kinds) : 0;
	if (!table || json_array_size(row) != count || json_object_size(line) != 2)
		return -EBADMSG;
	int used = snprintf(sql, sizeof sql, "INSERT INTO %s (tenant,%s) VALUES (?1", table->name, table->columns);
	for (size_t i = 0; i < count; i++) {
		if (!value_in(table->kinds[i], json_array_get(row, i), &values[i + 1]))
			return -EBADMSG;
		used += snprintf(sql + used, sizeof sql - (size_t)used, ", ?%zu", i + 2);
	}
	snprintf(sql + used, sizeof sql - (size_t)used, ")");
	return db_change(store->db, sql, values, count + 1);
}

static json_t *parse(const char *text, size_t size)
{
	json_error_t unused;
	return json_loadb(text, size, JSON_REJECT_DUPLICATES, &unused);
}

static int head_in(const struct store *store, const json_t *head, char *why, size_t why_size)
{
	const char *what = json_string_value(json_object_get(head, "backup"));
	const char *tenant = json_string_value(json_object_get(head, "tenant"));
	json_int_t schema = json_integer_value(json_object_get(head, "schema"));
	if (!what || strcmp(what, "sekisho gateway") != 0 || !tenant)
		return say(why, why_size, -EBADMSG, "this is no backup of a gateway");
	if (schema != store_migration_count) {
		snprintf(why, why_size,
			 "the backup has schema %d and this program has %d: restore it with the sekisho-gateway that "
			 "made it, and upgrade that one",
			 (int)schema, store_migration_count);
		return -ENOTSUP;
	}
	if (strcmp(tenant, store->tenant) == 0)
		return 0;
	snprintf(why, why_size, "the backup is of tenant %.64s, and the configuration is of %s", tenant, store->tenant);
	return -EPERM;
}

/* Each line to `fn`, if there is one; then the last, which says how many there were and their digest. */
static int read_lines(struct store *store, FILE *in, int (*fn)(struct store *store, const json_t *line), uint64_t *rows,
		      char *why, size_t why_size)
{
	char *text = NULL, digest[BASE64_ENCODED_SIZE(DIGEST_BYTES)];
	size_t room = 0;
	ssize_t size;
	struct lines lines;
	bool ended = false;
	int error = lines_begin(&lines, in);
	if (!error && fseek(in, 0, SEEK_SET) != 0)
		error = say(why, why_size, -errno, "the backup cannot be read twice: it must be a file");
	for (uint64_t number = 1; !error && !ended && (size = getline(&text, &room, in)) > 0; number++) {
		json_t *line = text[size - 1] == '\n' ? parse(text, (size_t)size - 1) : NULL;
		const char *sum = json_string_value(json_object_get(line, "sha256"));
		snprintf(why, why_size, "line %llu of the backup is damaged", (unsigned long long)number);
		if (!line)
			error = -EBADMSG;
		else if (sum && number > 1) {
			ended = lines_digest(&lines, digest) == 0 && strcmp(sum, digest) == 0 &&
				json_integer_value(json_object_get(line, "rows")) == (json_int_t)lines.rows;
			error = ended ? 0 : -EBADMSG;
			snprintf(why, why_size, "the backup is not as it was written: its digest is another one");
		} else {
			error = line_cover(&lines, text, (size_t)size - 1);
			if (!error && number == 1)
				error = head_in(store, line, why, why_size);
			else if (!error && fn)
				error = fn(store, line);
			lines.rows += number > 1;
		}
		json_decref(line);
	}
	if (!error && (!ended || fgetc(in) != EOF))
		error =
		    say(why, why_size, -EBADMSG, "the backup is not whole: its end is missing, or more comes after it");
	psa_hash_abort(&lines.digest);
	if (text)
		explicit_bzero(text, room);
	free(text);
	*rows = lines.rows;
	return error;
}

static int must_be_empty(struct store *store, char *why, size_t why_size)
{
	const struct db_value tenant = {.is_text = true, .text = store->tenant};
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		char sql[128];
		struct db_rows *rows = NULL;
		snprintf(sql, sizeof sql, "SELECT 1 FROM %s WHERE tenant = ?1 LIMIT 1", tables[i].name);
		int error = db_ask(store->db, sql, &tenant, 1, &rows);
		int row = error ? error : db_next(rows);
		db_rows_free(rows);
		if (row < 0)
			return say(why, why_size, row, db_why(store->db));
		if (row == 0)
			continue;
		snprintf(why, why_size, "the database has %s of tenant %s already: restore into one that has nothing",
			 tables[i].name, store->tenant);
		return -ENOTEMPTY;
	}
	return 0;
}

int store_restore(struct store *store, FILE *in, uint64_t *rows, char *why, size_t why_size)
{
	int error = read_lines(store, in, NULL, rows, why, why_size);
	if (error)
		return error;
	error = db_begin(store->db);
	if (error)
		return say(why, why_size, error, db_why(store->db));
	error = must_be_empty(store, why, why_size);
	if (!error)
		error = read_lines(store, in, row_in, rows, why, why_size);
	if (!error) {
		error = db_commit(store->db);
		if (error)
			say(why, why_size, error, db_why(store->db));
	}
	if (error)
		db_rollback(store->db);
	return error;
}
