/*
 * database - an empty one for a test: a file of SQLite, or, where SEKISHO_TEST_DATABASE names one of a server
 * (tests/integration/postgres.t), all of that.
 */
#ifndef TESTS_UNIT_DATABASE_H
#define TESTS_UNIT_DATABASE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vpn/gateway/db.h"

enum { DATABASE_SIZE = 200 };

static inline bool database_is_server(void) { return getenv("SEKISHO_TEST_DATABASE") != NULL; }

/* By a connection of its own. */
static inline void database_do(const char *where, const char *sql)
{
	struct db *db = NULL;
	assert_int_equal(db_open(where, &db), 0);
	if (db_run(db, sql))
		fail_msg("%s: %s", sql, db_why(db));
	db_close(db);
}

static inline void remove_database(const char *where)
{
	char side[DATABASE_SIZE + 32];
	static const char *const sides[] = {"", "-wal", "-shm"};
	for (int i = 0; i < 3 && !database_is_server(); i++) {
		snprintf(side, sizeof side, "%s%s", where, sides[i]);
		unlink(side);
	}
}

static inline void database_new(const char *test, char where[DATABASE_SIZE])
{
	if (database_is_server())
		snprintf(where, DATABASE_SIZE, "%s", getenv("SEKISHO_TEST_DATABASE"));
	else
		snprintf(where, DATABASE_SIZE, "/tmp/%s.%d.db", test, (int)getpid());
	remove_database(where);
	if (database_is_server())
		database_do(where,
			    "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

#endif
