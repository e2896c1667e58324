/* A gateway's database with a fleet in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "firmware/lib/log.h"
#include "tests/bench/fleet/fleet.h"
#include "vpn/gateway/store.h"

enum { REGIONS = 47, LEASE_S = 3600, A_TRANSACTION = 5000 };

static int add(struct store *store, size_t index, const uint8_t identity[STATEMENT_PUBLIC_BYTES], int64_t now)
{
	struct store_stick row = {.created = now, .since = now, .last_beacon = now, .policy_version = 1};
	struct store_admission admission = {.adopt = true, .at = now, .until = now + LEASE_S};
	char id[FLEET_ID_SIZE];
	fleet_id(index, id);
	memcpy(row.id, id, sizeof id);
	snprintf(row.name, sizeof row.name, "branch %zu", index);
	snprintf(row.region, sizeof row.region, "region-%02zu", index % REGIONS + 1);
	snprintf(row.state, sizeof row.state, "up");
	snprintf(row.cause, sizeof row.cause, "first_beacon");
	snprintf(row.image_version, sizeof row.image_version, FLEET_IMAGE);
	snprintf(admission.place, sizeof admission.place, "192.0.2.1:%zu", index % 60000 + 1024);
	fleet_boot(index, row.boot);
	fleet_boot(index, admission.boot);
	row.address = fleet_address(index);
	memcpy(row.identity_key, identity, sizeof row.identity_key);
	memcpy(admission.pin_key, identity, sizeof admission.pin_key);
	if (getrandom(row.key, sizeof row.key, 0) != sizeof row.key)
		return -EIO;
	int error = store_stick_add(store, &row);
	if (!error)
		error = store_state(store, &row, NULL, now);
	return error ? error : store_admission_set(store, row.id, &admission);
}

int fleet_registry(int argc, char **argv)
{
	uint8_t private_key[STATEMENT_PRIVATE_BYTES], identity[STATEMENT_PUBLIC_BYTES];
	struct store *store = NULL;
	const size_t count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	const int64_t now = (int64_t)time(NULL);
	if (count == 0 || count > FLEET_MAX)
		fatal("usage: fleet registry DATABASE TENANT COUNT");
	fleet_identity(private_key);
	int error = statement_public(private_key, identity);
	if (!error)
		error = store_open(argv[1], argv[2], &store);
	for (size_t at = 0; at < count && !error;) {
		error = store_begin(store);
		for (size_t end = at + A_TRANSACTION; at < end && at < count && !error; at++)
			error = add(store, at, identity, now);
		if (!error)
			error = store_commit(store);
	}
	store_close(store);
	if (error)
		fatal("the registry cannot be written: %s", strerror(-error));
	return 0;
}
