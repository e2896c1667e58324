/*
 * link - finds a way out of this PC: watches the interfaces that the wall has covered and brought up, runs dhcpcd on
 * each that has a cable, and tells the launcher how far it is. The kernel's tables are what counts; dhcpcd's hook only
 * says why there is nothing in them yet. Where there is a radio it tells wpa_supplicant which networks may be joined
 * (link_wifi.h): none but those that the customer chose.
 */
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/children.h"
#include "launcher/link_radio.h"
#include "launcher/link_starter.h"
#include "launcher/link_view.h"
#include "launcher/messages.h"

static const struct self self = {
    .name = "link",
    .holds = "nothing",
    .reads = "rtnetlink; one word at a time from dhcpcd's hook; what wpa_supplicant says of networks",
    .speaks_to = "launcher, its own starter, wpa_supplicant",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_DATAGRAM,
    .open_files_max = 32,
    .memory_max_bytes = 128 << 20,
};

enum { SETTLE_MS = 50, BACKOFF_FIRST_MS = 1000, BACKOFF_LAST_MS = 30000, GOOD_RUN_MS = 60000, WORD_BYTES = 64 };

struct client {
	char name[LINK_NAME_BYTES]; /* "": free */
	bool running, ending;
	int64_t started_ms, backoff_ms;
	struct loop_timer *retry;
	char word[WORD_BYTES]; /* what the hook said last */
};

struct link {
	struct loop *loop;
	int events, kernel, hook, starter;
	struct loop_timer *settle;
	struct link_view view;
	struct client clients[LINK_INTERFACES_MAX];
	uint8_t told[512]; /* the last MSG_LINK_STATE: not repeated */
	size_t told_size;
};

static struct link link_process;

static struct client *find_client(const char *name)
{
	for (size_t i = 0; i < LINK_INTERFACES_MAX; i++)
		if (strcmp(link_process.clients[i].name, name) == 0)
			return &link_process.clients[i];
	return NULL;
}

static void order(uint16_t type, const char *name)
{
	if (msg_send(link_process.starter, type, 0, name, strlen(name)))
		fatal("the starter is gone");
}

static void start_client(struct client *client)
{
	client->running = true;
	client->started_ms = now_ms();
	order(STARTER_START, client->name);
}

/* The hook's reasons (dhcpcd-run-hooks(8)) that tell a person on the telephone something. */
static const char *explain(const struct client *client)
{
	static const struct {
		const char *word, *text;
	} table[] = {
	    {"NAK", "the router refuses the address"},
	    {"EXPIRE", "the address ran out"},
	    {"FAIL", "no address came"},
	    {"TIMEOUT", "no answer to the request for an address"},
	    {"IPV4LL", "no answer to the request for an address"},
	};
	for (size_t i = 0; client && i < sizeof table / sizeof table[0]; i++)
		if (strcmp(client->word, table[i].word) == 0)
			return table[i].text;
	return client && client->backoff_ms > BACKOFF_FIRST_MS ? "the address client does not run" : "";
}

static const char *detail_of(enum link_state state, const struct link_interface *best)
{
	if (!best)
		return "";
	return state == LINK_UP ? best->address : state == LINK_WAITING_ADDRESS ? explain(find_client(best->name)) : "";
}

static void tell_state(void)
{
	const struct link_interface *best;
	enum link_state state = link_view_state(&link_process.view, &best);
	uint8_t payload[sizeof link_process.told];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, state);
	write_str(&w, best ? best->name : "");
	write_str(&w, detail_of(state, best));
	if (w.failed || (w.size == link_process.told_size && memcmp(payload, link_process.told, w.size) == 0))
		return;
	memcpy(link_process.told, payload, w.size);
	link_process.told_size = w.size;
	if (msg_send(CHILD_CHANNEL_FD, MSG_LINK_STATE, 0, payload, w.size))
		fatal("the launcher is gone");
}

static void begin_client(const struct link_interface *interface)
{
	struct client *client = find_client("");
	if (!client || !starter_plain_name(interface->name, strlen(interface->name)))
		return;
	memcpy(client->name, interface->name, sizeof client->name);
	client->backoff_ms = BACKOFF_FIRST_MS;
	start_client(client);
}

/* Its place is free, and another may begin, when the one that runs has ended. */
static void end_client(struct client *client)
{
	loop_timer_set(client->retry, -1);
	if (!client->running) {
		client->name[0] = client->word[0] = '\0';
		client->ending = false;
	} else if (!client->ending) {
		client->ending = true;
		order(STARTER_STOP, client->name);
	}
}

/* With the cable its client ends, and begins anew with the next: one that lives through a cable pulled and put back may
 * still be waiting for an answer to what it asked before. */
static bool has_cable(const struct client *client)
{
	const struct link_interface *interface = link_view_find(&link_process.view, client->name);
	return interface && interface->carrier;
}

static void look(void *context)
{
	(void)context;
	int error = link_view_read(link_process.kernel, &link_process.view);
	if (error == -EAGAIN) {
		loop_timer_set(link_process.settle, SETTLE_MS);
		return;
	}
	if (error)
		fatal("the interfaces cannot be read: %s", strerror(-error));
	for (size_t i = 0; i < LINK_INTERFACES_MAX; i++)
		if (link_process.clients[i].name[0] && !has_cable(&link_process.clients[i]))
			end_client(&link_process.clients[i]);
	for (size_t i = 0; i < link_process.view.count; i++) {
		const struct link_interface *interface = &link_process.view.list[i];
		if (interface->up && interface->carrier && !find_client(interface->name))
			begin_client(interface);
	}
	radio_see(&link_process.view);
	tell_state();
}

