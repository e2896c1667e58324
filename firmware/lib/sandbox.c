#include "firmware/lib/sandbox.h"

#include <drm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/log.h"

/* One row: a system call and up to three conditions on its arguments, all of which must hold. */
struct rule {
	uint32_t promise;
	int syscall;
	unsigned condition_count;
	struct scmp_arg_cmp conditions[3];
};

/* clang-format off */
#define ANY(promise, name)      {promise, SCMP_SYS(name), 0, {{0}}}
#define IF(promise, name, ...)  {promise, SCMP_SYS(name), 1, {__VA_ARGS__}}
#define IF2(promise, name, ...) {promise, SCMP_SYS(name), 2, {__VA_ARGS__}}
#define IF3(promise, name, ...) {promise, SCMP_SYS(name), 3, {__VA_ARGS__}}
#define EQUAL(argument, value)  {argument, SCMP_CMP_EQ, (scmp_datum_t)(value), 0}
#define WITHOUT(argument, bits) {argument, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(bits), 0}
/* an int: the kernel does not look at the upper half of the register, which a caller may leave as it is */
#define NUMBER(argument, value) {argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)(uint32_t)(value)}
#define SOCKET_FLAGS            ((scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
#define TYPE(argument, type)    {argument, SCMP_CMP_MASKED_EQ, UINT32_MAX & ~SOCKET_FLAGS, (scmp_datum_t)(type)}
/* clang-format on */

#define NEW_NAMESPACES                                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |   \
	 CLONE_NEWTIME)
#define FOR_WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

