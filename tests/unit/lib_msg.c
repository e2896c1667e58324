#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/msg.h"

static void a_frame_arrives_whole(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(msg_pair(pair), 0);
	struct msg m = {0};
	assert_int_equal(msg_receive(pair[1], &m), -EAGAIN);
	assert_int_equal(msg_send(pair[0], 42, 7, "hello", 5), 0);
	assert_int_equal(msg_send(pair[0], 43, 8, NULL, 0), 0);
	assert_int_equal(msg_receive(pair[1], &m), 1);
	assert_int_equal(m.type, 42);
	assert_int_equal(m.id, 7);
	assert_int_equal(m.size, 5);
	assert_string_equal((char *)m.payload, "hello");
	assert_int_equal(msg_receive(pair[1], &m), 1);
	assert_int_equal(m.size, 0);
	close(pair[0]);
	assert_int_equal(msg_receive(pair[1], &m), 0);
	msg_free(&m);
	close(pair[1]);
}

static void the_largest_frame_passes_and_one_more_byte_does_not(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(msg_pair(pair), 0);
	uint8_t *payload = calloc(1, MSG_PAYLOAD_MAX_BYTES + 1);
	assert_non_null(payload);
	payload[MSG_PAYLOAD_MAX_BYTES - 1] = 0x5a;
	struct msg m = {0};
	assert_int_equal(msg_send(pair[0], 1, 0, payload, MSG_PAYLOAD_MAX_BYTES), 0);
	assert_int_equal(msg_receive(pair[1], &m), 1);
	assert_int_equal(m.size, MSG_PAYLOAD_MAX_BYTES);
	assert_int_equal(m.payload[MSG_PAYLOAD_MAX_BYTES - 1], 0x5a);
	assert_int_equal(msg_send(pair[0], 1, 0, payload, MSG_PAYLOAD_MAX_BYTES + 1), -EMSGSIZE);
	free(payload);
	msg_free(&m);
	close(pair[0]);
	close(pair[1]);
}

static void a_short_frame_is_refused(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(msg_pair(pair), 0);
	struct msg m = {0};
	assert_int_equal(send(pair[0], "abc", 3, 0), 3);
	assert_int_equal(msg_receive(pair[1], &m), -EBADMSG);
	msg_free(&m);
	close(pair[0]);
	close(pair[1]);
}

static void descriptors_travel_and_the_untaken_are_closed(void **state)
{
	(void)state;
	int pair[2], pipes[2];
	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(pipe(pipes), 0);
	int fds[2] = {pipes[1], pipes[1]};
	struct msg m = {0};
	assert_int_equal(msg_send_fds(pair[0], 1, 0, NULL, 0, fds, 2), 0);
	close(pipes[1]);
	assert_int_equal(msg_receive(pair[1], &m), 1);
	assert_int_equal(m.fd_count, 2);
	int taken = msg_take_fd(&m, 0);
	assert_int_equal(msg_take_fd(&m, 2), -1);
	assert_int_equal(write(taken, "x", 1), 1);
	close(taken);
	msg_free(&m); /* closes the second: the pipe has no writer left */
	char byte;
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	close(pair[0]);
	close(pair[1]);
}

static void waiting_ends_at_its_time(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(msg_pair(pair), 0);
	struct msg m = {0};
	assert_int_equal(msg_wait(pair[0], &m, 10), -ETIMEDOUT);
	msg_free(&m);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frame_arrives_whole),
	    cmocka_unit_test(the_largest_frame_passes_and_one_more_byte_does_not),
	    cmocka_unit_test(a_short_frame_is_refused),
	    cmocka_unit_test(descriptors_travel_and_the_untaken_are_closed),
	    cmocka_unit_test(waiting_ends_at_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
