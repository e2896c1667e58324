/* A backup has all there is, moves between engines, and is refused when it is not as it was written. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/database.h"
#include "vpn/gateway/store_backup.h"
#include "vpn/gateway/store_desk.h"
#include "vpn/gateway/store_schema.h"

enum { STICKS = 2500 }; /* more than two pages */

static char from[DATABASE_SIZE], to[DATABASE_SIZE + 4];
static char why[512];
static struct store *store, *other;

static void remove_file(void)
{
	static const char *const sides[] = {"", "-wal", "-shm"};
	char name[DATABASE_SIZE + 12];
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", to, sides[i]);
		unlink(name);
	}
}

/* `other` is SQLite always: where the tests run on a server, the backup goes to the other engine and back. */
static int make(void **state)
{
	(void)state;
	database_new("gateway_backup", from);
	snprintf(to, sizeof to, "/tmp/gateway_backup.%d.to.db", (int)getpid());
	remove_file();
	return store_open(from, "demo", &store) || store_open(to, "demo", &other);
}

static int unmake(void **state)
{
	(void)state;
	store_close(store);
	store_close(other);
	remove_database(from);
	remove_file();
	return 0;
}

static void fill(void)
{
	assert_int_equal(store_begin(store), 0);
	for (uint32_t i = 0; i < STICKS; i++) {
		struct store_stick row = {.created = 1000 + i, .address.s_addr = htonl(0x0a4d0000U + i)};
		snprintf(row.id, sizeof row.id, "ST-%06u", i);
		snprintf(row.name, sizeof row.name, "山田商店 \"%u\"", i);
		memcpy(row.key, &i, sizeof i);
		assert_int_equal(store_stick_add(store, &row), 0);
		snprintf(row.state, sizeof row.state, "up");
		assert_int_equal(store_state(store, &row, "never", i), 0);
		assert_int_equal(store_session(store, row.id, i % 2 ? "bank-a" : "bank-b", true, 5), 0);
	}
	assert_int_equal(store_stick_revoke(store, "ST-000007", 77), 0);
	assert_int_equal(store_operator_set(store, "tanaka", "$argon2id$", 1), 0);
	assert_int_equal(store_document_set(store, "policy", 3, "{\"a\":\n1}", 8, 9), 0);
	struct store_alarm alarm = {.subject = "region x", .kind = "lost", .severity = "high", .opened = 4};
	assert_int_equal(store_alarm_add(store, &alarm), 0);
	assert_int_equal(store_alarm_note(store, alarm.id, 5, "tanaka", "comment", "電話した"), 0);
	assert_int_equal(store_audit_add(store, 0, 1, "ST-000007", "{\"id\":0}", "hash"), 0);
	assert_int_equal(store_checkpoint_add(store, 1, 2, "note\nof lines\n", "peaks"), 0);
	assert_int_equal(store_commit(store), 0);
}

static char *backup(struct store *of, uint64_t *rows)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(store_backup(of, out, rows, why, sizeof why), 0);
	fclose(out);
	return text;
}

static int restore(struct store *into, const char *text, uint64_t *rows)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	assert_non_null(in);
	int error = store_restore(into, in, rows, why, sizeof why);
	fclose(in);
	return error;
}

static void there_and_back_nothing_is_lost(void **state)
{
	(void)state;
	uint64_t rows = 0, more = 0;
	fill();
	char *first = backup(store, &rows);
	assert_int_equal(rows, 4 * STICKS + 6);
	assert_int_equal(restore(other, first, &more), 0);
	assert_int_equal(more, rows);
	char *second = backup(other, &more);
	assert_string_equal(first, second);
	store_close(store);
	store = NULL;
	database_new("gateway_backup", from);
	assert_int_equal(store_open(from, "demo", &store), 0);
	assert_int_equal(restore(store, second, &more), 0);
	char *third = backup(store, &more);
	assert_string_equal(first, third);
	free(first);
	free(second);
	free(third);
}

static void only_the_own_tenant_is_in_it(void **state)
{
	(void)state;
	uint64_t rows = 0;
	struct store *bank = NULL;
	fill();
	assert_int_equal(store_open(from, "other", &bank), 0);
	assert_int_equal(store_event(bank, 1, "secret_of_the_other", "", "", ""), 0);
	char *text = backup(store, &rows);
	assert_null(strstr(text, "secret_of_the_other"));
	assert_int_equal(restore(bank, text, &rows), -EPERM);
	store_close(bank);
	free(text);
}

static void refuse(const char *text, int error, const char *what)
{
	uint64_t rows = 0;
	assert_int_equal(restore(other, text, &rows), error);
	if (!strstr(why, what))
		fail_msg("%s", why);
	char *left = backup(other, &rows);
	assert_int_equal(rows, 0);
	free(left);
}

static void what_was_altered_or_cut_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	uint64_t rows = 0;
	fill();
	char *text = backup(store, &rows), *at = strstr(text, "ST-001234");
	at[8] = '5';
	refuse(text, -EBADMSG, "digest");
	at[8] = '4';
	at = strrchr(text, '{');
	char *end = strdup(at);
	*at = '\0';
	refuse(text, -EBADMSG, "not whole");
	at[-1] = '\0';
	refuse(text, -EBADMSG, "damaged");
	at[-1] = '\n';
	memcpy(at, end, strlen(end));
	char *schema = strstr(text, "\"schema\":");
	schema[9] = '0';
	refuse(text, -ENOTSUP, "schema");
	refuse("{}\n", -EBADMSG, "no backup");
	refuse("\n", -EBADMSG, "damaged");
	free(end);
	free(text);
}

static void what_is_there_already_is_not_mixed_with_it(void **state)
{
	(void)state;
	uint64_t rows = 0;
	fill();
	char *text = backup(store, &rows);
	assert_int_equal(store_number_set(other, "floor", 1), 0);
	assert_int_equal(restore(other, text, &rows), -ENOTEMPTY);
	assert_non_null(strstr(why, "numbers"));
	free(text);
}

/* Every column of every table: one that a later step adds is missed here first. */
static void every_column_is_in_it(void **state)
{
	(void)state;
	struct db *db = NULL;
	struct db_rows *rows = NULL;
	unsigned seen = 0;
	assert_int_equal(db_open(to, &db), 0);
	assert_int_equal(db_ask(db,
				"SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
				" WHERE m.type = 'table' AND c.name <> 'tenant'",
				NULL, 0, &rows),
			 0);
	while (db_next(rows) == 1) {
		const char *name = NULL, *columns = NULL;
		char wanted[80], all[400];
		for (size_t i = 0; (columns = store_backup_columns(i, &name)) && strcmp(name, db_text(rows, 0)) != 0;
		     i++)
			;
		snprintf(wanted, sizeof wanted, ",%s,", db_text(rows, 1));
		snprintf(all, sizeof all, ",%s,", columns ? columns : "");
		if (!strstr(all, wanted))
			fail_msg("a backup leaves out %s of %s", db_text(rows, 1), db_text(rows, 0));
		seen++;
	}
	assert_in_range(seen, 100, 1000);
	db_rows_free(rows);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(there_and_back_nothing_is_lost, make, unmake),
	    cmocka_unit_test_setup_teardown(only_the_own_tenant_is_in_it, make, unmake),
	    cmocka_unit_test_setup_teardown(what_was_altered_or_cut_is_refused_and_changes_nothing, make, unmake),
	    cmocka_unit_test_setup_teardown(what_is_there_already_is_not_mixed_with_it, make, unmake),
	    cmocka_unit_test_setup_teardown(every_column_is_in_it, make, unmake),
	};
	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
