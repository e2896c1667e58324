/*
 * broker - the policy process and brokers of the stick, the same programs, in network namespaces on this machine.
 *
 * usage: broker BUILD [--bank ID]... [--policy ENVELOPE] [--tunnel NETNS] [--resolver ADDRESS]
 *               [--client FILE [--client-host HOST]...]
 *
 * --token: this inherited descriptor is the key holder's channel to launcher/token, and FILE.key names the key in it.
 * --client: FILE.crt and FILE.key are the customer's certificate for each bank, proved to the hosts named.
 *
 * BUILD holds the launcher and demo/ (tests/demo). Each --bank (default: sekisho-demo) is a session with a screen
 * namespace of its own, where 127.0.0.1 has that broker's resolver and TLS listeners and nothing else is reachable.
 * Without --tunnel the test bank (tests/bank) is served in a new tunnel namespace.
 *
 * Prints one line of JSON when everything runs: netns, listen, resolver, ca, tunnel, pids, sessions. After it one line
 * for each message of a broker: {"session": 1, "event": ...}. Standard input takes commands, one a line: "freeze ID",
 * "thaw ID", "end ID" (ID: the session's number from 1), "ahead ID HOST", "policy FILE": an envelope is offered to the
 * policy process, as the launcher does with one that the agent fetched. Ends on SIGTERM, and takes everything along.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "launcher/ground.h"
#include "launcher/ids.h"
#include "launcher/messages.h"
#include "launcher/pem.h"
#include "vpn/device/rtnl.h"

enum {
	SESSIONS_MAX = 4,
	START_MS = 20000,
	FILE_MAX = 65536,
	CA_MAX = 4096,
	PORT = 443,
	PATH_BYTES = 512,
	CLIENT_HOSTS_MAX = 8
};

struct session {
	const char *bank;
	int screen;
	struct child broker;
	struct msg msg;
};

static struct {
	const char *build, *policy, *tunnel_path, *resolver;
	char directory[64];
	int tunnel, nowhere;
	pid_t bank;
	struct child policy_child, keyholder;
	const char *client, *client_hosts[CLIENT_HOSTS_MAX];
	size_t client_host_count;
	int token;
	struct msg msg;
	uint8_t ca[CA_MAX];
	size_t ca_size;
	struct session sessions[SESSIONS_MAX];
	size_t session_count;
	struct loop *loop;
} rig = {.resolver = "198.51.100.53", .tunnel = -1, .token = -1};

/* --- helpers --- */

static void check(int error, const char *what)
{
	if (error < 0)
		fatal("%s: %s", what, strerror(-error));
}

static char *path_in(const char *directory, const char *name)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		fatal("out of memory");
	return path;
}

static void run(const char *const *argv)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		fatal("%s failed", argv[0]);
}

static void write_file(struct writer *w, const char *path)
{
	uint8_t *content = malloc(FILE_MAX);
	FILE *file = fopen(path, "rb");
	size_t size = file && content ? fread(content, 1, FILE_MAX, file) : 0;
	if (size == 0 || size == FILE_MAX)
		fatal("%s cannot be read", path);
	fclose(file);
	write_blob(w, content, size);
	free(content);
}

static void print_json(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	if (!text)
		fatal("out of memory");
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(line);
}

/* --- the bank --- */

static int serve(void *out)
{
	char *prefix = path_in(rig.directory, "bank");
	const int *pipe_end = out;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		close(STDIN_FILENO); /* whose place /dev/null takes */
		if (open("/dev/null", O_RDONLY) != STDIN_FILENO || dup2(*pipe_end, STDOUT_FILENO) < 0)
			_exit(127);
		execlp("sh", "sh", "tests/bank/serve", prefix, (char *)NULL);
		_exit(127);
	}
	free(prefix);
	rig.bank = pid;
	return pid < 0 ? -errno : 0;
}

static void start_bank(void)
{
	char *prefix = path_in(rig.directory, "bank"), *certificates = path_in(rig.build, "demo/banks");
	const char *lay[] = {"sh", "tests/bank/lay", prefix, certificates, NULL};
	run(lay);
	free(prefix);
	free(certificates);
	int ends[2];
	char line[64] = "";
	if (pipe2(ends, O_CLOEXEC) < 0)
		fatal("pipe: %s", strerror(errno));
	rig.tunnel = netns_new();
	check(rig.tunnel, "network namespace");
	check(netns_run(rig.tunnel, serve, &ends[1]), "the test bank");
	close(ends[1]);
	FILE *said = fdopen(ends[0], "r");
	if (!said || !fgets(line, sizeof line, said) || strncmp(line, "bank ready", 10) != 0)
		fatal("the test bank did not start");
	fclose(said);
}

