/* db_engine - what an engine behind db.h is: its own structs begin with these two. Included by db*.c alone. */
#ifndef VPN_GATEWAY_DB_ENGINE_H
#define VPN_GATEWAY_DB_ENGINE_H

#include "vpn/gateway/db.h"

enum { DB_WHY_SIZE = 512 };

struct db {
	const struct db_engine *engine;
	bool in_transaction;
	uint64_t commits;
	int64_t changed;
	char why[DB_WHY_SIZE];
};

struct db_rows {
	const struct db_engine *engine;
};

struct db_engine {
	bool shared;
	int (*open)(const char *where, struct db **db);
	void (*close)(struct db *db);
	const char *(*file)(const struct db *db, size_t index);
	int (*look)(struct db *db);
	int (*claim)(struct db *db, const char *name);
	int (*begin)(struct db *db, bool reading);
	int (*commit)(struct db *db);
	void (*rollback)(struct db *db);
	int (*run)(struct db *db, const char *sql);
	int (*change)(struct db *db, const char *sql, const struct db_value *values, size_t count);
	int (*ask)(struct db *db, const char *sql, const struct db_value *values, size_t count, struct db_rows **rows);
	int (*next)(struct db_rows *rows);
	const char *(*text)(const struct db_rows *rows, int column); /* NULL for NULL */
	int64_t (*number)(const struct db_rows *rows, int column);
	void (*rows_free)(struct db_rows *rows);
	int (*schema_lock)(struct db *db);
	int (*schema_version)(struct db *db, int64_t *version);
	int (*schema_step)(struct db *db, const char *sql, int64_t version);
};

extern const struct db_engine db_sqlite, db_postgres;

enum db_place db_postgres_place(const char *where);
bool db_postgres_has_password(const char *where);
int db_postgres_settle(char *where, size_t size, char *why, size_t why_size);
uint16_t db_postgres_port(const char *where);

#endif
