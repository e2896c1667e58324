#include "vpn/gateway/proxylink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/loop.h"

enum { ANSWER_MS = 2000, ANSWER_MAX_BYTES = 64 << 20 };

static int wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = until_ms - now_ms();
	int got = left > 0 ? poll(&p, 1, (int)left) : 0;
	return got > 0 ? 0 : got == 0 ? -ETIMEDOUT : errno == EINTR ? 0 : -errno;
}

static int send_all(int fd, const char *text, int64_t until_ms)
{
	size_t size = strlen(text), at = 0;
	while (at < size) {
		ssize_t sent = send(fd, text + at, size - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent > 0)
			at += (size_t)sent;
		int error = at < size ? wait_for(fd, POLLOUT, until_ms) : 0;
		if (error)
			return error;
	}
	return 0;
}

/* The prompt that ends an answer: "> " at the beginning of a line. */
static bool is_whole(const struct buf *answer)
{
	return answer->size >= 3 && memcmp(answer->data + answer->size - 3, "\n> ", 3) == 0;
}

int proxylink_ask(int fd, const char *command, struct buf *answer)
{
	int64_t until_ms = now_ms() + ANSWER_MS;
	answer->size = 0;
	int error = send_all(fd, command, until_ms);
	while (!error && !is_whole(answer)) {
		char data[16384];
		ssize_t got = recv(fd, data, sizeof data, MSG_DONTWAIT);
		if (got > 0)
			error = buf_append(answer, data, (size_t)got, ANSWER_MAX_BYTES);
		else if (got == 0)
			error = -EPIPE;
		else if (errno != EAGAIN && errno != EINTR)
			error = -errno;
		else
			error = wait_for(fd, POLLIN, until_ms);
	}
	if (!error)
		error = buf_append(answer, "", 1, ANSWER_MAX_BYTES);
	if (!error)
		answer->size--;
	return error;
}

int proxylink_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int error = -errno;
	close(fd);
	return error;
}

int proxylink_open(const char *path)
{
	struct buf answer = {0};
	int fd = proxylink_connect(path);
	if (fd < 0)
		return fd;
	int error = proxylink_ask(fd, "prompt\n", &answer);
	buf_free(&answer);
	if (!error)
		return fd;
	close(fd);
	return error;
}