/* The whole of what any process of ours may ever ask of the kernel. Whatever is not here kills the process. */
static const struct rule rules[] = {
    ANY(PROMISE_BASE, read),
    ANY(PROMISE_BASE, write),
    ANY(PROMISE_BASE, writev), /* the C library's last words */
    ANY(PROMISE_BASE, close),
    ANY(PROMISE_BASE, lseek),
    ANY(PROMISE_BASE, fstat),
    /* glibc's fstat() on some versions: only on a descriptor already open */
    IF(PROMISE_BASE, newfstatat, {3, SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH}),
    ANY(PROMISE_BASE, brk),
    /* memory is never executable: libraries are mapped before the sandbox is entered */
    IF(PROMISE_BASE, mmap, WITHOUT(2, PROT_EXEC)),
    IF(PROMISE_BASE, mprotect, WITHOUT(2, PROT_EXEC)),
    ANY(PROMISE_BASE, munmap),
    ANY(PROMISE_BASE, mremap),
    /* what malloc() tells of memory it has no use for */
    IF(PROMISE_BASE, madvise, NUMBER(2, MADV_DONTNEED)),
    ANY(PROMISE_BASE, epoll_ctl),
    ANY(PROMISE_BASE, epoll_wait),
    ANY(PROMISE_BASE, poll),
    /* on a PC whose clock cannot be read without the kernel */
    ANY(PROMISE_BASE, clock_gettime),
    ANY(PROMISE_BASE, gettimeofday),
    ANY(PROMISE_BASE, getrandom),
    ANY(PROMISE_BASE, futex),
    ANY(PROMISE_BASE, exit),
    ANY(PROMISE_BASE, exit_group),
    ANY(PROMISE_BASE, restart_syscall),
    ANY(PROMISE_BASE, rt_sigreturn),
    ANY(PROMISE_BASE, rt_sigaction),
    ANY(PROMISE_BASE, rt_sigprocmask),
    ANY(PROMISE_BASE, getpid),
    ANY(PROMISE_BASE, gettid),
    /* abort(): a failed assertion ends as itself, not as a forbidden call */
    IF(PROMISE_BASE, tgkill, NUMBER(2, SIGABRT)),
    IF(PROMISE_BASE, fcntl, NUMBER(1, F_GETFL)),
    IF(PROMISE_BASE, fcntl, NUMBER(1, F_SETFL)),
    IF(PROMISE_BASE, fcntl, NUMBER(1, F_GETFD)),
    IF(PROMISE_BASE, fcntl, NUMBER(1, F_SETFD)),
    IF(PROMISE_BASE, fcntl, NUMBER(1, F_DUPFD_CLOEXEC)),

    ANY(PROMISE_SEND, sendmsg),
    ANY(PROMISE_SEND, recvmsg),
    IF(PROMISE_SEND, sendto, EQUAL(4, 0)), /* send(): to the one it is connected to */
    ANY(PROMISE_SEND, recvfrom),
    ANY(PROMISE_SEND, shutdown),

    ANY(PROMISE_DATAGRAM, sendto),

    IF2(PROMISE_INET, socket, NUMBER(0, AF_INET), TYPE(1, SOCK_STREAM)),
    IF2(PROMISE_INET, socket, NUMBER(0, AF_INET6), TYPE(1, SOCK_STREAM)),
    IF2(PROMISE_INET, socket, NUMBER(0, AF_INET), TYPE(1, SOCK_DGRAM)),
    IF2(PROMISE_INET, socket, NUMBER(0, AF_INET6), TYPE(1, SOCK_DGRAM)),
    ANY(PROMISE_INET, connect),
    ANY(PROMISE_INET, sendto), /* DNS questions */
    ANY(PROMISE_INET, getsockname),
    ANY(PROMISE_INET, getpeername),
    IF(PROMISE_INET, setsockopt, NUMBER(1, SOL_SOCKET)),
    IF(PROMISE_INET, setsockopt, NUMBER(1, IPPROTO_TCP)),
    IF2(PROMISE_INET, setsockopt, NUMBER(1, IPPROTO_IPV6), NUMBER(2, IPV6_V6ONLY)),
    ANY(PROMISE_INET, getsockopt),

    ANY(PROMISE_ACCEPT, accept4),

    ANY(PROMISE_LISTEN, accept4),
    ANY(PROMISE_LISTEN, accept),
    ANY(PROMISE_LISTEN, listen),
    ANY(PROMISE_LISTEN, bind),
    ANY(PROMISE_LISTEN, getsockname),
    ANY(PROMISE_LISTEN, getpeername),
    ANY(PROMISE_LISTEN, setsockopt),
    ANY(PROMISE_LISTEN, getsockopt),

    /* a channel for two others, one end each */
    IF2(PROMISE_PAIR, socketpair, NUMBER(0, AF_UNIX), TYPE(1, SOCK_SEQPACKET)),
    IF2(PROMISE_PAIR, setsockopt, NUMBER(1, SOL_SOCKET), NUMBER(2, SO_SNDBUF)),
    IF2(PROMISE_PAIR, setsockopt, NUMBER(1, SOL_SOCKET), NUMBER(2, SO_SNDBUFFORCE)),

    IF2(PROMISE_LOCAL, socket, NUMBER(0, AF_UNIX), TYPE(1, SOCK_STREAM)),
    ANY(PROMISE_LOCAL, connect),

    IF2(PROMISE_SERVER, socket, NUMBER(0, AF_INET), TYPE(1, SOCK_STREAM)),
    IF2(PROMISE_SERVER, socket, NUMBER(0, AF_INET6), TYPE(1, SOCK_STREAM)),
    ANY(PROMISE_SERVER, connect),
    ANY(PROMISE_SERVER, getsockname),
    IF(PROMISE_SERVER, setsockopt, NUMBER(1, SOL_SOCKET)),
    IF(PROMISE_SERVER, setsockopt, NUMBER(1, IPPROTO_TCP)),
    ANY(PROMISE_SERVER, getsockopt),

    IF2(PROMISE_NETLINK, socket, NUMBER(0, AF_NETLINK), NUMBER(2, NETLINK_ROUTE)),
    IF2(PROMISE_NETLINK, socket, NUMBER(0, AF_NETLINK), NUMBER(2, NETLINK_GENERIC)),
    IF2(PROMISE_NETLINK, socket, NUMBER(0, AF_NETLINK), NUMBER(2, NETLINK_NETFILTER)),
    ANY(PROMISE_NETLINK, sendto),
    /* libnftables waits with select() */
    ANY(PROMISE_NETLINK, pselect6),
    ANY(PROMISE_NETLINK, bind),
    ANY(PROMISE_NETLINK, getsockname),
    IF(PROMISE_NETLINK, setsockopt, NUMBER(1, SOL_SOCKET)),
    IF(PROMISE_NETLINK, setsockopt, NUMBER(1, SOL_NETLINK)),
    ANY(PROMISE_NETLINK, getsockopt),

    IF3(PROMISE_PING, socket, NUMBER(0, AF_INET), TYPE(1, SOCK_DGRAM), NUMBER(2, IPPROTO_ICMP)),
    IF3(PROMISE_PING, socket, NUMBER(0, AF_INET6), TYPE(1, SOCK_DGRAM), NUMBER(2, IPPROTO_ICMPV6)),
    ANY(PROMISE_PING, connect),

    IF(PROMISE_READ_FILE, openat, WITHOUT(2, FOR_WRITING)),
    ANY(PROMISE_READ_FILE, newfstatat),
    ANY(PROMISE_READ_FILE, getdents64),
    ANY(PROMISE_READ_FILE, readlink),
    ANY(PROMISE_READ_FILE, access),
    ANY(PROMISE_READ_FILE, pread64),
    IF(PROMISE_READ_FILE, ioctl, NUMBER(1, TCGETS)), /* stdio asks whether it is a terminal */

    ANY(PROMISE_WRITE_FILE, openat),
    ANY(PROMISE_WRITE_FILE, rename),
    ANY(PROMISE_WRITE_FILE, unlink),
    ANY(PROMISE_WRITE_FILE, fchmod),

    ANY(PROMISE_SYNC, fdatasync),

    ANY(PROMISE_DATABASE, newfstatat),
    ANY(PROMISE_DATABASE, pread64),
    ANY(PROMISE_DATABASE, pwrite64),
    ANY(PROMISE_DATABASE, ftruncate),
    ANY(PROMISE_DATABASE, fsync),
    ANY(PROMISE_DATABASE, fdatasync),
    ANY(PROMISE_DATABASE, mkdir),
    ANY(PROMISE_DATABASE, fchown),
    /* SQLite's locks; F_OFD_* are not used */
    IF(PROMISE_DATABASE, fcntl, NUMBER(1, F_SETLK)),
    IF(PROMISE_DATABASE, fcntl, NUMBER(1, F_GETLK)),

    ANY(PROMISE_REAP, wait4),
    ANY(PROMISE_REAP, kill),

    /* its flags lie in memory where a filter cannot look: see answer_clone3() */
    IF(PROMISE_PROCESS, clone, WITHOUT(0, NEW_NAMESPACES)),
    ANY(PROMISE_PROCESS, fork),
    ANY(PROMISE_PROCESS, vfork),
    ANY(PROMISE_PROCESS, execve),
    ANY(PROMISE_PROCESS, wait4),
    ANY(PROMISE_PROCESS, waitid),
    ANY(PROMISE_PROCESS, kill),
    ANY(PROMISE_PROCESS, dup2),
    ANY(PROMISE_PROCESS, dup3),
    IF(PROMISE_PROCESS, prctl, NUMBER(0, PR_SET_NAME)),
    ANY(PROMISE_PROCESS, getppid),
    ANY(PROMISE_PROCESS, setsid),
    ANY(PROMISE_PROCESS, close_range),
    ANY(PROMISE_PROCESS, pipe2),
    ANY(PROMISE_PROCESS, signalfd4),
    ANY(PROMISE_PROCESS, epoll_create1),
    ANY(PROMISE_PROCESS, eventfd2),
    ANY(PROMISE_PROCESS, set_robust_list),
    ANY(PROMISE_PROCESS, set_tid_address),
    ANY(PROMISE_PROCESS, rseq),
    ANY(PROMISE_PROCESS, prlimit64),
    ANY(PROMISE_PROCESS, arch_prctl),
    ANY(PROMISE_PROCESS, getuid),
    ANY(PROMISE_PROCESS, geteuid),
    ANY(PROMISE_PROCESS, getgid),
    ANY(PROMISE_PROCESS, getegid),
    IF(PROMISE_PROCESS, socketpair, NUMBER(0, AF_UNIX)),
    ANY(PROMISE_PROCESS, setsockopt),
    /* what the child maps when its program is loaded */
    ANY(PROMISE_PROCESS, mmap),
    ANY(PROMISE_PROCESS, mprotect),

    ANY(PROMISE_PRIVILEGE, setresuid),
    ANY(PROMISE_PRIVILEGE, setresgid),
    ANY(PROMISE_PRIVILEGE, setgroups),
    ANY(PROMISE_PRIVILEGE, capset),
    ANY(PROMISE_PRIVILEGE, capget),
    IF(PROMISE_PRIVILEGE, prctl, NUMBER(0, PR_SET_KEEPCAPS)),
    IF(PROMISE_PRIVILEGE, prctl, NUMBER(0, PR_CAPBSET_DROP)),
    IF(PROMISE_PRIVILEGE, prctl, NUMBER(0, PR_CAP_AMBIENT)),
    IF(PROMISE_PRIVILEGE, prctl, NUMBER(0, PR_SET_PDEATHSIG)),
    IF(PROMISE_PRIVILEGE, setns, NUMBER(1, CLONE_NEWNET)),
    IF(PROMISE_PRIVILEGE, unshare, NUMBER(0, CLONE_NEWNS)),
    IF(PROMISE_PRIVILEGE, unshare, NUMBER(0, CLONE_NEWNET)),

    ANY(PROMISE_SEAL, seccomp),
    ANY(PROMISE_SEAL, landlock_create_ruleset),
    ANY(PROMISE_SEAL, landlock_add_rule),
    ANY(PROMISE_SEAL, landlock_restrict_self),
    IF(PROMISE_SEAL, prctl, NUMBER(0, PR_SET_NO_NEW_PRIVS)),
    IF(PROMISE_SEAL, prctl, NUMBER(0, PR_SET_MDWE)),
    IF2(PROMISE_SEAL, prctl, NUMBER(0, PR_SET_DUMPABLE), EQUAL(1, 0)),

    /* what was written in memory is given back, see setup_wipe() */
    IF(PROMISE_POWER, umount2, NUMBER(1, 0)),
    IF(PROMISE_POWER, umount2, NUMBER(1, MNT_DETACH)),
    IF(PROMISE_POWER, reboot, NUMBER(2, RB_POWER_OFF)),
    IF(PROMISE_POWER, reboot, NUMBER(2, RB_AUTOBOOT)),
    ANY(PROMISE_POWER, rt_sigtimedwait),
    IF(PROMISE_POWER, ioctl, NUMBER(1, DRM_IOCTL_MODE_GETRESOURCES)),
    IF(PROMISE_POWER, ioctl, NUMBER(1, DRM_IOCTL_MODE_GETCONNECTOR)),
    IF(PROMISE_POWER, ioctl, NUMBER(1, DRM_IOCTL_MODE_CREATE_DUMB)),
    IF(PROMISE_POWER, ioctl, NUMBER(1, DRM_IOCTL_MODE_ADDFB)),
    IF(PROMISE_POWER, ioctl, NUMBER(1, DRM_IOCTL_MODE_MAP_DUMB)),
    IF(PROMISE_POWER, ioctl, NUMBER(1, DRM_IOCTL_MODE_SETCRTC)),

    IF(PROMISE_CLOCK, clock_settime, NUMBER(0, CLOCK_REALTIME)),

    IF(PROMISE_INPUT, ioctl, NUMBER(1, EVIOCGRAB)),
};

enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

static int limit(int resource, rlim_t value)
{
	struct rlimit l = {.rlim_cur = value, .rlim_max = value};
	return setrlimit(resource, &l) < 0 ? -errno : 0;
}

static int set_limits(const struct self *self)
{
	int error = limit(RLIMIT_CORE, 0);
	if (!error)
		error = limit(RLIMIT_NOFILE, self->open_files_max);
	/* RLIMIT_NPROC counts a whole uid and does not bind uid 0: seccomp is what forbids the rest to fork. */
	if (!error && self->processes_max > 0)
		error = limit(RLIMIT_NPROC, self->processes_max);
	if (!error && self->memory_max_bytes > 0)
		error = limit(RLIMIT_AS, self->memory_max_bytes);
	return error;
}

/* The stick's kernel cannot swap; where another one runs us and allows no such lock, that is said and no more. */
static int lock_memory(const struct self *self)
{
	if (self->locked && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_warn("not locked in memory: %s", strerror(errno));
	return 0;
}

static uint64_t landlock_rights(unsigned access, bool directory, uint64_t handled)
{
	uint64_t rights = 0;
	if (access & ACCESS_READ)
		rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (access & ACCESS_WRITE)
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_MAKE_REG |
			  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
			  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER |
			  LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (access & ACCESS_EXECUTE)
		rights |= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
	if (!directory)
		rights &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
			  LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return rights & handled;
}

static int allow_path(int ruleset, const struct self_path *path, uint64_t handled)
{
	int fd = open(path->path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	int error = 0;
	struct stat status;
	if (fstat(fd, &status) < 0) {
		error = -errno;
		goto out;
	}
	struct landlock_path_beneath_attr rule = {
	    .allowed_access = landlock_rights(path->access, S_ISDIR(status.st_mode), handled), .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		error = -errno;
out:
	close(fd);
	return error;
}

/* Rights that an older kernel does not know are masked out; the stick's own kernel knows all of them. */
static struct landlock_ruleset_attr landlock_handled(const struct self *self, long abi)
{
	struct landlock_ruleset_attr attr = {0};
	if (!self->mounts)
		attr.handled_access_fs = (LANDLOCK_ACCESS_FS_IOCTL_DEV << 1) - 1;
	if (abi < 5)
		attr.handled_access_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (abi < 3)
		attr.handled_access_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi < 2)
		attr.handled_access_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 4 && !(self->promises & PROMISE_INET))
		attr.handled_access_net |= LANDLOCK_ACCESS_NET_CONNECT_TCP;
	if (abi >= 4 && !(self->promises & PROMISE_LISTEN))
		attr.handled_access_net |= LANDLOCK_ACCESS_NET_BIND_TCP;
	/* A parent signals its children, which are in domains below its own: that stays possible. PID 1 ends every
	 * process, and all were started before it entered its domain. */
	if (abi >= 6)
		attr.scoped = (self->promises & PROMISE_POWER ? 0 : LANDLOCK_SCOPE_SIGNAL) |
			      (self->abstract_sockets ? 0 : LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET);
	return attr;
}

/* Of TCP, one port. (It is held back as a whole without the promise; an older kernel holds nothing of it back.) */
static int allow_port(int ruleset, const struct self *self, uint64_t handled)
{
	struct landlock_net_port_attr rule = {.allowed_access = LANDLOCK_ACCESS_NET_CONNECT_TCP,
					      .port = self->server_port};
	if (!(self->promises & PROMISE_SERVER) || !(handled & LANDLOCK_ACCESS_NET_CONNECT_TCP))
		return 0;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_NET_PORT, &rule, 0) < 0 ? -errno : 0;
}

