/*
 * sandbox - what a process says of itself at the top of its file, and the walls made from it.
 *
 * `struct self` is a statement: name, promises (groups of system calls), paths, limits. sandbox_enter() turns it into
 * no_new_privs, rlimits, memory that cannot become executable, Landlock (kernel ABI 4 or newer) and a seccomp
 * allow-list by libseccomp whose default is to kill the process. It is entered once, after everything that needs more
 * has been opened, and cannot be left.
 */
#ifndef FIRMWARE_LIB_SANDBOX_H
#define FIRMWARE_LIB_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Groups of system calls. Arguments are checked as the comment says. */
enum promise {
	PROMISE_BASE = 1 << 0, /* memory (never executable), read/write/close, epoll, poll, the time, getrandom, futex,
				  exit, signals' return */
	PROMISE_SEND = 1 << 1, /* sendmsg, recvmsg, send, recv, shutdown on descriptors already open */
	PROMISE_DATAGRAM = 1 << 2, /* sendto an address, on descriptors already open */
	PROMISE_INET = 1 << 3,   /* socket(AF_INET/AF_INET6, stream or datagram), connect, options of SOL_SOCKET, TCP */
	PROMISE_ACCEPT = 1 << 4, /* accept4 on what listens already */
	PROMISE_LISTEN = 1 << 5, /* accept4, listen, bind */
	PROMISE_PAIR = 1 << 6,   /* socketpair(AF_UNIX, SOCK_SEQPACKET) and its buffers */
	PROMISE_NETLINK = 1 << 7,     /* socket(AF_NETLINK: route, generic, netfilter), bind */
	PROMISE_PING = 1 << 8,        /* socket(AF_INET/AF_INET6, SOCK_DGRAM, IPPROTO_ICMP/ICMPV6), connect */
	PROMISE_READ_FILE = 1 << 9,   /* openat read-only, stat, getdents, readlink */
	PROMISE_WRITE_FILE = 1 << 10, /* openat for writing, rename, unlink, fchmod */
	PROMISE_SYNC = 1 << 11,       /* fdatasync on a descriptor already open */
	PROMISE_DATABASE = 1 << 12,   /* what SQLite does with its files beyond the two above: offsets, locks, fsync */
	PROMISE_REAP = 1 << 13,       /* wait4, kill */
	PROMISE_PROCESS = 1 << 14,    /* fork (no new namespaces), execve, wait, kill, dup: for parents */
	PROMISE_PRIVILEGE = 1 << 15,  /* setuid and friends, capset, prctl by name, setns(net), unshare(mount, net) */
	PROMISE_SEAL = 1 << 16, /* sandbox_enter() itself in a later child: seccomp, landlock, the prctls it makes */
	PROMISE_POWER =
	    1 << 17, /* PID 1's end: unmount, reboot, wait for a signal, a picture on the display's buffer */
	PROMISE_CLOCK = 1 << 18,  /* clock_settime(CLOCK_REALTIME) */
	PROMISE_INPUT = 1 << 19,  /* ioctl(EVIOCGRAB): have an input device alone */
	PROMISE_LOCAL = 1 << 20,  /* socket(AF_UNIX, stream), connect */
	PROMISE_SERVER = 1 << 21, /* socket(AF_INET/AF_INET6, stream), connect: to `server_port` of any host */
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
	bool abstract_sockets;                  /* it may connect to those of processes outside its own */
	bool mounts; /* it mounts or unmounts, or what it starts does: Landlock of files would forbid that. What is left
			of Landlock holds: TCP, signals and abstract sockets to processes outside its own. */
	uint32_t open_files_max;   /* RLIMIT_NOFILE */
	uint64_t memory_max_bytes; /* RLIMIT_AS; 0: not limited */
	uint32_t processes_max;    /* RLIMIT_NPROC of its uid; 0: it may not make one */
	uint16_t server_port;      /* of PROMISE_SERVER */
	bool locked;               /* it holds secrets: all its memory stays in memory (mlockall) */
};

/* Enter the sandbox. 0, or -errno with the step that failed logged; the caller must end then. */
int sandbox_enter(const struct self *self);

/* The same without the system calls, for one that will become a program that is not ours (launcher/foreign.h holds its
 * system calls back): no_new_privs, limits, memory, Landlock. Of the promises only PROMISE_INET and PROMISE_LISTEN
 * count: whether TCP may be connected and listened. 0 or -errno. */
int sandbox_enter_files(const struct self *self);

/* The allow-list of `self` as names, for reports: calls fn for each. */
void sandbox_each_syscall(const struct self *self, void (*fn)(const char *name, void *context), void *context);

#endif
