#include <errno.h>
#include <jansson.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/children.h"
#include "launcher/ground.h"
#include "launcher/stick.h"
#include "launcher/stick_wifi.h"

/*
 * Two halves: the spawner keeps the capabilities and starts what it is told to by number; this one hears everybody,
 * holds the state, and has neither capability nor a way to run anything. See spawner.h for why.
 */
static const struct self self = {
    .name = "launcher",
    .holds = "the state table; for moments, the record's pieces on their way to their holders",
    .reads = "nothing from outside: what children have verified",
    .speaks_to = "init, all children, its spawner",
    /* PAIR: the channel between a session's broker and policy */
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_PAIR | PROMISE_READ_FILE | PROMISE_WRITE_FILE,
    .paths = {{"/run/sekisho", ACCESS_READ | ACCESS_WRITE},
	      {"/sys", ACCESS_READ | ACCESS_WRITE},  /* devices are announced again to udevd */
	      {"/dev", ACCESS_READ | ACCESS_WRITE}}, /* the record's partition, for the record process */
    .open_files_max = 128,
    .memory_max_bytes = 512 << 20,
    .locked = true,
};

enum { SCREEN_WAIT_MS = 10000, HEALTH_EVERY_MS = 10000 };

static struct stick stick;

/* --- the machine: events are taken one after the other, also those that an action raises --- */

/* What is true already need not happen again: after a loss the way up is walked with what stands. */
static void raise_what_stands(struct stick *s)
{
	if (s->machine.state == STATE_LINK && s->link_up)
		stick_raise(s, EVENT_LINK_UP);
	if (s->machine.state == STATE_TUNNEL && s->tunnel.up)
		stick_raise(s, EVENT_TUNNEL_UP);
}

static void take_event(struct stick *s, enum stick_event event)
{
	enum stick_state from = s->machine.state;
	if (!machine_expects(&s->machine, event))
		log_error("%s in state %s cannot be: the stick ends", event_name(event), state_name(from));
	enum stick_action action = machine_step(&s->machine, event);
	if (s->machine.state != from || action != ACTION_NONE)
		log_info("%s: %s -> %s, %s", event_name(event), state_name(from), state_name(s->machine.state),
			 action_name(action));
	tell_way(s, from);
	stick_act(s, action);
	if (s->machine.state != from) {
		s->trouble[0] = '\0';
		pin_state(s);
		drain_look(s);
		raise_what_stands(s);
	}
}

void stick_raise(struct stick *s, enum stick_event event)
{
	if (s->event_count == STICK_EVENTS_MAX)
		fatal("too many events at once");
	s->events[s->event_count++] = event;
	if (s->draining)
		return;
	s->draining = true;
	while (s->event_count > 0) {
		enum stick_event next = s->events[0];
		s->event_count--;
		memmove(s->events, s->events + 1, s->event_count * sizeof s->events[0]);
		take_event(s, next);
	}
	s->draining = false;
}

/* --- children --- */

static int on_message(void *context, enum stick_process which, struct msg *m) { return stick_hear(context, which, m); }

static void link_died(struct stick *s)
{
	bool was_up = s->link_up;
	s->link_up = false;
	stick_trouble(s, s->machine.state == STATE_SESSION ? "link_lost" : "internal");
	wifi_link_died(s);
	if (was_up)
		stick_raise(s, EVENT_LINK_LOST);
}

static void tunnel_died(struct stick *s)
{
	bool was_up = s->tunnel.up;
	s->tunnel.up = false;
	drain_forget(s);
	stick_trouble(s, "tunnel_lost");
	tell_tunnel(s);
	if (was_up)
		stick_raise(s, EVENT_TUNNEL_LOST);
	stick_turn_to_gateways(s); /* before it is started again */
}

static void policy_died(struct stick *s)
{
	free(s->offered);
	s->offered = NULL;
	stick_trouble(s, "internal");
	stick_raise(s, EVENT_POLICY_LOST);
}

static void broker_died(struct stick *s)
{
	if (s->session.id)
		session_fail(s, "internal");
}

static void keyholder_died(struct stick *s) { pin_keyholder_died(s); }

/* The lease goes on: what it said last stands until it would have had to say it again. */
static void agent_died(struct stick *s)
{
	stick_goodbye_said(s);
	s->stating = false;
	if (s->machine.state >= STATE_TIME && s->machine.state <= STATE_ADMITTED)
		tell_step(s, s->machine.state, STEP_TROUBLE, "internal", process_row(PROCESS_AGENT)->name);
}

static void screen_died(struct stick *s)
{
	s->screen_ready = false;
	stick_raise(s, EVENT_SCREEN_LOST);
}

static void (*const deaths[PROCESS_COUNT])(struct stick *s) = {
    [PROCESS_RECORD] = record_died, [PROCESS_LINK] = link_died,           [PROCESS_TUNNEL] = tunnel_died,
    [PROCESS_POLICY] = policy_died, [PROCESS_BROKER] = broker_died,       [PROCESS_AGENT] = agent_died,
    [PROCESS_SCREEN] = screen_died, [PROCESS_KEYHOLDER] = keyholder_died, [PROCESS_TOKEN] = stick_token_died,
};

static void on_death(void *context, enum stick_process which)
{
	if (deaths[which])
		deaths[which](context);
}

static void on_start(void *context, enum stick_process which)
{
	struct stick *s = context;
	if (s->machine.state != STATE_END)
		stick_start(s, which);
}

