#include "vpn/gateway/store_desk.h"

#include <errno.h>
#include <stdio.h>

#include "vpn/gateway/store_sql.h"

/* --- accounts --- */

#define ACCOUNT_COLUMNS                                                                                                \
	"name, role, totp, totp_step, created, changed, locked, failures, disabled, password_by, totp_by"

static void read_account(struct db_rows *row, struct store_account *account)
{
	*account = (struct store_account){0};
	SQL_COPY(account->name, row, 0);
	SQL_COPY(account->role, row, 1);
	SQL_COPY(account->totp, row, 2);
	account->totp_step = db_number(row, 3);
	account->created = db_number(row, 4);
	account->changed = db_number(row, 5);
	account->locked = db_number(row, 6);
	account->failures = (unsigned)db_number(row, 7);
	account->disabled = db_number(row, 8) != 0;
	SQL_COPY(account->password_by, row, 9);
	SQL_COPY(account->totp_by, row, 10);
}

int store_account(struct store *store, const char *name, struct store_account *account)
{
	*account = (struct store_account){0};
	struct db_rows *statement =
	    sql_ask(store, "SELECT " ACCOUNT_COLUMNS " FROM operators WHERE tenant = ?1 AND name = ?2", "s", name);
	int row = sql_next(store, statement, "reading an account");
	if (row == 1)
		read_account(statement, account);
	db_rows_free(statement);
	return row < 0 ? row : row == 0 ? -ENOENT : 0;
}

int store_account_set(struct store *store, const struct store_account *account)
{
	return sql_change(store, "writing an account",
			  "UPDATE operators SET role = ?3, totp = ?4, totp_step = ?5, changed = ?6, locked = ?7,"
			  " failures = ?8, disabled = ?9, password_by = ?10, totp_by = ?11"
			  " WHERE tenant = ?1 AND name = ?2",
			  "sssiiiiiss", account->name, account->role, account->totp, account->totp_step,
			  account->changed, account->locked, (int64_t)account->failures, (int64_t)account->disabled,
			  account->password_by, account->totp_by);
}

int store_each_account(struct store *store, void (*fn)(const struct store_account *account, void *context),
		       void *context)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT " ACCOUNT_COLUMNS " FROM operators WHERE tenant = ?1 ORDER BY name", "");
	int row;
	while ((row = sql_next(store, statement, "reading accounts")) == 1) {
		struct store_account account;
		read_account(statement, &account);
		fn(&account, context);
	}
	db_rows_free(statement);
	return row;
}

/* --- alarms --- */

/* Ids are one more than the largest so far: the same in every database, and one process writes. */
static int next_id(struct store *store, const char *sql, int64_t *id)
{
	struct db_rows *statement = sql_ask(store, sql, "");
	int row = sql_next(store, statement, "numbering");
	*id = row == 1 ? db_number(statement, 0) + 1 : 1;
	db_rows_free(statement);
	return row < 0 ? row : 0;
}

int store_alarm_add(struct store *store, struct store_alarm *alarm)
{
	int error = next_id(store, "SELECT COALESCE(MAX(id), 0) FROM alarms WHERE tenant = ?1", &alarm->id);
	if (error)
		return error;
	return sql_change(store, "opening an alarm",
			  "INSERT INTO alarms (tenant, id, subject, kind, severity, opened, ended, closed, sticks,"
			  " owner, acknowledged, escalated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
			  "isssiiiisii", alarm->id, alarm->subject, alarm->kind, alarm->severity, alarm->opened,
			  alarm->ended, alarm->closed, alarm->sticks, alarm->owner, alarm->acknowledged,
			  alarm->escalated);
}

int store_alarm_set(struct store *store, const struct store_alarm *alarm)
{
	return sql_change(store, "changing an alarm",
			  "UPDATE alarms SET severity = ?3, ended = ?4, closed = ?5, sticks = ?6, owner = ?7,"
			  " acknowledged = ?8, escalated = ?9 WHERE tenant = ?1 AND id = ?2",
			  "isiiisii", alarm->id, alarm->severity, alarm->ended, alarm->closed, alarm->sticks,
			  alarm->owner, alarm->acknowledged, alarm->escalated);
}

int store_each_alarm(struct store *store, bool closed, unsigned limit,
		     void (*fn)(const struct store_alarm *alarm, void *context), void *context)
{
	static const char open_sql[] =
	    "SELECT id, subject, kind, severity, opened, ended, closed, sticks, owner, acknowledged, escalated"
	    " FROM alarms WHERE tenant = ?1 AND closed = 0 ORDER BY id LIMIT ?2";
	static const char closed_sql[] =
	    "SELECT id, subject, kind, severity, opened, ended, closed, sticks, owner, acknowledged, escalated"
	    " FROM alarms WHERE tenant = ?1 AND closed > 0 ORDER BY closed DESC, id DESC LIMIT ?2";
	struct db_rows *statement = sql_ask(store, closed ? closed_sql : open_sql, "i", (int64_t)limit);
	int row;
	while ((row = sql_next(store, statement, "reading alarms")) == 1) {
		struct store_alarm alarm = {.id = db_number(statement, 0),
					    .opened = db_number(statement, 4),
					    .ended = db_number(statement, 5),
					    .closed = db_number(statement, 6),
					    .sticks = db_number(statement, 7),
					    .acknowledged = db_number(statement, 9),
					    .escalated = db_number(statement, 10)};
		SQL_COPY(alarm.subject, statement, 1);
		SQL_COPY(alarm.kind, statement, 2);
		SQL_COPY(alarm.severity, statement, 3);
		SQL_COPY(alarm.owner, statement, 8);
		fn(&alarm, context);
	}
	db_rows_free(statement);
	return row;
}

