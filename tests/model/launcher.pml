/*
 * The launcher, as stick_inbox.c, stick_session.c, stick_actions.c and launcherproc.c have it, around the table itself:
 * the rows of launcher/states.def become guarded steps here. Inlines bear the names their functions have in C. What the
 * launcher does about one message is one atomic step, as in its loop.
 */

/* --- a child, as the launcher knows it (crew.c) --- */
#define OFF   0 /* never started, or ended by the launcher */
#define RUNS  1
#define DYING 2 /* dead, and the launcher does not know yet: what is sent to it is lost */

/*
 * When the launcher knows, it starts it again: a while later, which is a child that says nothing for a while. The
 * deaths of link, of tunnel and of the screen are told by what they raise; nothing sent to them can be missed.
 */
bool link, tunnel; /* started */
byte policy, agent, broker;

/* --- what lies between the launcher and a child --- */
#define START  1
#define FREEZE 2
#define SERVE  3
#define READY  4
#define FROZEN 5
chan to_broker = [2] of { byte };   /* MSG_BROKER_START, MSG_BROKER_FREEZE 1, 0 */
chan from_broker = [1] of { byte }; /* MSG_READY, MSG_BROKER_FROZEN */
bool renew;                         /* MSG_TUNNEL_RENEW */
bool offered;                       /* MSG_POLICY_OFFER */
bool session_known;                 /* MSG_POLICY_SESSION, the session's channel lies with the policy process */
bool fetch;                         /* MSG_AGENT_FETCH */
bool question;                      /* MSG_AGENT_SESSION whose reply is waited for; others' replies are not heard */
bool goodbye_asked;                 /* MSG_AGENT_GOODBYE */

/* tunnel's phase (vpn/device/failover.c) */
#define IDLE     0 /* until MSG_TUNNEL_RETRY */
#define TRYING   1
#define STANDING 2
byte phase;

/* the gateway's word */
#define ADMITTED 1
#define REFUSED  2 /* no waiting mends it, or the lease is over and nothing wrong: what follows is another answer */
#define REVOKED  3
#define WRONG    5 /* the PIN was wrong, or is wanted */

/* --- struct stick --- */
byte state = STATE_START;
bool held;
chan events = [6] of { byte };
bool provisioned, unusable;
bool policy_stands;    /* the policy process that lives now has said MSG_POLICY_LOADED */
bit ours, passed_over; /* versions: the first policy is 0, the only newer one 1; passed over: 0 is none */
bool pin_asked;        /* a PIN is asked for: the customer's turn, or nobody's if this stick has no secret for one */
bool unlocked;         /* the keyholder has a key from one; it dies with the keyholder */
bool wants_pin;        /* the policy asks for it, or the gateway did */
bool link_up, tunnel_up, time_confirmed;
#define CLOCK_RIGHT 1
#define CLOCK_BACK  2 /* it was set back, and the gateway is told so */
byte clock;           /* 0: not known yet */
bool fresh;           /* struct stick_answer */
byte answer;
bit newest;
bool session, broker_ready, gateway_ready, thawing;
bool opening, freezing, fetching, lease, goodbye; /* timers that run */
bool power_off;                                   /* init was told */

/* --- what the last orders were: not in the program, only for the claims --- */
#define NOTHING 0
#define SERVING 1
#define STOPPED 2
byte told_broker; /* the last word to the broker that runs */
byte told_page;   /* NOTHING: there is no page; SERVING: it may be used; STOPPED: it is frozen */

/* --- one row altered, by its line in states.def, to see that a claim notices: 0 none (rows.h) --- */
short dropped_row, acting_row, leading_row;
byte altered;

/* --- within one message --- */
byte event, action, next_state, from;
byte word; /* the gateway's, or LEFT: the customer or the screen is gone */
#define LEFT 4
bit number;
bool fits, sent;
#define REST_ADMISSION 1
#define REST_NEXT      2
#define REST_POLICY    3
byte rest; /* what hear_admission() does when the events raised so far are taken */

