/*
 * Accounts: who may log in, as what, with which second factor. Passwords and secrets are shown once, when made.
 *
 * Whoever makes a secret has seen it. So that no supervisor is a second person by himself, with an account that he made
 * or took over, the two secrets of an account come from two hands: who gave one may not give the other. The gateway's
 * own machine, by the control socket, is a hand of its own and may give both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/hub_desk.h"
#include "vpn/gateway/operator.h"

enum { URI_SIZE = 256 };

static json_t *account_json(const struct store_account *account, int64_t now)
{
	return json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:s, s:s}", "name", account->name, "role", account->role,
			 "second_factor", account->totp[0] != '\0', "disabled", account->disabled, "locked",
			 (json_int_t)(account->locked > now ? account->locked : 0), "created",
			 (json_int_t)account->created, "password_by", account->password_by, "second_factor_by",
			 account->totp_by);
}

static void put_account(const struct store_account *account, void *list)
{
	json_array_append_new(list, account_json(account, hub_now()));
}

static json_t *all_accounts(struct hub *hub)
{
	json_t *list = json_array();
	store_each_account(hub->store, put_account, list);
	return json_pack("{s:o}", "accounts", list);
}

void hub_report_accounts(struct hub *hub, FILE *out)
{
	json_t *answer = all_accounts(hub);
	if (answer)
		json_dumpf(answer, out, JSON_COMPACT);
	json_decref(answer);
}

void desk_account_list(struct hub *hub, struct desk_call *call) { desk_done(call, all_accounts(hub)); }

/* The account of the call, which is not one's own. False with the answer given. */
static bool read_other(struct hub *hub, struct desk_call *call, struct store_account *account)
{
	const char *name = desk_text(call, "name");
	if (!name_is_id(name) || store_account(hub->store, name, account))
		desk_refuse(call, 404, "no_account", "there is no account of this name");
	else if (!call->local && strcmp(name, call->who) == 0)
		desk_refuse(call, 403, "own_account", "nobody changes his own account: another supervisor does");
	else
		return true;
	return false;
}

/* Is this hand not the one that gave the other secret, which `giver` is the name of? False with the answer given. */
static bool is_other_hand(struct desk_call *call, const char *giver)
{
	if (call->local || strcmp(giver, call->who) != 0)
		return true;
	desk_refuse(
	    call, 403, "same_hand",
	    "you have seen the other secret of this account: another supervisor does this, or the gateway itself "
	    "(sekisho gateway account)");
	return false;
}

static void count_supervisor(const struct store_account *account, void *count)
{
	*(unsigned *)count += !account->disabled && role_from_name(account->role) == ROLE_IS_SUPERVISOR;
}

/* Without one nobody could let anybody in any more but from the gateway itself. */
static bool is_last_supervisor(struct hub *hub, const struct store_account *account)
{
	unsigned count = 0;
	store_each_account(hub->store, count_supervisor, &count);
	return !account->disabled && role_from_name(account->role) == ROLE_IS_SUPERVISOR && count <= 1;
}

static int change(struct hub *hub, struct desk_call *call, const struct store_account *account, const char *kind,
		  const char *detail)
{
	int error = hub_begin(hub);
	if (!error)
		error = hub_end(hub, store_account_set(hub->store, account), kind, "", call->who, detail);
	if (error)
		desk_failed(call, error);
	return error;
}

/* A new password, and with `secret` a new second factor, for a row that is there, from the hand `by`. Who is locked out
 * stays so: with one secret in hand nobody shall have as many tries at the other as he likes. */
static int give_secrets(struct hub *hub, struct store_account *account, const char *password, bool is_new, bool secret,
			const char *by)
{
	char hash[OPERATOR_HASH_SIZE];
	int error = password ? operator_hash(password, hash) : 0;
	if (!error && password)
		error = store_operator_set(hub->store, account->name, hash, hub_now());
	if (!error && is_new)
		account->created = hub_now();
	if (!error && secret)
		error = totp_new_secret(account->totp);
	if (secret)
		account->totp_step = 0;
	if (secret)
		snprintf(account->totp_by, sizeof account->totp_by, "%s", by);
	if (password)
		snprintf(account->password_by, sizeof account->password_by, "%s", by);
	account->changed++;
	if (!by[0]) {
		account->failures = 0;
		account->locked = 0;
	}
	return error ? error : store_account_set(hub->store, account);
}

