/* Log-ins: the first account, passwords, the second factor, the lock. Hashes and secrets never leave this process. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "vpn/gateway/hub_desk.h"
#include "vpn/gateway/operator.h"

/* Over all addresses together one check a second, eight in a burst: a flood of guesses must not hold up beacons. */
enum { CHECK_EVERY_MS = 1000, CHECK_BURST = 8 };

/* So many wrong log-ins in a row lock an account, for a time that doubles with each one more: guessing ends, and who
 * locks an operator out from afar has to go on and on. A supervisor unlocks it at once. */
enum { LOCK_AFTER = 10, LOCK_S = 60, LOCK_DOUBLINGS = 4 };

enum { RATIONED_TOLD_S = 60 };

#define FIRST_OPERATOR "operator"

/* One that is new is an operator; the very first has to be able to make the others. Who was logged in is out. */
static int keep_password(struct hub *hub, const char *name, const char *hash)
{
	struct store_account account;
	unsigned count = 0;
	bool is_new = store_account(hub->store, name, &account) == -ENOENT;
	int error = store_operator_count(hub->store, &count);
	if (!error)
		error = store_operator_set(hub->store, name, hash, hub_now());
	if (!error)
		error = store_account(hub->store, name, &account);
	account.changed++;
	account.password_by[0] = '\0';
	if (is_new)
		snprintf(account.role, sizeof account.role, "%s",
			 role_name(count == 0 ? ROLE_IS_SUPERVISOR : ROLE_IS_OPERATOR));
	if (!error)
		error = store_account_set(hub->store, &account);
	wipe(&account, sizeof account);
	return error;
}

int hub_operator_password(struct hub *hub, const char *name, const char *who, char *password, size_t size)
{
	char hash[OPERATOR_HASH_SIZE];
	if (size < OPERATOR_PASSWORD_SIZE + 4)
		return -EINVAL;
	int error = operator_new_password(password);
	if (!error)
		error = operator_hash(password, hash);
	if (!error)
		error = hub_begin(hub);
	if (!error)
		error = hub_end(hub, keep_password(hub, name, hash), "password_set", "", who, name);
	return error;
}

int hub_first_operator(struct hub *hub)
{
	char password[OPERATOR_PASSWORD_SIZE + 4];
	unsigned count = 0;
	int error = store_operator_count(hub->store, &count);
	if (error || count > 0)
		return error;
	error = hub_operator_password(hub, FIRST_OPERATOR, HUB_ITSELF, password, sizeof password);
	if (!error) {
		/* The one place where a password is printed: nobody could log in otherwise, and it is kept nowhere. */
		printf("sekisho: the console's first operator is \"%s\" with the password %s (shown this once)\n",
		       FIRST_OPERATOR, password);
		fflush(stdout);
	}
	wipe(password, sizeof password);
	return error;
}

static bool may_check(struct hub *hub)
{
	int64_t now = now_ms(), most = (int64_t)CHECK_EVERY_MS * CHECK_BURST;
	hub->login_tokens_ms += hub->login_filled_ms ? now - hub->login_filled_ms : most;
	hub->login_filled_ms = now;
	if (hub->login_tokens_ms > most)
		hub->login_tokens_ms = most;
	if (hub->login_tokens_ms < CHECK_EVERY_MS)
		return false;
	hub->login_tokens_ms -= CHECK_EVERY_MS;
	return true;
}

static bool check_secrets(struct hub *hub, struct store_account *account, const char *name, const char *password,
			  const char *code)
{
	char *hash = NULL;
	int error = name_is_id(name) ? store_operator_hash(hub->store, name, &hash) : -ENOENT;
	bool good = operator_verify(error ? NULL : hash, password);
	free(hash);
	/* in this order, so that a wrong password never uses a code up */
	return good && !account->disabled &&
	       (!account->totp[0] || totp_verify(account->totp, code, hub_now(), &account->totp_step));
}

static void count_failure(struct hub *hub, struct store_account *account, const char *from)
{
	char detail[OPERATOR_SIZE + ENDPOINT_SIZE + 16];
	unsigned over = ++account->failures >= LOCK_AFTER ? account->failures - LOCK_AFTER : 0;
	if (account->failures >= LOCK_AFTER)
		account->locked = hub_now() + ((int64_t)LOCK_S << (over < LOCK_DOUBLINGS ? over : LOCK_DOUBLINGS));
	store_account_set(hub->store, account);
	snprintf(detail, sizeof detail, "%s, from %s", account->name, from);
	if (account->failures == LOCK_AFTER)
		hub_note(hub, "account_locked", "", HUB_ITSELF, detail);
}

void hub_login_tick(struct hub *hub)
{
	char detail[ENDPOINT_SIZE + 64];
	int64_t now = hub_now();
	if (hub->logins_rationed == 0 || now - hub->rationed_told < RATIONED_TOLD_S)
		return;
	snprintf(detail, sizeof detail, "%" PRIu64 ", the last from %s", hub->logins_rationed, hub->rationed_from);
	if (hub_note(hub, "logins_rationed", "", HUB_ITSELF, detail) == 0)
		hub->logins_rationed = 0;
	hub->rationed_told = now;
}

bool hub_login(struct hub *hub, const char *name, const char *password, const char *code, const char *from,
	       struct hub_who *who)
{
	struct store_account account = {0};
	*who = (struct hub_who){0};
	if (!may_check(hub)) {
		hub->logins_bad++;
		hub->logins_rationed++;
		snprintf(hub->rationed_from, sizeof hub->rationed_from, "%s", from);
		return false;
	}
	bool known = name_is_id(name) && store_account(hub->store, name, &account) == 0;
	bool locked = known && account.locked > hub_now();
	bool good = check_secrets(hub, &account, name, password, code) && !locked;
	if (known && !locked && !good)
		count_failure(hub, &account, from);
	if (good) {
		account.failures = 0;
		account.locked = 0;
		good = store_account_set(hub->store, &account) == 0;
	}
	/* nobody is in whose coming is not in the audit log */
	if (hub_note(hub, good ? "login" : "login_refused", "", name_is_id(name) ? name : "", from))
		good = false;
	if (good) {
		hub->logins_good++;
		snprintf(who->role, sizeof who->role, "%s", account.role);
		who->second_factor = account.totp[0] != '\0';
		who->changed = account.changed;
	} else {
		hub->logins_bad++;
	}
	wipe(&account, sizeof account);
	return good;
}