#define raise(e) events ! e

inline drain(c) { do :: nempty(c) -> c ? _ :: empty(c) -> break od }

/* --- crew.c --- */

inline broker_ends()
{
	drain(to_broker);
	broker_started = false; broker_frozen = false; broker_said = false
}

/* A broker that does not read is cut off: it ends. */
inline send_broker(what)
{
	if
	:: broker == RUNS && nfull(to_broker) -> to_broker ! what; sent = true
	:: broker == RUNS && full(to_broker) -> broker = DYING; broker_ends(); sent = false
	:: broker != RUNS -> sent = false
	fi
}

/* --- stick_session.c --- */

inline session_end()
{
	if
	:: session ->
		broker = OFF; broker_ends(); drain(from_broker);
		session_known = false; question = false;
		opening = false; freezing = false;
		session = false; broker_ready = false; gateway_ready = false; thawing = false;
		told_broker = NOTHING
	:: else
	fi
}

inline session_open()
{
	session_end();
	session = true;
	if
	:: !calm -> raise(EVENT_SESSION_FAILED) /* an unknown bank; sockets or the process cannot be had */
	:: agent == RUNS && policy == RUNS ->
		question = true;
		session_known = true;
		broker = RUNS;
		to_broker ! START;
		told_broker = SERVING;
		opening = true
	fi
}

inline session_freeze()
{
	if :: thawing -> thawing = false; question = false; opening = false :: else fi;
	send_broker(FREEZE);
	if
	:: sent -> told_broker = STOPPED; freezing = true
	:: else -> told_broker = NOTHING; raise(EVENT_SESSION_FAILED)
	fi
}

inline session_progress()
{
	if
	:: broker_ready && gateway_ready && !thawing -> opening = false; raise(EVENT_SESSION_OPENED)
	:: broker_ready && gateway_ready && thawing ->
		opening = false;
		thawing = false;
		send_broker(SERVE);
		if
		:: sent -> told_broker = SERVING; freezing = false; told_page = SERVING
		:: else -> told_broker = NOTHING; raise(EVENT_SESSION_FAILED)
		fi
	:: else
	fi
}

inline session_thaw()
{
	gateway_ready = false;
	thawing = true;
	if
	:: agent == RUNS -> question = true; opening = true
	:: else -> raise(EVENT_SESSION_FAILED)
	fi
}

/* --- stick_start.c --- */

inline start_tunnel() { tunnel = true; renew = false; phase = (link_up -> TRYING : IDLE) }

/* --- stick_actions.c --- */

inline act_begin()
{
	link = true;
	if :: !tunnel -> start_tunnel() :: else fi
}

inline act_connect() { if :: tunnel && phase == IDLE -> phase = TRYING :: else fi }

inline act_beacon()
{
	fresh = false; answer = 0; newest = 0;
	if :: agent == OFF -> agent = RUNS :: else fi
}

inline act_update()
{
	if
	:: newest <= ours || (newest == 1 && passed_over == 1) -> raise(EVENT_UPDATED)
	:: else -> fetch = (agent == RUNS); fetching = true
	fi
}

inline act_refresh()
{
	if
	:: newest <= ours || (newest == 1 && passed_over == 1)
	:: else -> fetch = (agent == RUNS); fetching = true
	fi
}

inline act_unlock()
{
	if
	:: !wants_pin || unlocked -> raise(EVENT_UNLOCKED)
	:: wants_pin && !unlocked -> pin_asked = true
	:: wants_pin && !unlocked -> pin_asked = true; raise(EVENT_UNLOCK_REFUSED) /* made without a secret */
	fi
}

inline act_admit() { if :: fresh && answer == ADMITTED -> raise(EVENT_ADMISSION_GRANTED) :: else fi }

