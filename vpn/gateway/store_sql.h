/*
 * store_sql - how the store's own files speak to the database (db.h). Nobody else includes it.
 *
 * The arguments after `kinds` go to ?2, ?3, ...: 's' text (NULL is SQL NULL), 'i' int64_t. ?1 is the tenant.
 */
#ifndef VPN_GATEWAY_STORE_SQL_H
#define VPN_GATEWAY_STORE_SQL_H

#include "vpn/gateway/db.h"
#include "vpn/gateway/store.h"

struct store {
	struct db *db;
	int error; /* of the last sql_ask() */
	char tenant[TENANT_SIZE];
};

/* A statement without rows. 0 or -errno, said in the log as `doing` (but for -EEXIST). */
int sql_change(struct store *store, const char *doing, const char *sql, const char *kinds, ...);
/* One with rows, to be given to db_rows_free(); NULL is an error that sql_next() tells. */
struct db_rows *sql_ask(struct store *store, const char *sql, const char *kinds, ...);
/* 1: a row, 0: no more, or -errno. */
int sql_next(struct store *store, struct db_rows *rows, const char *doing);
/* Rows of at, kind, stick, who, from_state, to_state, detail, each to `fn`; frees the rows. 0 or -errno. */
int sql_each_event(struct store *store, struct db_rows *rows, const char *doing,
		   void (*fn)(const struct store_event *event, void *context), void *context);
#define SQL_COPY(out, statement, column) snprintf(out, sizeof(out), "%s", db_text(statement, column))

#endif
