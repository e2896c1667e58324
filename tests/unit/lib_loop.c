#include "tests/unit/unit.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "firmware/lib/loop.h"

struct run {
	struct loop *loop;
	struct loop_watch *watch, *other;
	struct loop_timer *timer;
	int reads, fires;
};

static void on_other(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	fail_msg("a freed watch was called");
}

static void on_read(uint32_t events, void *context)
{
	struct run *run = context;
	assert_true(events & EPOLLIN);
	run->reads++;
	/* both are ready in the same batch: freeing the other here must be safe */
	loop_unwatch(run->other);
	loop_unwatch(run->watch);
	loop_timer_set(run->timer, 1);
}

static void on_timer(void *context)
{
	struct run *run = context;
	if (++run->fires < 3) {
		loop_timer_set(run->timer, 0);
		return;
	}
	loop_stop(run->loop);
}

static void watches_and_timers_take_turns(void **state)
{
	(void)state;
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	int twin = dup(pipes[0]);
	struct run run = {.loop = loop_new()};
	assert_non_null(run.loop);
	run.timer = loop_timer(run.loop, on_timer, &run);
	run.watch = loop_watch(run.loop, pipes[0], EPOLLIN, on_read, &run);
	run.other = loop_watch(run.loop, twin, EPOLLIN, on_other, &run);
	assert_int_equal(loop_run(run.loop), 0);
	assert_int_equal(run.reads, 1);
	assert_int_equal(run.fires, 3);
	loop_timer_free(run.timer);
	loop_free(run.loop);
	close(pipes[0]);
	close(pipes[1]);
	close(twin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(watches_and_timers_take_turns)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
