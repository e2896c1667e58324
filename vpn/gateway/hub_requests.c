/*
 * What needs two roles: one account proposes, one of another role decides. Kept with both names, and in the audit log.
 *
 *   revoke_many   the sticks listed are revoked when it is approved, some in each turn ("working" until all are)
 *   export        the registry may be taken out once, by the one who asked, within a day of the approval
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/hub_desk.h"

enum { SHOWN = 50, LASTS_S = 86400, MANY_MAX = 1000, TURN_STICKS = 50 };

static json_t *request_json(const struct store_request *r)
{
	return json_pack("{s:I, s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:s}", "id", (json_int_t)r->id, "kind", r->kind,
			 "asked_by", r->asked_by, "asked", (json_int_t)r->asked, "reason", r->reason, "sticks",
			 r->sticks, "decided_by", r->decided_by, "decided", (json_int_t)r->decided, "state", r->state,
			 "answer", r->answer);
}

static void put_request(const struct store_request *request, void *list)
{
	json_array_append_new(list, request_json(request));
}

void hub_report_requests(struct hub *hub, FILE *out)
{
	json_t *list = json_array();
	store_each_request(hub->store, SHOWN, put_request, list);
	json_t *answer = json_pack("{s:o}", "requests", list);
	if (answer)
		json_dumpf(answer, out, JSON_COMPACT);
	json_decref(answer);
}

/* Call `fn` for each word of `list`. The number of words, or -errno of the first that fails. */
static int each_stick(const char *list, int (*fn)(const char *id, void *context), void *context)
{
	int count = 0;
	for (const char *at = list; *(at += strspn(at, " ,\t\n"));) {
		char id[STICK_ID_SIZE];
		size_t size = strcspn(at, " ,\t\n");
		if (size >= sizeof id)
			return -EINVAL;
		memcpy(id, at, size);
		id[size] = '\0';
		int error = fn(id, context);
		if (error)
			return error;
		count++;
		at += size;
	}
	return count;
}

struct check {
	const struct hub *hub;
	struct store_request *request;
	char wrong[STICK_ID_SIZE];
};

static int check_stick(const char *id, void *context)
{
	struct check *check = context;
	struct store_request *request = check->request;
	const struct stick *stick = fleet_by_id(check->hub->fleet, id);
	size_t at = strlen(request->sticks);
	if (!stick || stick->row.revoked) {
		snprintf(check->wrong, sizeof check->wrong, "%s", id);
		return -ENOENT;
	}
	int size = snprintf(request->sticks + at, sizeof request->sticks - at, "%s%s", at ? " " : "", id);
	return size < 0 || (size_t)size >= sizeof request->sticks - at ? -E2BIG : 0;
}

/* The registered, living sticks that the call names. False with the answer given. */
static bool read_sticks(struct hub *hub, struct desk_call *call, struct store_request *request)
{
	char sentence[96];
	struct check check = {.hub = hub, .request = request};
	const char *list = json_string_value(json_object_get(call->request, "sticks"));
	int count = each_stick(list ? list : "", check_stick, &check);
	if (count > 0 && count <= MANY_MAX)
		return true;
	snprintf(sentence, sizeof sentence, "%s is not registered, or revoked already", check.wrong);
	if (count == -ENOENT)
		desk_refuse(call, 400, "no_stick", sentence);
	else
		desk_refuse(call, 400, "bad_list", "the list wants 1 to 1000 sticks' numbers with blanks between");
	return false;
}

