#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "firmware/lib/buf.h"
/* the parent whole: its messages, deaths and timers are functions of its own */
#include "launcher/launcherproc.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The launcher among children that lie: the input is what they say, when they die, which timers fire. Whatever it is,
 * a bank's bytes are carried only while link, tunnel, admission and policy stand. Beneath it everything is a stub.
 */

enum { TIMERS_MAX = 32, SERVING_NOT, SERVING, STOPPED };

struct loop_timer {
	loop_timer_fn *fn;
	void *context;
	bool armed;
};

static struct {
	struct loop_timer timers[TIMERS_MAX];
	size_t timer_count;
	bool runs[PROCESS_COUNT], died[PROCESS_COUNT];
	int broker;
	jmp_buf end;
} world;

struct loop_timer *loop_timer(struct loop *loop, loop_timer_fn *fn, void *context)
{
	(void)loop;
	if (world.timer_count == TIMERS_MAX)
		abort();
	world.timers[world.timer_count] = (struct loop_timer){.fn = fn, .context = context};
	return &world.timers[world.timer_count++];
}
void loop_timer_set(struct loop_timer *timer, int64_t delay_ms) { timer->armed = delay_ms >= 0; }
int64_t now_ms(void) { return 1000; }
struct loop *loop_new(void) { return NULL; }
int loop_run(struct loop *loop) { return loop ? 0 : -ENOSYS; }
struct loop_watch *loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *context)
{
	(void)loop, (void)fd, (void)events, (void)fn, (void)context;
	return NULL;
}
void log_info(const char *format, ...) { (void)format; }
void log_warn(const char *format, ...) { (void)format; }
void log_error(const char *format, ...) { (void)format; }
void fatal(const char *format, ...)
{
	if (strstr(format, "too many events"))
		abort();
	longjmp(world.end, 1); /* init powers off */
}

int crew_open(struct crew *crew, struct loop *loop, int spawner, const struct crew_duty *d, void *context)
{
	(void)crew, (void)loop, (void)spawner, (void)d, (void)context;
	return 0;
}
int crew_start(struct crew *crew, enum stick_process which, const int *fds, size_t fd_count)
{
	(void)crew, (void)fds, (void)fd_count;
	if (world.runs[which])
		return -EALREADY;
	world.runs[which] = true;
	return 0;
}
void crew_start_later(struct crew *crew, enum stick_process which) { (void)crew, (void)which; }
void crew_stop(struct crew *crew, enum stick_process which)
{
	(void)crew;
	world.runs[which] = false;
	if (which == PROCESS_BROKER)
		world.broker = SERVING_NOT;
}
bool crew_runs(const struct crew *crew, enum stick_process which)
{
	(void)crew;
	return world.runs[which];
}
int crew_send_fds(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload,
		  size_t size, const int *fds, size_t fd_count)
{
	(void)crew, (void)id, (void)fds, (void)fd_count;
	if (!world.runs[which])
		return -ESRCH;
	if (which == PROCESS_BROKER && type == MSG_BROKER_START)
		world.broker = SERVING;
	if (which == PROCESS_BROKER && type == MSG_BROKER_FREEZE)
		world.broker = size == 1 && *(const uint8_t *)payload ? STOPPED : SERVING;
	return 0;
}

static void check(void)
{
	const struct stick *s = &stick;
	bool stands = s->link_up && s->tunnel.up && s->time_confirmed && s->lease->armed && s->policy &&
		      world.runs[PROCESS_POLICY] && !s->session.thawing &&
		      (s->machine.state == STATE_SESSION || (s->machine.state == STATE_READY && s->machine.held));
	if (world.broker == SERVING && !stands)
		abort();
	if (s->record.storing && !world.runs[PROCESS_RECORD])
		abort(); /* nobody would ever say that it is done */
	if (s->session.id == 0 && world.runs[PROCESS_BROKER])
		abort();
	if (s->machine.state == STATE_END && s->session.id != 0)
		abort();
}

static void die(enum stick_process which)
{
	if (!world.runs[which])
		return;
	world.runs[which] = false;
	world.died[which] = true;
	if (which == PROCESS_BROKER)
		world.broker = SERVING_NOT;
	on_death(&stick, which);
}

static void read_message(struct reader *r, struct msg *m)
{
	*m = (struct msg){.type = read_u8(r), .id = read_u8(r)};
	size_t length = read_u16(r);
	if (r->failed || length > r->size - r->at)
		length = r->failed ? 0 : r->size - r->at;
	/* as from msg_receive(): a NUL behind it */
	m->payload = calloc(1, length + 1);
	if (!m->payload)
		abort();
	memcpy(m->payload, r->data + r->at, length);
	m->size = length;
	r->at += length;
}

static void say(enum stick_process which, struct reader *r)
{
	struct msg m;
	read_message(r, &m);
	bool broken = world.runs[which] && on_message(&stick, which, &m) != 0;
	free(m.payload);
	if (broken)
		die(which);
}

static void init_says(struct reader *r)
{
	struct msg m;
	read_message(r, &m);
	(void)stick_hear_guard(&m, &stick);
	free(m.payload);
}

static void step(struct reader *r)
{
	unsigned what = read_u8(r);
	enum stick_process which = (what & 0xf) % PROCESS_COUNT;
	struct loop_timer *t = &world.timers[(what & 0xf) % world.timer_count];
	if (what < 0xc0) {
		say(what % PROCESS_COUNT, r);
	} else if (what < 0xd0) {
		die(which);
	} else if (what < 0xe0 && t->armed) {
		t->armed = false;
		t->fn(t->context);
	} else if (what >= 0xf0) {
		init_says(r);
	} else if (what >= 0xe0 && world.died[which] && which != PROCESS_BROKER && which != PROCESS_RECORD) {
		world.died[which] = false;
		on_start(&stick, which);
	}
}

static void forget(void)
{
	whitelist_free(stick.policy);
	gateways_free(stick.gateways);
	gateways_free(stick.gateways_next);
	if (stick.provisioned)
		provision_free(&stick.provision);
	free(stick.record.pending);
	free(stick.record.text);
	free(stick.offered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reader r;
	world.timer_count = 0;
	memset(world.runs, 0, sizeof world.runs);
	memset(world.died, 0, sizeof world.died);
	world.broker = SERVING_NOT;
	stick = (struct stick){0};
	open_timers(&stick);
	world.runs[PROCESS_RECORD] = world.runs[PROCESS_SCREEN] = true;
	r = reader_over(data, size);
	if (setjmp(world.end) == 0)
		while (r.at < r.size && !r.failed) {
			step(&r);
			check();
		}
	forget();
	return 0;
}
