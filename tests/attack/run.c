/* The runner: each try is a process of its own, so that one that is killed for it takes no other with it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attacks.h"

enum { TRIES_MAX = 256, DNS_HEADER_BYTES = 12 };

struct
try {
	const struct attack *attack;
	pid_t pid;
	int pipe;
};

static void say(int out, const char *outcome, int error)
{
	char line[64];
	int size = error ? snprintf(line, sizeof line, "%s %s", outcome, strerrorname_np(error))
			 : snprintf(line, sizeof line, "%s", outcome);
	(void)!write(out, line, (size_t)size);
}

/* A connection that stands, or a datagram back; a DNS answer without a record in it is a refusal in words. */
static void wait_for_answer(int fd, int wait_ms, int out)
{
	uint8_t data[2048];
	int error = 0, type = 0;
	socklen_t size = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	struct pollfd p = {.fd = fd, .events = type == SOCK_STREAM ? POLLOUT : POLLIN};
	if (poll(&p, 1, wait_ms) <= 0) {
		say(out, "unheard", 0);
		return;
	}
	size = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	ssize_t got = error || type == SOCK_STREAM ? 0 : recv(fd, data, sizeof data, MSG_DONTWAIT);
	if (got < 0)
		error = errno;
	bool no_record = got >= DNS_HEADER_BYTES && data[0] == 0x5e && data[1] == 0xca && data[6] == 0 && data[7] == 0;
	if (error || no_record)
		say(out, "refused", error ? error : ENODATA);
	else
		say(out, "answered", 0);
}

static _Noreturn void be(const struct attack *attack, int wait_ms, int out)
{
	int fd = -1, got = attack->run(attack, &fd);
	if (got < 0)
		say(out, "refused", -got);
	else if (got == ATTACK_WAITS && fd >= 0)
		wait_for_answer(fd, wait_ms, out);
	else
		say(out, got == ATTACK_WAITS ? "unheard" : "done", 0);
	_exit(0);
}

static void start(struct try *try, int wait_ms)
{
	int ends[2];
	try->pid = -1;
	if (pipe(ends) < 0)
		return;
	try->pid = fork();
	if (try->pid == 0) {
		close(ends[0]);
		be(try->attack, wait_ms, ends[1]);
	}
	close(ends[1]);
	try->pipe = ends[0];
}

static void finish(const struct try *try)
{
	char outcome[64] = "not started";
	int status = 0;
	if (try->pid > 0) {
		ssize_t size = read(try->pipe, outcome, sizeof outcome - 1);
		outcome[size > 0 ? size : 0] = '\0';
		close(try->pipe);
		waitpid(try->pid, &status, 0);
		if (WIFSIGNALED(status))
			snprintf(outcome, sizeof outcome, "killed SIG%s", sigabbrev_np(WTERMSIG(status)));
	}
	printf("%s\t%s\n", try->attack->name, outcome);
}

void attacks_run(const struct attack *attacks, size_t count, bool at_once, uint64_t capabilities, int wait_ms)
{
	static struct try tries[TRIES_MAX];
	size_t running = 0;
	for (size_t i = 0; i < count && running < TRIES_MAX; i++) {
		if (attacks[i].rights & capabilities) {
			printf("%s\town\n", attacks[i].name);
			continue;
		}
		tries[running].attack = &attacks[i];
		fflush(stdout); /* or each child has it too */
		start(&tries[running++], wait_ms);
		if (!at_once)
			finish(&tries[--running]);
	}
	for (size_t i = 0; i < running; i++)
		finish(&tries[i]);
	fflush(stdout);
}
