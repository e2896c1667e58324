#include "firmware/lib/msg.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/buf.h"

enum { SEND_TIMEOUT_MS = 5000 /* of a whole message */, SOCKET_BUFFER_BYTES = 1 << 20 };

enum part { PART_WHOLE, PART_FIRST, PART_NEXT };

struct frame_header {
	uint16_t type;
	uint16_t part; /* enum part */
	uint32_t id;
};

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
};

int msg_pair(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	/* Room for a few of the largest frames; a refusal only means the system's smaller limit stands. */
	int bytes = SOCKET_BUFFER_BYTES;
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
			(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	return 0;
}

static int wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int ready;
	do
		ready = poll(&p, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	return ready == 0 ? -ETIMEDOUT : 0;
}

static int64_t milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	return msg_send_fds(fd, type, id, payload, size, NULL, 0);
}

/* One frame: `head` (NULL: nothing) and `data` after its header. A full socket is waited for until `until_ms`. */
static int send_frame(int fd, const struct frame_header *header, const uint32_t *head, const void *data, size_t size,
		      const int *fds, size_t fd_count, int64_t until_ms)
{
	struct iovec parts[3] = {
	    {.iov_base = (void *)(uintptr_t)header, .iov_len = sizeof *header},
	    {.iov_base = (void *)(uintptr_t)head, .iov_len = head ? sizeof *head : 0},
	    {.iov_base = (void *)(uintptr_t)data, .iov_len = size},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = size > 0 ? 3 : 1};
	union control control = {0};
	if (fd_count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
	}
	for (;;) {
		if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		int64_t left_ms = until_ms - milliseconds();
		int error = left_ms > 0 ? wait_for(fd, POLLOUT, (int)left_ms) : -ETIMEDOUT;
		if (error)
			return error;
	}
}

static int send_large(int fd, uint16_t type, uint32_t id, const uint8_t *payload, size_t size)
{
	struct frame_header header = {.type = type, .part = PART_FIRST, .id = id};
	const uint32_t total = (uint32_t)size;
	const int64_t until_ms = milliseconds() + SEND_TIMEOUT_MS;
	size_t sent = MSG_PAYLOAD_MAX_BYTES - sizeof total;
	int error = send_frame(fd, &header, &total, payload, sent, NULL, 0, until_ms);
	header.part = PART_NEXT;
	while (!error && sent < size) {
		size_t next = size - sent < MSG_PAYLOAD_MAX_BYTES ? size - sent : MSG_PAYLOAD_MAX_BYTES;
		error = send_frame(fd, &header, NULL, payload + sent, next, NULL, 0, until_ms);
		sent += next;
	}
	return error;
}

int msg_send_fds(int fd, uint16_t type, uint32_t id, const void *payload, size_t size, const int *fds, size_t fd_count)
{
	const struct frame_header header = {.type = type, .part = PART_WHOLE, .id = id};
	if (fd_count > MSG_FDS_MAX || size > (fd_count ? MSG_PAYLOAD_MAX_BYTES : MSG_LARGE_MAX_BYTES))
		return -EMSGSIZE;
	if (size > MSG_PAYLOAD_MAX_BYTES)
		return send_large(fd, type, id, payload, size);
	return send_frame(fd, &header, NULL, payload, size, fds, fd_count, milliseconds() + SEND_TIMEOUT_MS);
}

