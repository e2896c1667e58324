/* What was acknowledged is kept: when the process is killed, and, of SQLite, when the power goes. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/database.h"
#include "vpn/gateway/store.h"

static char path[DATABASE_SIZE];

static int make(void **state)
{
	(void)state;
	database_new("gateway_kept", path);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	remove_database(path);
	return 0;
}

static int add(struct store *store, uint32_t number)
{
	struct store_stick row = {.created = 1, .address.s_addr = htonl(number + 1)};
	snprintf(row.id, sizeof row.id, "ST-%08u", number);
	memcpy(row.key, &number, sizeof number);
	int error = store_begin(store);
	if (!error)
		error = store_stick_add(store, &row);
	if (!error)
		error = store_event(store, 1, "stick_added", row.id, "test", "");
	if (!error)
		return store_commit(store);
	store_rollback(store);
	return error;
}

struct found {
	uint32_t count, next;
};

static void find(const struct store_stick *row, void *context)
{
	struct found *found = context;
	found->next = (uint32_t)strtoul(row->id + 3, NULL, 10) + 1;
	found->count++;
}

static void count_event(const struct store_event *event, void *context)
{
	(void)event;
	++*(uint32_t *)context;
}

/* All until there without a gap, each with its event; at most one more, whose answer was on its way. */
static uint32_t check_kept(const char *where, uint32_t acknowledged)
{
	struct store *store = NULL;
	struct found found = {0};
	uint32_t events = 0;
	assert_int_equal(store_open(where, "demo", &store), 0);
	assert_int_equal(store_each_stick(store, find, &found), 0);
	assert_int_equal(store_each_event(store, UINT32_MAX, count_event, &events), 0);
	store_close(store);
	assert_in_range(found.count, acknowledged, acknowledged + 1);
	assert_int_equal(found.next, found.count);
	assert_int_equal(events, found.count);
	return found.count;
}

/* --- a process that is killed --- */

enum { KILLS = 8, BEFORE_KILL = 20 };

static _Noreturn void write_until_killed(uint32_t number, int out)
{
	struct store *store = NULL;
	if (store_open(path, "demo", &store))
		_exit(1);
	while (add(store, number++) == 0 && write(out, ".", 1) == 1)
		;
	_exit(1);
}

static uint32_t kill_one(uint32_t number)
{
	int pipe_fds[2], status;
	char said;
	uint32_t acknowledged = number;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_until_killed(number, pipe_fds[1]);
	close(pipe_fds[1]);
	while (read(pipe_fds[0], &said, 1) == 1)
		if (++acknowledged == number + BEFORE_KILL)
			kill(pid, SIGKILL); /* and what it still said before that took effect counts, too */
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return acknowledged;
}

static void a_killed_process_loses_nothing_that_it_said(void **state)
{
	(void)state;
	uint32_t kept = 0;
	for (int i = 0; i < KILLS; i++)
		kept = check_kept(path, kill_one(kept));
	assert_true(kept >= KILLS * BEFORE_KILL);
}

/* --- a power cut: of each file there is what was there when it was last waited for --- */

struct disk_file {
	sqlite3_file base;
	char name[DATABASE_SIZE + 8]; /* "" for one that is temporary */
	sqlite3_file *real;
};

static sqlite3_vfs disk, *real_disk;
static sqlite3_io_methods disk_methods;

