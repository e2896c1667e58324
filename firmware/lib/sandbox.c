#include "firmware/lib/sandbox.h"

#include <drm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/net.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "firmware/lib/log.h"

/* One row: a system call and up to two conditions on its arguments, all of which must hold. */
struct rule {
	uint32_t promise;
	int syscall;
	unsigned condition_count;
	struct scmp_arg_cmp conditions[2];
};

/* clang-format off */
#define ANY(promise, name)      {promise, SCMP_SYS(name), 0, {{0}}}
#define IF(promise, name, ...)  {promise, SCMP_SYS(name), 1, {__VA_ARGS__}}
#define IF2(promise, name, ...) {promise, SCMP_SYS(name), 2, {__VA_ARGS__}}
#define EQUAL(argument, value)  {argument, SCMP_CMP_EQ, (scmp_datum_t)(value), 0}
#define WITHOUT(argument, bits) {argument, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(bits), 0}
#define SOCKET_FLAGS            ((scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
#define TYPE(argument, type)    {argument, SCMP_CMP_MASKED_EQ, UINT32_MAX & ~SOCKET_FLAGS, (scmp_datum_t)(type)}
/* clang-format on */

/* The whole of what any process of ours may ever ask of the kernel. Whatever is not here kills the process. */
static const struct rule rules[] = {
    ANY(PROMISE_BASE, read),
    ANY(PROMISE_BASE, write),
    ANY(PROMISE_BASE, readv),
    ANY(PROMISE_BASE, writev),
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
    ANY(PROMISE_BASE, madvise),
    ANY(PROMISE_BASE, mlock),
    ANY(PROMISE_BASE, munlock),
    ANY(PROMISE_BASE, epoll_create1),
    ANY(PROMISE_BASE, epoll_ctl),
    ANY(PROMISE_BASE, epoll_wait),
    ANY(PROMISE_BASE, epoll_pwait),
    ANY(PROMISE_BASE, poll),
    ANY(PROMISE_BASE, ppoll),
    ANY(PROMISE_BASE, clock_gettime),
    ANY(PROMISE_BASE, clock_getres),
    ANY(PROMISE_BASE, clock_nanosleep),
    ANY(PROMISE_BASE, gettimeofday),
    ANY(PROMISE_BASE, getrandom),
    ANY(PROMISE_BASE, futex),
    ANY(PROMISE_BASE, exit),
    ANY(PROMISE_BASE, exit_group),
    ANY(PROMISE_BASE, restart_syscall),
    ANY(PROMISE_BASE, rt_sigreturn),
    ANY(PROMISE_BASE, rt_sigaction),
    ANY(PROMISE_BASE, rt_sigprocmask),
    ANY(PROMISE_BASE, sigaltstack),
    ANY(PROMISE_BASE, getpid),
    ANY(PROMISE_BASE, gettid),
    /* abort(): a failed assertion ends as itself, not as a forbidden call */
    IF(PROMISE_BASE, tgkill, EQUAL(2, SIGABRT)),
    IF(PROMISE_BASE, fcntl, EQUAL(1, F_GETFL)),
    IF(PROMISE_BASE, fcntl, EQUAL(1, F_SETFL)),
    IF(PROMISE_BASE, fcntl, EQUAL(1, F_GETFD)),
    IF(PROMISE_BASE, fcntl, EQUAL(1, F_SETFD)),
    IF(PROMISE_BASE, fcntl, EQUAL(1, F_DUPFD_CLOEXEC)),
    /* c-ares and curl wake themselves through one of these; neither reaches outside the process */
    ANY(PROMISE_BASE, eventfd2),
    ANY(PROMISE_BASE, pipe2),

    ANY(PROMISE_SEND, sendmsg),
    ANY(PROMISE_SEND, recvmsg),
    ANY(PROMISE_SEND, sendto),
    ANY(PROMISE_SEND, recvfrom),
    ANY(PROMISE_SEND, shutdown),

    IF2(PROMISE_INET, socket, EQUAL(0, AF_INET), TYPE(1, SOCK_STREAM)),
    IF2(PROMISE_INET, socket, EQUAL(0, AF_INET6), TYPE(1, SOCK_STREAM)),
    IF2(PROMISE_INET, socket, EQUAL(0, AF_INET), TYPE(1, SOCK_DGRAM)),
    IF2(PROMISE_INET, socket, EQUAL(0, AF_INET6), TYPE(1, SOCK_DGRAM)),
    ANY(PROMISE_INET, connect),
    ANY(PROMISE_INET, bind),
    ANY(PROMISE_INET, getsockname),
    ANY(PROMISE_INET, getpeername),
    ANY(PROMISE_INET, setsockopt),
    ANY(PROMISE_INET, getsockopt),
    IF(PROMISE_INET, ioctl, EQUAL(1, FIONREAD)),
    IF(PROMISE_INET, ioctl, EQUAL(1, FIONBIO)),

    ANY(PROMISE_LISTEN, accept4),
    ANY(PROMISE_LISTEN, accept),
    ANY(PROMISE_LISTEN, listen),
    ANY(PROMISE_LISTEN, bind),
    ANY(PROMISE_LISTEN, getsockname),
    ANY(PROMISE_LISTEN, getpeername),
    ANY(PROMISE_LISTEN, setsockopt),
    ANY(PROMISE_LISTEN, getsockopt),

    IF(PROMISE_UNIX, socket, EQUAL(0, AF_UNIX)),
    IF(PROMISE_UNIX, socketpair, EQUAL(0, AF_UNIX)),
    ANY(PROMISE_UNIX, connect),
    ANY(PROMISE_UNIX, getsockopt),
    ANY(PROMISE_UNIX, setsockopt),

    IF(PROMISE_NETLINK, socket, EQUAL(0, AF_NETLINK)),
    /* libnftables waits with select() */
    ANY(PROMISE_NETLINK, pselect6),
    ANY(PROMISE_NETLINK, bind),
    ANY(PROMISE_NETLINK, getsockname),
    ANY(PROMISE_NETLINK, setsockopt),
    ANY(PROMISE_NETLINK, getsockopt),

    IF2(PROMISE_PING, socket, EQUAL(0, AF_INET), EQUAL(2, IPPROTO_ICMP)),
    IF2(PROMISE_PING, socket, EQUAL(0, AF_INET6), EQUAL(2, IPPROTO_ICMPV6)),
    ANY(PROMISE_PING, connect),
    ANY(PROMISE_PING, setsockopt),

    IF(PROMISE_READ_FILE, openat, WITHOUT(2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)),
    IF(PROMISE_READ_FILE, open, WITHOUT(1, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)),
    ANY(PROMISE_READ_FILE, newfstatat),
    ANY(PROMISE_READ_FILE, statx),
    ANY(PROMISE_READ_FILE, getdents64),
    ANY(PROMISE_READ_FILE, readlink),
    ANY(PROMISE_READ_FILE, readlinkat),
    ANY(PROMISE_READ_FILE, access),
    ANY(PROMISE_READ_FILE, faccessat2),
    ANY(PROMISE_READ_FILE, pread64),
    ANY(PROMISE_READ_FILE, getcwd),
    IF(PROMISE_READ_FILE, ioctl, EQUAL(1, TCGETS)),

    ANY(PROMISE_WRITE_FILE, openat),
    ANY(PROMISE_WRITE_FILE, newfstatat),
    ANY(PROMISE_WRITE_FILE, pread64),
    ANY(PROMISE_WRITE_FILE, pwrite64),
    ANY(PROMISE_WRITE_FILE, ftruncate),
    ANY(PROMISE_WRITE_FILE, fsync),
    ANY(PROMISE_WRITE_FILE, fdatasync),
    ANY(PROMISE_WRITE_FILE, rename),
    ANY(PROMISE_WRITE_FILE, renameat),
    ANY(PROMISE_WRITE_FILE, unlink),
    ANY(PROMISE_WRITE_FILE, unlinkat),
    ANY(PROMISE_WRITE_FILE, mkdir),
    ANY(PROMISE_WRITE_FILE, mkdirat),
    ANY(PROMISE_WRITE_FILE, fchmod),
    ANY(PROMISE_WRITE_FILE, fchown),
    /* SQLite's locks; F_OFD_* are not used */
    IF(PROMISE_WRITE_FILE, fcntl, EQUAL(1, F_SETLK)),
    IF(PROMISE_WRITE_FILE, fcntl, EQUAL(1, F_GETLK)),

    ANY(PROMISE_PROCESS, clone),
    ANY(PROMISE_PROCESS, clone3),
    ANY(PROMISE_PROCESS, fork),
    ANY(PROMISE_PROCESS, vfork),
    ANY(PROMISE_PROCESS, execve),
    ANY(PROMISE_PROCESS, wait4),
    ANY(PROMISE_PROCESS, waitid),
    ANY(PROMISE_PROCESS, kill),
    ANY(PROMISE_PROCESS, dup),
    ANY(PROMISE_PROCESS, dup2),
    ANY(PROMISE_PROCESS, dup3),
    ANY(PROMISE_PROCESS, getppid),
    ANY(PROMISE_PROCESS, setsid),
    ANY(PROMISE_PROCESS, close_range),
    ANY(PROMISE_PROCESS, signalfd4),
    ANY(PROMISE_PROCESS, set_robust_list),
    ANY(PROMISE_PROCESS, set_tid_address),
    ANY(PROMISE_PROCESS, rseq),
    ANY(PROMISE_PROCESS, prlimit64),
    ANY(PROMISE_PROCESS, arch_prctl),
    ANY(PROMISE_PROCESS, getuid),
    ANY(PROMISE_PROCESS, geteuid),
    ANY(PROMISE_PROCESS, getgid),
    ANY(PROMISE_PROCESS, getegid),
    IF(PROMISE_PROCESS, socketpair, EQUAL(0, AF_UNIX)),
    ANY(PROMISE_PROCESS, setsockopt),
    /* what the child maps when its program is loaded */
    ANY(PROMISE_PROCESS, mmap),
    ANY(PROMISE_PROCESS, mprotect),

    ANY(PROMISE_PRIVILEGE, setresuid),
    ANY(PROMISE_PRIVILEGE, setresgid),
    ANY(PROMISE_PRIVILEGE, setgroups),
    ANY(PROMISE_PRIVILEGE, capset),
    ANY(PROMISE_PRIVILEGE, capget),
    ANY(PROMISE_PRIVILEGE, prctl),
    IF(PROMISE_PRIVILEGE, setns, EQUAL(1, CLONE_NEWNET)),
    IF(PROMISE_PRIVILEGE, unshare, EQUAL(0, CLONE_NEWNS)),
    IF(PROMISE_PRIVILEGE, unshare, EQUAL(0, CLONE_NEWNET)),

    ANY(PROMISE_MOUNT, mount),
    ANY(PROMISE_MOUNT, umount2),
    ANY(PROMISE_MOUNT, pivot_root),
    ANY(PROMISE_MOUNT, chroot),
    ANY(PROMISE_MOUNT, chdir),

    ANY(PROMISE_CLOCK, clock_settime),

    IF(PROMISE_IOCTL_NET, ioctl, EQUAL(1, SIOCGIFINDEX)),
    IF(PROMISE_IOCTL_NET, ioctl, EQUAL(1, SIOCGIFNAME)),
    IF(PROMISE_IOCTL_NET, ioctl, EQUAL(1, SIOCGIFFLAGS)),
    IF(PROMISE_IOCTL_NET, ioctl, EQUAL(1, SIOCSIFFLAGS)),
    IF(PROMISE_IOCTL_NET, ioctl, EQUAL(1, SIOCGIFHWADDR)),
    IF(PROMISE_IOCTL_NET, ioctl, EQUAL(1, SIOCGIFMTU)),
    IF(PROMISE_IOCTL_NET, ioctl, EQUAL(1, SIOCSIFMTU)),

    ANY(PROMISE_SEAL, seccomp),
    ANY(PROMISE_SEAL, landlock_create_ruleset),
    ANY(PROMISE_SEAL, landlock_add_rule),
    ANY(PROMISE_SEAL, landlock_restrict_self),
    IF(PROMISE_SEAL, prctl, EQUAL(0, PR_SET_NO_NEW_PRIVS)),

    ANY(PROMISE_POWER, reboot),
    ANY(PROMISE_POWER, rt_sigtimedwait),
    IF(PROMISE_POWER, ioctl, EQUAL(1, DRM_IOCTL_MODE_GETRESOURCES)),
    IF(PROMISE_POWER, ioctl, EQUAL(1, DRM_IOCTL_MODE_GETCONNECTOR)),
    IF(PROMISE_POWER, ioctl, EQUAL(1, DRM_IOCTL_MODE_CREATE_DUMB)),
    IF(PROMISE_POWER, ioctl, EQUAL(1, DRM_IOCTL_MODE_ADDFB)),
    IF(PROMISE_POWER, ioctl, EQUAL(1, DRM_IOCTL_MODE_MAP_DUMB)),
    IF(PROMISE_POWER, ioctl, EQUAL(1, DRM_IOCTL_MODE_SETCRTC)),
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

static uint64_t landlock_rights(unsigned access, bool directory, uint64_t handled)
{
	uint64_t rights = 0;
	if (access & ACCESS_READ)
		rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (access & ACCESS_WRITE)
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_MAKE_REG |
			  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_IOCTL_DEV;
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
	struct landlock_ruleset_attr attr = {.handled_access_fs = (LANDLOCK_ACCESS_FS_IOCTL_DEV << 1) - 1};
	if (abi < 5)
		attr.handled_access_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (abi < 3)
		attr.handled_access_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi < 2)
		attr.handled_access_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 4 && !(self->promises & PROMISE_INET))
		attr.handled_access_net |= LANDLOCK_ACCESS_NET_CONNECT_TCP;
	if (abi >= 4 && !(self->promises & (PROMISE_LISTEN | PROMISE_INET)))
		attr.handled_access_net |= LANDLOCK_ACCESS_NET_BIND_TCP;
	/* A parent signals its children, which are in domains below its own: that stays possible. */
	if (abi >= 6)
		attr.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	return attr;
}

