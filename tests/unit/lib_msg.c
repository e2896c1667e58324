#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
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
	uint8_t *payload = calloc(1, MSG_LARGE_MAX_BYTES + 1);
	assert_non_null(payload);
	payload[MSG_PAYLOAD_MAX_BYTES - 1] = 0x5a;
	struct msg m = {0};
	assert_int_equal(msg_send(pair[0], 1, 0, payload, MSG_PAYLOAD_MAX_BYTES), 0);
	assert_int_equal(msg_receive(pair[1], &m), 1);
	assert_int_equal(m.size, MSG_PAYLOAD_MAX_BYTES);
	assert_int_equal(m.payload[MSG_PAYLOAD_MAX_BYTES - 1], 0x5a);
	/* one byte more goes in two frames, which only who expects such messages takes */
	assert_int_equal(msg_send(pair[0], 1, 0, payload, MSG_PAYLOAD_MAX_BYTES + 1), 0);
	assert_int_equal(msg_receive(pair[1], &m), -EBADMSG);
	assert_int_equal(msg_send(pair[0], 1, 0, payload, MSG_LARGE_MAX_BYTES + 1), -EMSGSIZE);
	assert_int_equal(msg_send_fds(pair[0], 1, 0, payload, MSG_PAYLOAD_MAX_BYTES + 1, pair, 1), -EMSGSIZE);
	free(payload);
	msg_free(&m);
	close(pair[0]);
	close(pair[1]);
}

/* The clock and the waiting are the test's: each time the sender waits for room, the peer takes one frame and a second
 * has passed. */
static struct {
	int reader; /* -1: real time */
	int64_t seconds;
	unsigned frames;
} slow = {.reader = -1};

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (slow.reader < 0)
		return __real_clock_gettime(clock, now);
	*now = (struct timespec){.tv_sec = 1000 + slow.seconds};
	return 0;
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	static uint8_t frame[MSG_PAYLOAD_MAX_BYTES + 8];
	if (slow.reader < 0)
		return __real_poll(fds, count, timeout_ms);
	slow.seconds++;
	slow.frames++;
	return recv(slow.reader, frame, sizeof frame, MSG_DONTWAIT) > 0 ? 1 : 0;
}

/* Who takes each frame a moment before it would be late holds the sender no longer than who takes none. */
static void a_slow_peer_holds_no_longer_than_a_dead_one(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(msg_pair(pair), 0);
	uint8_t *payload = calloc(1, MSG_LARGE_MAX_BYTES);
	assert_non_null(payload);
	slow.reader = pair[1];
	slow.seconds = slow.frames = 0;
	int error = msg_send(pair[0], 1, 0, payload, MSG_LARGE_MAX_BYTES);
	const int64_t seconds = slow.seconds;
	slow.reader = -1;
	assert_int_equal(error, -ETIMEDOUT);
	assert_in_range(seconds, 2, 6);
	free(payload);
	close(pair[0]);
	close(pair[1]);
}

enum { LARGE_BYTES = 700001 };

/* Both ends are here: the socket holds all of it. */
static void a_large_message_arrives_whole(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(msg_pair(pair), 0);
	uint8_t *payload = malloc(LARGE_BYTES);
	assert_non_null(payload);
	for (size_t i = 0; i < LARGE_BYTES; i++)
		payload[i] = (uint8_t)(i * 7 + i / 1000);
	struct msg m = {.most_bytes = LARGE_BYTES};
	for (int times = 0; times < 2; times++) {
		assert_int_equal(msg_send(pair[0], 5, 6, payload, LARGE_BYTES), 0);
		assert_int_equal(msg_send(pair[0], 7, 8, "small", 5), 0);
		assert_int_equal(msg_wait(pair[1], &m, 1000), 1);
		assert_int_equal(m.type, 5);
		assert_int_equal(m.id, 6);
		assert_int_equal(m.size, LARGE_BYTES);
		assert_memory_equal(m.payload, payload, LARGE_BYTES);
		assert_int_equal(m.payload[m.size], '\0');
		assert_int_equal(msg_receive(pair[1], &m), 1);
		assert_string_equal((char *)m.payload, "small");
		assert_null(m.large);
	}
	/* one byte over the receiver's limit */
	m.most_bytes = LARGE_BYTES - 1;
	assert_int_equal(msg_send(pair[0], 5, 6, payload, LARGE_BYTES), 0);
	assert_int_equal(msg_receive(pair[1], &m), -EBADMSG);
	assert_null(m.large);
	free(payload);
	msg_free(&m);
	assert_int_equal(m.most_bytes, LARGE_BYTES - 1);
	close(pair[0]);
	close(pair[1]);
}

