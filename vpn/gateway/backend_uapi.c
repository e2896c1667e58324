#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "vpn/gateway/backend.h"

enum {
	ANSWER_MAX_BYTES = 64 << 20,
	ANSWER_TIMEOUT_MS = 5000,
	REQUEST_PEER_BYTES = 160,
	REQUEST_HEAD_BYTES = 160,
	ERRNO_MAX = 4095
};

struct uapi {
	struct backend backend;
	int fd;
	struct buf answer;
};

static int send_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		text += sent;
		size -= (size_t)sent;
	}
	return 0;
}

/* An answer ends with an empty line. */
static bool is_complete(const struct buf *answer)
{
	return answer->size >= 2 && memcmp(answer->data + answer->size - 2, "\n\n", 2) == 0;
}

static int receive_answer(struct uapi *uapi)
{
	uapi->answer.size = 0;
	while (!is_complete(&uapi->answer)) {
		char chunk[16384];
		struct pollfd ready = {.fd = uapi->fd, .events = POLLIN};
		int count = poll(&ready, 1, ANSWER_TIMEOUT_MS);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -ETIMEDOUT;
		ssize_t got = recv(uapi->fd, chunk, sizeof chunk, 0);
		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		int error = buf_append(&uapi->answer, chunk, (size_t)got, ANSWER_MAX_BYTES);
		if (error)
			return error;
	}
	uapi->answer.data[uapi->answer.size - 1] = '\0';
	return 0;
}

static int check_errno(const char *answer)
{
	const char *line = strstr(answer, "errno=");
	long number = line ? strtol(line + strlen("errno="), NULL, 10) : EBADMSG;
	if (number < -ERRNO_MAX || number > ERRNO_MAX)
		return -EBADMSG;
	return number > 0 ? -(int)number : (int)number;
}

static int exchange(struct uapi *uapi, const char *request, size_t size)
{
	int error = send_all(uapi->fd, request, size);
	if (!error)
		error = receive_answer(uapi);
	return error ? error : check_errno((const char *)uapi->answer.data);
}

static void key_to_hex(const uint8_t key[WG_KEY_BYTES], char hex[2 * WG_KEY_BYTES + 1])
{
	for (size_t i = 0; i < WG_KEY_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
}

static bool key_from_hex(const char *hex, uint8_t key[WG_KEY_BYTES])
{
	if (strlen(hex) != 2 * WG_KEY_BYTES)
		return false;
	for (size_t i = 0; i < WG_KEY_BYTES; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'}, *end;
		key[i] = (uint8_t)strtoul(digits, &end, 16);
		if (*end)
			return false;
	}
	return true;
}

static int uapi_set_device(struct backend *backend, const uint8_t private_key[WG_KEY_BYTES], uint16_t port)
{
	char hex[2 * WG_KEY_BYTES + 1], request[REQUEST_HEAD_BYTES];
	key_to_hex(private_key, hex);
	int size = snprintf(request, sizeof request, "set=1\nprivate_key=%s\nlisten_port=%u\n\n", hex, port);
	int error = exchange((struct uapi *)backend, request, (size_t)size);
	wipe(hex, sizeof hex);
	wipe(request, sizeof request);
	return error;
}

static int uapi_set_peers(struct backend *backend, const struct backend_peer *peers, size_t count)
{
	struct buf request = {0};
	int error = buf_append(&request, "set=1\n", 6, ANSWER_MAX_BYTES);
	for (size_t i = 0; i < count && !error; i++) {
		char hex[2 * WG_KEY_BYTES + 1], address[INET_ADDRSTRLEN], text[REQUEST_PEER_BYTES];
		key_to_hex(peers[i].key, hex);
		inet_ntop(AF_INET, &peers[i].address, address, sizeof address);
		int size = peers[i].remove
			       ? snprintf(text, sizeof text, "public_key=%s\nremove=true\n", hex)
			       : snprintf(text, sizeof text,
					  "public_key=%s\nreplace_allowed_ips=true\nallowed_ip=%s/32\n", hex, address);
		error = buf_append(&request, text, (size_t)size, ANSWER_MAX_BYTES);
	}
	if (!error)
		error = buf_append(&request, "\n", 1, ANSWER_MAX_BYTES);
	if (!error)
		error = exchange((struct uapi *)backend, (const char *)request.data, request.size);
	buf_free(&request);
	return error;
}

static void take_line(struct backend_status *status, const char *key, const char *value)
{
	if (strcmp(key, "endpoint") == 0)
		snprintf(status->endpoint, sizeof status->endpoint, "%s", value);
	else if (strcmp(key, "last_handshake_time_sec") == 0)
		status->handshake = strtoll(value, NULL, 10);
	else if (strcmp(key, "rx_bytes") == 0)
		status->received_bytes = strtoull(value, NULL, 10);
	else if (strcmp(key, "tx_bytes") == 0)
		status->sent_bytes = strtoull(value, NULL, 10);
}

static int uapi_each(struct backend *backend, backend_status_fn *fn, void *context)
{
	struct uapi *uapi = (struct uapi *)backend;
	int error = exchange(uapi, "get=1\n\n", 7);
	if (error)
		return error;
	struct backend_status status;
	bool in_peer = false;
	char *next, *line = (char *)uapi->answer.data;
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		char *equals = strchr(line, '=');
		if (!equals)
			continue;
		*equals = '\0';
		if (strcmp(line, "public_key") == 0) {
			if (in_peer)
				fn(&status, context);
			status = (struct backend_status){0};
			in_peer = key_from_hex(equals + 1, status.key);
		} else if (in_peer) {
			take_line(&status, line, equals + 1);
		}
	}
	if (in_peer)
		fn(&status, context);
	return 0;
}

static void uapi_free(struct backend *backend)
{
	struct uapi *uapi = (struct uapi *)backend;
	close(uapi->fd);
	buf_free(&uapi->answer); /* wiped: it held the private key */
	free(uapi);
}

struct backend *backend_uapi(int fd)
{
	static const struct backend_ops ops = {uapi_set_device, uapi_set_peers, uapi_each, uapi_free};
	struct uapi *uapi = calloc(1, sizeof *uapi);
	if (!uapi)
		return NULL;
	uapi->backend.ops = &ops;
	uapi->fd = fd;
	return &uapi->backend;
}