static void tell_wifi(const struct wifi_report *report)
{
	uint8_t payload[2048];
	struct writer w = writer_over(payload, sizeof payload);
	wifi_report_write(&w, report);
	if (w.failed || msg_send(CHILD_CHANNEL_FD, MSG_LINK_WIFI, 0, payload, w.size))
		fatal("the launcher is gone");
}

static void on_events(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	char ignored[8192];
	/* What it says does not matter, nor whether some were lost: the whole is read again. */
	while (recv(link_process.events, ignored, sizeof ignored, MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		errno = 0;
	loop_timer_set(link_process.settle, SETTLE_MS);
}

static void retry_client(void *context)
{
	struct client *client = context;
	if (client->name[0] && !client->running)
		start_client(client);
}

static int take_ended(struct msg *m, void *context)
{
	(void)context;
	struct client *client = find_client((const char *)m->payload);
	if (!client || !client->running)
		return 0;
	client->running = false;
	if (client->ending) {
		end_client(client);
		look(NULL);
		return 0;
	}
	if (now_ms() - client->started_ms > GOOD_RUN_MS)
		client->backoff_ms = BACKOFF_FIRST_MS;
	log_warn("dhcpcd on %s ended; again in %lld s", client->name, (long long)client->backoff_ms / 1000);
	loop_timer_set(client->retry, client->backoff_ms);
	client->backoff_ms = client->backoff_ms * 2 > BACKOFF_LAST_MS ? BACKOFF_LAST_MS : client->backoff_ms * 2;
	tell_state();
	return 0;
}

static const struct channel_row starter_rows[] = {{STARTER_ENDED, 1, LINK_NAME_BYTES - 1, take_ended}};

static void on_starter_gone(int error, void *context)
{
	(void)error;
	(void)context;
	fatal("the starter is gone");
}

static struct channel starter = {.peer = "the starter", .rows = starter_rows, .row_count = 1, .ended = on_starter_gone};
static struct channel launcher = {.peer = "the launcher", .rows = radio_rows, .row_count = RADIO_ROWS};

/* "REASON interface", from a process of uid 0 only. */
static void on_hook(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	char text[WORD_BYTES + LINK_NAME_BYTES];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = sizeof text - 1};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(link_process.hook, &message, MSG_DONTWAIT);
	const struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	struct ucred sender = {.uid = (uid_t)-1};
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(c), sizeof sender);
	if (sender.uid != 0)
		return;
	text[got] = '\0';
	char *space = strchr(text, ' ');
	struct client *client = space ? find_client(space + 1) : NULL;
	if (!client || !space[1] || space - text >= WORD_BYTES)
		return;
	*space = '\0';
	memcpy(client->word, text, (size_t)(space - text) + 1);
	tell_state();
}

static int open_hook(void)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	memcpy(own.sun_path + 1, LINK_HOOK_ADDRESS, sizeof LINK_HOOK_ADDRESS - 1);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof LINK_HOOK_ADDRESS);
	int yes = 1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0 ||
	    bind(fd, (struct sockaddr *)&own, size) < 0)
		fatal("no socket for dhcpcd's hook: %s", strerror(errno));
	return fd;
}

/* Before anything else is open: the starter inherits the capabilities and nothing but its end of the pair. */
static int fork_starter(void)
{
	int pair[2];
	int error = msg_pair(pair);
	pid_t pid = error ? -1 : fork();
	if (pid < 0)
		fatal("the starter cannot start: %s", strerror(error ? -error : errno));
	if (pid == 0) {
		if (dup2(pair[1], CHILD_CHANNEL_FD) < 0)
			fatal("the starter cannot start: %s", strerror(errno));
		close_above(CHILD_CHANNEL_FD);
		exit(starter_run(CHILD_CHANNEL_FD));
	}
	close(pair[1]);
	return pair[0];
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0)
		fatal("capabilities cannot be dropped: %s", strerror(errno));
}

static void watch(int fd, loop_fd_fn *fn)
{
	if (fd < 0 || !loop_watch(link_process.loop, fd, EPOLLIN, fn, NULL))
		fatal("no event loop: %s", strerror(fd < 0 ? -fd : errno));
}

int link_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	close_above(CHILD_CHANNEL_FD);
	link_process.starter = fork_starter();
	drop_capabilities();
	link_process.loop = loop_new();
	if (!link_process.loop)
		fatal("no event loop: %s", strerror(errno));
	link_process.events = link_events_open();
	link_process.kernel = link_view_open();
	link_process.hook = open_hook();
	link_process.settle = loop_timer(link_process.loop, look, NULL);
	for (size_t i = 0; i < LINK_INTERFACES_MAX; i++)
		link_process.clients[i].retry = loop_timer(link_process.loop, retry_client, &link_process.clients[i]);
	if (channel_watch(link_process.loop, CHILD_CHANNEL_FD, &launcher, NULL) ||
	    channel_watch(link_process.loop, link_process.starter, &starter, NULL))
		fatal("no event loop: %s", strerror(errno));
	watch(link_process.events, on_events);
	watch(link_process.hook, on_hook);
	int error = radio_open(link_process.loop, tell_wifi);
	if (error)
		fatal("no socket for wpa_supplicant: %s", strerror(-error));
	if (link_process.kernel < 0 || sandbox_enter(&self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0))
		return 1;
	look(NULL);
	return loop_run(link_process.loop) || launcher.error ? 1 : 0;
}