static void open_tunnel(void)
{
	if (!rig.tunnel_path) {
		start_bank();
		return;
	}
	rig.tunnel = open(rig.tunnel_path, O_RDONLY | O_CLOEXEC);
	if (rig.tunnel < 0)
		fatal("%s: %s", rig.tunnel_path, strerror(errno));
}

/* --- our processes --- */

static void start_child(struct child *child, const char *name, int netns, uid_t uid)
{
	char *launcher = path_in(rig.build, "launcher");
	const char *argv[] = {launcher, "--as", name, NULL};
	struct child_spec spec = {.argv = argv, .netns_fd = netns, .uid = uid, .gid = uid};
	check(child_start(&spec, child), name);
	if (msg_wait(child->channel, &rig.msg, START_MS) != 1 || rig.msg.type != MSG_READY)
		fatal("%s did not say that it is ready", name);
	free(launcher);
}

static void keep_authority(const char *pem, size_t size)
{
	char *path = path_in(rig.directory, "ca.pem");
	FILE *file = fopen(path, "w");
	if (!file || fwrite(pem, 1, size, file) != size || fclose(file) != 0)
		fatal("%s cannot be written", path);
	check(pem_decode(pem, size, rig.ca, sizeof rig.ca, &rig.ca_size), "the authority");
	free(path);
}

static void load_policy(void)
{
	static uint8_t payload[MSG_PAYLOAD_MAX_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	char *roots = path_in(rig.build, "demo/roots.json"), *gateways = path_in(rig.build, "demo/gateways.dsse.json");
	char *policy = rig.policy ? strdup(rig.policy) : path_in(rig.build, "demo/policy.dsse.json");
	write_file(&w, roots);
	write_file(&w, policy);
	write_str(&w, "");
	write_file(&w, gateways);
	write_str(&w, "");
	write_u64(&w, (uint64_t)time(NULL));
	write_u64(&w, 0);
	write_u64(&w, 0);
	check(msg_send(rig.policy_child.channel, MSG_POLICY_LOAD, 0, payload, w.size), "policy");
	int got = w.failed ? -EMSGSIZE : msg_wait(rig.policy_child.channel, &rig.msg, START_MS);
	if (got != 1 || rig.msg.type != MSG_POLICY_LOADED) /* it has logged why */
		fatal("policy does not take %s: %s", policy, got < 0 ? strerror(-got) : got ? "refused" : "it ended");
	struct reader r = reader_over(rig.msg.payload, rig.msg.size);
	size_t size = 0;
	(void)read_u64(&r);
	(void)read_u64(&r);
	(void)read_u8(&r);
	const uint8_t *pem = read_blob(&r, &size);
	if (!pem)
		fatal("MSG_POLICY_LOADED cannot be read");
	keep_authority((const char *)pem, size);
	free(roots);
	free(gateways);
	free(policy);
}

/* --- the customer's certificate --- */

static void write_text(struct writer *w, const char *suffix)
{
	char path[PATH_BYTES], text[FILE_MAX] = "";
	snprintf(path, sizeof path, "%s%s", rig.client, suffix);
	FILE *file = fopen(path, "r");
	size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
	if (size == 0)
		fatal("%s cannot be read", path);
	fclose(file);
	write_blob(w, text, size + 1);
}

static void load_client(const char *bank)
{
	static uint8_t payload[MSG_PAYLOAD_MAX_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, bank);
	write_text(&w, ".crt");
	write_text(&w, ".key");
	check(w.failed ? -EMSGSIZE : msg_send(rig.keyholder.channel, MSG_KEY_CLIENT, 0, payload, w.size), "keyholder");
	if (msg_wait(rig.keyholder.channel, &rig.msg, START_MS) != 1 || rig.msg.type != MSG_KEY_CLIENT_KNOWN)
		fatal("the keyholder does not take %s", rig.client);
}

static void give_client(const struct session *s, uint32_t id)
{
	int pair[2];
	uint8_t payload[1024];
	struct writer w = writer_over(payload, sizeof payload);
	check(msg_pair(pair), "the session's channel");
	write_str(&w, s->bank);
	write_u8(&w, (uint8_t)rig.client_host_count);
	for (size_t i = 0; i < rig.client_host_count; i++)
		write_str(&w, rig.client_hosts[i]);
	check(msg_send_fds(rig.keyholder.channel, MSG_KEY_SESSION, id, payload, w.size, &pair[0], 1), "keyholder");
	check(msg_send_fds(s->broker.channel, MSG_BROKER_CLIENT, id, NULL, 0, &pair[1], 1), "broker");
	close(pair[0]);
	close(pair[1]);
}

/* 192.0.2.1 lies on lo here: this machine's kernel may have no dummy interfaces. */
static int furnish_screen(void *unused)
{
	(void)unused;
	int error = rtnl_link_up("lo");
	return error ? error : rtnl_address_add("lo", "192.0.2.1/32");
}

static void start_session(uint32_t id)
{
	struct session *s = &rig.sessions[id - 1];
	const uint16_t port = PORT;
	int pair[2], sockets[3], fds[4];
	uint8_t payload[CA_MAX + 256];

	s->screen = netns_new();
	check(s->screen, "network namespace");
	check(netns_run(s->screen, furnish_screen, NULL), "the screen's interfaces");
	check(ground_session_sockets(s->screen, &port, 1, sockets), "the session's sockets");
	check(msg_pair(pair), "the session's channel");
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, s->bank);
	check(msg_send_fds(rig.policy_child.channel, MSG_POLICY_SESSION, id, payload, w.size, &pair[0], 1), "policy");
	close(pair[0]);

	start_child(&s->broker, "broker", rig.tunnel, ID_BROKER);
	w = writer_over(payload, sizeof payload);
	write_str(&w, s->bank);
	write_str(&w, rig.resolver);
	write_blob(&w, rig.ca, rig.ca_size);
	write_u8(&w, 1);
	write_u16(&w, port);
	fds[0] = pair[1];
	memcpy(&fds[1], sockets, sizeof sockets);
	check(msg_send_fds(s->broker.channel, MSG_BROKER_START, id, payload, w.size, fds, 4), "broker");
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	if (rig.client)
		give_client(s, id);
}

