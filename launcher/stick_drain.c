/*
 * A gateway that is being emptied (vpn/gateway/hub_drain.c): this stick goes to another one of its list.
 *
 * At once while no bank is open; with one open when the customer leaves it, or when the gateway's time is over, because
 * then it is switched off anyway. A goodbye is said first, so that the desk sees a stick that left and not one that was
 * lost. What follows is a tunnel that is lost and comes up elsewhere, with all that the table does about it: a page
 * that is still open freezes, and goes on when the other gateway has admitted us.
 *
 * Whoever finds no other gateway alive comes back here, and stays for a while: the customer sees his bank's list, or is
 * told that no bank can be opened, and not a tunnel that is lost again and again.
 */
#include <errno.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "launcher/stick.h"

enum { GOODBYE_MS = 2000, STAYS_MS = 600000 };

static void set_timer(struct stick *s, int64_t ms) { loop_timer_set(s->drain.timer, ms); }

void drain_forget(struct stick *s)
{
	s->drain.asked = s->drain.leaving = false;
	set_timer(s, -1);
}

static bool may_go(const struct stick *s)
{
	bool back = strcmp(s->drain.left, s->tunnel.gateway) == 0 && now_ms() - s->drain.left_ms < STAYS_MS;
	return s->tunnel.up && s->gateways && s->gateways->count > 1 && !back;
}

static void go(struct stick *s)
{
	log_info("gateway %s is being emptied: another one is tried", s->tunnel.gateway);
	memcpy(s->drain.left, s->tunnel.gateway, sizeof s->drain.left);
	s->drain.left_ms = now_ms();
	s->drain.asked = false;
	s->drain.leaving = true;
	if (crew_send(&s->crew, PROCESS_AGENT, MSG_AGENT_GOODBYE, 0, NULL, 0) < 0)
		drain_goodbye_said(s);
	else
		set_timer(s, GOODBYE_MS);
}

/* The state is another one, or the gateway has just asked. */
void drain_look(struct stick *s)
{
	bool free = s->session.id == 0 && s->machine.state >= STATE_UPDATE && s->machine.state <= STATE_READY;
	if (s->machine.state == STATE_END)
		drain_forget(s);
	else if (s->drain.asked && free)
		go(s);
}

void drain_late(struct stick *s)
{
	if (s->drain.leaving)
		drain_goodbye_said(s);
	else if (s->drain.asked)
		go(s);
}

void drain_goodbye_said(struct stick *s)
{
	if (!s->drain.leaving)
		return;
	drain_forget(s);
	stick_trouble(s, "gateway_left");
	crew_send(&s->crew, PROCESS_TUNNEL, MSG_TUNNEL_LEAVE, 0, NULL, 0);
}

int drain_hear(struct stick *s, struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	uint32_t seconds = read_u32(&r);
	if (!reader_done(&r) || seconds == 0)
		return -EBADMSG;
	if (s->drain.leaving || !may_go(s))
		return 0;
	s->drain.asked = true;
	set_timer(s, (int64_t)seconds * 1000);
	drain_look(s);
	return 0;
}