/* The page first, and in one step with the broker's order. */
inline act_freeze() { told_page = STOPPED; session_freeze() }

inline act_wipe()
{
	session_end();
	told_page = NOTHING;
	if
	:: tunnel_up && agent == RUNS -> goodbye_asked = true; goodbye = true
	:: else -> power_off = true
	fi
}

inline act()
{
	if
	:: action == ACTION_NONE || action == ACTION_REFUSE || action == ACTION_BANKS
	:: action == ACTION_BEGIN -> act_begin()
	:: action == ACTION_CONNECT -> act_connect()
	:: action == ACTION_BEACON -> act_beacon()
	:: action == ACTION_UPDATE -> act_update()
	:: action == ACTION_REFRESH -> act_refresh()
	:: action == ACTION_UNLOCK -> act_unlock()
	:: action == ACTION_ADMIT -> act_admit()
	:: action == ACTION_OPEN -> session_open()
	:: action == ACTION_SHOW -> told_page = SERVING
	:: action == ACTION_FREEZE -> act_freeze()
	:: action == ACTION_THAW -> session_thaw()
	:: action == ACTION_CANCEL || action == ACTION_CLOSE || action == ACTION_DROP || action == ACTION_RELOAD ->
		session_end();
		told_page = NOTHING
	:: action == ACTION_WIPE -> act_wipe()
	fi
}

/* --- launcherproc.c: take_event() --- */

#define WHEN_ANY  true
#define WHEN_HELD held
#define WHEN_FREE !held
#define STATE_SAME state

