/*
 * filter PID [FILE] - what a running process may still ask of the kernel, by the seccomp filters that the kernel says
 * it has.
 *
 * The filters are read from outside (PTRACE_SECCOMP_GET_FILTER) and followed for every number a system call can have on
 * x86-64. An argument can be anything: a call that some argument lets through counts as reachable, and where there are
 * several filters all of them must let it through. Prints one JSON object:
 *
 *   {"reachable": N, "dangerous": ["NAME", ...], "names": ["NAME", ...], "argued": ["NAME", ...], "other_abi": N}
 *
 * argued: reachable for some arguments only. dangerous: of the groups below. other_abi: how many calls come through by
 * i386's and x32's numbers. Exit status 3: this machine does not tell (the test runs in a user namespace).
 *
 * With FILE the filters themselves go there, oldest first: for each its number of instructions (u32), then those.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/lib/log.h"

enum { NUMBERS = 1024, FILTERS_MAX = 8, X32_BIT = 0x40000000, CANNOT_TELL = 3 };

/* systemd's groups (systemd.exec(5), SystemCallFilter=): debug, module, mount, raw-io, reboot, swap, clock, obsolete,
 * keyring, cpu-emulation; with the newer calls of the same kind. */
static const char *const dangerous[] = {"lookup_dcookie",
					"perf_event_open",
					"pidfd_getfd",
					"ptrace",
					"process_vm_readv",
					"process_vm_writev",
					"kcmp",
					"delete_module",
					"finit_module",
					"init_module",
					"create_module",
					"query_module",
					"get_kernel_syms",
					"chroot",
					"fsconfig",
					"fsmount",
					"fsopen",
					"fspick",
					"mount",
					"mount_setattr",
					"move_mount",
					"open_tree",
					"pivot_root",
					"umount",
					"umount2",
					"ioperm",
					"iopl",
					"kexec_file_load",
					"kexec_load",
					"reboot",
					"swapoff",
					"swapon",
					"adjtimex",
					"clock_adjtime",
					"clock_settime",
					"settimeofday",
					"_sysctl",
					"afs_syscall",
					"getpmsg",
					"putpmsg",
					"nfsservctl",
					"security",
					"sysfs",
					"tuxcall",
					"uselib",
					"ustat",
					"vserver",
					"add_key",
					"keyctl",
					"request_key",
					"modify_ldt",
					"bpf",
					"userfaultfd",
					"io_uring_setup",
					"io_uring_enter",
					"io_uring_register",
					NULL};

struct program {
	struct sock_filter code[BPF_MAXINSNS];
	size_t size;
};

/* The accumulator: a value, or anything. */
struct value {
	bool known;
	uint32_t is;
};

enum verdict { REFUSED = 1, ALLOWED = 2 };

static enum verdict verdict_of(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
		return REFUSED;
	default:
		return ALLOWED;
	}
}

static struct value load(uint32_t offset, uint32_t number, uint32_t architecture)
{
	if (offset == offsetof(struct seccomp_data, nr))
		return (struct value){true, number};
	if (offset == offsetof(struct seccomp_data, arch))
		return (struct value){true, architecture};
	return (struct value){false, 0};
}

static bool holds(const struct sock_filter *jump, uint32_t a)
{
	switch (BPF_OP(jump->code)) {
	case BPF_JEQ:
		return a == jump->k;
	case BPF_JGT:
		return a > jump->k;
	case BPF_JGE:
		return a >= jump->k;
	case BPF_JSET:
		return (a & jump->k) != 0;
	default:
		fatal("a jump of kind %#x", jump->code);
	}
}

/* The verdicts that can be reached from here, joined. A place is walked once with an unknown accumulator: all that it
 * leads to is then known. */
static unsigned walk(const struct program *p, size_t at, struct value a, uint32_t number, uint32_t architecture,
		     bool *seen)
{
	for (; at < p->size; at++) {
		const struct sock_filter *i = &p->code[at];
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (i->code != (BPF_LD | BPF_W | BPF_ABS))
				fatal("a load of kind %#x", i->code);
			a = load(i->k, number, architecture);
			break;
		case BPF_ALU:
			if (i->code != (BPF_ALU | BPF_AND | BPF_K))
				fatal("arithmetic of kind %#x", i->code);
			a.is &= i->k;
			break;
		case BPF_RET:
			return verdict_of(i->k);
		case BPF_JMP:
			if (i->code == (BPF_JMP | BPF_JA)) {
				at += i->k;
			} else if (a.known) {
				at += holds(i, a.is) ? i->jt : i->jf;
			} else {
				if (seen[at])
					return 0;
				seen[at] = true;
				return walk(p, at + 1 + i->jt, a, number, architecture, seen) |
				       walk(p, at + 1 + i->jf, a, number, architecture, seen);
			}
			break;
		default:
			fatal("an instruction of kind %#x", i->code);
		}
	}
	fatal("a filter without an end");
}

