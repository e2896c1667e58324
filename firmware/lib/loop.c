#include "firmware/lib/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32 };

struct loop_watch {
	struct loop *loop;
	struct loop_watch *next_dead;
	int fd;
	bool dead;
	loop_fd_fn *fn;
	void *context;
};

struct loop_timer {
	struct loop *loop;
	struct loop_timer *next;
	int64_t due_ms; /* -1: disarmed */
	loop_timer_fn *fn;
	void *context;
};

struct loop {
	int epoll;
	bool stopping;
	struct loop_watch *dead; /* freed after the batch they may still be named in */
	struct loop_timer *timers;
};

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

static void bury_dead(struct loop *loop)
{
	while (loop->dead) {
		struct loop_watch *watch = loop->dead;
		loop->dead = watch->next_dead;
		free(watch);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	bury_dead(loop);
	close(loop->epoll);
	free(loop);
}

struct loop_watch *loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *context)
{
	struct loop_watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		return NULL;
	*watch = (struct loop_watch){.loop = loop, .fd = fd, .fn = fn, .context = context};
	struct epoll_event event = {.events = events, .data.ptr = watch};
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		int error = errno;
		free(watch);
		errno = error;
		return NULL;
	}
	return watch;
}

int loop_watch_events(struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &event) < 0 ? -errno : 0;
}

void loop_unwatch(struct loop_watch *watch)
{
	if (!watch || watch->dead)
		return;
	epoll_ctl(watch->loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->dead = true;
	watch->next_dead = watch->loop->dead;
	watch->loop->dead = watch;
}

struct loop_timer *loop_timer(struct loop *loop, loop_timer_fn *fn, void *context)
{
	struct loop_timer *timer = calloc(1, sizeof *timer);
	if (!timer)
		return NULL;
	*timer = (struct loop_timer){.loop = loop, .next = loop->timers, .due_ms = -1, .fn = fn, .context = context};
	loop->timers = timer;
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
	timer->due_ms = delay_ms < 0 ? -1 : now_ms() + delay_ms;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	for (struct loop_timer **at = &timer->loop->timers; *at; at = &(*at)->next) {
		if (*at == timer) {
			*at = timer->next;
			break;
		}
	}
	free(timer);
}

static struct loop_timer *earliest(const struct loop *loop)
{
	struct loop_timer *first = NULL;
	for (struct loop_timer *t = loop->timers; t; t = t->next)
		if (t->due_ms >= 0 && (!first || t->due_ms < first->due_ms))
			first = t;
	return first;
}

/* Only timers due at `now`: one that rearms itself with 0 waits for the next turn and cannot starve descriptors. */
static void run_timers(struct loop *loop)
{
	int64_t now = now_ms();
	struct loop_timer *t;
	for (int guard = 0; guard < 1024 && !loop->stopping && (t = earliest(loop)) && t->due_ms <= now; guard++) {
		t->due_ms = -1;
		t->fn(t->context);
	}
}

static int wait_ms(const struct loop *loop)
{
	const struct loop_timer *first = earliest(loop);
	if (!first)
		return -1;
	int64_t left = first->due_ms - now_ms();
	if (left < 0)
		return 0;
	return left > 60000 ? 60000 : (int)left;
}

int loop_run(struct loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping) {
		struct epoll_event events[BATCH];
		int count = epoll_wait(loop->epoll, events, BATCH, wait_ms(loop));
		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count && !loop->stopping; i++) {
			struct loop_watch *watch = events[i].data.ptr;
			if (!watch->dead)
				watch->fn(events[i].events, watch->context);
		}
		bury_dead(loop);
		run_timers(loop);
		bury_dead(loop);
	}
	return 0;
}

void loop_stop(struct loop *loop) { loop->stopping = true; }
