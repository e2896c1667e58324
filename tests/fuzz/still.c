#include "tests/fuzz/still.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"

struct loop_timer {
	loop_timer_fn *fn;
	void *context;
	int64_t at_ms; /* -1: not armed */
	struct loop_timer *next;
};

jmp_buf *still_fatal;
static struct loop_timer *timers;
static int64_t clock_ms = 1000000;

int64_t now_ms(void) { return clock_ms; }

struct loop_timer *loop_timer(struct loop *loop, loop_timer_fn *fn, void *context)
{
	(void)loop;
	struct loop_timer *timer = calloc(1, sizeof *timer);
	if (!timer)
		abort();
	*timer = (struct loop_timer){.fn = fn, .context = context, .at_ms = -1, .next = timers};
	timers = timer;
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
	if (timer)
		timer->at_ms = delay_ms < 0 ? -1 : clock_ms + delay_ms;
}

void loop_timer_free(struct loop_timer *timer)
{
	for (struct loop_timer **at = &timers; *at; at = &(*at)->next)
		if (*at == timer) {
			*at = timer->next;
			break;
		}
	free(timer);
}

/* The one that is due first, and not after the time that is reached: its callback may set, make and free others. */
static struct loop_timer *due(int64_t until_ms)
{
	struct loop_timer *first = NULL;
	for (struct loop_timer *t = timers; t; t = t->next)
		if (t->at_ms >= 0 && t->at_ms <= until_ms && (!first || t->at_ms < first->at_ms))
			first = t;
	return first;
}

void still_pass(int64_t ms)
{
	int64_t until_ms = clock_ms + ms;
	struct loop_timer *timer;
	for (int calls = 0; (timer = due(until_ms)) && calls < 10000; calls++) {
		clock_ms = timer->at_ms > clock_ms ? timer->at_ms : clock_ms;
		timer->at_ms = -1;
		timer->fn(timer->context);
	}
	clock_ms = until_ms;
}

struct loop *loop_new(void) { return NULL; }
int loop_run(struct loop *loop) { return loop ? 0 : -ENOSYS; }
void loop_stop(struct loop *loop) { (void)loop; }
struct loop_watch *loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *context)
{
	static char place;
	(void)loop, (void)fd, (void)events, (void)fn, (void)context;
	return (struct loop_watch *)&place;
}
void loop_unwatch(struct loop_watch *watch) { (void)watch; }

void log_open(const char *name) { (void)name; }
void log_info(const char *format, ...) { (void)format; }
void log_warn(const char *format, ...) { (void)format; }
void log_error(const char *format, ...) { (void)format; }
void fatal(const char *format, ...)
{
	(void)format;
	if (!still_fatal)
		abort();
	longjmp(*still_fatal, 1);
}
