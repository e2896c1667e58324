/*
 * store_sql - how the store's own files speak to the database. Nobody else includes it.
 *
 * The arguments after `kinds` go to ?2, ?3, ...: 's' text (NULL is SQL NULL), 'i' int64_t. ?1 is the tenant.
 */
#ifndef VPN_GATEWAY_STORE_SQL_H
#define VPN_GATEWAY_STORE_SQL_H

#include <sqlite3.h>

#include "vpn/gateway/store.h"

struct store {
	sqlite3 *db;
	char tenant[TENANT_SIZE];
};

/* A statement without rows. 0 or -errno, said in the log as `doing` (but for -EEXIST). */
int sql_change(struct store *store, const char *doing, const char *sql, const char *kinds, ...);
/* One with rows, to be given to sqlite3_finalize(); NULL is an error that sql_next() tells. */
sqlite3_stmt *sql_ask(struct store *store, const char *sql, const char *kinds, ...);
/* 1: a row, 0: no more, or -errno. */
int sql_next(struct store *store, sqlite3_stmt *statement, const char *doing);
/* Rows of at, kind, stick, who, from_state, to_state, detail, each to `fn`; finalizes the statement. 0 or -errno. */
int sql_each_event(struct store *store, sqlite3_stmt *statement, const char *doing,
		   void (*fn)(const struct store_event *event, void *context), void *context);
/* "" for NULL; the statement's, until the next row. */
const char *sql_text(sqlite3_stmt *statement, int column);

#define SQL_COPY(out, statement, column) snprintf(out, sizeof(out), "%s", sql_text(statement, column))

#endif
