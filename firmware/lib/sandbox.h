/*
 * sandbox - what a process says of itself at the top of its file, and the walls made from it.
 *
 * `struct self` is a statement: name, promises (groups of system calls), paths, limits. sandbox_enter() turns it into
 * no_new_privs, rlimits, Landlock (kernel ABI 4 or newer) and a seccomp allow-list by libseccomp whose default is to
 * kill the process. It is entered once, after everything that needs more has been opened, and cannot be left.
 */
#ifndef FIRMWARE_LIB_SANDBOX_H
#define FIRMWARE_LIB_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/* Groups of system calls. Arguments are checked where the comment says so. */
enum promise {
	PROMISE_BASE = 1 << 0, /* memory (never executable), read/write/close, epoll, poll, time, getrandom, futex,
				  exit, signals' return */
	PROMISE_SEND = 1 << 1, /* sendmsg, recvmsg, sendto, recvfrom, shutdown on descriptors already open */
	PROMISE_INET = 1 << 2, /* socket(AF_INET/AF_INET6, stream or datagram), connect, bind, getsockname, sockopts */
	PROMISE_LISTEN = 1 << 3,     /* accept4, listen, bind */
	PROMISE_UNIX = 1 << 4,       /* socket/socketpair(AF_UNIX), connect */
	PROMISE_NETLINK = 1 << 5,    /* socket(AF_NETLINK), bind */
	PROMISE_READ_FILE = 1 << 6,  /* openat read-only, stat, getdents, readlink */
	PROMISE_WRITE_FILE = 1 << 7, /* openat for writing, ftruncate, fsync, rename, unlink, mkdir, fchmod */
	PROMISE_PROCESS = 1 << 8,    /* fork, execve, wait, kill, pidfd, dup: for parents */
	PROMISE_PRIVILEGE =
	    1 << 9, /* setuid and friends, capset, prctl, setns, unshare: for a parent that makes children */
	PROMISE_MOUNT = 1 << 10,     /* mount, umount2, pivot_root, chroot */
	PROMISE_CLOCK = 1 << 11,     /* clock_settime, adjtimex */
	PROMISE_PING = 1 << 12,      /* socket(AF_INET/AF_INET6, SOCK_DGRAM, IPPROTO_ICMP/ICMPV6) */
	PROMISE_IOCTL_NET = 1 << 13, /* ioctl(SIOCGIF*, SIOCSIF*, FIONREAD, FIONBIO) */
	PROMISE_SEAL = 1 << 14,  /* sandbox_enter() itself in a later child: seccomp, landlock, prctl(NO_NEW_PRIVS) */
	PROMISE_POWER = 1 << 15, /* PID 1's end: reboot, wait for a signal, a picture on the display's own buffer */
};

enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXECUTE = 4 };

struct self_path {
	const char *path; /* a file or a whole directory; one that does not exist is skipped */
	unsigned access;  /* enum access */
};

#define SELF_PATHS_MAX 12

struct self {
	const char *name;
	const char *holds; /* for the reader, and for `make evidence` */
	const char *reads;
	const char *speaks_to;
	uint32_t promises;
	struct self_path paths[SELF_PATHS_MAX]; /* none: no file can be opened */
	uint32_t open_files_max;                /* RLIMIT_NOFILE */
	uint64_t memory_max_bytes;              /* RLIMIT_AS; 0: not limited */
	uint32_t processes_max;                 /* RLIMIT_NPROC of its uid; 0: it may not make one */
};

/* Enter the sandbox. 0, or -errno with the step that failed logged; the caller must end then. */
int sandbox_enter(const struct self *self);

/* The allow-list of `self` as names, for reports: calls fn for each. */
void sandbox_each_syscall(const struct self *self, void (*fn)(const char *name, void *context), void *context);

#endif
