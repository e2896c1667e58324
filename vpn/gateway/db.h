/*
 * db - a database, whichever engine it is: SQLite in a file, or a PostgreSQL server (or one that speaks its protocol).
 *
 * `where` is a path, or `postgresql://USER@HOST:PORT/DATABASE?...` as libpq reads it. Statements are what both engines
 * have; ?1, ?2, ... stand for values. One thread, one transaction at a time. A statement outside of a transaction is
 * one of its own.
 *
 * All return 0 or -errno, with the engine's own words in db_why():
 *   -EEXIST      a unique key is taken
 *   -EAGAIN      it collided with another transaction, and did again when it was repeated
 *   -ETIMEDOUT   the server's limit for one statement went by
 *   -EHOSTDOWN   there is no connection to the server: said once in the log, and tried again with back-off at each
 *                call, none of which waits for it. What was in a transaction then is undone
 *   -EIO, -ENOSPC, -EROFS, -ENOMEM
 * An error within a transaction undoes all of it in PostgreSQL: db_commit() then fails, whatever came after.
 */
#ifndef VPN_GATEWAY_DB_H
#define VPN_GATEWAY_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_rows;

struct db_value {
	bool is_text;
	const char *text; /* NULL is SQL NULL */
	int64_t number;
	bool is_null; /* a number that is not there */
};

enum db_place { DB_FILE, DB_LOCAL_SERVER, DB_NETWORK_SERVER };
enum db_place db_place(const char *where);

/* Does `where` carry a password, which nobody may see on a command line? */
bool db_has_password(const char *where);

/* Ask the resolver for a server's addresses and write them into `where` (hostaddr=), for a process that cannot ask it.
 * 0, or -errno with a sentence. */
int db_settle(char *where, size_t size, char *why, size_t why_size);
/* The one port that a DB_NETWORK_SERVER is at. */
uint16_t db_port(const char *where);

/* Waits some seconds for a server. What its libraries read from files they have read afterwards, but for the files of
 * TLS that db_file() names (NULL after the last): a later connection reads those again. */
int db_open(const char *where, struct db **db);
void db_close(struct db *db);
const char *db_file(const struct db *db, size_t index);

const char *db_why(const struct db *db);
/* May another program write at the same time? (A file is this gateway's alone.) */
bool db_is_shared(const struct db *db);
/* Go on with a connection that is being made; to be called now and then. -ESTALE: it was lost with an answer on its
 * way, so that nobody knows whether the last change was kept. It is there again, but nothing is done with it any more:
 * all that was read must be read again, after another db_open(). */
int db_look(struct db *db);
/* Be the only one with this name, now and after every new connection; waits some seconds for one that just ended.
 * -EBUSY: another is */
int db_claim(struct db *db, const char *name);

int db_begin(struct db *db);
/* One that only reads, all of it as it was at its start; it holds nobody up. */
int db_begin_reading(struct db *db);
int db_commit(struct db *db);
void db_rollback(struct db *db);
/* Transactions that were kept since db_open(), single statements among them. */
uint64_t db_commits(const struct db *db);

/* Statements without values, one after the other, however long they take. */
int db_run(struct db *db, const char *sql);
/* One without rows; db_changed() is how many it touched. */
int db_change(struct db *db, const char *sql, const struct db_value *values, size_t count);
int64_t db_changed(const struct db *db);
/* One with rows; db_rows_free() also takes NULL. */
int db_ask(struct db *db, const char *sql, const struct db_value *values, size_t count, struct db_rows **rows);
/* 1: a row, 0: no more, or -errno. */
int db_next(struct db_rows *rows);
const char *db_text(const struct db_rows *rows, int column); /* "" for NULL; the rows', until the next one */
int64_t db_number(const struct db_rows *rows, int column);   /* 0 for NULL */
bool db_is_null(const struct db_rows *rows, int column);
void db_rows_free(struct db_rows *rows);

/* The schema's version, counted in steps (store_schema.h); with db_schema_lock(), which goes at the start of a
 * transaction, nobody else takes a step. */
int db_schema_lock(struct db *db);
int db_schema_version(struct db *db, int64_t *version);
/* Run what takes it there, and note that. */
int db_schema_step(struct db *db, const char *sql, int64_t version);

#endif