static int enter_landlock(const struct self *self)
{
	/* A domain forbids mounting and pivoting even where nothing else is restricted (bubblewrap below a parent). */
	if (self->promises & PROMISE_MOUNT)
		return 0;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return -errno;
	struct landlock_ruleset_attr attr = landlock_handled(self, abi);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset < 0)
		return -errno;
	int error = 0;
	for (size_t i = 0; i < SELF_PATHS_MAX && self->paths[i].path && !error; i++) {
		error = allow_path(ruleset, &self->paths[i], attr.handled_access_fs);
		if (error)
			log_error("landlock rule for %s: %s", self->paths[i].path, strerror(-error));
	}
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		error = -errno;
	close(ruleset);
	return error;
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
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

int sandbox_enter(const struct self *self)
{
	static const struct {
		const char *name;
		int (*enter)(const struct self *self);
	} steps[] = {{"limits", set_limits}, {"landlock", enter_landlock}, {"seccomp", enter_seccomp}};

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		int error = -errno;
		log_error("sandbox of %s: no_new_privs: %s", self->name, strerror(-error));
		return error;
	}
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		int error = steps[i].enter(self);
		if (error) {
			log_error("sandbox of %s: %s: %s", self->name, steps[i].name, strerror(-error));
			return error;
		}
	}
	return 0;
}

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
