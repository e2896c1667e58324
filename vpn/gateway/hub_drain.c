/*
 * A gateway that is emptied for maintenance: its sticks are sent to the others before it is switched off.
 *
 * From the order on no bank is opened here any more, and each stick is told, in the answer to a beacon, in how many
 * seconds it has to be gone. One without a session goes at once; one with a session when that ends, or at the deadline.
 * They are told by and by over the first half of the time, by their inner addresses: all at once they would ask the
 * other gateways for fifty thousand statements in the thirty seconds between two beacons.
 *
 * It outlives a restart, which is what maintenance mostly is, and ends by an operator's word and nothing else. Each
 * gateway on a database has an order of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vpn/gateway/hub_desk.h"

enum { MINUTES_DEFAULT = 10, MINUTES_MAX = 24 * 60, TURNS = 256 };

/* The name of a number in the database. */
static const char *name_of(const struct hub *hub, const char *what, char name[CODE_SIZE + STICK_ID_SIZE])
{
	snprintf(name, CODE_SIZE + STICK_ID_SIZE, "%s.%s", what, hub->config.id);
	return name;
}

int hub_drain_load(struct hub *hub)
{
	char name[CODE_SIZE + STICK_ID_SIZE];
	int error = store_number(hub->store, name_of(hub, "drain_from", name), &hub->drain_from);
	return error ? error : store_number(hub->store, name_of(hub, "drain_until", name), &hub->drain_until);
}

uint32_t hub_drain_s(const struct hub *hub, const struct stick *stick)
{
	int64_t now = hub_now(), left = hub->drain_until - now;
	if (hub->drain_until == 0)
		return 0;
	/* past the deadline, and after a clock that was set back by more than any order lasts */
	if (left <= 0 || left > MINUTES_MAX * 60)
		return 1;
	int64_t whole = hub->drain_until - hub->drain_from, turn = ntohl(stick->row.address.s_addr) % TURNS;
	return (now - hub->drain_from) * 2 * TURNS >= turn * whole ? (uint32_t)left : 0;
}

static void put_state(const struct hub *hub, struct desk_call *call)
{
	int admitted = 0, banks = 0;
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		const struct stick *stick = fleet_at(hub->fleet, i);
		admitted += stick->admitted_until_ms != 0;
		for (int j = 0; j < FLEET_OPEN_MAX; j++)
			banks += stick->open[j][0] != '\0';
	}
	desk_done(call, json_pack("{s:s, s:I, s:i, s:i}", "gateway", hub->config.id, "until",
				  (json_int_t)hub->drain_until, "admitted", admitted, "banks_open", banks));
}

static void change(struct hub *hub, struct desk_call *call, int64_t from, int64_t until, const char *kind)
{
	char detail[DESK_TEXT_SIZE + STICK_ID_SIZE + 48], name[CODE_SIZE + STICK_ID_SIZE];
	const char *reason = desk_text(call, "reason");
	if (!reason[0]) {
		desk_refuse(call, 400, "no_reason", "a reason is wanted: it stays with the event");
		return;
	}
	snprintf(detail, sizeof detail, "%s, %lld min: %s", hub->config.id, (long long)(until - from) / 60, reason);
	int error = hub_begin(hub);
	if (!error)
		error = store_number_set(hub->store, name_of(hub, "drain_from", name), from);
	if (!error)
		error = store_number_set(hub->store, name_of(hub, "drain_until", name), until);
	error = hub_end(hub, error, kind, "", call->who, detail);
	if (error) {
		desk_failed(call, error);
		return;
	}
	hub->drain_from = from;
	hub->drain_until = until;
	hub->revision++;
	put_state(hub, call);
}

void desk_gateway_drain(struct hub *hub, struct desk_call *call)
{
	const char *text = desk_text(call, "minutes");
	char *end = NULL;
	long minutes = text[0] ? strtol(text, &end, 10) : MINUTES_DEFAULT;
	if ((end && *end) || minutes < 1 || minutes > MINUTES_MAX)
		desk_refuse(call, 400, "minutes", "the minutes want a whole number from 1 to 1440");
	else
		change(hub, call, hub_now(), hub_now() + minutes * 60, "gateway_drained");
}

void desk_gateway_open(struct hub *hub, struct desk_call *call)
{
	if (hub->drain_until == 0)
		desk_refuse(call, 409, "not_done", "this gateway is not being emptied");
	else
		change(hub, call, 0, 0, "gateway_opened");
}

void desk_gateway_state(struct hub *hub, struct desk_call *call) { put_state(hub, call); }
