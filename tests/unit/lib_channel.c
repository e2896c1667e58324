#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/channel.h"

enum { HELLO = 7, NUMBER = 8, REFUSED = 9, LET_GO = 10, UNKNOWN = 11 };

struct peer {
	struct loop *loop;
	struct channel channel;
	int pair[2]; /* 0: the other side, 1: watched */
	char hello[16];
	const uint8_t *payload;
	int taken, ends, ended_with;
};

static int take_hello(struct msg *m, void *context)
{
	struct peer *peer = context;
	memcpy(peer->hello, m->payload, m->size + 1);
	peer->payload = m->payload;
	peer->taken++;
	return 0;
}

static int take_number(struct msg *m, void *context)
{
	(void)m;
	struct peer *peer = context;
	/* The one before has been wiped, though its bytes were not written over by this smaller one. */
	assert_int_equal(peer->payload[3], 0);
	peer->taken++;
	return 0;
}

static int take_refused(struct msg *m, void *context)
{
	(void)m, (void)context;
	return -EPERM;
}

static int take_let_go(struct msg *m, void *context)
{
	struct peer *peer = context;
	peer->taken++;
	channel_unwatch(&peer->channel);
	assert_int_equal(m->payload[0], 'x'); /* still there for the rest of the handler */
	loop_stop(peer->loop);
	return 0;
}

static const struct channel_row rows[] = {
    {HELLO, 1, 5, take_hello},
    {NUMBER, 2, 2, take_number},
    {REFUSED, 0, 0, take_refused},
    {LET_GO, 1, 1, take_let_go},
};

static void on_ended(int error, void *context)
{
	struct peer *peer = context;
	peer->ends++;
	peer->ended_with = error;
	loop_stop(peer->loop);
}

static int set_up(void **state)
{
	static struct peer peer;
	peer = (struct peer){.loop = loop_new(), .channel = CHANNEL("the test", rows), .ended_with = 1};
	peer.channel.ended = on_ended;
	assert_int_equal(msg_pair(peer.pair), 0);
	assert_int_equal(channel_watch(peer.loop, peer.pair[1], &peer.channel, &peer), 0);
	*state = &peer;
	return 0;
}

static int tear_down(void **state)
{
	struct peer *peer = *state;
	channel_unwatch(&peer->channel);
	loop_free(peer->loop);
	for (int i = 0; i < 2; i++)
		if (peer->pair[i] >= 0)
			close(peer->pair[i]);
	return 0;
}

static void send_frame(const struct peer *peer, uint16_t type, const char *payload)
{
	assert_int_equal(msg_send(peer->pair[0], type, 0, payload, strlen(payload)), 0);
}

static void close_other_side(struct peer *peer)
{
	close(peer->pair[0]);
	peer->pair[0] = -1;
}

static void messages_reach_their_rows_until_the_peer_closes(void **state)
{
	struct peer *peer = *state;
	send_frame(peer, HELLO, "abcde");
	send_frame(peer, NUMBER, "12");
	close_other_side(peer);
	assert_int_equal(loop_run(peer->loop), 0);
	assert_string_equal(peer->hello, "abcde");
	assert_int_equal(peer->taken, 2);
	assert_int_equal(peer->ends, 1);
	assert_int_equal(peer->ended_with, 0);
	assert_int_equal(peer->channel.error, 0);
	assert_null(peer->channel.watch);
}

