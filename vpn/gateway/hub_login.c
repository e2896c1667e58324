/* Operators: the first one, their passwords, their log-ins. The hash never leaves this process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "vpn/gateway/hub.h"
#include "vpn/gateway/operator.h"

/* Over all addresses together one check a second, eight in a burst: a flood of guesses must not hold up beacons. */
enum { CHECK_EVERY_MS = 1000, CHECK_BURST = 8 };

#define FIRST_OPERATOR "operator"

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
		error =
		    hub_end(hub, store_operator_set(hub->store, name, hash, hub_now()), "password_set", "", who, name);
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

bool hub_login(struct hub *hub, const char *name, const char *password, const char *from)
{
	char *hash = NULL;
	bool good = false;
	if (may_check(hub)) {
		int error = name_is_id(name) ? store_operator_hash(hub->store, name, &hash) : -ENOENT;
		good = operator_verify(error ? NULL : hash, password);
	}
	free(hash);
	/* nobody is in whose coming is not in the audit log */
	if (hub_note(hub, good ? "login" : "login_refused", "", name_is_id(name) ? name : "", from))
		good = false;
	if (good)
		hub->logins_good++;
	else
		hub->logins_bad++;
	return good;
}
