/* The parent: opens what needs root, starts the others, starts again who ends, and says nothing itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/db.h"
#include "vpn/gateway/keys.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/setup.h"

enum { READY_MS = 20000, STOP_MS = 3000, BACK_OFF_MS = 100, BACK_OFF_MAX_MS = 30000, STEADY_MS = 60000 };

#define NET_ADMIN (1ULL << CAP_NET_ADMIN)

/* Its filter is every child's outer one, so that it holds what all of them promise together. */
static struct self self = {
    .name = "parent",
    .holds = "root: uids, capabilities, WireGuard's and TLS keys by descriptor",
    .reads = "nothing from outside",
    .speaks_to = "its children",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_LISTEN | PROMISE_NETLINK | PROMISE_READ_FILE |
		PROMISE_WRITE_FILE | PROMISE_DATABASE | PROMISE_PROCESS | PROMISE_PRIVILEGE | PROMISE_SEAL |
		PROMISE_LOCAL,
    .open_files_max = SETUP_FILES_MIN, /* or more, see setup_open_files() */
};

struct process {
	const char *name;
	uint64_t capabilities;
	struct child child;
	struct setup_user user;
	int fds[8]; /* given at GATEWAY_OWN_FD and up */
	size_t fd_count;
	int64_t started_ms, back_off_ms;
	struct loop_timer *timer;
};

/* In the order of enum gateway_role; started in this order too. */
static struct process processes[GATEWAY_ROLES] = {
    [ROLE_STORE] = {.name = "store"},
    [ROLE_POLICY] = {.name = "policy"},
    [ROLE_PEERS] = {.name = "peers", .capabilities = NET_ADMIN},
    [ROLE_EGRESS] = {.name = "egress", .capabilities = NET_ADMIN},
    [ROLE_API] = {.name = "api"},
    [ROLE_WEB] = {.name = "web"},
    [ROLE_LOOKUP] = {.name = "lookup"},
};

/* The wall before the doors: egress before anything that lets a stick in. */
static const enum gateway_role order[] = {ROLE_STORE, ROLE_EGRESS, ROLE_PEERS, ROLE_POLICY,
					  ROLE_API,   ROLE_WEB,    ROLE_LOOKUP};

static struct config config;
static struct setup_user proxy_user;
static char proxy_uid[16]; /* as text; "" where it is everybody's */
static struct loop *loop;
static int config_fd, control_fd, signals, forwarding_fd, notify_fd;
static bool stopping;

/* --- children --- */

static void send_files(void)
{
	int fds[3] = {setup_file(config.roots, 1), setup_file(config.policy, 1), setup_file(config.gateways, 1)};
	int error = msg_send_fds(processes[ROLE_POLICY].child.channel, GW_FILES, 0, NULL, 0, fds, 3);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	if (error)
		log_error("the policy process does not take the files: %s", strerror(-error));
}

static void send_indicators(void)
{
	int fd = setup_file(config.indicators, 1);
	int error = msg_send_fds(processes[ROLE_API].child.channel, GW_INDICATORS, 0, NULL, 0, &fd, 1);
	close(fd);
	if (error)
		log_error("the api process does not take the indicators: %s", strerror(-error));
}

static void log_end(const struct process *process, int status)
{
	if (WIFSIGNALED(status))
		log_error("%s was ended by signal %d%s", process->name, WTERMSIG(status),
			  WTERMSIG(status) == SIGSYS ? " (a system call it never promised)" : "");
	else
		log_error("%s ended with status %d", process->name, WEXITSTATUS(status));
}

/* Its channel may be seen closed before its SIGCHLD is: what ended it is said all the same. */
static _Noreturn void without_store(int error)
{
	const struct process *store = &processes[ROLE_STORE];
	int status;
	if (error == -EPIPE && store->child.pid > 0 && waitpid(store->child.pid, &status, 0) > 0)
		log_end(store, status);
	fatal("without the store there is no gateway (%s): ending, to be started again as a whole", strerror(-error));
}