/* Each is followed by a good message, which nobody hears any more. */
static void what_may_not_come_is_the_end(void **state)
{
	static const struct {
		const char *payload;
		int error;
		uint16_t type;
	} table[] = {
	    {"", -EBADMSG, HELLO},     {"abcdef", -EBADMSG, HELLO}, {"1", -EBADMSG, NUMBER},
	    {"123", -EBADMSG, NUMBER}, {"a", -EBADMSG, UNKNOWN},    {"", -EPERM, REFUSED},
	};
	struct peer *peer = *state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		send_frame(peer, table[i].type, table[i].payload);
		send_frame(peer, HELLO, "late");
		assert_int_equal(loop_run(peer->loop), 0);
		assert_int_equal(peer->ends, 1);
		assert_int_equal(peer->ended_with, table[i].error);
		assert_int_equal(peer->channel.error, table[i].error);
		assert_int_equal(peer->taken, 0);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

static void a_frame_without_a_header_is_the_end(void **state)
{
	struct peer *peer = *state;
	assert_int_equal(send(peer->pair[0], "abc", 3, 0), 3);
	assert_int_equal(loop_run(peer->loop), 0);
	assert_int_equal(peer->ended_with, -EBADMSG);
}

/* How far the clock is ahead of the real one. */
static time_t ahead_s;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int error = __real_clock_gettime(clock, now);
	now->tv_sec += ahead_s;
	return error;
}

static void on_time_passed(void *context)
{
	(void)context;
	ahead_s += CHANNEL_MESSAGE_MS / 1000;
}

static void a_message_that_does_not_end_is_the_end(void **state)
{
	static const struct channel_row large[] = {{HELLO, 1, 4 * MSG_PAYLOAD_MAX_BYTES, take_hello}};
	static uint8_t frame[8 + MSG_PAYLOAD_MAX_BYTES];
	const uint16_t header[] = {HELLO, 1 /* the first of several */};
	const uint32_t total = 3 * MSG_PAYLOAD_MAX_BYTES;
	struct peer *peer = *state;
	channel_unwatch(&peer->channel);
	peer->channel = (struct channel)CHANNEL("one that begins", large);
	peer->channel.ended = on_ended;
	assert_int_equal(channel_watch(peer->loop, peer->pair[1], &peer->channel, peer), 0);
	memcpy(frame, header, sizeof header);
	memcpy(frame + 8, &total, sizeof total);
	assert_int_equal(send(peer->pair[0], frame, sizeof frame, 0), sizeof frame);
	struct loop_timer *passes = loop_timer(peer->loop, on_time_passed, NULL);
	loop_timer_set(passes, 50);
	assert_int_equal(loop_run(peer->loop), 0);
	ahead_s = 0;
	assert_int_equal(peer->ends, 1);
	assert_int_equal(peer->ended_with, -ETIMEDOUT);
	assert_null(peer->channel.msg.large);
	loop_timer_free(passes);
}

static void a_handler_may_let_go(void **state)
{
	struct peer *peer = *state;
	send_frame(peer, LET_GO, "x");
	send_frame(peer, HELLO, "late");
	assert_int_equal(loop_run(peer->loop), 0);
	assert_int_equal(peer->taken, 1);
	assert_int_equal(peer->ends, 0);
}

static void descriptors_nobody_took_are_closed(void **state)
{
	struct peer *peer = *state;
	int pipes[2];
	char byte;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(msg_send_fds(peer->pair[0], HELLO, 0, "a", 1, &pipes[1], 1), 0);
	close(pipes[1]);
	close_other_side(peer);
	assert_int_equal(loop_run(peer->loop), 0);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
}

static void without_a_word_for_it_the_end_stops_the_loop(void **state)
{
	struct peer *peer = *state;
	channel_unwatch(&peer->channel);
	peer->channel = (struct channel){.peer = "one that only closes"};
	assert_int_equal(channel_watch(peer->loop, peer->pair[1], &peer->channel, NULL), 0);
	send_frame(peer, HELLO, "abc");
	assert_int_equal(loop_run(peer->loop), 0);
	assert_int_equal(peer->channel.error, -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(messages_reach_their_rows_until_the_peer_closes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_may_not_come_is_the_end, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_frame_without_a_header_is_the_end, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_message_that_does_not_end_is_the_end, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_handler_may_let_go, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(descriptors_nobody_took_are_closed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_a_word_for_it_the_end_stops_the_loop, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
