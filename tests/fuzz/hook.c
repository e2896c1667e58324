#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher/foreign.h"
#include "launcher/ids.h"
#include "tests/fuzz/still.h"

static ssize_t hook_says(int fd, struct msghdr *message, int flags);

/* the process whole: it reads the hook's word by a function of its own */
#define recvmsg hook_says
#include "launcher/linkproc.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * What dhcpcd's hook says to link. Whoever is in the underlay's namespace can write to that address: only what uid 0
 * sent is looked at, only of an interface that has a client, and the launcher is told whole sentences of our own.
 */

static struct {
	const uint8_t *data;
	size_t size;
	uid_t sender;
	bool has_sender;
	size_t told;
} hook;

static ssize_t hook_says(int fd, struct msghdr *message, int flags)
{
	struct ucred from = {.pid = 1, .uid = hook.sender, .gid = hook.sender};
	if (fd != link_process.hook || flags != MSG_DONTWAIT || message->msg_iovlen != 1)
		abort();
	size_t room = message->msg_iov[0].iov_len, given = hook.size < room ? hook.size : room;
	if (given > 0)
		memcpy(message->msg_iov[0].iov_base, hook.data, given);
	if (!hook.has_sender) {
		message->msg_controllen = 0;
		return (ssize_t)given;
	}
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	*c =
	    (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof from), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
	memcpy(CMSG_DATA(c), &from, sizeof from);
	message->msg_controllen = CMSG_SPACE(sizeof from);
	return (ssize_t)given;
}

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	struct reader r = reader_over(payload, size);
	char name[LINK_NAME_BYTES], detail[256];
	if (fd != CHILD_CHANNEL_FD || type != MSG_LINK_STATE || id != 0)
		return 0;
	uint8_t state = read_u8(&r);
	read_str(&r, name, sizeof name);
	read_str(&r, detail, sizeof detail);
	if (!reader_done(&r) || state > LINK_UP || (name[0] && !starter_plain_name(name, strlen(name))))
		abort();
	for (const char *at = detail; *at; at++)
		if ((uint8_t)*at < ' ' || (uint8_t)*at >= 0x7f)
			abort();
	hook.told++;
	return 0;
}
int msg_pair(int fds[2]) { return fds ? -ENOSYS : 0; }
int channel_watch(struct loop *loop, int fd, struct channel *channel, void *context)
{
	(void)loop, (void)fd, (void)channel, (void)context;
	return 0;
}
int sandbox_enter(const struct self *of) { return of ? 0 : -EINVAL; }
int sandbox_enter_files(const struct self *of) { return of ? 0 : -EINVAL; }
int foreign_enter(enum foreign which) { return (int)which < 0; }
void close_above(int fd) { (void)fd; }

static void begin(void)
{
	link_process = (struct link){.hook = 7, .view = {.count = 2}};
	static const char *const names[] = {"eth0", "enp0s31f6"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct link_interface *interface = &link_process.view.list[i];
		snprintf(interface->name, sizeof interface->name, "%s", names[i]);
		interface->index = (int)i + 1;
		interface->up = interface->carrier = true;
		snprintf(link_process.clients[i].name, sizeof link_process.clients[i].name, "%s", names[i]);
		link_process.clients[i].running = true;
		link_process.clients[i].backoff_ms = BACKOFF_FIRST_MS;
	}
}

/* First byte: 1 a sender is given, 2 it is not uid 0; the rest is the datagram. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	begin();
	hook.data = data + 1;
	hook.size = size - 1;
	hook.has_sender = data[0] & 1;
	hook.sender = data[0] & 2 ? ID_LINK : 0;
	hook.told = 0;
	on_hook(EPOLLIN, NULL);
	for (size_t i = 0; i < LINK_INTERFACES_MAX; i++)
		if (!memchr(link_process.clients[i].word, '\0', WORD_BYTES))
			abort();
	bool known = link_process.clients[0].word[0] || link_process.clients[1].word[0];
	if ((hook.told || known) && (!hook.has_sender || hook.sender != 0))
		abort();
	return 0;
}