inline find_row()
{
	d_step {
		events ? event;
		from = state;
		fits = (state == STATE_END);
		action = ACTION_NONE;
		next_state = state;
#define HOLDS(does, kept)
#define ROW(first, last, on, when, then, does)                                                                        \
		if                                                                                                    \
		:: !fits && event == EVENT_##on && STATE_##first <= state && state <= STATE_##last && (WHEN_##when)   \
		   && dropped_row != __LINE__ ->                                                                      \
			fits = true;                                                                                  \
			action = (acting_row == __LINE__ -> altered : ACTION_##does);                                 \
			next_state = (leading_row == __LINE__ -> altered : STATE_##then);                             \
			c_code { row_taken(__LINE__); }                                                               \
		:: else                                                                                               \
		fi;
#include "launcher/states.def"
#undef ROW
#undef HOLDS
		assert(fits); /* a pair that has no row */
		state = next_state;
#define ROW(first, last, on, when, then, does)
#define HOLDS(does, kept) if :: action == ACTION_##does && dropped_row != __LINE__ -> held = kept :: else fi;
#include "launcher/states.def"
#undef ROW
#undef HOLDS
	}
}

inline take_event()
{
	find_row();
	printf("event %d: state %d -> %d, action %d, held %d\n", event, from, state, action, held);
	act();
	claim_walls();
	if
	:: state != from && state == STATE_LINK && link_up -> raise(EVENT_LINK_UP)
	:: state != from && state == STATE_TUNNEL && tunnel_up -> raise(EVENT_TUNNEL_UP)
	:: else
	fi;
	if :: state != STATE_UNLOCK -> pin_asked = false :: else fi;
	event = 0; action = 0; next_state = 0; from = 0; fits = false; sent = false
}

/* Each event is taken when it is raised, unless one is being taken: what a handler does after it waits in `rest`. */
inline settle()
{
	do
	:: nempty(events) -> take_event()
	:: empty(events) && rest == REST_ADMISSION -> rest = REST_NEXT; take_admission()
	:: empty(events) && rest == REST_NEXT -> rest = REST_POLICY; admission_next()
	:: empty(events) && rest == REST_POLICY -> rest = 0; take_newest()
	:: empty(events) && rest == 0 -> break
	od;
	claim_rest();
	word = 0; number = 0
}

/* --- stick_inbox.c --- */

inline hear_tunnel_up()
{
	tunnel_up = true;
	if :: clock == CLOCK_BACK -> clock = CLOCK_RIGHT :: else fi;
	raise(EVENT_TUNNEL_UP)
}

inline hear_tunnel_down() { tunnel_up = false; raise(EVENT_TUNNEL_LOST) }

/* The bank may be gone, a PIN may be asked for from now on, or neither. */
inline policy_refreshed()
{
	if
	:: session -> raise(EVENT_SESSION_FAILED)
	:: session -> raise(EVENT_SESSION_FAILED); raise(EVENT_NEWER_POLICY)
	:: !session -> raise(EVENT_NEWER_POLICY)
	:: true
	fi
}

inline hear_policy(version)
{
	fetching = false;
	ours = version;
	policy_stands = true;
	if
	:: state == STATE_START -> raise(EVENT_PROVISIONED)
	:: state == STATE_UPDATE -> raise(EVENT_UPDATED)
	:: (state >= STATE_ADMITTED && state <= STATE_SESSION) -> policy_refreshed()
	:: else
	fi
}

inline hear_policy_refused()
{
	fetching = false;
	passed_over = newest;
	if :: state == STATE_UPDATE -> raise(EVENT_UPDATED) :: else fi
}

inline hear_admission(kind, version)
{
	if
	:: clock == 0 -> clock = CLOCK_BACK
	:: clock == CLOCK_BACK -> clock = CLOCK_RIGHT; renew = true
	:: clock != CLOCK_BACK ->
		word = kind;
		number = version;
		clock = CLOCK_RIGHT;
		time_confirmed = true;
		fresh = true; answer = kind; newest = version;
		raise(EVENT_TIME_CONFIRMED);
		rest = REST_ADMISSION
	fi
}

inline take_admission()
{
	lease = (word == ADMITTED);
	if
	:: word == ADMITTED -> raise(EVENT_ADMISSION_GRANTED)
	:: word == REFUSED || word == WRONG -> raise(EVENT_ADMISSION_LOST)
	:: word == REVOKED -> raise(EVENT_REVOKED)
	fi
}

/* stick_admit.c: admission_next(), when the loss is taken */
inline admission_next()
{
	if
	:: word == WRONG && state == STATE_ADMITTED -> wants_pin = true; unlocked = false; raise(EVENT_PIN_WANTED)
	:: else
	fi
}

inline take_newest() { if :: number > ours && passed_over == 0 -> raise(EVENT_NEWER_POLICY) :: else fi }

inline hear_fetched()
{
	fetch = false;
	if
	:: (state == STATE_UPDATE || state == STATE_READY || state == STATE_SESSION) && policy == RUNS -> offered = true
	:: state == STATE_UPDATE && policy != RUNS -> raise(EVENT_UPDATED)
	:: else
	fi
}

inline goodbye_said()
{
	goodbye_asked = false;
	if :: state == STATE_END -> goodbye = false; power_off = true :: else fi
}

/* --- launcherproc.c: deaths and timers --- */

inline link_died() { link_up = false; raise(EVENT_LINK_LOST) }
inline tunnel_died()
{
	start_tunnel();
	if :: tunnel_up -> hear_tunnel_down() :: else fi
}
inline policy_died() { policy = RUNS; policy_stands = false; raise(EVENT_POLICY_LOST) }
inline broker_died() { broker = OFF; if :: session -> raise(EVENT_SESSION_FAILED) :: else fi }
inline agent_died() { agent = RUNS; goodbye_said() }
inline keyholder_died() { unlocked = false }
inline screen_died() { word = LEFT; told_page = NOTHING; raise(EVENT_SCREEN_LOST) }

inline on_fetching()
{
	fetching = false;
	if :: state == STATE_UPDATE -> passed_over = newest; raise(EVENT_UPDATED) :: else fi
}
inline on_lease() { lease = false; fresh = false; raise(EVENT_ADMISSION_LOST) }
