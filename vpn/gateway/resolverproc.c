/*
 * The supervisor of dnsmasq (`gatewayd --resolver') and that of haproxy (`gatewayd --proxy'), each a unit of its own:
 * it runs the program with the configuration that the egress process writes, and starts it anew when that changes,
 * because dnsmasq reads names and sets, and haproxy its addresses, only at the start. It has no filter of its own: the
 * program would inherit it. The unit's walls hold both.
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
#include "vpn/gateway/proxy.h"

static struct config config;
static struct loop *loop;
static char file[CONFIG_PATH_SIZE + 16];
static const char *file_name;
static const char *argv[8];
static int watcher, signals;
static pid_t program = -1;
static bool again, stopping;
static int result;

static void start(void)
{
	program = fork();
	if (program < 0)
		fatal("%s cannot be started: %s", argv[0], strerror(errno));
	if (program > 0)
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
	return stat(file, &status) == 0;
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
	if (program < 0) {
		start();
	} else {
		again = true;
		kill(program, SIGTERM);
	}
}

static void on_child(void)
{
	int status = 0;
	if (program < 0 || waitpid(program, &status, WNOHANG) != program)
		return;
	program = -1;
	if (again && !stopping) {
		again = false;
		start();
		return;
	}
	if (!stopping) {
		log_error("%s ended by itself (status %d): its own lines above say why", argv[0], status);
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
	if (program < 0)
		loop_stop(loop);
	else
		kill(program, SIGTERM);
}

static void open_everything(void)
{
	char directory[sizeof file];
	memcpy(directory, file, sizeof directory);
	char *slash = strrchr(directory, '/');
	*slash = '\0';
	file_name = file + (slash - directory) + 1;
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

static int supervise(void)
{
	open_everything();
	loop = loop_new();
	if (!loop || !loop_watch(loop, signals, EPOLLIN, on_signal, NULL) ||
	    !loop_watch(loop, watcher, EPOLLIN, on_change, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	if (have_file())
		start();
	else
		log_info("waiting for %s", file);
	loop_run(loop);
	return result;
}

int resolver_main(const char *config_path)
{
	static char option[sizeof file + 16];
	log_open("gatewayd resolver");
	close(config_or_fatal(config_path, &config));
	snprintf(file, sizeof file, "%s", config.resolver_config);
	snprintf(option, sizeof option, "--conf-file=%s", file);
	const char *const words[] = {config.resolver_program, "--keep-in-foreground", "--pid-file=", "--log-facility=-",
				     option,
				     /* As root it would look for a user "dnsmasq"; in the unit it is not root. */
				     getuid() == 0 ? "--user=root" : NULL};
	memcpy(argv, words, sizeof words);
	return supervise();
}

int proxy_main(const char *config_path)
{
	log_open("gatewayd proxy");
	close(config_or_fatal(config_path, &config));
	proxy_config_path(&config, file);
	const char *const words[] = {config.proxy_program, "-db", "-f", file};
	memcpy(argv, words, sizeof words);
	return supervise();
}
