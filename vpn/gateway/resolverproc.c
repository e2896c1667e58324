/*
 * The resolver's supervisor (`gatewayd --resolver`, a unit of its own): runs dnsmasq with the configuration that the
 * egress process writes, and starts it anew when that changes, because dnsmasq reads names and sets only at its start.
 * It has no filter of its own: dnsmasq would inherit it. The unit's walls hold both.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "vpn/gateway/children.h"

static struct config config;
static struct loop *loop;
static const char *file_name;
static int watcher, signals;
static pid_t dnsmasq = -1;
static bool again, stopping;
static int result;

static void start(void)
{
	char file[CONFIG_PATH_SIZE + 16];
	snprintf(file, sizeof file, "--conf-file=%s", config.resolver_config);
	/* As root it would look for a user "dnsmasq"; in the unit it is not root and changes nothing. */
	const char *user = getuid() == 0 ? "--user=root" : NULL;
	const char *const argv[] = {
	    config.resolver_program, "--keep-in-foreground", "--pid-file=", "--log-facility=-", file, user, NULL};
	dnsmasq = fork();
	if (dnsmasq < 0)
		fatal("dnsmasq cannot be started: %s", strerror(errno));
	if (dnsmasq > 0)
		return;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	fatal("%s: %s", argv[0], strerror(errno));
}

static bool have_file(void)
{
	struct stat status;
	return stat(config.resolver_config, &status) == 0;
}

static void on_change(uint32_t events, void *context)
{
	(void)events, (void)context;
	char data[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;
	ssize_t got = read(watcher, data, sizeof data);
	for (ssize_t at = 0; at < got;) {
		const struct inotify_event *event = (const struct inotify_event *)(data + at);
		changed |= event->len > 0 && strcmp(event->name, file_name) == 0;
		at += (ssize_t)sizeof *event + event->len;
	}
	if (!changed)
		return;
	if (dnsmasq < 0) {
		start();
	} else {
		again = true;
		kill(dnsmasq, SIGTERM);
	}
}

static void on_child(void)
{
	int status = 0;
	if (dnsmasq < 0 || waitpid(dnsmasq, &status, WNOHANG) != dnsmasq)
		return;
	dnsmasq = -1;
	if (again && !stopping) {
		again = false;
		start();
		return;
	}
	if (!stopping) {
		log_error("dnsmasq ended by itself (status %d): its own lines above say why", status);
		result = 1;
	}
	loop_stop(loop);
}

static void on_signal(uint32_t events, void *context)
{
	(void)events, (void)context;
	struct signalfd_siginfo info;
	if (read(signals, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGCHLD) {
		on_child();
		return;
	}
	stopping = true;
	if (dnsmasq < 0)
		loop_stop(loop);
	else
		kill(dnsmasq, SIGTERM);
}

static void open_everything(const char *config_path)
{
	char directory[CONFIG_PATH_SIZE];
	close(config_or_fatal(config_path, &config));
	memcpy(directory, config.resolver_config, sizeof directory);
	char *slash = strrchr(directory, '/');
	*slash = '\0';
	file_name = config.resolver_config + (slash - directory) + 1;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (signals < 0 || watcher < 0 || inotify_add_watch(watcher, directory, IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
		fatal("%s cannot be watched: %s", directory, strerror(errno));
}

int resolver_main(const char *config_path)
{
	log_open("gatewayd resolver");
	open_everything(config_path);
	loop = loop_new();
	if (!loop || !loop_watch(loop, signals, EPOLLIN, on_signal, NULL) ||
	    !loop_watch(loop, watcher, EPOLLIN, on_change, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	if (have_file())
		start();
	else
		log_info("waiting for %s", config.resolver_config);
	loop_run(loop);
	return result;
}
