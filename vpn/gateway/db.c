#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vpn/gateway/db_engine.h"

static bool is_server(const char *where)
{
	return strncmp(where, "postgresql://", strlen("postgresql://")) == 0 ||
	       strncmp(where, "postgres://", strlen("postgres://")) == 0;
}

enum db_place db_place(const char *where) { return is_server(where) ? db_postgres_place(where) : DB_FILE; }

bool db_has_password(const char *where) { return is_server(where) && db_postgres_has_password(where); }

int db_settle(char *where, size_t size, char *why, size_t why_size)
{
	return is_server(where) ? db_postgres_settle(where, size, why, why_size) : 0;
}

uint16_t db_port(const char *where) { return is_server(where) ? db_postgres_port(where) : 0; }

int db_open(const char *where, struct db **db)
{
	*db = NULL;
	return (is_server(where) ? &db_postgres : &db_sqlite)->open(where, db);
}

void db_close(struct db *db)
{
	if (db)
		db->engine->close(db);
}

const char *db_file(const struct db *db, size_t index) { return db->engine->file ? db->engine->file(db, index) : NULL; }
const char *db_why(const struct db *db) { return db->why; }
bool db_is_shared(const struct db *db) { return db->engine->shared; }
int db_look(struct db *db) { return db->engine->look ? db->engine->look(db) : 0; }
int db_claim(struct db *db, const char *name) { return db->engine->claim ? db->engine->claim(db, name) : 0; }
uint64_t db_commits(const struct db *db) { return db->commits; }
int64_t db_changed(const struct db *db) { return db->changed; }

static int begin(struct db *db, bool reading)
{
	if (db->in_transaction) {
		snprintf(db->why, sizeof db->why, "there is a transaction already");
		return -EIO;
	}
	int error = db->engine->begin(db, reading);
	db->in_transaction = !error;
	return error;
}

int db_begin(struct db *db) { return begin(db, false); }
int db_begin_reading(struct db *db) { return begin(db, true); }

int db_commit(struct db *db)
{
	int error = db->engine->commit(db);
	if (error)
		return error; /* until it is rolled back */
	db->in_transaction = false;
	db->commits++;
	return 0;
}

void db_rollback(struct db *db)
{
	db->engine->rollback(db);
	db->in_transaction = false;
}

int db_run(struct db *db, const char *sql) { return db->engine->run(db, sql); }

int db_change(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
	int error = db->engine->change(db, sql, values, count);
	if (!error && !db->in_transaction)
		db->commits++;
	return error;
}

int db_ask(struct db *db, const char *sql, const struct db_value *values, size_t count, struct db_rows **rows)
{
	*rows = NULL;
	return db->engine->ask(db, sql, values, count, rows);
}

int db_next(struct db_rows *rows) { return rows->engine->next(rows); }

const char *db_text(const struct db_rows *rows, int column)
{
	const char *text = rows->engine->text(rows, column);
	return text ? text : "";
}

int64_t db_number(const struct db_rows *rows, int column) { return rows->engine->number(rows, column); }
bool db_is_null(const struct db_rows *rows, int column) { return !rows->engine->text(rows, column); }

void db_rows_free(struct db_rows *rows)
{
	if (rows)
		rows->engine->rows_free(rows);
}

int db_schema_lock(struct db *db) { return db->engine->schema_lock ? db->engine->schema_lock(db) : 0; }
int db_schema_version(struct db *db, int64_t *version) { return db->engine->schema_version(db, version); }

int db_schema_step(struct db *db, const char *sql, int64_t version)
{
	return db->engine->schema_step(db, sql, version);
}