static int enter_landlock(const struct self *self)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return -errno;
	struct landlock_ruleset_attr attr = landlock_handled(self, abi);
	if (!attr.handled_access_fs && !attr.handled_access_net && !attr.scoped)
		return 0; /* an older kernel's, for one that mounts: there is nothing it could hold back */
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset < 0)
		return -errno;
	int error = 0;
	for (size_t i = 0; i < SELF_PATHS_MAX && self->paths[i].path && !error; i++) {
		error = allow_path(ruleset, &self->paths[i], attr.handled_access_fs);
		if (error)
			log_error("landlock rule for %s: %s", self->paths[i].path, strerror(-error));
	}
	if (!error)
		error = allow_port(ruleset, self, attr.handled_access_net);
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		error = -errno;
	close(ruleset);
	return error;
}

/* "There is no such call": the C library falls back to clone, whose flags are in a register. */
static int answer_clone3(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int enter_seccomp(const struct self *self)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < RULE_COUNT && !error; i++) {
		const struct rule *rule = &rules[i];
		if (!(self->promises & rule->promise))
			continue;
		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule->syscall, rule->condition_count,
					       rule->conditions);
		if (error == -EEXIST)
			error = 0; /* two promises share this row */
	}
	if (!error && self->promises & PROMISE_PROCESS)
		error = answer_clone3(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

/* No page that could be written is ever executed. Kernels before 6.3 cannot promise it; the stick's own can. */
static int refuse_executable_gain(const struct self *self)
{
	(void)self;
	return prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL ? -errno : 0;
}

struct step {
	const char *name;
	int (*enter)(const struct self *self);
};

static int enter(const struct self *self, const struct step *steps, size_t count)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		int error = -errno;
		log_error("sandbox of %s: no_new_privs: %s", self->name, strerror(-error));
		return error;
	}
	for (size_t i = 0; i < count; i++) {
		int error = steps[i].enter(self);
		if (error) {
			log_error("sandbox of %s: %s: %s", self->name, steps[i].name, strerror(-error));
			return error;
		}
	}
	return 0;
}

/* In this order; the files' walls are all but the last. */
static const struct step steps[] = {{"limits", set_limits},
				    {"memory", refuse_executable_gain},
				    {"lock", lock_memory},
				    {"landlock", enter_landlock},
				    {"seccomp", enter_seccomp}};

enum { STEP_COUNT = sizeof steps / sizeof steps[0] };

int sandbox_enter(const struct self *self) { return enter(self, steps, STEP_COUNT); }

int sandbox_enter_files(const struct self *self) { return enter(self, steps, STEP_COUNT - 1); }

void sandbox_each_syscall(const struct self *self, void (*fn)(const char *name, void *context), void *context)
{
	for (size_t i = 0; i < RULE_COUNT; i++) {
		if (!(self->promises & rules[i].promise))
			continue;
		bool seen = false;
		for (size_t j = 0; j < i && !seen; j++)
			seen = (self->promises & rules[j].promise) && rules[j].syscall == rules[i].syscall;
		char *name = seen ? NULL : seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, rules[i].syscall);
		if (name)
			fn(name, context);
		free(name);
	}
}
