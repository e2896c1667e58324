/* The runner: each try is a process of its own, so that one that is killed for it takes no other with it. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attacks.h"

enum { ATTEMPTS_MAX = 256, DNS_HEADER_BYTES = 12, FILTERS_MAX = 8 };

/* A process's own filters of system calls, borrowed (tests/rig/filter): entered by each try just before it. */
static struct {
	uint32_t size;
	struct sock_filter code[BPF_MAXINSNS];
} filters[FILTERS_MAX];
static size_t filter_count;

static bool read_filter(FILE *in, size_t i)
{
	uint32_t size;
	if (fread(&size, sizeof size, 1, in) != 1 || size > BPF_MAXINSNS)
		return false;
	filters[i].size = size;
	return fread(filters[i].code, sizeof(struct sock_filter), size, in) == size;
}

int attacks_borrow_filters(const char *path)
{
	FILE *in = fopen(path, "re");
	if (!in)
		return -errno;
	for (filter_count = 0; filter_count < FILTERS_MAX && read_filter(in, filter_count); filter_count++)
		;
	fclose(in);
	return filter_count > 0 ? 0 : -ENODATA;
}

static int enter_filters(void)
{
	for (size_t i = 0; i < filter_count; i++) {
		struct sock_fprog program = {.len = (unsigned short)filters[i].size, .filter = filters[i].code};
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
			return -errno;
	}
	return 0;
}

struct attempt {
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

/* A connection that stands, or a datagram back; a DNS answer without a record in it is a refusal in words. Nothing is
 * asked of the kernel here that any process's filter refuses. */
static void wait_for_answer(int fd, short events, int wait_ms, int out)
{
	uint8_t data[2048];
	struct pollfd p = {.fd = fd, .events = events};
	if (poll(&p, 1, wait_ms) <= 0) {
		say(out, "unheard", 0);
		return;
	}
	ssize_t got = read(fd, data, sizeof data);
	if (got < 0 && errno != EAGAIN)
		say(out, "refused", errno);
	else if (got >= DNS_HEADER_BYTES && data[0] == 0x5e && data[1] == 0xca && data[6] == 0 && data[7] == 0)
		say(out, "refused", ENODATA);
	else
		say(out, "answered", 0);
}

static _Noreturn void be(const struct attack *attack, int wait_ms, int out)
{
	int fd = -1, got = enter_filters();
	if (!got)
		got = attack->run(attack, &fd);
	if (got < 0)
		say(out, "refused", -got);
	else if (got == ATTACK_CONNECTS || (got == ATTACK_WAITS && fd >= 0))
		wait_for_answer(fd, got == ATTACK_CONNECTS ? POLLOUT : POLLIN, wait_ms, out);
	else
		say(out, got == ATTACK_WAITS ? "unheard" : "done", 0);
	_exit(0);
}

static void start(struct attempt *attempt, int wait_ms)
{
	int ends[2];
	attempt->pid = -1;
	if (pipe(ends) < 0)
		return;
	attempt->pid = fork();
	if (attempt->pid == 0) {
		close(ends[0]);
		be(attempt->attack, wait_ms, ends[1]);
	}
	close(ends[1]);
	attempt->pipe = ends[0];
}

static void finish(const struct attempt *attempt)
{
	char outcome[64] = "not started";
	int status = 0;
	if (attempt->pid > 0) {
		ssize_t size = read(attempt->pipe, outcome, sizeof outcome - 1);
		outcome[size > 0 ? size : 0] = '\0';
		close(attempt->pipe);
		waitpid(attempt->pid, &status, 0);
		if (WIFSIGNALED(status))
			snprintf(outcome, sizeof outcome, "killed SIG%s", sigabbrev_np(WTERMSIG(status)));
	}
	printf("%s\t%s\n", attempt->attack->name, outcome);
}

void attacks_run(const struct attack *attacks, size_t count, bool at_once, uint64_t capabilities, int wait_ms)
{
	static struct attempt attempts[ATTEMPTS_MAX];
	size_t running = 0;
	for (size_t i = 0; i < count && running < ATTEMPTS_MAX; i++) {
		if (attacks[i].rights & capabilities) {
			printf("%s\town\n", attacks[i].name);
			continue;
		}
		attempts[running].attack = &attacks[i];
		fflush(stdout); /* or each child has it too */
		start(&attempts[running++], wait_ms);
		if (!at_once)
			finish(&attempts[--running]);
	}
	for (size_t i = 0; i < running; i++)
		finish(&attempts[i]);
	fflush(stdout);
}
