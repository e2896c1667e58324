/* The launcher's children over a spawner that is not there: what one of them may not say is its end. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/crew.h"
#include "launcher/messages.h"

static struct {
	struct loop *loop;
	struct crew crew;
	int child; /* its end of the channel */
	unsigned heard, deaths, killed;
} world;

int spawner_start(int spawner, enum stick_process which, const int *fds, size_t fd_count, struct spawned *process)
{
	int pair[2];
	(void)spawner, (void)which, (void)fds, (void)fd_count;
	assert_int_equal(msg_pair(pair), 0);
	world.child = pair[0];
	*process = (struct spawned){.pid = 1, .channel = pair[1], .pidfd = eventfd(0, EFD_CLOEXEC)};
	return 0;
}

int spawner_end(int spawner, enum stick_process which, bool kill_it, int *status)
{
	(void)spawner, (void)which;
	world.killed += kill_it;
	*status = 9;
	return 0;
}

static int on_message(void *context, enum stick_process which, struct msg *m)
{
	(void)context;
	world.heard++;
	if (m->type == MSG_LINK_STATE || (world.heard > 1 && which != PROCESS_AGENT))
		loop_stop(world.loop); /* the last word, or one that should not have been heard */
	return 0;
}

static void on_death(void *context, enum stick_process which)
{
	(void)context, (void)which;
	world.deaths++;
	loop_stop(world.loop);
}

static void on_start(void *context, enum stick_process which) { (void)context, (void)which; }

static const struct crew_duty duty = {.message = on_message, .death = on_death, .start = on_start};

static void begin(enum stick_process which)
{
	world.heard = world.deaths = world.killed = 0;
	world.loop = loop_new();
	assert_int_equal(crew_open(&world.crew, world.loop, -1, &duty, NULL), 0);
	assert_int_equal(crew_start(&world.crew, which, NULL, 0), 0);
}

static void end(enum stick_process which)
{
	crew_stop(&world.crew, which);
	for (int i = 0; i < PROCESS_COUNT; i++) {
		loop_timer_free(world.crew.members[i].restart);
		loop_timer_free(world.crew.members[i].late);
	}
	loop_free(world.loop);
	close(world.child);
}

static void says(uint16_t type) { assert_int_equal(msg_send(world.child, type, 0, NULL, 0), 0); }

/* Each time it would be told the policies anew, megabytes that it need not take. */
static void who_says_again_that_it_is_ready_is_ended(void **state)
{
	(void)state;
	static const enum stick_process once[] = {PROCESS_POLICY, PROCESS_RECORD, PROCESS_SCREEN, PROCESS_LINK};
	for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
		begin(once[i]);
		says(MSG_READY);
		says(MSG_READY);
		assert_int_equal(loop_run(world.loop), 0);
		assert_int_equal(world.heard, 1);
		assert_int_equal(world.deaths, 1);
		assert_int_equal(world.killed, 1);
		end(once[i]);
	}
}

/* The agent's second one says that the goodbye is said. */
static void the_agent_may(void **state)
{
	(void)state;
	begin(PROCESS_AGENT);
	says(MSG_READY);
	says(MSG_READY);
	says(MSG_LINK_STATE);
	assert_int_equal(loop_run(world.loop), 0);
	assert_int_equal(world.heard, 3);
	assert_int_equal(world.deaths, 0);
	end(PROCESS_AGENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_says_again_that_it_is_ready_is_ended),
	    cmocka_unit_test(the_agent_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
