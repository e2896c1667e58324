/* gatewayd --backup FILE and --restore FILE: as root, then as the store's user, by themselves (gatewayd(8)). */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/db.h"
#include "vpn/gateway/setup.h"
#include "vpn/gateway/store_backup.h"

static struct config config;

/* Whoever owns what is made now: the database's own user, so that the gateway finds its files its own. */
static void become_store(void)
{
	struct setup_user user = setup_user(&config, "store", 0);
	if (db_place(config.database) == DB_FILE)
		setup_directory(config.database, user);
	if (user.uid == getuid())
		return;
	if (setgroups(0, NULL) < 0 || setresgid(user.gid, user.gid, user.gid) < 0 ||
	    setresuid(user.uid, user.uid, user.uid) < 0)
		fatal("the store's user cannot be taken on (run it as root): %s", strerror(errno));
}

static struct store *open_store(const char *config_path)
{
	struct store *store = NULL;
	close(config_or_fatal(config_path, &config));
	const char *where = parent_database ? parent_database : config.database;
	if (parent_database && db_has_password(where))
		fatal("a URL of the database with a password in it is refused: name a file with passfile= in it");
	if (strlen(where) >= sizeof config.database)
		fatal("--db is too long");
	memmove(config.database, where, strlen(where) + 1);
	become_store();
	int error = store_open(config.database, config.tenant, &store);
	if (error)
		fatal("the database cannot be opened: %s", strerror(-error));
	return store;
}

int backup_main(const char *config_path)
{
	char why[512];
	uint64_t rows = 0;
	log_open("gatewayd backup");
	int fd = open(child_argument, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out)
		fatal("%s: %s", child_argument, strerror(errno));
	struct store *store = open_store(config_path);
	int error = store_backup(store, out, &rows, why, sizeof why);
	store_close(store);
	if (!error && (fsync(fd) < 0 || fclose(out))) {
		snprintf(why, sizeof why, "%s", strerror(errno));
		error = -EIO;
	}
	if (error)
		fatal("%s: %s; what is in the file is not whole and will be refused", child_argument, why);
	printf("%llu rows of tenant %s are in %s\n", (unsigned long long)rows, config.tenant, child_argument);
	return 0;
}

int restore_main(const char *config_path)
{
	char why[512];
	uint64_t rows = 0;
	log_open("gatewayd restore");
	FILE *in = fopen(child_argument, "re");
	if (!in)
		fatal("%s: %s", child_argument, strerror(errno));
	struct store *store = open_store(config_path);
	int error = store_claim(store);
	if (error)
		fatal("a gateway of tenant %s is at work in this database: stop it first", config.tenant);
	error = store_restore(store, in, &rows, why, sizeof why);
	store_close(store);
	fclose(in);
	if (error)
		fatal("%s: %s. Nothing was changed", child_argument, why);
	printf("%llu rows of tenant %s are restored\n", (unsigned long long)rows, config.tenant);
	return 0;
}
