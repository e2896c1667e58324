/*
 * store_desk - what the desk remembers in the same database (store.h): accounts, alarms and what was done about them,
 * requests that need two roles, the history of one stick. Errors as in store.h.
 */
#ifndef VPN_GATEWAY_STORE_DESK_H
#define VPN_GATEWAY_STORE_DESK_H

#include "vpn/gateway/alarms.h"
#include "vpn/gateway/store.h"
#include "vpn/gateway/totp.h"

enum { DESK_TEXT_SIZE = 513, REQUEST_STICKS_SIZE = 40000 };

/* --- accounts; the password's hash is store_operator_hash()'s --- */

struct store_account {
	char name[OPERATOR_SIZE], role[CODE_SIZE];
	char totp[TOTP_SECRET_TEXT_SIZE]; /* "": no second factor yet */
	int64_t totp_step;                /* the last one used */
	int64_t created;
	int64_t changed;   /* times that secrets or role did: older sessions are over */
	int64_t locked;    /* until then, 0 not */
	unsigned failures; /* wrong log-ins in a row */
	bool disabled;
	/* the account at the console that gave each, and so has seen it; "": the gateway's own, by the control socket
	 */
	char password_by[OPERATOR_SIZE], totp_by[OPERATOR_SIZE];
};

int store_account(struct store *store, const char *name, struct store_account *account);
int store_account_set(struct store *store, const struct store_account *account);
int store_each_account(struct store *store, void (*fn)(const struct store_account *account, void *context),
		       void *context);

/* --- alarms --- */

struct store_alarm {
	int64_t id;
	char subject[ALARM_SUBJECT_SIZE];
	char kind[CODE_SIZE], severity[CODE_SIZE];
	int64_t opened, ended, closed; /* ended: its cause went; closed: done with; 0 not */
	int64_t sticks;                /* the most there were */
	char owner[OPERATOR_SIZE];
	int64_t acknowledged, escalated;
};

/* Gives the new alarm its id. */
int store_alarm_add(struct store *store, struct store_alarm *alarm);
int store_alarm_set(struct store *store, const struct store_alarm *alarm);
/* The open ones, oldest first; or the last `limit` closed ones, newest first. */
int store_each_alarm(struct store *store, bool closed, unsigned limit,
		     void (*fn)(const struct store_alarm *alarm, void *context), void *context);

struct store_alarm_note {
	int64_t at;
	const char *who, *what, *text;
};

int store_alarm_note(struct store *store, int64_t alarm, int64_t now, const char *who, const char *what,
		     const char *text);
int store_each_alarm_note(struct store *store, int64_t alarm,
			  void (*fn)(const struct store_alarm_note *note, void *context), void *context);

/* --- requests --- */

struct store_request {
	int64_t id;
	char kind[CODE_SIZE], asked_by[OPERATOR_SIZE], decided_by[OPERATOR_SIZE], state[CODE_SIZE];
	int64_t asked, decided;
	char reason[DESK_TEXT_SIZE], answer[DESK_TEXT_SIZE];
	char sticks[REQUEST_STICKS_SIZE]; /* ids with a blank between */
};

int store_request_add(struct store *store, struct store_request *request);
int store_request_set(struct store *store, const struct store_request *request);
int store_request(struct store *store, int64_t id, struct store_request *request);
/* The oldest that is being carried out. -ENOENT: none. */
int store_request_working(struct store *store, struct store_request *request);
/* Newest first, at most `limit`. */
int store_each_request(struct store *store, unsigned limit,
		       void (*fn)(const struct store_request *request, void *context), void *context);

/* --- one stick: its transitions and events, newest first --- */

int store_each_event_of(struct store *store, const char *stick, unsigned limit,
			void (*fn)(const struct store_event *event, void *context), void *context);

#endif
