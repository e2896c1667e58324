/* SQLite behind db.h: WAL, every commit waits for the disk. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/db_engine.h"

enum { BUSY_TIMEOUT_MS = 5000 };

struct sqlite {
	struct db base;
	sqlite3 *handle;
};

struct sqlite_rows {
	struct db_rows base;
	struct sqlite *db;
	sqlite3_stmt *statement;
};

static struct sqlite *of(struct db *db) { return (struct sqlite *)db; }

static int failed(struct sqlite *db)
{
	int code = sqlite3_extended_errcode(db->handle);
	snprintf(db->base.why, sizeof db->base.why, "%s", sqlite3_errmsg(db->handle));
	if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE)
		return -EEXIST;
	return code == SQLITE_NOMEM ? -ENOMEM : code == SQLITE_FULL ? -ENOSPC : -EIO;
}

static int run(struct db *db, const char *sql)
{
	return sqlite3_exec(of(db)->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(of(db));
}

static void close_file(struct db *db)
{
	sqlite3_close(of(db)->handle);
	free(db);
}

static int open_file(const char *where, struct db **out)
{
	struct sqlite *db = calloc(1, sizeof *db);
	if (!db)
		return -ENOMEM;
	db->base.engine = &db_sqlite;
	int error = 0;
	if (sqlite3_open_v2(where, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		error = failed(db);
	if (!error)
		sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	/* Spilling to files of its own would need a second writable place. */
	if (!error)
		error =
		    run(&db->base, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
				   " PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
	if (error) {
		log_error("database %s: %s", where, db->base.why);
		close_file(&db->base);
		return error;
	}
	*out = &db->base;
	return 0;
}

static int begin(struct db *db, bool reading) { return run(db, reading ? "BEGIN" : "BEGIN IMMEDIATE"); }
static int commit(struct db *db) { return run(db, "COMMIT"); }
static void rollback(struct db *db) { (void)sqlite3_exec(of(db)->handle, "ROLLBACK", NULL, NULL, NULL); }

static int prepare(struct sqlite *db, const char *sql, const struct db_value *values, size_t count,
		   sqlite3_stmt **statement)
{
	if (sqlite3_prepare_v2(db->handle, sql, -1, statement, NULL) != SQLITE_OK)
		return failed(db);
	for (size_t i = 0; i < count; i++) {
		if (values[i].is_null)
			sqlite3_bind_null(*statement, (int)i + 1);
		else if (values[i].is_text)
			sqlite3_bind_text(*statement, (int)i + 1, values[i].text, -1, SQLITE_TRANSIENT);
		else
			sqlite3_bind_int64(*statement, (int)i + 1, values[i].number);
	}
	return 0;
}

static int change(struct db *db, const char *sql, const struct db_value *values, size_t count)
{
	sqlite3_stmt *statement = NULL;
	int error = prepare(of(db), sql, values, count, &statement);
	if (!error && sqlite3_step(statement) != SQLITE_DONE)
		error = failed(of(db));
	sqlite3_finalize(statement);
	db->changed = error ? 0 : sqlite3_changes64(of(db)->handle);
	return error;
}

static int ask(struct db *db, const char *sql, const struct db_value *values, size_t count, struct db_rows **out)
{
	struct sqlite_rows *rows = calloc(1, sizeof *rows);
	if (!rows)
		return -ENOMEM;
	*rows = (struct sqlite_rows){.base.engine = &db_sqlite, .db = of(db)};
	int error = prepare(of(db), sql, values, count, &rows->statement);
	if (error)
		free(rows);
	else
		*out = &rows->base;
	return error;
}

static int next(struct db_rows *base)
{
	struct sqlite_rows *rows = (struct sqlite_rows *)base;
	int step = sqlite3_step(rows->statement);
	return step == SQLITE_ROW ? 1 : step == SQLITE_DONE ? 0 : failed(rows->db);
}

static const char *text(const struct db_rows *rows, int column)
{
	return (const char *)sqlite3_column_text(((const struct sqlite_rows *)rows)->statement, column);
}

static int64_t number(const struct db_rows *rows, int column)
{
	return sqlite3_column_int64(((const struct sqlite_rows *)rows)->statement, column);
}

static void rows_free(struct db_rows *rows)
{
	sqlite3_finalize(((struct sqlite_rows *)rows)->statement);
	free(rows);
}

static int schema_version(struct db *db, int64_t *version)
{
	struct db_rows *rows = NULL;
	int error = ask(db, "PRAGMA user_version", NULL, 0, &rows);
	int row = error ? error : next(rows);
	if (row == 1)
		*version = number(rows, 0);
	db_rows_free(rows);
	return row < 0 ? row : row == 1 ? 0 : -EIO;
}

static int schema_step(struct db *db, const char *sql, int64_t version)
{
	char done[64];
	snprintf(done, sizeof done, "PRAGMA user_version = %d", (int)version);
	int error = run(db, sql);
	return error ? error : run(db, done);
}

const struct db_engine db_sqlite = {
    .open = open_file,
    .close = close_file,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .change = change,
    .ask = ask,
    .next = next,
    .text = text,
    .number = number,
    .rows_free = rows_free,
    .schema_version = schema_version,
    .schema_step = schema_step,
};