/* --- what is said --- */

static void say_ready(void)
{
	char netns[PATH_BYTES], tunnel[PATH_BYTES];
	char *ca = path_in(rig.directory, "ca.pem"), *bank = path_in(rig.directory, "bank");
	json_t *sessions = json_array();
	for (size_t i = 0; i < rig.session_count; i++) {
		const struct session *s = &rig.sessions[i];
		snprintf(netns, sizeof netns, "/proc/%d/fd/%d", getpid(), s->screen);
		json_array_append_new(sessions, json_pack("{s:i, s:s, s:s, s:i}", "session", (int)i + 1, "bank",
							  s->bank, "netns", netns, "broker", s->broker.pid));
	}
	snprintf(netns, sizeof netns, "/proc/%d/fd/%d", getpid(), rig.sessions[0].screen);
	snprintf(tunnel, sizeof tunnel, "/proc/%d/fd/%d", getpid(), rig.tunnel);
	print_json(json_pack("{s:s, s:[s], s:s, s:s, s:s, s:s, s:{s:i, s:i, s:i, s:i, s:i}, s:o}", "netns", netns,
			     "listen", "127.0.0.1:443", "resolver", "127.0.0.1:53", "ca", ca, "tunnel", tunnel, "bank",
			     bank, "pids", "rig", getpid(), "policy", rig.policy_child.pid, "broker",
			     rig.sessions[0].broker.pid, "bank", rig.bank, "keyholder", rig.keyholder.pid, "sessions",
			     sessions));
	free(ca);
	free(bank);
}