static void frame(int fd, uint16_t type, uint16_t part, uint32_t id, uint32_t total, size_t size)
{
	uint8_t *data = calloc(1, size + 8);
	memcpy(data, &type, 2);
	memcpy(data + 2, &part, 2);
	memcpy(data + 4, &id, 4);
	if (part == 1)
		memcpy(data + 8, &total, 4);
	assert_int_equal(send(fd, data, size + 8, 0), size + 8);
	free(data);
}

static void a_broken_large_message_is_refused(void **state)
{
	(void)state;
	enum { FULL = MSG_PAYLOAD_MAX_BYTES, TOTAL = 2 * FULL };
	static const struct {
		uint16_t type, part;
		uint32_t id;
		size_t size;
	} seconds[] = {
	    {5, 0, 6, 10},       /* another message comes between */
	    {5, 1, 6, FULL},     /* it begins again */
	    {4, 2, 6, FULL},     /* another's */
	    {5, 2, 7, FULL},     /* another's */
	    {5, 2, 6, FULL - 1}, /* not full, and not the last */
	    {5, 3, 6, FULL},     /* no part that there is */
	};
	for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
		int pair[2];
		struct msg m = {.most_bytes = TOTAL};
		assert_int_equal(msg_pair(pair), 0);
		frame(pair[0], 5, 1, 6, TOTAL, FULL);
		assert_int_equal(msg_receive(pair[1], &m), -EAGAIN);
		frame(pair[0], seconds[i].type, seconds[i].part, seconds[i].id, TOTAL, seconds[i].size);
		assert_int_equal(msg_receive(pair[1], &m), -EBADMSG);
		msg_free(&m);
		close(pair[0]);
		close(pair[1]);
	}
	static const uint32_t totals[] = {0, FULL, TOTAL + 1, UINT32_MAX};
	for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
		int pair[2];
		struct msg m = {.most_bytes = TOTAL};
		assert_int_equal(msg_pair(pair), 0);
		frame(pair[0], 5, 1, 6, totals[i], FULL);
		assert_int_equal(msg_receive(pair[1], &m), -EBADMSG);
		assert_null(m.large);
		msg_free(&m);
		close(pair[0]);
		close(pair[1]);
	}
	/* what is behind the last byte is not of it, and one that ends in the middle is none */
	int pair[2];
	struct msg m = {.most_bytes = TOTAL};
	assert_int_equal(msg_pair(pair), 0);
	frame(pair[0], 5, 1, 6, TOTAL, FULL);
	frame(pair[0], 5, 2, 6, 0, FULL);
	close(pair[0]);
	assert_int_equal(msg_receive(pair[1], &m), -EBADMSG);
	msg_free(&m);
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
	    cmocka_unit_test(a_slow_peer_holds_no_longer_than_a_dead_one),
	    cmocka_unit_test(a_large_message_arrives_whole),
	    cmocka_unit_test(a_broken_large_message_is_refused),
	    cmocka_unit_test(a_short_frame_is_refused),
	    cmocka_unit_test(descriptors_travel_and_the_untaken_are_closed),
	    cmocka_unit_test(waiting_ends_at_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
