/* Calls of people at the desk: who may, and the row that does it. And one stick's page. */
#include <errno.h>
#include <string.h>

#include "vpn/gateway/hub_desk.h"

const char *desk_text(const struct desk_call *call, const char *name)
{
	const char *text = json_string_value(json_object_get(call->request, name));
	return text && name_is_text(text, DESK_TEXT_SIZE - 1) ? text : "";
}

static void put_json(FILE *out, json_t *json)
{
	if (json)
		json_dumpf(json, out, JSON_COMPACT);
	json_decref(json);
}

void desk_done(struct desk_call *call, json_t *more)
{
	json_t *answer = more ? more : json_object();
	json_object_set_new(answer, "ok", json_true());
	call->status = 200;
	put_json(call->out, answer);
}

void desk_refuse(struct desk_call *call, unsigned status, const char *code, const char *sentence)
{
	call->status = status;
	put_json(call->out, json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", sentence));
}

void desk_failed(struct desk_call *call, int error)
{
	char sentence[128];
	snprintf(sentence, sizeof sentence, "the database did not take it: %s", strerror(-error));
	desk_refuse(call, 500, "not_kept", sentence);
}

/* --- single sticks --- */

static void stick_change(struct hub *hub, struct desk_call *call,
			 int (*apply)(struct hub *hub, const char *id, const char *reason, const char *who, char *why,
				      size_t why_size))
{
	char why[256] = "";
	const char *reason = desk_text(call, "reason");
	if (!reason[0])
		desk_refuse(call, 400, "no_reason", "a reason is wanted");
	else if (apply(hub, desk_text(call, "stick"), reason, call->who, why, sizeof why))
		desk_refuse(call, 409, "not_done", why);
	else
		desk_done(call, NULL);
}

static int revoke(struct hub *hub, const char *id, const char *reason, const char *who, char *why, size_t why_size)
{
	int error = hub_stick_revoke(hub, id, who, why, why_size);
	if (!error)
		hub_note(hub, "revoke_reason", id, who, reason);
	return error;
}

static void desk_stick_revoke(struct hub *hub, struct desk_call *call) { stick_change(hub, call, revoke); }
static void desk_stick_unlock(struct hub *hub, struct desk_call *call) { stick_change(hub, call, hub_stick_unlock); }
static void desk_stick_release(struct hub *hub, struct desk_call *call) { stick_change(hub, call, hub_stick_release); }

enum { HISTORY_ROWS = 300 };

static void put_history(const struct store_event *e, void *list)
{
	json_array_append_new(list,
			      json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "at", (json_int_t)e->at, "kind", e->kind,
					"who", e->who, "from", e->from, "to", e->to, "detail", e->detail));
}

void hub_report_stick(struct hub *hub, FILE *out, const char *id)
{
	const struct stick *stick = fleet_by_id(hub->fleet, id);
	json_t *history = json_array(), *samples = json_array();
	if (stick) {
		store_each_event_of(hub->store, id, HISTORY_ROWS, put_history, history);
		for (size_t i = 0; i < stick->samples.count; i++) {
			const struct sample *s = samples_at(&stick->samples, i);
			json_array_append_new(
			    samples, json_pack("[I, i, i]", (json_int_t)s->at, (int)s->rtt_ms, (int)s->loss_permille));
		}
	}
	put_json(out, json_pack("{s:s, s:b, s:I, s:o, s:o}", "id", id, "found", stick != NULL, "now",
				(json_int_t)hub_now(), "history", history, "samples", samples));
}

/* --- dispatch --- */

static const struct {
	const char *name;
	enum right right;
	void (*run)(struct hub *hub, struct desk_call *call);
} calls[] = {
    {"alarm.acknowledge", RIGHT_ALARMS, desk_alarm_acknowledge},
    {"alarm.assign", RIGHT_ALARMS, desk_alarm_assign},
    {"alarm.comment", RIGHT_ALARMS, desk_alarm_comment},
    {"alarm.close", RIGHT_ALARMS, desk_alarm_close},
    {"alarm.shelve", RIGHT_ALARMS, desk_alarm_shelve},
    {"alarm.exercise", RIGHT_GATEWAY, desk_alarm_exercise},
    {"alarm.unshelve", RIGHT_ALARMS, desk_alarm_unshelve},
    {"shift.give", RIGHT_ALARMS, desk_shift_give},
    {"shift.take", RIGHT_ALARMS, desk_shift_take},
    {"desk.revoke", RIGHT_STICK, desk_stick_revoke},
    {"desk.unlock", RIGHT_STICK, desk_stick_unlock},
    {"desk.release", RIGHT_STICK, desk_stick_release},
    {"gateway.drain", RIGHT_GATEWAY, desk_gateway_drain},
    {"gateway.open", RIGHT_GATEWAY, desk_gateway_open},
    {"gateway.state", RIGHT_WATCH, desk_gateway_state},
    {"request.ask", RIGHT_ASK, desk_request_ask},
    {"request.decide", RIGHT_DECIDE, desk_request_decide},
    {"request.export", RIGHT_ASK, desk_request_export},
    {"account.add", RIGHT_ACCOUNTS, desk_account_add},
    {"account.list", RIGHT_REVIEW, desk_account_list},
    {"account.role", RIGHT_ACCOUNTS, desk_account_role},
    {"account.password", RIGHT_ACCOUNTS, desk_account_password},
    {"account.second-factor", RIGHT_ACCOUNTS, desk_account_second_factor},
    {"account.disable", RIGHT_ACCOUNTS, desk_account_disable},
    {"account.enable", RIGHT_ACCOUNTS, desk_account_enable},
    {"account.unlock", RIGHT_ACCOUNTS, desk_account_unlock},
};

static unsigned read_caller(struct hub *hub, const char *who, int64_t changed, struct store_account *account)
{
	int error = store_account(hub->store, who, account);
	return error || account->disabled || changed != account->changed ? 401 : 200;
}

unsigned hub_desk_sees(struct hub *hub, const char *who, int64_t changed, enum right right)
{
	struct store_account account;
	unsigned status = read_caller(hub, who, changed, &account);
	return status == 200 && !role_may(role_from_name(account.role), right) ? 403 : status;
}

/* False with the answer given. */
static bool is_allowed(struct hub *hub, struct desk_call *call, enum right right, int64_t changed)
{
	struct store_account account;
	if (call->local)
		return true;
	if (read_caller(hub, call->who, changed, &account) != 200)
		desk_refuse(call, 401, "log_in", "log in again: the account was changed");
	else if (!role_may(role_from_name(account.role), right))
		desk_refuse(call, 403, "not_your_role", "this account's role may not do that");
	else if (right_needs_second_factor(right) && !account.totp[0])
		desk_refuse(call, 403, "second_factor_wanted",
			    "this wants an account with a second factor: sekisho gateway account second-factor NAME");
	else {
		call->role = role_from_name(account.role);
		return true;
	}
	return false;
}

bool hub_desk_call(struct hub *hub, const char *name, struct desk_call *call, int64_t changed)
{
	size_t i = 0;
	while (i < sizeof calls / sizeof calls[0] && strcmp(calls[i].name, name) != 0)
		i++;
	if (i == sizeof calls / sizeof calls[0])
		return false;
	if (is_allowed(hub, call, calls[i].right, changed))
		calls[i].run(hub, call);
	return true;
}