static void tell_store(uint16_t type, enum gateway_role role, int fd)
{
	uint8_t number = (uint8_t)role;
	int error = msg_send_fds(processes[ROLE_STORE].child.channel, type, 0, &number, 1, &fd, fd >= 0 ? 1 : 0);
	if (error)
		without_store(error);
}

static int start_process(enum gateway_role role, int store_end)
{
	struct process *process = &processes[role];
	/* haproxy runs as a user of its own: egress knows whose packets are its, and two may speak to its sockets */
	bool to_proxy = (role == ROLE_EGRESS || role == ROLE_LOOKUP) && proxy_uid[0];
	const char *const argv[] = {"gatewayd", "--as", process->name,
				    to_proxy && role == ROLE_EGRESS ? proxy_uid : NULL, NULL};
	struct child_spec spec = {
	    .argv = argv,
	    /* This very program, even when an upgrade has put another in its place: they speak one language. */
	    .program = "/proc/self/exe",
	    .netns_fd = -1,
	    .uid = process->user.uid,
	    .gid = process->user.gid,
	    .groups = &proxy_user.gid,
	    .group_count = to_proxy,
	    .capabilities = process->capabilities,
	    .keep_privileges = strcmp(config.users, "self") == 0,
	    .fds = {config_fd, role == ROLE_STORE ? control_fd : store_end},
	    .fd_count = 2,
	};
	for (size_t i = 0; i < process->fd_count; i++)
		spec.fds[spec.fd_count++] = process->fds[i];
	process->started_ms = now_ms();
	return child_start(&spec, &process->child);
}

static int await_ready(struct process *process)
{
	struct msg m = {0};
	int got = msg_wait(process->child.channel, &m, READY_MS);
	int error = got == 1 && m.type == GW_READY ? 0 : got < 0 ? got : -ECHILD;
	msg_free(&m);
	return error;
}

static int start(enum gateway_role role)
{
	int pair[2] = {-1, -1};
	int error = role == ROLE_STORE ? 0 : msg_pair(pair);
	if (!error)
		error = start_process(role, pair[1]);
	if (!error)
		error = await_ready(&processes[role]);
	if (!error && role != ROLE_STORE)
		tell_store(GW_ATTACH, role, pair[0]);
	if (!error && role == ROLE_POLICY)
		send_files();
	if (!error && role == ROLE_API)
		send_indicators();
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
	return error;
}

static void on_restart(void *context)
{
	struct process *process = context;
	enum gateway_role role = (enum gateway_role)(process - processes);
	if (stopping)
		return;
	int error = start(role);
	tell_store(GW_RESTART, role, -1);
	if (!error) {
		log_info("%s started again", process->name);
		return;
	}
	/* One that started and then was not ready is reaped by its SIGCHLD, which arms the timer. */
	if (process->child.pid < 0)
		loop_timer_set(process->timer, BACK_OFF_MAX_MS);
	log_error("%s does not start: %s", process->name, strerror(-error));
}

static void on_end(struct process *process, int status)
{
	child_close(&process->child);
	if (stopping)
		return;
	log_end(process, status);
	if (process == &processes[ROLE_STORE])
		fatal("without the store there is no gateway: ending, to be started again as a whole");
	bool steady = now_ms() - process->started_ms > STEADY_MS;
	process->back_off_ms = steady || !process->back_off_ms ? BACK_OFF_MS : process->back_off_ms * 2;
	if (process->back_off_ms > BACK_OFF_MAX_MS)
		process->back_off_ms = BACK_OFF_MAX_MS;
	loop_timer_set(process->timer, process->back_off_ms);
}

/* A process ends when its channel closes. */
static void end(enum gateway_role role)
{
	if (processes[role].child.channel >= 0)
		close(processes[role].child.channel);
	processes[role].child.channel = -1;
}

static void reap(void)
{
	int status;
	pid_t pid;
	size_t left = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < GATEWAY_ROLES; i++)
			if (processes[i].child.pid == pid)
				on_end(&processes[i], status);
	for (size_t i = 0; i < GATEWAY_ROLES; i++)
		left += processes[i].child.pid >= 0;
	if (stopping && left == 1)
		end(ROLE_STORE); /* last: what the others still had to say was heard */
	if (stopping && left == 0)
		loop_stop(loop);
}