static void collect_fds(struct msghdr *message, struct msg *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (m->fd_count < MSG_FDS_MAX)
				m->fds[m->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

static void drop_large(struct msg *m)
{
	if (m->large)
		wipe(m->large, m->large_size);
	free(m->large);
	m->large = NULL;
	m->large_size = m->large_have = 0;
}

/* One frame into m->buffer. 1, 0, or -errno as msg_receive(). */
static int receive_frame(int fd, struct msg *m, struct frame_header *header)
{
	const size_t capacity = sizeof *header + MSG_PAYLOAD_MAX_BYTES;
	msg_close_fds(m);
	if (!m->buffer) {
		m->buffer = malloc(capacity + 1);
		if (!m->buffer)
			return -ENOMEM;
	}
	union control control;
	struct iovec part = {.iov_base = m->buffer, .iov_len = capacity};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got;
	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? 0 : -errno;
	collect_fds(&message, m);
	if (got == 0 && m->fd_count == 0)
		return 0;
	if ((size_t)got < sizeof *header || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		msg_close_fds(m);
		return -EBADMSG;
	}
	memcpy(header, m->buffer, sizeof *header);
	m->size = (size_t)got - sizeof *header;
	m->payload = m->buffer + sizeof *header;
	return 1;
}

static int begin_large(struct msg *m, const struct frame_header *header)
{
	struct reader r = reader_over(m->payload, m->size);
	size_t total = read_u32(&r);
	if (m->large || m->size != MSG_PAYLOAD_MAX_BYTES || total <= MSG_PAYLOAD_MAX_BYTES || total > m->most_bytes)
		return -EBADMSG;
	m->large = malloc(total + 1);
	if (!m->large)
		return -ENOMEM;
	m->large_size = total;
	m->large_type = header->type;
	m->large_id = header->id;
	m->large_have = m->size - r.at;
	memcpy(m->large, m->payload + r.at, m->large_have);
	return 0;
}

static int continue_large(struct msg *m, const struct frame_header *header)
{
	size_t rest = m->large_size - m->large_have;
	if (!m->large || header->type != m->large_type || header->id != m->large_id ||
	    m->size != (rest < MSG_PAYLOAD_MAX_BYTES ? rest : MSG_PAYLOAD_MAX_BYTES))
		return -EBADMSG;
	memcpy(m->large + m->large_have, m->payload, m->size);
	m->large_have += m->size;
	return 0;
}

/* 1: with this frame the message is whole. 0: not yet. */
static int take_frame(struct msg *m, const struct frame_header *header)
{
	int error = 0;
	if (header->part == PART_WHOLE)
		error = m->large ? -EBADMSG : 0;
	else if (m->fd_count > 0)
		error = -EBADMSG;
	else if (header->part == PART_FIRST)
		error = begin_large(m, header);
	else
		error = header->part == PART_NEXT ? continue_large(m, header) : -EBADMSG;
	if (header->part != PART_WHOLE)
		wipe(m->payload, m->size);
	if (error || m->large_have < m->large_size)
		return error;
	if (m->large) {
		m->payload = m->large;
		m->size = m->large_size;
	}
	m->type = header->type;
	m->id = header->id;
	m->payload[m->size] = '\0';
	return 1;
}

int msg_receive(int fd, struct msg *m)
{
	struct frame_header header = {0};
	if (m->large && m->large_have == m->large_size)
		drop_large(m);
	for (;;) {
		int got = receive_frame(fd, m, &header);
		if (got == 1)
			got = take_frame(m, &header);
		else if (got == 0)
			return m->large ? -EBADMSG : 0; /* it closed in the middle of what it said */
		if (got == -EBADMSG)
			msg_close_fds(m);
		if (got)
			return got;
	}
}

int msg_wait(int fd, struct msg *m, int timeout_ms)
{
	const int64_t until = milliseconds() + timeout_ms;
	for (;;) {
		int got = msg_receive(fd, m);
		if (got != -EAGAIN)
			return got;
		int64_t left = until - milliseconds();
		int error = wait_for(fd, POLLIN, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0);
		if (error)
			return error;
	}
}

int msg_take_fd(struct msg *m, size_t nth)
{
	if (nth >= m->fd_count)
		return -1;
	int fd = m->fds[nth];
	m->fds[nth] = -1;
	return fd;
}

void msg_close_fds(struct msg *m)
{
	for (size_t i = 0; i < m->fd_count; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->fd_count = 0;
}

void msg_free(struct msg *m)
{
	msg_close_fds(m);
	if (m->buffer) {
		wipe(m->buffer, sizeof(struct frame_header) + MSG_PAYLOAD_MAX_BYTES);
		free(m->buffer);
	}
	drop_large(m);
	*m = (struct msg){.most_bytes = m->most_bytes};
}
