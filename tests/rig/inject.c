/*
 * inject PID SYSCALL [NUMBER...] - make a running process ask the kernel for SYSCALL (arguments that are not given are
 * 0), from outside, by ptrace.
 * inject --at CALL SYSCALL PROGRAM [ARGUMENT...] - for one that does not run long: start it, and when it first asks for
 * CALL, let it be SYSCALL that it asks for.
 *
 * For tests of the sandbox on the very process that runs: no hook in it. Prints "killed by SIGSYS" (exit 0),
 * "returned N" (exit 1) or what else became of it (exit 2). The kernel asks a filter after the tracer, so that what is
 * put in place of a call that the process makes (a running one: the call that it waits in, begun again) is judged.
 */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"

enum { ANY_CALL = -1, SYSCALL_INSTRUCTION_BYTES = 2, ARGUMENTS_MAX = 3 };

static unsigned long long arguments[ARGUMENTS_MAX];

static int number_of(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);
	if (number < 0)
		fatal("%s is no system call here", name);
	return number;
}

/* Let it run, in this way, to its next stop or its end. */
static int go_on(int how, pid_t pid)
{
	int status;
	if (ptrace(how, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) != pid)
		fatal("going on with %d: %s", pid, strerror(errno));
	return status;
}

/* To the entry of its next call, or of its next CALL. */
static void go_to_call(pid_t pid, int call, struct user_regs_struct *registers)
{
	struct __ptrace_syscall_info info;
	do {
		if (!WIFSTOPPED(go_on(PTRACE_SYSCALL, pid)) ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0)
			fatal("%d ended before it came to that call", pid);
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY || (call != ANY_CALL && info.entry.nr != (unsigned)call));
	if (ptrace(PTRACE_GETREGS, pid, NULL, registers) < 0)
		fatal("registers of %d: %s", pid, strerror(errno));
}

/* At the entry of a call. One that is refused is killed on its way out of the kernel, past the call's own end. */
static int inject(pid_t pid, int number, struct user_regs_struct asked)
{
	struct user_regs_struct after = {0};
	asked.orig_rax = (unsigned long long)number;
	asked.rdi = arguments[0];
	asked.rsi = arguments[1];
	asked.rdx = arguments[2];
	asked.r10 = asked.r8 = asked.r9 = 0;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &asked) < 0)
		fatal("registers of %d: %s", pid, strerror(errno));
	int status = go_on(PTRACE_SYSCALL, pid);
	if (WIFSTOPPED(status) && ptrace(PTRACE_GETREGS, pid, NULL, &after) == 0)
		status = go_on(PTRACE_SINGLESTEP, pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		puts("killed by SIGSYS");
		return 0;
	}
	if (WIFSTOPPED(status)) {
		printf("returned %lld\n", (long long)after.rax);
		return 1;
	}
	printf("ended with status %#x\n", (unsigned)status);
	return 2;
}

static int inject_running(pid_t pid, int number)
{
	struct user_regs_struct before;
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		fatal("cannot trace %d: %s", pid, strerror(errno));
	if (waitpid(pid, NULL, 0) != pid)
		fatal("waiting for %d: %s", pid, strerror(errno));
	go_to_call(pid, ANY_CALL, &before);
	int result = inject(pid, number, before);
	if (result == 1) {
		/* It lives: let it make the call that it was about to make. */
		before.rip -= SYSCALL_INSTRUCTION_BYTES;
		before.rax = before.orig_rax;
		before.orig_rax = (unsigned long long)-1;
		ptrace(PTRACE_SETREGS, pid, NULL, &before);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	return result;
}

static int inject_started(int at, int number, char **argv)
{
	struct user_regs_struct before;
	pid_t pid = fork();
	if (pid == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) {
		execv(argv[0], argv);
		fatal("%s: %s", argv[0], strerror(errno));
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD) < 0)
		fatal("%s does not start: %s", argv[0], strerror(errno));
	go_to_call(pid, at, &before);
	return inject(pid, number, before);
}

int main(int argc, char **argv)
{
	log_open("inject");
	if (argc > 4 && strcmp(argv[1], "--at") == 0)
		return inject_started(number_of(argv[2]), number_of(argv[3]), argv + 4);
	for (int i = 3; i < argc && i < 3 + ARGUMENTS_MAX; i++)
		arguments[i - 3] = strtoull(argv[i], NULL, 10);
	if (argc < 3 || argc > 3 + ARGUMENTS_MAX)
		fatal("usage: inject PID SYSCALL [NUMBER...], or inject --at CALL SYSCALL PROGRAM [ARGUMENT...]");
	return inject_running((pid_t)strtol(argv[1], NULL, 10), number_of(argv[2]));
}
