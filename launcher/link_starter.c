#include "launcher/link_starter.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/sandbox.h"
#include "launcher/foreign.h"

enum { CLIENTS_MAX = 32 };

#define DHCPCD        "/usr/sbin/dhcpcd"
#define DHCPCD_CONFIG "/sekisho/etc/dhcpcd.conf"

/* The starter's own, and so of all that it starts. */
static const struct self dhcpcd_files = {
    .name = "dhcpcd",
    .holds = "leases; CAP_NET_ADMIN and CAP_NET_RAW in underlay",
    .reads = "what DHCP servers and routers say",
    .speaks_to = "the network; link, by the hook",
    .promises = PROMISE_INET | PROMISE_LISTEN,
    .paths = {{"/usr", ACCESS_READ},
	      {"/etc", ACCESS_READ},
	      {"/var", ACCESS_READ},
	      {"/sekisho/etc", ACCESS_READ},
	      {"/proc", ACCESS_READ | ACCESS_WRITE}, /* settings of the interfaces */
	      {"/sys", ACCESS_READ},
	      {"/dev", ACCESS_READ | ACCESS_WRITE},
	      {"/run", ACCESS_READ | ACCESS_WRITE},
	      {DHCPCD, ACCESS_EXECUTE},
	      {"/sekisho/dhcp-hook", ACCESS_EXECUTE},
	      {"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", ACCESS_EXECUTE}},
    .abstract_sockets = true,
    .open_files_max = 256,
};

struct client {
	pid_t pid; /* 0: free */
	char name[IFNAMSIZ];
};

struct starter {
	struct loop *loop;
	int channel, signals;
	struct client clients[CLIENTS_MAX];
};

bool starter_plain_name(const char *name, unsigned long size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	return size > 0 && size < IFNAMSIZ && name[0] != '-' && name[0] != '.' && strspn(name, plain) == size;
}

static struct client *find(struct starter *s, const char *name)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].pid && strcmp(s->clients[i].name, name) == 0)
			return &s->clients[i];
	return NULL;
}

static _Noreturn void become_dhcpcd(const char *name)
{
	/* -B: stay in the foreground; one interface; everything else is in the file. */
	const char *const argv[] = {"dhcpcd", "-B", "-q", "-f", DHCPCD_CONFIG, name, NULL};
	char *const envp[] = {NULL};
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* It separates its privileges itself and needs to begin as root for that, with what capabilities we have. */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		fatal("cannot become dhcpcd: %s", strerror(errno));
	execve(DHCPCD, (char *const *)(uintptr_t)argv, envp);
	fatal("%s: %s", DHCPCD, strerror(errno));
}

static void tell_ended(struct starter *s, const char *name)
{
	if (msg_send(s->channel, STARTER_ENDED, 0, name, strlen(name)))
		loop_stop(s->loop);
}

static void start(struct starter *s, const char *name)
{
	struct client *slot = NULL;
	for (size_t i = 0; i < CLIENTS_MAX && !slot; i++)
		if (!s->clients[i].pid)
			slot = &s->clients[i];
	if (!slot || find(s, name))
		return;
	pid_t pid = fork();
	if (pid == 0)
		become_dhcpcd(name);
	if (pid < 0) {
		log_error("dhcpcd for %s: %s", name, strerror(errno));
		tell_ended(s, name);
		return;
	}
	slot->pid = pid;
	snprintf(slot->name, sizeof slot->name, "%s", name);
}

static void stop(struct starter *s, const char *name)
{
	const struct client *client = find(s, name);
	if (client)
		(void)kill(client->pid, SIGTERM);
}

static int take_order(struct msg *m, void *context)
{
	const char *name = (const char *)m->payload;
	if (!starter_plain_name(name, m->size))
		return -EBADMSG;
	if (m->type == STARTER_START)
		start(context, name);
	else
		stop(context, name);
	return 0;
}

static const struct channel_row orders[] = {
    {STARTER_START, 1, IFNAMSIZ - 1, take_order},
    {STARTER_STOP, 1, IFNAMSIZ - 1, take_order},
};

static void on_signal(uint32_t events, void *context)
{
	(void)events;
	struct starter *s = context;
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof info) == sizeof info)
		;
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (s->clients[i].pid == pid) {
				s->clients[i].pid = 0;
				tell_ended(s, s->clients[i].name);
			}
}

static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* dhcpcd undoes what it set up when it is asked to end; there is nobody left to wait for it. */
static void end_clients(struct starter *s)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].pid)
			(void)kill(s->clients[i].pid, SIGTERM);
}

int starter_run(int channel)
{
	struct channel link = CHANNEL("link", orders);
	struct starter s = {.channel = channel, .signals = open_signals(), .loop = loop_new()};
	if (s.signals < 0 || !s.loop || channel_watch(s.loop, channel, &link, &s) ||
	    !loop_watch(s.loop, s.signals, EPOLLIN, on_signal, &s))
		fatal("the starter cannot start: %s", strerror(errno));
	int error = sandbox_enter_files(&dhcpcd_files);
	if (!error)
		error = foreign_enter(FOREIGN_DHCP);
	if (error)
		fatal("no filter for dhcpcd: %s", strerror(-error));
	error = loop_run(s.loop);
	end_clients(&s);
	return error ? 1 : 0;
}