static const char *kind_name(unsigned kind)
{
	static const char *const names[] = {"refused",     "bad_client",  "bank_trouble",
					    "pin_failure", "certificate", "asked_in_vain"};
	return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

static void say_event(size_t session, const struct msg *m)
{
	char host[256], detail[256];
	struct reader r = reader_over(m->payload, m->size);
	unsigned kind = read_u8(&r);
	read_str(&r, host, sizeof host);
	unsigned reason = read_u8(&r);
	read_str(&r, detail, sizeof detail);
	json_t *keys = json_array();
	for (size_t n = read_u8(&r), size; n > 0 && !r.failed; n--) {
		char text[64] = "";
		const uint8_t *key = read_blob(&r, &size);
		if (!key || size > 32)
			fatal("MSG_BROKER_EVENT has no key");
		base64_encode(key, size, text);
		json_array_append_new(keys, json_string(text));
	}
	if (!reader_done(&r))
		fatal("MSG_BROKER_EVENT cannot be read");
	print_json(json_pack("{s:i, s:s, s:s, s:s, s:s, s:o}", "session", (int)session, "event", kind_name(kind),
			     "host", host, "reason", refusal_code((enum refusal)reason), "detail", detail, "keys",
			     keys));
}

static void say_counts(size_t session, const struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	json_int_t connections = (json_int_t)read_u64(&r), up = (json_int_t)read_u64(&r);
	json_int_t down = (json_int_t)read_u64(&r), refused = (json_int_t)read_u64(&r);
	print_json(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I}", "session", (int)session, "event", "counts",
			     "connections", connections, "bytes_up", up, "bytes_down", down, "refused", refused));
}

static void say(size_t session, const char *event)
{
	print_json(json_pack("{s:i, s:s}", "session", (int)session, "event", event));
}

static void on_broker(uint32_t events, void *context)
{
	struct session *s = context;
	size_t number = (size_t)(s - rig.sessions) + 1;
	(void)events;
	int got = msg_receive(s->broker.channel, &s->msg);
	if (got == -EAGAIN)
		return;
	if (got <= 0) {
		say(number, "ended");
		close(s->broker.channel); /* which takes it out of the loop */
		s->broker.channel = -1;
	} else if (s->msg.type == MSG_BROKER_EVENT) {
		say_event(number, &s->msg);
	} else if (s->msg.type == MSG_BROKER_COUNTS) {
		say_counts(number, &s->msg);
	} else if (s->msg.type == MSG_BROKER_FROZEN) {
		say(number, "frozen");
	}
}

/* --- what is asked --- */

static void offer_policy(const char *path)
{
	static uint8_t payload[MSG_PAYLOAD_MAX_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	write_file(&w, path);
	write_u64(&w, (uint64_t)time(NULL));
	check(w.failed ? -EMSGSIZE : msg_send(rig.policy_child.channel, MSG_POLICY_OFFER, 0, payload, w.size), path);
	if (msg_wait(rig.policy_child.channel, &rig.msg, START_MS) != 1)
		fatal("policy does not answer");
	say(0, rig.msg.type == MSG_POLICY_LOADED ? "policy_taken" : "policy_refused");
}

static void ahead(int channel, unsigned id, const char *host)
{
	uint8_t payload[300];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, 1);
	write_str(&w, host);
	write_u16(&w, PORT);
	check(w.failed ? -EMSGSIZE : msg_send(channel, MSG_BROKER_AHEAD, id, payload, w.size), "ahead");
}

static void obey(const char *command, unsigned id, const char *rest)
{
	uint8_t one = 1, zero = 0;
	if (id == 0 || id > rig.session_count)
		fatal("there is no session %u", id);
	int channel = rig.sessions[id - 1].broker.channel;
	if (strcmp(command, "freeze") == 0)
		check(msg_send(channel, MSG_BROKER_FREEZE, id, &one, 1), command);
	else if (strcmp(command, "thaw") == 0)
		check(msg_send(channel, MSG_BROKER_FREEZE, id, &zero, 1), command);
	else if (strcmp(command, "end") == 0)
		check(msg_send(rig.policy_child.channel, MSG_POLICY_END, id, NULL, 0), command);
	else if (strcmp(command, "ahead") == 0 && rest[0] == ' ')
		ahead(channel, id, rest + 1);
	else
		fatal("no such command: %s", command);
}

static void on_input(uint32_t events, void *context)
{
	static char line[512];
	static size_t size;
	struct loop_watch **watch = context;
	(void)events;
	ssize_t got = read(STDIN_FILENO, line + size, sizeof line - 1 - size);
	if (got <= 0) {
		loop_unwatch(*watch); /* nobody to ask any more; SIGTERM ends us */
		return;
	}
	size += (size_t)got;
	line[size] = '\0';
	char *end;
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		char *space = strchr(line, ' ');
		if (space) {
			*space = '\0';
			char *rest;
			if (strcmp(line, "policy") == 0) {
				offer_policy(space + 1);
			} else {
				unsigned id = (unsigned)strtoul(space + 1, &rest, 10);
				obey(line, id, rest);
			}
		}
		size -= (size_t)(end + 1 - line);
		memmove(line, end + 1, size + 1);
	}
}