void desk_request_ask(struct hub *hub, struct desk_call *call)
{
	static struct store_request request;
	char detail[DESK_TEXT_SIZE + 64];
	const char *kind = desk_text(call, "kind"), *reason = desk_text(call, "reason");
	request = (struct store_request){.asked = hub_now(), .state = "open"};
	bool many = strcmp(kind, "revoke_many") == 0;
	if (!many && strcmp(kind, "export") != 0) {
		desk_refuse(call, 400, "bad_kind", "a request is revoke_many or export");
		return;
	}
	if (!reason[0]) {
		desk_refuse(call, 400, "no_reason", "a reason is wanted");
		return;
	}
	if (many && !read_sticks(hub, call, &request))
		return;
	snprintf(request.kind, sizeof request.kind, "%s", kind);
	snprintf(request.reason, sizeof request.reason, "%s", reason);
	snprintf(request.asked_by, sizeof request.asked_by, "%s", call->who);
	snprintf(detail, sizeof detail, "%s %s", kind, reason);
	int error = hub_begin(hub);
	if (!error)
		error = hub_end(hub, store_request_add(hub->store, &request), "request_asked", "", call->who, detail);
	if (error)
		desk_failed(call, error);
	else
		desk_done(call, json_pack("{s:I}", "id", (json_int_t)request.id));
}

/* --- deciding --- */

static int keep(struct hub *hub, const struct store_request *request, const char *kind, const char *who)
{
	char detail[128];
	snprintf(detail, sizeof detail, "%" PRId64 " %s %s", request->id, request->kind, request->asked_by);
	int error = hub_begin(hub);
	return error ? error : hub_end(hub, store_request_set(hub->store, request), kind, "", who, detail);
}

/* Two people are not enough: two roles are. The one who asked must still have the account that asked. */
static bool may_decide(struct hub *hub, struct desk_call *call, const struct store_request *request)
{
	struct store_account asker;
	if (strcmp(request->state, "open") != 0)
		desk_refuse(call, 409, "decided", "somebody has decided on this already");
	else if (hub_now() - request->asked > LASTS_S)
		desk_refuse(call, 409, "too_old", "this was asked more than a day ago: ask again");
	else if (strcmp(request->asked_by, call->who) == 0)
		desk_refuse(call, 403, "own_request", "nobody decides on what he asked for himself");
	else if (store_account(hub->store, request->asked_by, &asker) || asker.disabled)
		desk_refuse(call, 409, "asker_gone", "the account that asked is no more");
	else if (!call->local && role_from_name(asker.role) == call->role)
		desk_refuse(call, 403, "same_role", "this wants a second role: who asked has the same as you");
	else
		return true;
	return false;
}

/* The next sticks of the request that are not revoked yet: in *end where the list is then. */
static size_t next_sticks(const struct hub *hub, const struct store_request *request, size_t from,
			  struct stick *sticks[TURN_STICKS], size_t *end)
{
	const char *at = request->sticks + from;
	size_t count = 0;
	while (count < TURN_STICKS && *(at += strspn(at, " "))) {
		char id[STICK_ID_SIZE];
		size_t size = strcspn(at, " ");
		snprintf(id, sizeof id, "%.*s", (int)size, at);
		at += size;
		struct stick *stick = fleet_by_id(hub->fleet, id);
		size_t twice = 0;
		while (twice < count && sticks[twice] != stick)
			twice++;
		if (stick && !stick->row.revoked && twice == count)
			sticks[count++] = stick;
	}
	*end = (size_t)(at - request->sticks);
	return count;
}

static int revoke_next(struct hub *hub, struct store_request *request)
{
	struct stick *sticks[TURN_STICKS];
	size_t end = 0;
	if (hub->work_id != request->id)
		hub->work_at = 0;
	hub->work_id = request->id;
	size_t count = next_sticks(hub, request, hub->work_at, sticks, &end);
	int error = hub_begin(hub);
	if (error)
		return error;
	for (size_t i = 0; i < count && !error; i++)
		error = hub_revoke_keep(hub, sticks[i], request->decided_by);
	if (!error && !request->sticks[end]) {
		snprintf(request->state, sizeof request->state, "approved");
		error = store_request_set(hub->store, request);
	}
	error = hub_settle(hub, error);
	if (error)
		return error;
	hub->work_at = end;
	bool batch = hub_batch(hub);
	for (size_t i = 0; i < count; i++)
		hub_revoked(hub, sticks[i]);
	hub_batch_end(hub, batch);
	return 0;
}