static json_t *secrets_json(const struct hub *hub, const struct store_account *account, const char *password,
			    bool secret)
{
	char uri[URI_SIZE] = "";
	json_t *json = json_pack("{s:s, s:s}", "name", account->name, "role", account->role);
	if (password)
		json_object_set_new(json, "password", json_string(password));
	if (secret && totp_uri(account->totp, hub->config.id, account->name, uri, sizeof uri) == 0) {
		json_object_set_new(json, "secret", json_string(account->totp));
		json_object_set_new(json, "uri", json_string(uri));
	}
	wipe(uri, sizeof uri);
	return json;
}

static void give(struct hub *hub, struct desk_call *call, struct store_account *account, const char *kind, bool is_new,
		 bool with_password, bool with_secret)
{
	char password[OPERATOR_PASSWORD_SIZE + 4];
	int error = with_password ? operator_new_password(password) : 0;
	if (!error)
		error = hub_begin(hub);
	if (!error)
		error = hub_end(hub,
				give_secrets(hub, account, with_password ? password : NULL, is_new, with_secret,
					     call->local ? "" : call->who),
				kind, "", call->who, account->name);
	if (error)
		desk_failed(call, error);
	else
		desk_done(call, secrets_json(hub, account, with_password ? password : NULL, with_secret));
	wipe(password, sizeof password);
	wipe(account, sizeof *account);
}

void desk_account_add(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	const char *name = desk_text(call, "name"), *role = desk_text(call, "role");
	if (!name_is_id(name))
		desk_refuse(call, 400, "bad_name", "the name wants 1 to 32 letters, digits, '.', '_' or '-'");
	else if (role_from_name(role) == ROLES_COUNT)
		desk_refuse(call, 400, "bad_role", "the role is operator, supervisor, bank_it or auditor");
	else if (store_account(hub->store, name, &account) != -ENOENT)
		desk_refuse(call, 409, "taken", "there is an account of this name already");
	else {
		account = (struct store_account){0};
		snprintf(account.name, sizeof account.name, "%s", name);
		snprintf(account.role, sizeof account.role, "%s", role);
		give(hub, call, &account, "account_added", true, true, call->local);
	}
}

void desk_account_role(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	char detail[OPERATOR_SIZE + CODE_SIZE];
	const char *role = desk_text(call, "role");
	if (!read_other(hub, call, &account))
		return;
	if (role_from_name(role) == ROLES_COUNT) {
		desk_refuse(call, 400, "bad_role", "the role is operator, supervisor, bank_it or auditor");
		return;
	}
	if (is_last_supervisor(hub, &account) && role_from_name(role) != ROLE_IS_SUPERVISOR) {
		desk_refuse(call, 409, "last_supervisor", "this is the last supervisor: make another one first");
		return;
	}
	snprintf(account.role, sizeof account.role, "%s", role);
	account.changed++;
	snprintf(detail, sizeof detail, "%s %s", account.name, account.role);
	if (!change(hub, call, &account, "account_role", detail))
		desk_done(call, NULL);
}

void desk_account_password(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	if (read_other(hub, call, &account) && is_other_hand(call, account.totp_by))
		give(hub, call, &account, "password_set", false, true, false);
}

void desk_account_second_factor(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	if (read_other(hub, call, &account) && is_other_hand(call, account.password_by))
		give(hub, call, &account, "second_factor_set", false, false, true);
}

void desk_account_disable(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	if (!read_other(hub, call, &account))
		return;
	if (is_last_supervisor(hub, &account)) {
		desk_refuse(call, 409, "last_supervisor", "this is the last supervisor: make another one first");
		return;
	}
	account.disabled = true;
	account.changed++;
	if (!change(hub, call, &account, "account_disabled", account.name))
		desk_done(call, NULL);
}

void desk_account_enable(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	if (!read_other(hub, call, &account))
		return;
	account.disabled = false;
	account.changed++;
	if (!change(hub, call, &account, "account_enabled", account.name))
		desk_done(call, NULL);
}

void desk_account_unlock(struct hub *hub, struct desk_call *call)
{
	struct store_account account;
	if (!read_other(hub, call, &account) || !is_other_hand(call, account.password_by) ||
	    !is_other_hand(call, account.totp_by))
		return;
	account.locked = 0;
	account.failures = 0;
	if (!change(hub, call, &account, "account_unlocked", account.name))
		desk_done(call, NULL);
}