/* ALLOWED only if every filter can allow it; with REFUSED beside it where the arguments decide. */
static unsigned judge(const struct program *filters, size_t count, uint32_t number, uint32_t architecture)
{
	unsigned all = ALLOWED;
	for (size_t f = 0; f < count; f++) {
		bool seen[BPF_MAXINSNS] = {false};
		unsigned one = walk(&filters[f], 0, (struct value){false, 0}, number, architecture, seen);
		if (!(one & ALLOWED))
			return REFUSED;
		all |= one;
	}
	return all;
}

static size_t read_filters(pid_t pid, struct program *filters)
{
	size_t count = 0;
	int status;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		fatal("cannot trace %d: %s", pid, strerror(errno));
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		fatal("%d does not stop", pid);
	for (;; count++) {
		if (count == FILTERS_MAX)
			fatal("more than %d filters", FILTERS_MAX);
		long size = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)(uintptr_t)count, filters[count].code);
		if (size < 0 && errno == ENOENT)
			break;
		if (size < 0 && (errno == EACCES || errno == EIO)) {
			fputs("filter: this machine does not tell a process's filters\n", stderr);
			exit(CANNOT_TELL);
		}
		if (size < 0 && errno == EINVAL)
			break; /* no filter at all */
		if (size < 0)
			fatal("filter %zu of %d: %s", count, pid, strerror(errno));
		filters[count].size = (size_t)size;
	}
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return count;
}

static bool is_dangerous(const char *name)
{
	for (size_t i = 0; dangerous[i]; i++)
		if (strcmp(dangerous[i], name) == 0)
			return true;
	return false;
}

/* Print the names of the calls whose verdict is within `wanted` (as bits of 1 << verdict). */
static void print_names(const char *key, const unsigned *verdicts, unsigned wanted, bool only_dangerous)
{
	const char *comma = "";
	printf(", \"%s\": [", key);
	for (int n = 0; n < NUMBERS; n++) {
		char *name = wanted >> verdicts[n] & 1 ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, n) : NULL;
		if (name && (!only_dangerous || is_dangerous(name))) {
			printf("%s\"%s\"", comma, name);
			comma = ", ";
		}
		free(name);
	}
	putchar(']');
}

static void write_filters(const char *path, const struct program *filters, size_t count)
{
	FILE *out = fopen(path, "we");
	if (!out)
		fatal("%s: %s", path, strerror(errno));
	for (size_t f = 0; f < count; f++) {
		uint32_t size = (uint32_t)filters[f].size;
		fwrite(&size, sizeof size, 1, out);
		fwrite(filters[f].code, sizeof filters[f].code[0], filters[f].size, out);
	}
	if (fclose(out) != 0)
		fatal("%s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	static struct program filters[FILTERS_MAX];
	unsigned verdicts[NUMBERS], reachable = 0, other = 0;
	log_open("filter");
	if (argc != 2 && argc != 3)
		fatal("usage: filter PID [FILE]");
	size_t count = read_filters((pid_t)strtol(argv[1], NULL, 10), filters);
	if (argc == 3)
		write_filters(argv[2], filters, count);
	for (uint32_t n = 0; n < NUMBERS; n++) {
		verdicts[n] = judge(filters, count, n, AUDIT_ARCH_X86_64);
		other += (judge(filters, count, n, AUDIT_ARCH_I386) & ALLOWED) != 0;
		other += (judge(filters, count, n | X32_BIT, AUDIT_ARCH_X86_64) & ALLOWED) != 0;
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)n);
		reachable += name && verdicts[n] & ALLOWED;
		free(name);
	}
	printf("{\"reachable\": %u, \"filters\": %zu, \"other_abi\": %u", reachable, count, other);
	print_names("dangerous", verdicts, 1U << ALLOWED | 1U << (ALLOWED | REFUSED), true);
	print_names("argued", verdicts, 1U << (ALLOWED | REFUSED), false);
	print_names("names", verdicts, 1U << ALLOWED | 1U << (ALLOWED | REFUSED), false);
	puts("}");
	return 0;
}