bool hub_work(struct hub *hub)
{
	static struct store_request request;
	if (!hub->has_work)
		return false;
	int error = store_request_working(hub->store, &request);
	if (error == -ENOENT) {
		hub->has_work = false;
		return false;
	}
	if (!error)
		error = revoke_next(hub, &request);
	if (error)
		log_error("request %" PRId64 " was approved and is not carried out yet: %s", request.id,
			  strerror(-error));
	return !error;
}

void desk_request_decide(struct hub *hub, struct desk_call *call)
{
	static struct store_request request;
	const char *verdict = desk_text(call, "verdict");
	bool approved = strcmp(verdict, "approve") == 0;
	if (!approved && strcmp(verdict, "refuse") != 0) {
		desk_refuse(call, 400, "bad_verdict", "the verdict is approve or refuse");
		return;
	}
	if (store_request(hub->store, strtoll(desk_text(call, "id"), NULL, 10), &request)) {
		desk_refuse(call, 404, "no_request", "there is no request of this number");
		return;
	}
	if (!may_decide(hub, call, &request))
		return;
	bool many = strcmp(request.kind, "revoke_many") == 0;
	snprintf(request.state, sizeof request.state, "%s", !approved ? "refused" : many ? "working" : "approved");
	snprintf(request.decided_by, sizeof request.decided_by, "%s", call->who);
	snprintf(request.answer, sizeof request.answer, "%s", desk_text(call, "text"));
	request.decided = hub_now();
	int error = keep(hub, &request, approved ? "request_approved" : "request_refused", call->who);
	if (error) {
		desk_failed(call, error);
		return;
	}
	hub->has_work = true;
	hub_work(hub);
	desk_done(call, NULL);
}

/* --- the registry, once --- */

static void put_csv(FILE *out, const char *text)
{
	/* a spreadsheet takes these at the start of a field for a formula */
	fprintf(out, "\"%s", strchr("=+-@\t", text[0]) && text[0] ? "'" : "");
	for (; *text; text++)
		fprintf(out, "%s%c", *text == '"' ? "\"" : "", *text);
	fputc('"', out);
}

static char *registry_csv(const struct hub *hub)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fputs("id,name,region,state,cause,since,image_version\n", out);
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		const struct stick *stick = fleet_at(hub->fleet, i);
		put_csv(out, stick->row.id);
		fputc(',', out);
		put_csv(out, stick->row.name);
		fputc(',', out);
		put_csv(out, stick->row.region);
		fprintf(out, ",%s,%s,%" PRId64 ",", health_name(stick->health.state),
			health_cause_name(stick->health.cause), stick->row.since);
		put_csv(out, stick->row.image_version);
		fputc('\n', out);
	}
	return fclose(out) == 0 ? text : NULL;
}

void desk_request_export(struct hub *hub, struct desk_call *call)
{
	static struct store_request request;
	if (store_request(hub->store, strtoll(desk_text(call, "id"), NULL, 10), &request) ||
	    strcmp(request.kind, "export") != 0) {
		desk_refuse(call, 404, "no_request", "there is no request for an export of this number");
		return;
	}
	if (strcmp(request.asked_by, call->who) != 0 || strcmp(request.state, "approved") != 0 ||
	    hub_now() - request.decided > LASTS_S) {
		desk_refuse(call, 403, "not_approved",
			    "only who asked may take it, once, within a day of the approval");
		return;
	}
	snprintf(request.state, sizeof request.state, "taken");
	char *csv = registry_csv(hub);
	int error = csv ? keep(hub, &request, "exported", call->who) : -ENOMEM;
	if (error)
		desk_failed(call, error);
	else
		desk_done(call, json_pack("{s:s}", "csv", csv));
	free(csv);
}
