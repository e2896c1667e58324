#include "image/cli/gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/msg.h"
#include "image/cli/cli.h"
#include "vpn/gateway/messages.h"

enum { ANSWER_MS = 10000, ANSWER_MAX_BYTES = 64 << 20 };

static int connect_gateway(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	return fd;
}

/* Parts until the last one, into `text`. */
static int receive_answer(int fd, struct buf *text)
{
	struct msg m = {0};
	int error = 0;
	bool last = false;
	while (!last && !error) {
		size_t size;
		int got = msg_wait(fd, &m, ANSWER_MS);
		if (got != 1) {
			error = got < 0 ? got : -EPIPE;
			break;
		}
		struct reader r = reader_over(m.payload, m.size);
		last = read_u8(&r);
		const uint8_t *part = read_blob(&r, &size);
		error = reader_done(&r) ? buf_append(text, part, size, ANSWER_MAX_BYTES) : -EBADMSG;
	}
	msg_free(&m);
	return error;
}

json_t *gateway_ask(const char *socket_path, json_t *request)
{
	struct buf text = {0};
	json_t *answer = NULL;
	char *json = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int fd = connect_gateway(socket_path);
	int error = fd < 0 ? fd : json ? msg_send(fd, GW_CONTROL, 1, json, strlen(json)) : -ENOMEM;
	if (!error)
		error = receive_answer(fd, &text);
	if (!error)
		answer = json_loadb((const char *)text.data, text.size, 0, NULL);
	if (error)
		refuse(
		    "the gateway does not answer at %s (%s): is sekisho-gateway.service running, and are you root or "
		    "in the group sekisho-admin?",
		    socket_path, strerror(-error));
	else if (!answer)
		refuse("the gateway's answer is not JSON: are `sekisho' and gatewayd of one version?");
	else if (json_is_false(json_object_get(answer, "ok")))
		refuse("%s", json_string_value(json_object_get(answer, "error")));
	if (answer && json_is_false(json_object_get(answer, "ok"))) {
		json_decref(answer);
		answer = NULL;
	}
	if (fd >= 0)
		close(fd);
	buf_free(&text);
	free(json);
	json_decref(request);
	return answer;
}

const char *gateway_who(void)
{
	const char *name = getenv("SUDO_USER");
	return name && *name ? name : getuid() == 0 ? "root" : "console";
}