int store_alarm_note(struct store *store, int64_t alarm, int64_t now, const char *who, const char *what,
		     const char *text)
{
	return sql_change(store, "noting on an alarm",
			  "INSERT INTO alarm_notes (tenant, alarm, id, at, who, what, text) SELECT ?1, ?2,"
			  " COALESCE((SELECT MAX(id) FROM alarm_notes WHERE tenant = ?1 AND alarm = ?2), 0) + 1,"
			  " ?3, ?4, ?5, ?6",
			  "iisss", alarm, now, who, what, text);
}

int store_each_alarm_note(struct store *store, int64_t alarm,
			  void (*fn)(const struct store_alarm_note *note, void *context), void *context)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT at, who, what, text FROM alarm_notes WHERE tenant = ?1 AND alarm = ?2 ORDER BY id",
		    "i", alarm);
	int row;
	while ((row = sql_next(store, statement, "reading an alarm's notes")) == 1) {
		struct store_alarm_note note = {db_number(statement, 0), db_text(statement, 1), db_text(statement, 2),
						db_text(statement, 3)};
		fn(&note, context);
	}
	db_rows_free(statement);
	return row;
}

/* --- requests --- */

#define REQUEST_COLUMNS "id, kind, asked_by, asked, reason, sticks, decided_by, decided, state, answer"

int store_request_add(struct store *store, struct store_request *request)
{
	int error = next_id(store, "SELECT COALESCE(MAX(id), 0) FROM requests WHERE tenant = ?1", &request->id);
	if (error)
		return error;
	return sql_change(store, "keeping a request",
			  "INSERT INTO requests (tenant, " REQUEST_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
			  " ?9, ?10, ?11)",
			  "ississsiss", request->id, request->kind, request->asked_by, request->asked, request->reason,
			  request->sticks, request->decided_by, request->decided, request->state, request->answer);
}

int store_request_set(struct store *store, const struct store_request *request)
{
	return sql_change(store, "deciding on a request",
			  "UPDATE requests SET decided_by = ?3, decided = ?4, state = ?5, answer = ?6"
			  " WHERE tenant = ?1 AND id = ?2",
			  "isiss", request->id, request->decided_by, request->decided, request->state, request->answer);
}

static void read_request(struct db_rows *row, struct store_request *request)
{
	*request = (struct store_request){0};
	request->id = db_number(row, 0);
	SQL_COPY(request->kind, row, 1);
	SQL_COPY(request->asked_by, row, 2);
	request->asked = db_number(row, 3);
	SQL_COPY(request->reason, row, 4);
	SQL_COPY(request->sticks, row, 5);
	SQL_COPY(request->decided_by, row, 6);
	request->decided = db_number(row, 7);
	SQL_COPY(request->state, row, 8);
	SQL_COPY(request->answer, row, 9);
}

static int one_request(struct store *store, struct db_rows *statement, struct store_request *request)
{
	int row = sql_next(store, statement, "reading a request");
	if (row == 1)
		read_request(statement, request);
	db_rows_free(statement);
	return row < 0 ? row : row == 0 ? -ENOENT : 0;
}

int store_request(struct store *store, int64_t id, struct store_request *request)
{
	return one_request(
	    store, sql_ask(store, "SELECT " REQUEST_COLUMNS " FROM requests WHERE tenant = ?1 AND id = ?2", "i", id),
	    request);
}

int store_request_working(struct store *store, struct store_request *request)
{
	return one_request(store,
			   sql_ask(store,
				   "SELECT " REQUEST_COLUMNS
				   " FROM requests WHERE tenant = ?1 AND state = 'working' ORDER BY id LIMIT 1",
				   ""),
			   request);
}

int store_each_request(struct store *store, unsigned limit,
		       void (*fn)(const struct store_request *request, void *context), void *context)
{
	static struct store_request request;
	struct db_rows *statement =
	    sql_ask(store, "SELECT " REQUEST_COLUMNS " FROM requests WHERE tenant = ?1 ORDER BY id DESC LIMIT ?2", "i",
		    (int64_t)limit);
	int row;
	while ((row = sql_next(store, statement, "reading requests")) == 1) {
		read_request(statement, &request);
		fn(&request, context);
	}
	db_rows_free(statement);
	return row;
}

/* --- one stick --- */

int store_each_event_of(struct store *store, const char *stick, unsigned limit,
			void (*fn)(const struct store_event *event, void *context), void *context)
{
	struct db_rows *statement =
	    sql_ask(store,
		    "SELECT at, kind, stick, who, '' AS from_state, '' AS to_state, detail, id FROM"
		    " (SELECT * FROM events WHERE tenant = ?1 AND stick = ?2 ORDER BY id DESC LIMIT ?3) AS e"
		    " UNION ALL SELECT at, 'transition', stick, '', from_state, to_state, cause, id FROM"
		    " (SELECT * FROM transitions WHERE tenant = ?1 AND stick = ?2 ORDER BY at DESC LIMIT ?3) AS t"
		    " ORDER BY 1 DESC, 8 DESC LIMIT ?3",
		    "si", stick, (int64_t)limit);
	return sql_each_event(store, statement, "reading a stick's history", fn, context);
}