static const struct crew_duty duty = {.message = on_message, .death = on_death, .start = on_start};

/* --- timers --- */

static void on_screen_wait(void *context)
{
	struct stick *s = context;
	log_warn("udevd or seatd does not say that it listens; the screen is tried");
	ground_announce_devices();
	stick_start(s, PROCESS_SCREEN);
}

static void on_lease(void *context)
{
	struct stick *s = context;
	log_warn("the gateway's admission has run out");
	s->answer.fresh = false; /* what it granted is over: the way up does not end with that answer */
	stick_trouble(s, s->machine.state == STATE_SESSION ? "admission_lost" : "no_reply");
	stick_raise(s, EVENT_ADMISSION_LOST);
}

static void on_fetching(void *context) { fetch_failed(context, "the agent says nothing"); }

static void on_health(void *context)
{
	struct stick *s = context;
	tell_agent_health(s);
	loop_timer_set(s->health, HEALTH_EVERY_MS);
}

static void on_opening(void *context)
{
	struct stick *s = context;
	log_error("session %u is not open yet: the broker is%s ready, the gateway has%s said yes", s->session.id,
		  s->session.broker_ready ? "" : " not", s->session.gateway_ready ? "" : " not");
	session_fail(s, s->session.gateway_ready ? "internal" : "gateway_silent");
}

static void on_freezing(void *context)
{
	log_error("the broker does not say that it is frozen: it is ended");
	session_fail(context, "internal");
}

static void on_stating_ends(void *context) { admission_gave_up(context); }
static void on_record_late(void *context) { record_late(context); }

static void on_drain(void *context) { drain_late(context); }

static void on_goodbye(void *context) { stick_goodbye_said(context); }

static struct loop_timer *timer(struct stick *s, loop_timer_fn *fn)
{
	struct loop_timer *t = loop_timer(s->loop, fn, s);
	if (!t)
		fatal("no timer: %s", strerror(errno));
	return t;
}

static void open_timers(struct stick *s)
{
	s->screen_wait = timer(s, on_screen_wait);
	s->lease = timer(s, on_lease);
	s->fetching = timer(s, on_fetching);
	s->health = timer(s, on_health);
	s->opening = timer(s, on_opening);
	s->freezing = timer(s, on_freezing);
	s->goodbye = timer(s, on_goodbye);
	s->stating_ends = timer(s, on_stating_ends);
	s->drain.timer = timer(s, on_drain);
	s->record.late = timer(s, on_record_late);
	loop_timer_set(s->screen_wait, SCREEN_WAIT_MS);
	loop_timer_set(s->health, HEALTH_EVERY_MS);
}

/* --- init --- */

/* That the wall stands is good to know; what matters is that init is there. */
static int take_wall_stands(struct msg *m, void *context)
{
	(void)m, (void)context;
	return 0;
}

static void on_init_ended(int error, void *context)
{
	(void)error, (void)context;
	fatal("init is gone");
}

static const struct channel_row init_rows[] = {
    {MSG_WALL_STANDS, 0, 0, take_wall_stands},
    {MSG_USB_QUESTION, 1, USB_QUESTION_MAX_BYTES, stick_hear_guard},
    {MSG_USB_REFUSED, 1, 1, stick_hear_guard},
};

static struct channel init = {.peer = "init", .rows = init_rows, .row_count = 3, .ended = on_init_ended};

/* Namespaces are made before the fork, so that both halves have them; the rest of the ground by this half alone. */
static int lay_ground(int *spawner)
{
	int namespaces[NAMESPACE_COUNT];
	int error = ground_namespaces(namespaces);
	if (!error)
		error = ground_directories();
	if (!error)
		error = ground_screen_share();
	if (error)
		return error;
	*spawner = spawner_open(namespaces);
	/* Without it the tunnel's process finds no wg0 and says so, again and again. */
	(void)ground_wireguard(namespaces[NAMESPACE_TUNNEL]);
	for (int i = 0; i < NAMESPACE_COUNT; i++)
		if (namespaces[i] >= 0)
			close(namespaces[i]);
	return *spawner < 0 ? *spawner : 0;
}

static int open_stick(struct stick *s)
{
	int spawner = -1;
	int error = lay_ground(&spawner);
	if (!error)
		error = about_read(&s->about);
	if (error)
		return error;
	s->loop = loop_new();
	if (!s->loop)
		return -errno;
	error = crew_open(&s->crew, s->loop, spawner, &duty, s);
	if (error)
		return error;
	open_timers(s);
	return channel_watch(s->loop, CHILD_CHANNEL_FD, &init, s);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int launcher_main(void)
{
	struct stick *s = &stick;
	close_above(CHILD_CHANNEL_FD);
	signal(SIGPIPE, SIG_IGN);
	tzset();
	json_set_alloc_funcs(malloc, wipe_free); /* the record's keys pass through its strings */
	json_object_seed(0);
	int error = open_stick(s);
	if (error)
		fatal("cannot begin: %s", strerror(-error));
	tell_step(s, STATE_START, STEP_WAITING, "", "");
	error = stick_open_screen(s);
	if (error)
		fatal("there can be no screen: %s", strerror(-error));
	error = drop_capabilities();
	if (error || sandbox_enter(&self) < 0)
		fatal("the sandbox cannot be entered");
	stick_start(s, PROCESS_RECORD);
	error = loop_run(s->loop);
	fatal("the event loop ended: %s", strerror(-error));
}
