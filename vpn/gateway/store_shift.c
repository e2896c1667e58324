#include "vpn/gateway/store_shift.h"

#include <stdio.h>

#include "vpn/gateway/store_sql.h"

/* --- alarms that wait on a shelf --- */

int store_shelf_set(struct store *store, int64_t alarm, int64_t until)
{
	if (!until)
		return sql_change(store, "taking an alarm from the shelf",
				  "DELETE FROM shelves WHERE tenant = ?1 AND alarm = ?2", "i", alarm);
	return sql_change(store, "shelving an alarm",
			  "INSERT INTO shelves (tenant, alarm, until) VALUES (?1, ?2, ?3)"
			  " ON CONFLICT (tenant, alarm) DO UPDATE SET until = excluded.until",
			  "ii", alarm, until);
}

int store_each_shelf(struct store *store, void (*fn)(int64_t alarm, int64_t until, void *context), void *context)
{
	struct db_rows *statement =
	    sql_ask(store, "SELECT alarm, until FROM shelves WHERE tenant = ?1 ORDER BY alarm", "");
	int row;
	while ((row = sql_next(store, statement, "reading shelved alarms")) == 1)
		fn(db_number(statement, 0), db_number(statement, 1), context);
	db_rows_free(statement);
	return row;
}

/* --- hand-overs --- */

int store_handover_add(struct store *store, const struct store_handover *handover)
{
	return sql_change(store, "keeping a hand-over",
			  "INSERT INTO handovers (tenant, id, given, given_by, text, info, warning, critical, taken,"
			  " taken_by) SELECT ?1, COALESCE((SELECT MAX(id) FROM handovers WHERE tenant = ?1), 0) + 1,"
			  " ?2, ?3, ?4, ?5, ?6, ?7, 0, ''",
			  "issiii", handover->given, handover->given_by, handover->text, handover->open[ALARM_INFO],
			  handover->open[ALARM_WARNING], handover->open[ALARM_CRITICAL]);
}

int store_handover_set(struct store *store, const struct store_handover *handover)
{
	return sql_change(store, "changing a hand-over",
			  "UPDATE handovers SET given = ?3, text = ?4, info = ?5, warning = ?6, critical = ?7,"
			  " taken = ?8, taken_by = ?9 WHERE tenant = ?1 AND id = ?2",
			  "iisiiiis", handover->id, handover->given, handover->text, handover->open[ALARM_INFO],
			  handover->open[ALARM_WARNING], handover->open[ALARM_CRITICAL], handover->taken,
			  handover->taken_by);
}

int store_each_handover(struct store *store, unsigned limit,
			void (*fn)(const struct store_handover *handover, void *context), void *context)
{
	struct db_rows *statement = sql_ask(store,
					    "SELECT id, given, given_by, text, info, warning, critical, taken, taken_by"
					    " FROM handovers WHERE tenant = ?1 ORDER BY id DESC LIMIT ?2",
					    "i", (int64_t)limit);
	int row;
	while ((row = sql_next(store, statement, "reading hand-overs")) == 1) {
		struct store_handover handover = {
		    .id = db_number(statement, 0), .given = db_number(statement, 1), .taken = db_number(statement, 7)};
		SQL_COPY(handover.given_by, statement, 2);
		SQL_COPY(handover.text, statement, 3);
		for (int i = 0; i < ALARM_SEVERITIES; i++)
			handover.open[i] = db_number(statement, 4 + i);
		SQL_COPY(handover.taken_by, statement, 8);
		fn(&handover, context);
	}
	db_rows_free(statement);
	return row;
}
