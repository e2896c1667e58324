/*
 * hub_desk - what the people at the desk do, and what they are called for (hub.h is what sticks do).
 *
 * One call is one action of one person: a name, and a flat JSON object of texts. It comes from the console with the
 * account that is logged in, and is checked against roles.h here, not there; or from the control socket, whose mode
 * says who may: he has every right and signs with his name.
 */
#ifndef VPN_GATEWAY_HUB_DESK_H
#define VPN_GATEWAY_HUB_DESK_H

#include <jansson.h>

#include "vpn/gateway/hub.h"
#include "vpn/gateway/roles.h"
#include "vpn/gateway/store_desk.h"

struct desk_call {
	const json_t *request;
	const char *who;
	bool local; /* by the control socket */
	/* of the console */
	enum role role;
	FILE *out;       /* one JSON object */
	unsigned status; /* HTTP's */
};

/* The text of a member, "" where it is none. */
const char *desk_text(const struct desk_call *call, const char *name);
/* Done: {"ok":true, ...}; `more` may be NULL and is taken. */
void desk_done(struct desk_call *call, json_t *more);
/* Not done: {"ok":false,"code":...,"error":...}; `code` for the console's words, the sentence for the command line. */
void desk_refuse(struct desk_call *call, unsigned status, const char *code, const char *sentence);
/* A change went wrong on its way into the database. */
void desk_failed(struct desk_call *call, int error);

/*
 * The call of that name. False if there is none. `changed` is the account's as it was when a console's session began.
 * Status 401: the account is no more what it was then, so the session is to end.
 */
bool hub_desk_call(struct hub *hub, const char *name, struct desk_call *call, int64_t changed);

/* May this account see that? 200, 401 (log in again) or 403. */
unsigned hub_desk_sees(struct hub *hub, const char *who, int64_t changed, enum right right);

/* --- alarms (hub_alarms.c) --- */

int hub_alarms_load(struct hub *hub);
void hub_alarms_free(struct hub *hub);
/* Compare what is wrong now with what is open; a few seconds between two looks. */
void hub_alarms_tick(struct hub *hub, int64_t now_ms);
void hub_report_alarms(struct hub *hub, FILE *out);
void hub_report_alarm(struct hub *hub, FILE *out, int64_t id);
/* How many are open of each severity, and how many of those nobody has taken. */
struct alarm_counts {
	unsigned open[ALARM_SEVERITIES], waiting[ALARM_SEVERITIES];
	unsigned exercises; /* open, and in none of the others */
};
struct alarm_counts hub_alarm_counts(const struct hub *hub);
void desk_alarm_acknowledge(struct hub *hub, struct desk_call *call);
void desk_alarm_assign(struct hub *hub, struct desk_call *call);
void desk_alarm_comment(struct hub *hub, struct desk_call *call);
void desk_alarm_close(struct hub *hub, struct desk_call *call);
/* For some minutes it is out of sight and asks for nobody; then, or when it gets worse, it is there again as new. */
void desk_alarm_shelve(struct hub *hub, struct desk_call *call);
void desk_alarm_unshelve(struct hub *hub, struct desk_call *call);
/* An alarm of no stick for people to practise on, one at a time; it escalates and stays until closed like a real one.
 */
void desk_alarm_exercise(struct hub *hub, struct desk_call *call);

/* --- one shift to the next (hub_shift.c) --- */

void hub_report_shifts(struct hub *hub, FILE *out);
void desk_shift_give(struct hub *hub, struct desk_call *call);
void desk_shift_take(struct hub *hub, struct desk_call *call);

/* --- accounts (hub_accounts.c) --- */

void hub_report_accounts(struct hub *hub, FILE *out);
void desk_account_add(struct hub *hub, struct desk_call *call);
void desk_account_list(struct hub *hub, struct desk_call *call);
void desk_account_role(struct hub *hub, struct desk_call *call);
void desk_account_password(struct hub *hub, struct desk_call *call);
void desk_account_second_factor(struct hub *hub, struct desk_call *call);
void desk_account_disable(struct hub *hub, struct desk_call *call);
void desk_account_enable(struct hub *hub, struct desk_call *call);
void desk_account_unlock(struct hub *hub, struct desk_call *call);

/* --- what needs two roles (hub_requests.c) --- */

void hub_report_requests(struct hub *hub, FILE *out);
void desk_gateway_drain(struct hub *hub, struct desk_call *call);
void desk_gateway_open(struct hub *hub, struct desk_call *call);
void desk_gateway_state(struct hub *hub, struct desk_call *call);
void desk_request_ask(struct hub *hub, struct desk_call *call);
void desk_request_decide(struct hub *hub, struct desk_call *call);
void desk_request_export(struct hub *hub, struct desk_call *call);
/* The next piece of what was approved, in one transaction. True while there is more to be done, in later turns: beacons
 * and banks' questions come in between. What went wrong is tried again when hub_work() is called again. */
bool hub_work(struct hub *hub);

/* --- single sticks (hub_desk.c) --- */

void hub_report_stick(struct hub *hub, FILE *out, const char *id);

#endif
