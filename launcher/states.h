/*
 * states - the stick's one state machine, fail closed, as a table (states.def). Pure: it says what happens next, the
 * launcher does it.
 *
 * START -> LINK -> TUNNEL -> TIME -> UPDATE -> UNLOCK -> ADMITTED -> READY -> SESSION -> END. A state is named for
 * what is being waited for; READY waits for the customer, SESSION has one bank open. A session that loses the link,
 * the tunnel or its admission is held: frozen, its bank connections closed, the machine back at the state that was
 * lost. It goes on only through ADMITTED, as everything does. Nothing leaves END.
 */
#ifndef LAUNCHER_STATES_H
#define LAUNCHER_STATES_H

#include <stdbool.h>

#include "launcher/messages.h"

enum stick_event {
	EVENT_PROVISIONED, /* record read, a policy loaded */
	EVENT_UNUSABLE,    /* record or policy cannot be used: the stick stays where it is and says so */
	EVENT_LINK_UP,     /* an interface has an address, or has a new one */
	EVENT_LINK_LOST,
	EVENT_TUNNEL_UP,
	EVENT_TUNNEL_LOST,
	EVENT_TIME_CONFIRMED, /* the gateway answered on this tunnel and told its time */
	EVENT_NEWER_POLICY,   /* the gateway has a newer one than ours */
	EVENT_UPDATED,        /* nothing newer, or it was taken, or refused with a note: go on with what stands */
	EVENT_UNLOCKED,
	EVENT_UNLOCK_REFUSED,
	EVENT_PIN_WANTED, /* the gateway admits with the right PIN only */
	EVENT_ADMISSION_GRANTED,
	EVENT_ADMISSION_LOST, /* refused, or its time ran out */
	EVENT_REVOKED,
	EVENT_BANK_CHOSEN,
	EVENT_SESSION_OPENED,
	EVENT_SESSION_FAILED, /* could not be opened, or its broker died */
	EVENT_BANK_CLOSED,    /* the customer left the bank */
	EVENT_POLICY_LOST,    /* the policy process died */
	EVENT_SCREEN_LOST,    /* compositor or kiosk died */
	EVENT_POWER_OFF,
	EVENT_COUNT
};

enum stick_action {
	ACTION_NONE,
	ACTION_BEGIN,   /* hand out what the record and the policy hold; start link and tunnel */
	ACTION_CONNECT, /* try the gateways from the first */
	ACTION_BEACON,  /* ask the gateway now */
	ACTION_UPDATE,  /* fetch a newer policy if there is one; answered by EVENT_UPDATED */
	ACTION_REFRESH, /* the same beside a session, which nothing answers */
	ACTION_UNLOCK,  /* answered by EVENT_UNLOCKED or EVENT_UNLOCK_REFUSED */
	ACTION_ADMIT,   /* answered by an admission event */
	ACTION_BANKS,   /* show the list of banks */
	ACTION_OPEN,    /* start a session with the bank chosen */
	ACTION_REFUSE,  /* tell the kiosk that no bank can be opened now */
	ACTION_SHOW,    /* the session stands: the kiosk loads the page */
	ACTION_FREEZE,  /* close every bank connection, freeze the page, keep the session back */
	ACTION_THAW,
	ACTION_CANCEL, /* forget a session that is being opened, if there is one */
	ACTION_CLOSE,  /* end the session as the customer asked */
	ACTION_DROP,   /* end the session and explain */
	ACTION_RELOAD, /* end the session and explain; start the policy process again */
	ACTION_WIPE,   /* power off */
	ACTION_COUNT
};

struct machine {
	enum stick_state state;
	bool held; /* a session is kept back: frozen, or in READY being opened */
};

/* Take one event: changes `machine` and returns what is to be done now. */
enum stick_action machine_step(struct machine *machine, enum stick_event event);

/* True if the table has a row for this pair; false: it would end the stick. */
bool machine_expects(const struct machine *machine, enum stick_event event);

/* "START", "LINK_UP", "FREEZE", as in the table. */
const char *state_name(enum stick_state state);
const char *event_name(enum stick_event event);
const char *action_name(enum stick_action action);

#endif
