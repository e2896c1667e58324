#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/database.h"
#include "vpn/gateway/fleet.h"
#include "vpn/gateway/operator.h"
#include "vpn/gateway/store.h"
#include "vpn/gateway/store_schema.h"

enum { SEEN_BYTES = 256 };

static char path[DATABASE_SIZE];
static struct store *store;

static int make(void **state)
{
	(void)state;
	database_new("gateway_store", path);
	return store_open(path, "demo", &store);
}

static int unmake(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	remove_database(path);
	return 0;
}

static struct store_stick stick(const char *id, uint8_t number)
{
	struct store_stick row = {.created = 1000, .address.s_addr = htonl(0x0a4d0000U + number)};
	snprintf(row.id, sizeof row.id, "%s", id);
	snprintf(row.name, sizeof row.name, "%s", "山田商店");
	memset(row.key, number, sizeof row.key);
	return row;
}

struct found {
	unsigned count;
	struct store_stick last;
};

static void find(const struct store_stick *row, void *context)
{
	struct found *found = context;
	found->count++;
	found->last = *row;
}

static void what_was_added_is_there_after_reopening(void **state)
{
	(void)state;
	struct store_stick row = stick("ST-000001", 2);
	assert_int_equal(store_stick_add(store, &row), 0);
	snprintf(row.state, sizeof row.state, "up");
	snprintf(row.cause, sizeof row.cause, "first_beacon");
	row.since = 1234;
	assert_int_equal(store_state(store, &row, "never", 1234), 0);
	store_close(store);
	assert_int_equal(store_open(path, "demo", &store), 0);
	struct found found = {0};
	assert_int_equal(store_each_stick(store, find, &found), 0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.last.name, "山田商店");
	assert_string_equal(found.last.state, "up");
	assert_int_equal(found.last.since, 1234);
	assert_memory_equal(found.last.key, row.key, sizeof row.key);
}

static void keys_are_unique(void **state)
{
	(void)state;
	struct store_stick row = stick("ST-000001", 2), same_id = stick("ST-000001", 3), same_rest = stick("ST-2", 2);
	assert_int_equal(store_stick_add(store, &row), 0);
	assert_int_equal(store_stick_add(store, &same_id), -EEXIST);
	assert_int_equal(store_stick_add(store, &same_rest), -EEXIST);
}

static void tenants_do_not_see_each_other(void **state)
{
	(void)state;
	struct store_stick row = stick("ST-000001", 2);
	struct store *other = NULL;
	struct found found = {0};
	assert_int_equal(store_stick_add(store, &row), 0);
	assert_int_equal(store_open(path, "other", &other), 0);
	assert_int_equal(store_each_stick(other, find, &found), 0);
	assert_int_equal(found.count, 0);
	assert_int_equal(store_stick_revoke(other, "ST-000001", 9), -ENOENT);
	assert_int_equal(store_stick_add(other, &row), 0);
	store_close(other);
}

static void revoking_is_once(void **state)
{
	(void)state;
	struct store_stick row = stick("ST-000001", 2);
	struct found found = {0};
	assert_int_equal(store_stick_add(store, &row), 0);
	assert_int_equal(store_stick_revoke(store, "ST-000001", 2000), 0);
	assert_int_equal(store_stick_revoke(store, "ST-000001", 3000), -ENOENT);
	assert_int_equal(store_each_stick(store, find, &found), 0);
	assert_int_equal(found.last.revoked, 2000);
}

static void a_newer_schema_is_left_alone(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	database_do(path, database_is_server() ? "INSERT INTO schema_version (version) VALUES (99)"
					       : "PRAGMA user_version = 99");
	assert_int_equal(store_open(path, "demo", &store), -ENOTSUP);
	assert_null(store);
}

/* As a program of that time left it, with a stick in it. */
static void make_old(int steps)
{
	struct db *db = NULL;
	int64_t version = -1;
	database_new("gateway_store", path);
	assert_int_equal(db_open(path, &db), 0);
	assert_int_equal(db_schema_version(db, &version), 0);
	assert_int_equal(version, 0);
	for (int i = 0; i < steps; i++) {
		assert_int_equal(db_begin(db), 0);
		assert_int_equal(db_schema_step(db, store_migrations[i], i + 1), 0);
		assert_int_equal(db_commit(db), 0);
	}
	assert_int_equal(
	    db_run(db, "INSERT INTO sticks (tenant, id, name, region, public_key, address, created) VALUES ('demo', "
		       "'ST-1', 'n', 'r', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', '10.77.0.2', 7)"),
	    0);
	db_close(db);
}

static void every_older_schema_is_brought_up_to_date(void **state)
{
	(void)state;
	for (int steps = 1; steps < store_migration_count; steps++) {
		struct found found = {0};
		store_close(store);
		store = NULL;
		make_old(steps);
		assert_int_equal(store_open(path, "demo", &store), 0);
		assert_int_equal(store_each_stick(store, find, &found), 0);
		assert_int_equal(found.count, 1);
		assert_int_equal(found.last.created, 7);
		assert_int_equal(store_operator_set(store, "tanaka", "hash", 1), 0);
	}
}

/* What the step needs cannot be made, since it is there: nothing of the step stays, and it works when that is gone. */
static void a_step_that_fails_is_not_half_taken(void **state)
{
	(void)state;
	struct db *db = NULL;
	int64_t version = 0;
	store_close(store);
	store = NULL;
	make_old(1);
	database_do(path, "CREATE TABLE numbers (in_the_way BIGINT)");
	assert_true(store_open(path, "demo", &store) < 0);
	assert_int_equal(db_open(path, &db), 0);
	assert_int_equal(db_schema_version(db, &version), 0);
	assert_int_equal(version, 1);
	assert_true(db_run(db, "SELECT * FROM images") < 0);
	assert_int_equal(db_run(db, "DROP TABLE numbers"), 0);
	db_close(db);
	assert_int_equal(store_open(path, "demo", &store), 0);
}

