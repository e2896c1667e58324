/*
 * store_backup - all that one tenant has in the store, as a text that either engine takes: a bank moves from SQLite to
 * PostgreSQL, or back, with it. gatewayd(8) has the format. It holds the operators' password hashes and second factors:
 * keep it as the database itself.
 *
 * 0 or -errno, with a sentence in `why`.
 */
#ifndef VPN_GATEWAY_STORE_BACKUP_H
#define VPN_GATEWAY_STORE_BACKUP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vpn/gateway/store.h"

/* As it was at one moment, beside a gateway at work. `rows` is how many there are. */
int store_backup(struct store *store, FILE *out, uint64_t *rows, char *why, size_t why_size);
/* All of it or nothing, and into a database that has nothing of the tenant yet; read to its end, and its digest
 * compared, before anything is changed. `in` can be read twice. */
int store_restore(struct store *store, FILE *in, uint64_t *rows, char *why, size_t why_size);

/* The columns of a table that a backup has, with a comma between; NULL after the last table. For tests. */
const char *store_backup_columns(size_t table, const char **name);

#endif
