/*
 * inject PID SYSCALL - make a running process ask the kernel for SYSCALL (all arguments 0), from outside, by ptrace.
 *
 * For tests of the sandbox on the very process that runs: no hook in it. Prints "killed by SIGSYS" (exit 0),
 * "returned N" (exit 1) or what else became of it (exit 2). The instruction by which it entered the
 * call that it is waiting in is used again.
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

#include "firmware/lib/log.h"

enum { SYSCALL_INSTRUCTION_BYTES = 2 };

static int wait_stop(pid_t pid)
{
	int status;
	if (waitpid(pid, &status, 0) != pid)
		fatal("waiting for %d: %s", pid, strerror(errno));
	return status;
}

static int report(int status, pid_t pid)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		puts("killed by SIGSYS");
		return 0;
	}
	struct user_regs_struct after;
	if (WIFSTOPPED(status) && ptrace(PTRACE_GETREGS, pid, NULL, &after) == 0) {
		printf("returned %lld\n", (long long)after.rax);
		return 1;
	}
	printf("ended with status %#x\n", (unsigned)status);
	return 2;
}

int main(int argc, char **argv)
{
	log_open("inject");
	if (argc != 3)
		fatal("usage: inject PID SYSCALL");
	pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
	int number = seccomp_syscall_resolve_name(argv[2]);
	if (number < 0)
		fatal("%s is no system call here", argv[2]);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		fatal("cannot trace %d: %s", pid, strerror(errno));
	wait_stop(pid);
	struct user_regs_struct before, asked;
	if (ptrace(PTRACE_GETREGS, pid, NULL, &before) < 0)
		fatal("registers of %d: %s", pid, strerror(errno));
	if ((long long)before.orig_rax < 0) { /* between two calls: at the entry of the next one it is stopped again */
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0)
			fatal("waiting for a call of %d: %s", pid, strerror(errno));
		wait_stop(pid);
		if (ptrace(PTRACE_GETREGS, pid, NULL, &before) < 0 || (long long)before.orig_rax < 0)
			fatal("%d is not in a system call", pid);
	}
	asked = before;
	asked.rip -= SYSCALL_INSTRUCTION_BYTES;
	asked.rax = (unsigned long long)number;
	asked.orig_rax = (unsigned long long)-1; /* no restart of the interrupted call */
	asked.rdi = asked.rsi = asked.rdx = asked.r10 = asked.r8 = asked.r9 = 0;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &asked) < 0 || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
		fatal("stepping %d: %s", pid, strerror(errno));
	int result = report(wait_stop(pid), pid);
	if (result == 1) {
		/* It lives: let it go on where it was. The interrupted call answers EINTR. */
		before.rax = (unsigned long long)-EINTR;
		before.orig_rax = (unsigned long long)-1;
		ptrace(PTRACE_SETREGS, pid, NULL, &before);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	return result;
}