/* --- signals --- */

static void on_stop_timer(void *context)
{
	(void)context;
	loop_stop(loop); /* what is left dies with the parent */
}

static void stop(void)
{
	struct loop_timer *timer = loop_timer(loop, on_stop_timer, NULL);
	stopping = true;
	for (size_t i = 0; i < GATEWAY_ROLES; i++)
		if (i != ROLE_STORE)
			end((enum gateway_role)i);
	if (timer)
		loop_timer_set(timer, STOP_MS);
	else
		loop_stop(loop);
}

static void reload(void)
{
	if (processes[ROLE_POLICY].child.channel >= 0)
		send_files();
	if (processes[ROLE_API].child.channel >= 0)
		send_indicators();
}

static void on_signal(uint32_t events, void *context)
{
	(void)events, (void)context;
	struct signalfd_siginfo info;
	if (read(signals, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGCHLD)
		reap();
	else if (info.ssi_signo == SIGHUP)
		reload();
	else if (!stopping)
		stop();
}

static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		fatal("signalfd: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
}

/* --- before the sandbox --- */

static void give(enum gateway_role role, int fd)
{
	struct process *process = &processes[role];
	process->fds[process->fd_count++] = fd;
}

static void open_descriptors(void)
{
	int uapi = setup_uapi(&config);
	give(ROLE_PEERS, setup_file(config.wireguard_key, 0));
	if (uapi >= 0)
		give(ROLE_PEERS, uapi);
	give(ROLE_API, setup_api_listener(&config));
	give(ROLE_API, setup_file(config.control_key, 0));
	give(ROLE_API, setup_file(config.control_certificate, 0));
	give(ROLE_WEB, setup_file(config.web_key, 0));
	give(ROLE_WEB, setup_file(config.web_certificate, 0));
	give(ROLE_WEB, setup_file(config.metrics_token, 0));
	for (size_t i = 0; i < config.web_count; i++)
		give(ROLE_WEB, setup_web_listener(&config.web[i]));
	if (config.lookup_count > 0) {
		give(ROLE_LOOKUP, setup_file(config.lookup_key, 0));
		give(ROLE_LOOKUP, setup_file(config.lookup_certificate, 0));
		give(ROLE_LOOKUP, setup_web_listener(&config.lookup[0]));
	}
	give(ROLE_STORE, setup_file(config.audit_key, 0));
	give(ROLE_STORE, setup_appended(config.audit_witness));
	control_fd = setup_control_listener(&config, processes[ROLE_STORE].user.uid);
	/* Written only when the packet filter stands: a gateway that forwards without it would be a plain router. */
	forwarding_fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
	if (forwarding_fd < 0)
		fatal("forwarding cannot be switched on: /proc/sys/net/ipv4/ip_forward: %s", strerror(errno));
	notify_fd = setup_notify_open();
}

/* The children read the file as it is, and behind it where the database is. */
static void pass_database_on(const char *where)
{
	static char text[CONFIG_MAX_BYTES];
	char why[512];
	int fd = memfd_create("gateway.conf", MFD_CLOEXEC);
	ssize_t got = pread(config_fd, text, sizeof text, 0);
	if (fd < 0 || got < 0 || write(fd, text, (size_t)got) != got || dprintf(fd, "\ndatabase = %s\n", where) < 0)
		fatal("the configuration cannot be passed on: %s", strerror(errno));
	explicit_bzero(text, sizeof text);
	close(config_fd);
	config_fd = fd;
	config_free(&config);
	if (config_read_fd(config_fd, &config, why, sizeof why))
		fatal("--db %s: %s", where, why);
}

/* `--db` before what the file says; a server's name becomes addresses while the resolver can be asked. */
static void settle_database(void)
{
	char where[CONFIG_DATABASE_SIZE], why[512];
	const char *wanted = parent_database ? parent_database : config.database;
	/* The configuration is read by every process of ours, a command line by every user of the machine. */
	if (db_has_password(wanted))
		fatal(
		    "a URL of the database with a password in it is refused: too many could read it. Put the "
		    "password into a file that sekisho-store alone can read, and name that in the URL with passfile=");
	if (parent_database)
		pass_database_on(parent_database);
	memcpy(where, config.database, sizeof where);
	if (db_settle(where, sizeof where, why, sizeof why))
		fatal("%s", why);
	if (strcmp(where, config.database) != 0)
		pass_database_on(where);
}

static void read_configuration(const char *config_path)
{
	char why[512];
	config_fd = config_or_fatal(config_path, &config);
	settle_database();
	int error = keys_ensure(&config, why, sizeof why);
	if (error)
		fatal("%s%s", why,
		      error == -EEXIST ? " (a key without its certificate, or the other way round: remove or complete "
					 "the pair)"
				       : "");
}

static void allow_directory(size_t slot, const char *file, unsigned access)
{
	static char directories[2][CONFIG_DATABASE_SIZE];
	snprintf(directories[slot - 1], CONFIG_DATABASE_SIZE, "%s", file);
	*strrchr(directories[slot - 1], '/') = '\0';
	self.paths[slot] = (struct self_path){directories[slot - 1], access};
}

static void set_up(void)
{
	if (strcmp(config.users, "self") == 0)
		log_warn("`users = self': all processes share one uid, which is for tests only");
	for (unsigned i = 0; i < GATEWAY_ROLES; i++) {
		processes[i].user = setup_user(&config, processes[i].name, i);
		processes[i].child = (struct child){.pid = -1, .channel = -1};
		processes[i].timer = loop_timer(loop, on_restart, &processes[i]);
		if (!processes[i].timer)
			fatal("out of memory");
	}
	proxy_user = setup_user(&config, "proxy", GATEWAY_ROLES);
	if (strcmp(config.users, "self") != 0)
		snprintf(proxy_uid, sizeof proxy_uid, "%u", (unsigned)proxy_user.uid);
	setup_directory(config.control_socket, (struct setup_user){getuid(), getgid()});
	if (db_place(config.database) == DB_FILE)
		setup_directory(config.database, processes[ROLE_STORE].user);
	setup_directory(config.audit_witness, (struct setup_user){getuid(), getgid()});
	setup_directory(config.resolver_config, processes[ROLE_EGRESS].user);
	setup_interface(&config);
	open_descriptors();
	self.paths[0] = (struct self_path){"/", ACCESS_READ | ACCESS_EXECUTE};
	allow_directory(1, config.resolver_config, ACCESS_READ | ACCESS_WRITE);
	if (db_place(config.database) == DB_FILE)
		allow_directory(2, config.database, ACCESS_READ | ACCESS_WRITE);
	if (db_place(config.database) == DB_NETWORK_SERVER) {
		self.promises |= PROMISE_SERVER;
		self.server_port = db_port(config.database);
	}
}

static void start_all(void)
{
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		struct process *process = &processes[order[i]];
		if (order[i] == ROLE_LOOKUP && config.lookup_count == 0)
			continue; /* no bank asks */
		int status, error = start(order[i]);
		if (error && process->child.pid > 0 && waitpid(process->child.pid, &status, WNOHANG) > 0)
			log_end(process, status);
		if (error)
			fatal("%s does not start (%s)", process->name, strerror(-error));
		if (order[i] == ROLE_EGRESS && write(forwarding_fd, "1", 1) != 1)
			fatal("forwarding cannot be switched on: %s", strerror(errno));
	}
	close(forwarding_fd);
}

int parent_main(const char *config_path)
{
	log_open("gatewayd");
	close_above(STDERR_FILENO);
	read_configuration(config_path);
	block_signals();
	loop = loop_new();
	if (!loop || !loop_watch(loop, signals, EPOLLIN, on_signal, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	set_up();
	self.open_files_max = setup_open_files();
	if (sandbox_enter(&self))
		return 1;
	start_all();
	log_info("gateway %s of %s is up", config.id, config.tenant);
	setup_notify(notify_fd, "READY=1");
	loop_run(loop);
	log_info("gateway %s is down", config.id);
	return 0;
}
