#include "firmware/lib/msg.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/buf.h"

enum { SEND_TIMEOUT_MS = 5000, SOCKET_BUFFER_BYTES = 1 << 20 };

struct frame_header {
	uint16_t type;
	uint16_t reserved;
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

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	return msg_send_fds(fd, type, id, payload, size, NULL, 0);
}

int msg_send_fds(int fd, uint16_t type, uint32_t id, const void *payload, size_t size, const int *fds, size_t fd_count)
{
	if (size > MSG_PAYLOAD_MAX_BYTES || fd_count > MSG_FDS_MAX)
		return -EMSGSIZE;
	struct frame_header header = {.type = type, .id = id};
	struct iovec parts[2] = {
	    {.iov_base = &header, .iov_len = sizeof header},
	    {.iov_base = (void *)(uintptr_t)payload, .iov_len = size},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1};
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
		int error = wait_for(fd, POLLOUT, SEND_TIMEOUT_MS);
		if (error)
			return error;
	}
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

int msg_receive(int fd, struct msg *m)
{
	const size_t capacity = sizeof(struct frame_header) + MSG_PAYLOAD_MAX_BYTES;
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
	struct frame_header header;
	if ((size_t)got < sizeof header || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		msg_close_fds(m);
		return -EBADMSG;
	}
	memcpy(&header, m->buffer, sizeof header);
	m->type = header.type;
	m->id = header.id;
	m->size = (size_t)got - sizeof header;
	m->payload = m->buffer + sizeof header;
	m->payload[m->size] = '\0';
	return 1;
}

int msg_wait(int fd, struct msg *m, int timeout_ms)
{
	int got = msg_receive(fd, m);
	if (got != -EAGAIN)
		return got;
	int error = wait_for(fd, POLLIN, timeout_ms);
	return error ? error : msg_receive(fd, m);
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
	*m = (struct msg){0};
}