/* Two gateways are upgraded at the same moment: each step is taken once. */
static void programs_that_start_at_once_take_each_step_once(void **state)
{
	(void)state;
	enum { AT_ONCE = 4 };
	int status;
	store_close(store);
	store = NULL;
	database_new("gateway_store", path);
	if (!database_is_server())
		make_old(1); /* a file is made by one */
	for (int i = 0; i < AT_ONCE; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct store *own = NULL;
			_exit(store_open(path, "demo", &own) ? 1 : 0);
		}
	}
	for (int i = 0; i < AT_ONCE; i++)
		assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(store_open(path, "demo", &store), 0);
}

static void count_event(const struct store_event *event, void *context)
{
	char *seen = context;
	size_t used = strlen(seen);
	snprintf(seen + used, SEEN_BYTES - used, "%s ", event->kind);
}

static void events_come_newest_first(void **state)
{
	(void)state;
	char seen[SEEN_BYTES] = "";
	struct store_stick row = stick("ST-000001", 2);
	snprintf(row.state, sizeof row.state, "up");
	assert_int_equal(store_event(store, 1, "login", "", "anna", "10.0.2.2"), 0);
	assert_int_equal(store_state(store, &row, "never", 2), 0);
	assert_int_equal(store_event(store, 3, "logout", "", "anna", "'; DROP TABLE events; --"), 0);
	assert_int_equal(store_each_event(store, 2, count_event, seen), 0);
	assert_string_equal(seen, "logout transition ");
}

static void documents_and_sessions_are_kept(void **state)
{
	(void)state;
	char *envelope = NULL;
	size_t size = 0;
	assert_int_equal(store_document(store, "policy", &envelope, &size), -ENOENT);
	assert_int_equal(store_document_set(store, "policy", 3, "{}", 2, 1), 0);
	assert_int_equal(store_document_set(store, "policy", 4, "{1}", 3, 2), 0);
	assert_int_equal(store_document(store, "policy", &envelope, &size), 0);
	assert_string_equal(envelope, "{1}");
	free(envelope);
	assert_int_equal(store_session(store, "ST-1", "bank", true, 1), 0);
	assert_int_equal(store_session(store, "ST-1", "bank", true, 2), 0);
	assert_int_equal(store_session(store, "ST-1", "bank", false, 3), 0);
}

static void passwords_are_only_hashes(void **state)
{
	(void)state;
	char password[OPERATOR_PASSWORD_SIZE + 4], again[OPERATOR_PASSWORD_SIZE + 4], hash[OPERATOR_HASH_SIZE];
	assert_int_equal(operator_new_password(password), 0);
	assert_int_equal(operator_new_password(again), 0);
	assert_string_not_equal(password, again);
	assert_int_equal(operator_hash(password, hash), 0);
	assert_int_equal(strncmp(hash, "$argon2id$v=19$", 15), 0);
	assert_true(operator_verify(hash, password));
	assert_false(operator_verify(hash, again));
	assert_false(operator_verify(NULL, password));
	assert_false(operator_verify("", password));
}

static void the_fleet_is_found_three_ways(void **state)
{
	(void)state;
	struct fleet *fleet = fleet_new();
	struct in_addr gateway = {htonl(0x0a4d0001)}, next;
	for (unsigned i = 0; i < 3000; i++) {
		char id[16];
		snprintf(id, sizeof id, "ST-%u", i);
		struct store_stick row = stick(id, 0);
		row.address.s_addr = htonl(0x0a4d0002U + i);
		memcpy(row.key, &i, sizeof i);
		assert_non_null(fleet_add(fleet, &row));
	}
	struct stick *one = fleet_by_id(fleet, "ST-1234");
	assert_ptr_equal(one, fleet_by_address(fleet, one->row.address));
	assert_ptr_equal(one, fleet_by_key(fleet, one->row.key));
	assert_null(fleet_by_id(fleet, "ST-3000"));
	assert_null(fleet_add(fleet, &one->row));
	assert_int_equal(fleet_free_address(fleet, gateway, 16, &next), 0);
	assert_int_equal(ntohl(next.s_addr), 0x0a4d0002U + 3000);
	assert_int_equal(fleet_free_address(fleet, gateway, 24, &next), -ENOSPC);
	fleet_free(fleet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_was_added_is_there_after_reopening, make, unmake),
	    cmocka_unit_test_setup_teardown(keys_are_unique, make, unmake),
	    cmocka_unit_test_setup_teardown(tenants_do_not_see_each_other, make, unmake),
	    cmocka_unit_test_setup_teardown(revoking_is_once, make, unmake),
	    cmocka_unit_test_setup_teardown(a_newer_schema_is_left_alone, make, unmake),
	    cmocka_unit_test_setup_teardown(every_older_schema_is_brought_up_to_date, make, unmake),
	    cmocka_unit_test_setup_teardown(a_step_that_fails_is_not_half_taken, make, unmake),
	    cmocka_unit_test_setup_teardown(programs_that_start_at_once_take_each_step_once, make, unmake),
	    cmocka_unit_test_setup_teardown(events_come_newest_first, make, unmake),
	    cmocka_unit_test_setup_teardown(documents_and_sessions_are_kept, make, unmake),
	    cmocka_unit_test(passwords_are_only_hashes),
	    cmocka_unit_test(the_fleet_is_found_three_ways),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
