#include "launcher/states.h"

#include <stddef.h>

enum held_guard { HELD_ANY, HELD_HELD, HELD_FREE };

enum { STATE_SAME = STATE_COUNT };

struct row {
	enum stick_state first, last;
	enum stick_event event;
	enum held_guard held;
	int next;
	enum stick_action action;
};

static const struct row rows[] = {
#define ROW(first, last, event, held, next, action)                                                                    \
	{STATE_##first, STATE_##last, EVENT_##event, HELD_##held, STATE_##next, ACTION_##action},
#define HOLDS(action, held)
#include "launcher/states.def"
#undef ROW
#undef HOLDS
};

static const struct row *row_find(const struct machine *machine, enum stick_event event)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		bool held_fits = row->held == HELD_ANY || (row->held == HELD_HELD) == machine->held;
		if (row->event == event && row->first <= machine->state && machine->state <= row->last && held_fits)
			return row;
	}
	return NULL;
}

bool machine_expects(const struct machine *machine, enum stick_event event)
{
	return machine->state == STATE_END || row_find(machine, event);
}

static bool held_after(enum stick_action action, bool held)
{
	switch (action) {
#define ROW(first, last, event, held, next, action)
#define HOLDS(action, held)                                                                                            \
	case ACTION_##action:                                                                                          \
		return held;
#include "launcher/states.def"
#undef ROW
#undef HOLDS
	default:
		return held;
	}
}

enum stick_action machine_step(struct machine *machine, enum stick_event event)
{
	if (machine->state == STATE_END)
		return ACTION_NONE;
	const struct row *row = row_find(machine, event);
	enum stick_action action = row ? row->action : ACTION_WIPE;
	int next = row ? row->next : STATE_END;
	if (next != STATE_SAME)
		machine->state = (enum stick_state)next;
	machine->held = held_after(action, machine->held);
	return action;
}

const char *state_name(enum stick_state state)
{
	static const char *const names[STATE_COUNT] = {"START",  "LINK",     "TUNNEL", "TIME",    "UPDATE",
						       "UNLOCK", "ADMITTED", "READY",  "SESSION", "END"};
	return state < STATE_COUNT ? names[state] : "?";
}

const char *event_name(enum stick_event event)
{
	static const char *const names[EVENT_COUNT] = {
	    "PROVISIONED",       "UNUSABLE",       "LINK_UP",     "LINK_LOST",   "TUNNEL_UP",      "TUNNEL_LOST",
	    "TIME_CONFIRMED",    "NEWER_POLICY",   "UPDATED",     "UNLOCKED",    "UNLOCK_REFUSED", "PIN_WANTED",
	    "ADMISSION_GRANTED", "ADMISSION_LOST", "REVOKED",     "BANK_CHOSEN", "SESSION_OPENED", "SESSION_FAILED",
	    "BANK_CLOSED",       "POLICY_LOST",    "SCREEN_LOST", "POWER_OFF"};
	return event < EVENT_COUNT ? names[event] : "?";
}

const char *action_name(enum stick_action action)
{
	static const char *const names[ACTION_COUNT] = {
	    "NONE",   "BEGIN", "CONNECT", "BEACON", "UPDATE", "REFRESH", "UNLOCK", "ADMIT",  "BANKS", "OPEN",
	    "REFUSE", "SHOW",  "FREEZE",  "THAW",   "CANCEL", "CLOSE",   "DROP",   "RELOAD", "WIPE"};
	return action < ACTION_COUNT ? names[action] : "?";
}