static void on_signal(uint32_t events, void *context)
{
	(void)events;
	(void)context;
	loop_stop(rig.loop);
}

static void watch_all(void)
{
	static struct loop_watch *input;
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	int fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	rig.loop = loop_new();
	if (fd < 0 || !rig.loop || !loop_watch(rig.loop, fd, EPOLLIN, on_signal, NULL))
		fatal("event loop: %s", strerror(errno));
	input =
	    loop_watch(rig.loop, STDIN_FILENO, EPOLLIN, on_input, &input); /* a file cannot be watched: no commands */
	for (size_t i = 0; i < rig.session_count; i++)
		if (!loop_watch(rig.loop, rig.sessions[i].broker.channel, EPOLLIN, on_broker, &rig.sessions[i]))
			fatal("event loop: %s", strerror(errno));
}

static void end_child(const struct child *child)
{
	if (child->pid <= 0)
		return;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
}

static void end_all(void)
{
	for (size_t i = 0; i < rig.session_count; i++)
		end_child(&rig.sessions[i].broker);
	end_child(&rig.policy_child);
	end_child(&rig.keyholder);
	if (rig.bank > 0) {
		kill(rig.bank, SIGTERM);
		waitpid(rig.bank, NULL, 0);
	}
	if (rig.directory[0]) {
		const char *rm[] = {"rm", "-rf", rig.directory, NULL};
		run(rm);
	}
}

static void parse_arguments(int argc, char **argv)
{
	if (argc < 2)
		fatal("usage: broker BUILD [--bank ID]... [--policy ENVELOPE] [--tunnel NETNS] [--resolver ADDRESS]");
	rig.build = argv[1];
	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--bank") == 0 && rig.session_count < SESSIONS_MAX)
			rig.sessions[rig.session_count++].bank = argv[i + 1];
		else if (strcmp(argv[i], "--policy") == 0)
			rig.policy = argv[i + 1];
		else if (strcmp(argv[i], "--tunnel") == 0)
			rig.tunnel_path = argv[i + 1];
		else if (strcmp(argv[i], "--resolver") == 0)
			rig.resolver = argv[i + 1];
		else if (strcmp(argv[i], "--client") == 0)
			rig.client = argv[i + 1];
		else if (strcmp(argv[i], "--token") == 0)
			rig.token = (int)strtol(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--client-host") == 0 && rig.client_host_count < CLIENT_HOSTS_MAX)
			rig.client_hosts[rig.client_host_count++] = argv[i + 1];
		else
			fatal("no such option: %s", argv[i]);
	}
	if (rig.session_count == 0)
		rig.sessions[rig.session_count++].bank = "sekisho-demo";
}

int main(int argc, char **argv)
{
	log_open("rig");
	signal(SIGPIPE, SIG_IGN);
	parse_arguments(argc, argv);
	strcpy(rig.directory, "/tmp/broker-rig.XXXXXX");
	if (!mkdtemp(rig.directory))
		fatal("%s: %s", rig.directory, strerror(errno));
	atexit(end_all);
	open_tunnel();
	rig.nowhere = netns_new();
	check(rig.nowhere, "network namespace");
	start_child(&rig.policy_child, "policy", rig.nowhere, ID_POLICY);
	load_policy();
	if (rig.client)
		start_child(&rig.keyholder, "keyholder", rig.nowhere, ID_KEYHOLDER);
	if (rig.token >= 0) {
		check(msg_send_fds(rig.keyholder.channel, MSG_KEY_TOKEN, 0, NULL, 0, &rig.token, 1), "keyholder");
		close(rig.token);
	}
	for (size_t i = 0; rig.client && i < rig.session_count; i++)
		load_client(rig.sessions[i].bank);
	for (size_t i = 0; i < rig.session_count; i++)
		start_session((uint32_t)i + 1);
	watch_all();
	say_ready();
	int error = loop_run(rig.loop);
	check(error, "event loop");
	return 0;
}
