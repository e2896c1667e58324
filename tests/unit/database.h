/* database - an SQLite database that a test made, and its side files, taken away. */
#ifndef TESTS_UNIT_DATABASE_H
#define TESTS_UNIT_DATABASE_H

#include <stdio.h>
#include <unistd.h>

/* Whether or not it is there; closed before. `path` has fewer than 100 bytes. */
static inline void remove_database(const char *path)
{
	static const char *const sides[] = {"", "-wal", "-shm"};
	char name[108];
	for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
		snprintf(name, sizeof name, "%s%s", path, sides[i]);
		unlink(name);
	}
}

#endif