static void copy_file(const char *from, const char *to)
{
	static char block[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t got = in < 0 || out < 0 ? -1 : 1;
	while (got > 0) {
		got = read(in, block, sizeof block);
		if (got > 0 && write(out, block, (size_t)got) != got)
			got = -1;
	}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	assert_int_equal(got, 0);
}

/* "gateway.db-wal" as "gateway.db.disk-wal", so that the copies are a database of their own. */
static void on_disk(const char *name, char out[DATABASE_SIZE + 16])
{
	size_t size = strlen(path);
	snprintf(out, DATABASE_SIZE + 16, "%s.disk%s", path, strlen(name) > size ? name + size : "");
}

static sqlite3_file *real_of(sqlite3_file *file) { return ((struct disk_file *)file)->real; }

static int disk_sync(sqlite3_file *file, int flags)
{
	char kept[DATABASE_SIZE + 16];
	const struct disk_file *of = (const struct disk_file *)file;
	int code = of->real->pMethods->xSync(of->real, flags);
	if (code == SQLITE_OK && of->name[0]) {
		on_disk(of->name, kept);
		copy_file(of->name, kept);
	}
	return code;
}

static int disk_close(sqlite3_file *f) { return real_of(f)->pMethods->xClose(real_of(f)); }
static int disk_read(sqlite3_file *f, void *to, int size, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
}
static int disk_write(sqlite3_file *f, const void *from, int size, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xWrite(real_of(f), from, size, at);
}
static int disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}
static int disk_size(sqlite3_file *f, sqlite3_int64 *size) { return real_of(f)->pMethods->xFileSize(real_of(f), size); }
static int disk_lock(sqlite3_file *f, int how) { return real_of(f)->pMethods->xLock(real_of(f), how); }
static int disk_unlock(sqlite3_file *f, int how) { return real_of(f)->pMethods->xUnlock(real_of(f), how); }
static int disk_reserved(sqlite3_file *f, int *is) { return real_of(f)->pMethods->xCheckReservedLock(real_of(f), is); }
static int disk_control(sqlite3_file *f, int what, void *argument)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), what, argument);
}
static int disk_sector(sqlite3_file *f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); }
static int disk_traits(sqlite3_file *f) { return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f)); }
static int disk_map(sqlite3_file *f, int page, int size, int extend, void volatile **to)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, to);
}
static int disk_shm_lock(sqlite3_file *f, int at, int count, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, count, flags);
}
static void disk_barrier(sqlite3_file *f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); }
static int disk_unmap(sqlite3_file *f, int remove) { return real_of(f)->pMethods->xShmUnmap(real_of(f), remove); }

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	(void)vfs;
	struct disk_file *of = (struct disk_file *)file;
	of->base.pMethods = NULL;
	of->real = (sqlite3_file *)(of + 1);
	snprintf(of->name, sizeof of->name, "%s", name ? name : "");
	int code = real_disk->xOpen(real_disk, name, of->real, flags, out);
	if (code == SQLITE_OK)
		of->base.pMethods = &disk_methods;
	return code;
}

static void insert_disk(void)
{
	real_disk = sqlite3_vfs_find(NULL);
	assert_non_null(real_disk);
	disk = *real_disk;
	disk.zName = "disk";
	disk.szOsFile = (int)sizeof(struct disk_file) + real_disk->szOsFile;
	disk.xOpen = disk_open;
	disk_methods = (sqlite3_io_methods){.iVersion = 2,
					    .xClose = disk_close,
					    .xRead = disk_read,
					    .xWrite = disk_write,
					    .xTruncate = disk_truncate,
					    .xSync = disk_sync,
					    .xFileSize = disk_size,
					    .xLock = disk_lock,
					    .xUnlock = disk_unlock,
					    .xCheckReservedLock = disk_reserved,
					    .xFileControl = disk_control,
					    .xSectorSize = disk_sector,
					    .xDeviceCharacteristics = disk_traits,
					    .xShmMap = disk_map,
					    .xShmLock = disk_shm_lock,
					    .xShmBarrier = disk_barrier,
					    .xShmUnmap = disk_unmap};
	assert_int_equal(sqlite3_vfs_register(&disk, 1), SQLITE_OK);
}

/* After each answer the power goes, in the middle of a write-ahead log that is folded into the file from time to time.
 */
static void a_power_cut_loses_nothing_that_was_said(void **state)
{
	(void)state;
	enum { COUNT = 400 };
	struct store *store = NULL;
	char kept[DATABASE_SIZE + 16], cut[DATABASE_SIZE + 16];
	if (database_is_server())
		skip(); /* the server's own to show */
	insert_disk();
	assert_int_equal(store_open(path, "demo", &store), 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_int_equal(add(store, i), 0);
		if (i % 10 != 0)
			continue;
		snprintf(cut, sizeof cut, "%s.cut", path);
		static const char *const sides[] = {"", "-wal"};
		sqlite3_vfs_unregister(&disk); /* what is left is read as it is */
		for (int s = 0; s < 2; s++) {
			char from[DATABASE_SIZE + 16], to[DATABASE_SIZE + 24];
			snprintf(from, sizeof from, "%s%s", path, sides[s]);
			on_disk(from, kept);
			snprintf(to, sizeof to, "%s%s", cut, sides[s]);
			unlink(to);
			if (access(kept, F_OK) == 0)
				copy_file(kept, to);
		}
		assert_int_equal(check_kept(cut, i + 1), i + 1);
		remove_database(cut);
		sqlite3_vfs_register(&disk, 1);
	}
	store_close(store);
	sqlite3_vfs_unregister(&disk);
	snprintf(kept, sizeof kept, "%s.disk", path);
	remove_database(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_killed_process_loses_nothing_that_it_said, make, unmake),
	    cmocka_unit_test_setup_teardown(a_power_cut_loses_nothing_that_was_said, make, unmake),
	};
	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
