#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "launcher/stick.h"

enum { GOODBYE_MS = 2000 };

static void act_none(struct stick *s) { (void)s; }

/* Also after a restart of the policy process: what runs goes on. */
static void act_begin(struct stick *s)
{
	stick_raise_clock(s);
	tell_wall(s);
	tell_banks(s);
	/* WebKit has read the authority of the policy process that died, and reads it once only. */
	if (s->session_count > 0)
		stick_restart_screen(s);
	static const enum stick_process needed[] = {PROCESS_LINK, PROCESS_TUNNEL, PROCESS_KEYHOLDER};
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (!crew_runs(&s->crew, needed[i]))
			stick_start(s, needed[i]);
}

static void act_connect(struct stick *s)
{
	if (!s->tunnel.up)
		stick_turn_to_gateways(s);
	crew_send(&s->crew, PROCESS_TUNNEL, MSG_TUNNEL_RETRY, 0, NULL, 0);
}

/* The first beacon of this tunnel; the agent is started when there is somewhere to send it. */
static void act_beacon(struct stick *s)
{
	s->answer = (struct stick_answer){0};
	if (!crew_runs(&s->crew, PROCESS_AGENT)) {
		stick_start(s, PROCESS_AGENT);
		return;
	}
	if (strcmp(s->agent_gateway, s->tunnel.gateway) != 0)
		tell_agent_config(s);
	tell_agent_health(s);
	crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_BEACON_NOW, 0, NULL, 0);
}

static void act_update(struct stick *s)
{
	if (!fetch_begin(s, FETCH_POLICY))
		stick_raise(s, EVENT_UPDATED);
}

static void act_refresh(struct stick *s) { (void)fetch_begin(s, FETCH_POLICY); }

static void act_unlock(struct stick *s) { pin_unlock(s); }

/* The gateway may have said already, on the way here, what it thinks of us: it let us in before, or no statement would.
 */
static void act_admit(struct stick *s)
{
	if (s->answer.fresh && s->answer.admission == ADMISSION_ADMITTED)
		stick_raise(s, EVENT_ADMISSION_GRANTED);
	else if (s->answer.fresh && !admission_is_passing(s->answer.reason))
		tell_not_admitted(s);
	else
		admission_ask(s);
}

static void act_banks(struct stick *s)
{
	tell_banks(s);
	tell_tunnel(s);
}

static void act_refuse(struct stick *s)
{
	/* a second click on the tile that is open already */
	if (s->session.id == 0 || strcmp(s->chosen, s->session.bank) != 0)
		tell_session_failed(s, s->chosen, "not_ready");
}

static void act_show(struct stick *s)
{
	tell_session(s);
	tell_agent_health(s);
}

/* The page first: nothing is typed into a page that leads nowhere. */
static void act_freeze(struct stick *s)
{
	tell_freeze(s, true);
	session_freeze(s, true);
}

static void act_thaw(struct stick *s) { session_thaw(s); }

static void act_cancel(struct stick *s)
{
	if (s->session.id == 0)
		return;
	tell_session_failed(s, s->session.bank, "not_ready");
	session_end(s);
}

static void act_close(struct stick *s)
{
	session_end(s);
	tell_kiosk(s, MSG_KIOSK_SESSION_ENDED);
	tell_agent_health(s);
}

static void act_drop(struct stick *s)
{
	tell_session_failed(s, s->session.bank, s->session.failure[0] ? s->session.failure : s->trouble);
	session_end(s);
	tell_agent_health(s);
}

static void act_reload(struct stick *s)
{
	if (s->session.id) {
		tell_session_failed(s, s->session.bank, "internal");
		session_end(s);
	}
}

static void act_wipe(struct stick *s)
{
	session_end(s);
	tell_kiosk(s, MSG_KIOSK_POWER_OFF);
	if (!s->tunnel.up || crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_GOODBYE, 0, NULL, 0) < 0)
		tell_init_power_off();
	else
		loop_timer_set(s->goodbye, GOODBYE_MS);
}

void stick_goodbye_said(struct stick *s)
{
	if (s->machine.state != STATE_END)
		return;
	loop_timer_set(s->goodbye, -1);
	tell_init_power_off();
}

static void (*const acts[ACTION_COUNT])(struct stick *s) = {
    [ACTION_NONE] = act_none,     [ACTION_BEGIN] = act_begin,   [ACTION_CONNECT] = act_connect,
    [ACTION_BEACON] = act_beacon, [ACTION_UPDATE] = act_update, [ACTION_REFRESH] = act_refresh,
    [ACTION_UNLOCK] = act_unlock, [ACTION_ADMIT] = act_admit,   [ACTION_BANKS] = act_banks,
    [ACTION_OPEN] = session_open, [ACTION_REFUSE] = act_refuse, [ACTION_SHOW] = act_show,
    [ACTION_FREEZE] = act_freeze, [ACTION_THAW] = act_thaw,     [ACTION_CANCEL] = act_cancel,
    [ACTION_CLOSE] = act_close,   [ACTION_DROP] = act_drop,     [ACTION_RELOAD] = act_reload,
    [ACTION_WIPE] = act_wipe,
};

void stick_act(struct stick *s, enum stick_action action) { acts[action](s); }
