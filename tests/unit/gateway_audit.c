/* The audit log: its tree, its checkpoints, and what a changed database makes of it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <psa/crypto.h>

#include "firmware/lib/envelope.h"
#include "tests/unit/database.h"
#include "vpn/gateway/audit.h"

static struct merkle_hash hash_of(const char *hex)
{
	struct merkle_hash hash;
	for (size_t i = 0; i < sizeof hash.bytes; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		hash.bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return hash;
}

/* The eight leaves that implementations of RFC 6962 test themselves with, and the roots over the first 1 to 8. */
static const struct {
	const char *data;
	size_t size;
	const char *root;
} known[] = {
    {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"\x50\x51\x52\x53\x54\x55\x56\x57", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void roots_are_those_of_rfc_6962(void **state)
{
	(void)state;
	struct merkle tree = {0};
	struct merkle_hash root, leaf,
	    empty = hash_of("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(merkle_root(&tree, &root), 0);
	assert_memory_equal(&root, &empty, sizeof root);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct merkle_hash wanted = hash_of(known[i].root);
		assert_int_equal(merkle_leaf(known[i].data, known[i].size, &leaf), 0);
		assert_int_equal(merkle_add(&tree, &leaf), 0);
		assert_int_equal(merkle_root(&tree, &root), 0);
		assert_memory_equal(&root, &wanted, sizeof root);
	}
}

enum { LEAVES = 40 };

static struct merkle_hash leaves[LEAVES], roots[LEAVES + 1];

static void grow(void)
{
	struct merkle tree = {0};
	for (size_t i = 0; i < LEAVES; i++) {
		assert_int_equal(merkle_root(&tree, &roots[i]), 0);
		assert_int_equal(merkle_leaf(&i, sizeof i, &leaves[i]), 0);
		assert_int_equal(merkle_add(&tree, &leaves[i]), 0);
	}
	assert_int_equal(merkle_root(&tree, &roots[LEAVES]), 0);
}

static void every_entry_of_every_tree_is_proved(void **state)
{
	(void)state;
	struct merkle_path path;
	grow();
	for (uint64_t size = 1; size <= LEAVES; size++)
		for (uint64_t i = 0; i < size; i++) {
			assert_int_equal(merkle_inclusion(leaves, size, i, &path), 0);
			assert_true(merkle_inclusion_holds(&leaves[i], i, size, &path, &roots[size]));
			/* another entry, another place, another tree, a hash more or less: no proof */
			assert_false(merkle_inclusion_holds(&leaves[(i + 1) % LEAVES], i, size, &path, &roots[size]));
			assert_false(merkle_inclusion_holds(&leaves[i], i, size, &path, &roots[size - 1]));
			if (size > 1)
				assert_false(
				    merkle_inclusion_holds(&leaves[i], (i + 1) % size, size, &path, &roots[size]));
			path.hashes[path.count++] = leaves[0];
			assert_false(merkle_inclusion_holds(&leaves[i], i, size, &path, &roots[size]));
			path.count -= path.count > 1 ? 2 : 1;
			if (size > 1)
				assert_false(merkle_inclusion_holds(&leaves[i], i, size, &path, &roots[size]));
		}
	assert_int_equal(merkle_inclusion(leaves, 5, 5, &path), -EINVAL);
	assert_false(merkle_inclusion_holds(&leaves[0], 0, 0, &path, &roots[0]));
}

static void every_earlier_tree_is_proved(void **state)
{
	(void)state;
	struct merkle_path path;
	grow();
	for (uint64_t size = 1; size <= LEAVES; size++)
		for (uint64_t old = 1; old <= size; old++) {
			assert_int_equal(merkle_consistency(leaves, old, size, &path), 0);
			assert_true(merkle_consistency_holds(old, &roots[old], size, &roots[size], &path));
			assert_false(merkle_consistency_holds(old, &roots[old - 1], size, &roots[size], &path));
			assert_false(merkle_consistency_holds(old, &roots[old], size, &roots[size - 1], &path));
			for (size_t i = 0; i < path.count; i++) {
				path.hashes[i].bytes[31] ^= 1;
				assert_false(merkle_consistency_holds(old, &roots[old], size, &roots[size], &path));
				path.hashes[i].bytes[31] ^= 1;
			}
		}
	assert_int_equal(merkle_consistency(leaves, 0, 5, &path), -EINVAL);
	assert_int_equal(merkle_consistency(leaves, 6, 5, &path), -EINVAL);
}

/* --- checkpoints --- */

static char private_pem[ENVELOPE_PEM_MAX], public_pem[ENVELOPE_PEM_MAX], other_pem[ENVELOPE_PEM_MAX];
static char path[DATABASE_SIZE];
static struct store *store;
static struct audit *audit;

static void checkpoints_are_read_only_as_they_were_signed(void **state)
{
	(void)state;
	struct checkpoint_key *key, *check, *other;
	struct checkpoint made = {.origin = "sekisho/demo/gw1", .size = 7, .time = 1764000000}, seen;
	char text[CHECKPOINT_TEXT_SIZE], altered[CHECKPOINT_TEXT_SIZE], unused[ENVELOPE_PEM_MAX];
	made.root = hash_of(known[6].root);
	assert_int_equal(checkpoint_key_private(private_pem, &key), 0);
	assert_int_equal(checkpoint_key_public(public_pem, &check), 0);
	assert_int_equal(checkpoint_sign(key, &made, text), 0);
	assert_int_equal(checkpoint_open(check, text, &seen), 0);
	assert_string_equal(seen.origin, made.origin);
	assert_int_equal(seen.size, 7);
	assert_int_equal(seen.time, made.time);
	assert_memory_equal(&seen.root, &made.root, sizeof seen.root);
	/* whichever byte of the signed text or of the signature is another one */
	const size_t dash = (size_t)(strstr(text, "\n\n") - text) + 2;
	for (size_t i = 0; i < strlen(text); i++) {
		memcpy(altered, text, sizeof altered);
		altered[i] ^= 1;
		if (i < dash || i > dash + 3 + strlen("\xe2\x80\x94 sekisho/demo/gw1 "))
			assert_int_not_equal(checkpoint_open(check, altered, &seen), 0);
	}
	assert_int_equal(envelope_key_generate(unused, other_pem), 0);
	assert_int_equal(checkpoint_key_public(other_pem, &other), 0);
	assert_int_equal(checkpoint_open(other, text, &seen), -EKEYREJECTED);
	assert_int_equal(checkpoint_sign(check, &made, text), -EKEYREJECTED);
	assert_int_equal(checkpoint_open(check, "", &seen), -EBADMSG);
	checkpoint_key_free(key);
	checkpoint_key_free(check);
	checkpoint_key_free(other);
}

/* --- the log in its database --- */

static int make(void **state)
{
	(void)state;
	database_new("gateway_audit", path);
	int error = envelope_key_generate(private_pem, public_pem);
	if (!error)
		error = store_open(path, "demo", &store);
	return error ? error : audit_open(store, "demo", "gw1", private_pem, -1, &audit);
}

static int unmake(void **state)
{
	(void)state;
	audit_close(audit);
	store_close(store);
	remove_database(path);
	return 0;
}

static void act(const char *action)
{
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(audit_add(audit, 1764000000, "tanaka", action, "ST-1", ""), 0);
	assert_int_equal(store_commit(store), 0);
	audit_committed(audit);
}

static void reopen(void)
{
	audit_close(audit);
	assert_int_equal(audit_open(store, "demo", "gw1", private_pem, -1, &audit), 0);
}

static void tamper(const char *sql) { database_do(path, sql); }

static void fill(void)
{
	for (int i = 0; i < 5; i++)
		act("stick_revoked");
	assert_int_equal(audit_checkpoint(audit, 1764000001, false), 0);
	assert_int_equal(audit->last.size, 5);
	act("login");
	act("login");
}

static void a_log_that_nobody_touched_holds(void **state)
{
	(void)state;
	fill();
	reopen();
	assert_string_equal(audit->broken, "");
	assert_int_equal(audit->tree.size, 7);
	assert_int_equal(audit->next, 7);
	/* not yet: the last checkpoint is young */
	assert_int_equal(audit_checkpoint(audit, audit->last.time + AUDIT_CHECKPOINT_S - 1, false), 0);
	assert_int_equal(audit->last.size, 5);
	assert_int_equal(audit_checkpoint(audit, audit->last.time + AUDIT_CHECKPOINT_S, false), 0);
	assert_int_equal(audit->last.size, 7);
}

static void what_was_undone_is_not_in_it(void **state)
{
	(void)state;
	act("login");
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(audit_add(audit, 1764000000, "tanaka", "stick_revoked", "ST-1", ""), 0);
	store_rollback(store);
	audit_undone(audit);
	act("logout");
	reopen();
	assert_string_equal(audit->broken, "");
	assert_int_equal(audit->tree.size, 2);
}

static void whatever_is_changed_is_seen_after_the_next_start(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *said;
	} cases[] = {
	    {"UPDATE audit SET entry = replace(entry, 'tanaka', 'suzuki') WHERE id = 2", "was altered"},
	    {"DELETE FROM audit WHERE id = 2", "missing"},
	    {"DELETE FROM audit WHERE id >= 3", "shorter"},
	    {"DELETE FROM audit", "shorter"},
	    {"UPDATE checkpoints SET peaks = (SELECT leaf || leaf FROM audit WHERE id = 1)",
	     "beside the last checkpoint"},
	    {"UPDATE checkpoints SET peaks = replace(peaks, substr(peaks, 1, 1), 'x')", "beside the last checkpoint"},
	    {"UPDATE checkpoints SET note = replace(note, 'gw1', 'gw2')", "not signed"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (i > 0)
			assert_int_equal(make(state), 0);
		fill();
		tamper(cases[i].sql);
		reopen();
		audit_review(audit, UINT64_MAX);
		assert_non_null(strstr(audit->broken, cases[i].said));
		/* the desk goes on working; the break is not signed over */
		act("stick_revoked");
		assert_int_equal(audit_checkpoint(audit, 1864000000, true), 0);
		assert_int_equal(audit->last.size <= 5, 1);
		if (i + 1 < sizeof cases / sizeof cases[0])
			unmake(state);
	}
}

/* The entry and its hash, both: the root is another one. */
static void who_knows_the_hash_is_seen_too(void **state)
{
	(void)state;
	fill();
	tamper("UPDATE audit SET entry = (SELECT entry FROM audit WHERE id = 1), leaf = (SELECT leaf FROM audit WHERE "
	       "id = 1)"
	       " WHERE id = 2");
	reopen();
	audit_review(audit, UINT64_MAX);
	assert_non_null(strstr(audit->broken, "do not add up"));
}

/* Entries that nobody reads at the start. */
enum { MANY = 60000, SLICE = 7000 };

static void fill_many(void)
{
	assert_int_equal(store_begin(store), 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(audit_add(audit, 1764000000, "tanaka", "stick_viewed", "ST-1", ""), 0);
	assert_int_equal(store_commit(store), 0);
	audit_committed(audit);
	assert_int_equal(audit_checkpoint(audit, 1764000001, true), 0);
	act("login");
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void a_start_does_not_wait_for_a_long_log(void **state)
{
	(void)state;
	fill_many();
	struct merkle_hash before, after;
	assert_int_equal(merkle_root(&audit->tree, &before), 0);
	double began = seconds();
	reopen();
	const double start = seconds() - began;
	assert_int_equal(merkle_root(&audit->tree, &after), 0);
	assert_memory_equal(&after, &before, sizeof after);
	assert_int_equal(audit->next, MANY + 1);
	int slices = 1;
	began = seconds();
	while (audit_review(audit, SLICE))
		slices++;
	const double review = seconds() - began;
	print_message("%d entries: the start took %.1f ms, reading them again %.0f ms\n", MANY, start * 1000,
		      review * 1000);
	assert_true(start < review / 4);
	assert_int_equal(slices, (MANY + SLICE - 1) / SLICE);
	assert_string_equal(audit->broken, "");
	/* the log goes on as it was, and nothing is reviewed twice */
	assert_false(audit_review(audit, SLICE));
	act("logout");
	assert_int_equal(audit_checkpoint(audit, 1864000000, true), 0);
	assert_int_equal(audit->last.size, MANY + 2);
	reopen();
	assert_int_equal(audit->tree.size, MANY + 2);
	assert_int_equal(audit->next, MANY + 2);
}

static void and_finds_what_was_altered_long_ago(void **state)
{
	(void)state;
	fill_many();
	tamper("UPDATE audit SET entry = replace(entry, 'tanaka', 'suzuki') WHERE id = 20000");
	reopen();
	assert_string_equal(audit->broken, ""); /* which it cannot know without having read it */
	assert_true(audit_review(audit, 20000));
	assert_string_equal(audit->broken, "");
	assert_false(audit_review(audit, 1));
	assert_non_null(strstr(audit->broken, "was altered (entry 20000)"));
}

/* Checkpoints of an older gatewayd have nothing beside them. */
static void a_log_without_peaks_is_read_as_a_whole(void **state)
{
	(void)state;
	fill();
	tamper("UPDATE checkpoints SET peaks = ''");
	reopen();
	assert_int_equal(audit->tree.size, 7);
	assert_false(audit_review(audit, UINT64_MAX));
	assert_int_equal(audit_checkpoint(audit, 1864000000, true), 0);
	tamper("UPDATE checkpoints SET peaks = ''");
	tamper("UPDATE audit SET entry = replace(entry, 'tanaka', 'suzuki') WHERE id = 2");
	reopen();
	assert_non_null(strstr(audit->broken, "was altered"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(roots_are_those_of_rfc_6962),
	    cmocka_unit_test(every_entry_of_every_tree_is_proved),
	    cmocka_unit_test(every_earlier_tree_is_proved),
	    cmocka_unit_test_setup_teardown(checkpoints_are_read_only_as_they_were_signed, make, unmake),
	    cmocka_unit_test_setup_teardown(a_log_that_nobody_touched_holds, make, unmake),
	    cmocka_unit_test_setup_teardown(what_was_undone_is_not_in_it, make, unmake),
	    cmocka_unit_test_setup_teardown(whatever_is_changed_is_seen_after_the_next_start, make, unmake),
	    cmocka_unit_test_setup_teardown(who_knows_the_hash_is_seen_too, make, unmake),
	    cmocka_unit_test_setup_teardown(a_start_does_not_wait_for_a_long_log, make, unmake),
	    cmocka_unit_test_setup_teardown(and_finds_what_was_altered_long_ago, make, unmake),
	    cmocka_unit_test_setup_teardown(a_log_without_peaks_is_read_as_a_whole, make, unmake),
	};
	if (psa_crypto_init() != PSA_SUCCESS)
		return 1;
	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
