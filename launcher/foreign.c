#include "launcher/foreign.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { CALLS_MAX = 32 };

#define BIT(which) (1U << FOREIGN_##which)
#define NOBODY     0U
#define NO_PAGE    (~(BIT(PAGE) | BIT(FETCH) | BIT(LOCKED) | BIT(TOKEN)))
#define NO_WIFI    (NO_PAGE & ~BIT(WIFI))

/* The groups are systemd's (systemd.exec(5), SystemCallFilter=), with the newer calls of the same kind beside them. */
/* clang-format off */
static const struct group {
	uint32_t may; /* whose filter lets the group through */
	int calls[CALLS_MAX]; /* up to the first 0, which is read() and in no group */
} groups[] = {
    /* debug: other processes' memory, descriptors and lives */
    {NOBODY, {SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp),
	      SCMP_SYS(pidfd_getfd), SCMP_SYS(process_madvise), SCMP_SYS(perf_event_open), SCMP_SYS(lookup_dcookie)}},
    {NOBODY, {SCMP_SYS(migrate_pages), SCMP_SYS(move_pages), SCMP_SYS(remap_file_pages), SCMP_SYS(vmsplice)}},
    /* module, kexec, and programs and rings inside the kernel */
    {NOBODY, {SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	      SCMP_SYS(kexec_file_load), SCMP_SYS(bpf), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	      SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)}},
    /* keyring */
    {NOBODY, {SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl)}},
    /* raw-io, cpu-emulation */
    {NOBODY, {SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt)}},
    /* reboot, swap */
    {NOBODY, {SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff)}},
    /* clock: init's alone */
    {NOBODY, {SCMP_SYS(clock_settime), SCMP_SYS(settimeofday), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime)}},
    /* obsolete */
    {NOBODY, {SCMP_SYS(uselib), SCMP_SYS(ustat), SCMP_SYS(sysfs), SCMP_SYS(_sysctl), SCMP_SYS(create_module),
	      SCMP_SYS(get_kernel_syms), SCMP_SYS(query_module), SCMP_SYS(nfsservctl), SCMP_SYS(getpmsg),
	      SCMP_SYS(putpmsg), SCMP_SYS(afs_syscall), SCMP_SYS(tuxcall), SCMP_SYS(security), SCMP_SYS(vserver)}},
    /* the machine: accounting, quotas, names, its log, another instruction set's behaviour */
    {NOBODY, {SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(quotactl_fd), SCMP_SYS(sethostname),
	      SCMP_SYS(setdomainname), SCMP_SYS(syslog), SCMP_SYS(vhangup), SCMP_SYS(personality)}},
    /* a file by its number, past all paths; everybody's files watched at once */
    {NOBODY, {SCMP_SYS(open_by_handle_at), SCMP_SYS(fanotify_init)}},
    /* mount, by the newer calls, which nothing here uses */
    {NOBODY, {SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount),
	      SCMP_SYS(fspick), SCMP_SYS(mount_setattr)}},
    /* mount: bubblewrap's; the spawner's, for each child's private view */
    {BIT(HOUSE) | BIT(SCREEN), {SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root)}},
    {BIT(HOUSE) | BIT(SCREEN) | BIT(DHCP), {SCMP_SYS(chroot)}},
    /* namespaces: the spawner enters them for its children; bubblewrap makes its own */
    {BIT(HOUSE), {SCMP_SYS(setns)}},
    {BIT(HOUSE) | BIT(SCREEN), {SCMP_SYS(unshare)}},
    /* to be somebody else */
    {NO_WIFI, {SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setgroups),
	       SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(capset)}},
    /* memory, messages and locks that anybody of the same uid finds */
    {NO_WIFI, {SCMP_SYS(shmget), SCMP_SYS(shmat), SCMP_SYS(shmctl), SCMP_SYS(shmdt), SCMP_SYS(semget), SCMP_SYS(semop),
	       SCMP_SYS(semctl), SCMP_SYS(semtimedop), SCMP_SYS(msgget), SCMP_SYS(msgsnd), SCMP_SYS(msgrcv),
	       SCMP_SYS(msgctl), SCMP_SYS(mq_open), SCMP_SYS(mq_unlink), SCMP_SYS(mq_timedsend),
	       SCMP_SYS(mq_timedreceive), SCMP_SYS(mq_notify), SCMP_SYS(mq_getsetattr)}},
    /* what a file is, beside what is in it: Landlock does not look at these */
    {NO_PAGE, {SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chown), SCMP_SYS(lchown), SCMP_SYS(fchown),
	       SCMP_SYS(fchownat), SCMP_SYS(setxattr), SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr), SCMP_SYS(removexattr),
	       SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr), SCMP_SYS(name_to_handle_at)}},
    /* to be connected to; other processes by descriptor */
    {NO_PAGE, {SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(pidfd_open),
	       SCMP_SYS(pidfd_send_signal), SCMP_SYS(execveat)}},
    /* another program, another process: not where all that is needed is loaded */
    {~(BIT(LOCKED) | BIT(TOKEN)), {SCMP_SYS(execve), SCMP_SYS(fork), SCMP_SYS(vfork)}},
};

/* Address families that each may have sockets of, and where there is a number, of this type alone. Every other one does
 * not exist for it: no vsock, no AF_ALG, no packets by hand. */
static const struct family {
	uint32_t may;
	int family, type; /* type 0: any */
} families[] = {
    {BIT(HOUSE) | BIT(DEVICES) | BIT(SEAT) | BIT(SCREEN) | BIT(DHCP) | BIT(WIFI), AF_UNIX, 0},
    {BIT(HOUSE) | BIT(DEVICES) | BIT(SCREEN) | BIT(FETCH) | BIT(DHCP) | BIT(WIFI) | BIT(TOKEN), AF_NETLINK, 0},
    {BIT(HOUSE) | BIT(DHCP), AF_INET, 0},
    {BIT(HOUSE) | BIT(DHCP), AF_INET6, 0},
    {BIT(SCREEN) | BIT(FETCH), AF_INET, SOCK_STREAM},
    {BIT(SCREEN) | BIT(FETCH), AF_INET, SOCK_DGRAM},
    {BIT(SCREEN) | BIT(FETCH), AF_INET6, SOCK_STREAM},
    {BIT(SCREEN) | BIT(FETCH), AF_INET6, SOCK_DGRAM},
    {BIT(WIFI), AF_INET, SOCK_DGRAM}, /* to ask an interface's flags by ioctl; what it sends ends at the wall */
    {BIT(HOUSE) | BIT(DHCP) | BIT(WIFI), AF_PACKET, 0},
};
/* clang-format on */

enum { GROUP_COUNT = sizeof groups / sizeof groups[0], FAMILY_COUNT = sizeof families / sizeof families[0] };

static const unsigned new_namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,   CLONE_NEWPID,
					  CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};

int foreign_killed(enum foreign which, size_t nth)
{
	for (size_t g = 0; g < GROUP_COUNT; g++)
		for (size_t i = 0; groups[g].calls[i] && !(groups[g].may >> which & 1); i++)
			if (nth-- == 0)
				return groups[g].calls[i];
	return -1;
}

static int deny_calls(scmp_filter_ctx filter, enum foreign which)
{
	int error = 0, call = 0;
	for (size_t nth = 0; !error && (call = foreign_killed(which, nth)) != -1; nth++)
		if (call >= 0) /* libseccomp gives calls of other processors numbers below zero */
			error = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 0);
	return error;
}

static int deny_namespaces(scmp_filter_ctx filter)
{
	int error = 0;
	for (size_t i = 0; i < sizeof new_namespaces / sizeof new_namespaces[0] && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					 SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces[i], new_namespaces[i]));
	/* Its flags lie in memory where a filter cannot look; the C library falls back to clone. */
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return error;
}

static bool may_open(enum foreign which, int family, int type)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++)
		if (families[i].may >> which & 1 && families[i].family == family &&
		    (families[i].type == 0 || families[i].type == type))
			return true;
	return false;
}

static int deny_type(scmp_filter_ctx filter, int family, int type)
{
	static const scmp_datum_t low = UINT32_MAX, flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 2,
				SCMP_A0(SCMP_CMP_MASKED_EQ, low, (scmp_datum_t)family),
				SCMP_A1(SCMP_CMP_MASKED_EQ, low & ~flags, (scmp_datum_t)type));
}

static int deny_families(scmp_filter_ctx filter, enum foreign which)
{
	int error =
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GE, AF_MAX));
	for (int family = 0; family < AF_MAX && !error; family++)
		for (int type = 0; type <= SOCK_PACKET && !error; type++)
			if (!may_open(which, family, type))
				error = deny_type(filter, family, type);
	return error;
}

/* The kernel's side of these parses a great deal, and none of it is for the programs here. */
static int deny_netlink(scmp_filter_ctx filter)
{
	static const int denied[] = {NETLINK_SOCK_DIAG, NETLINK_NFLOG,         NETLINK_XFRM,       NETLINK_SELINUX,
				     NETLINK_ISCSI,     NETLINK_AUDIT,         NETLINK_FIB_LOOKUP, NETLINK_CONNECTOR,
				     NETLINK_NETFILTER, NETLINK_SCSITRANSPORT, NETLINK_RDMA,       NETLINK_CRYPTO};
	int error = 0;
	for (size_t i = 0; i < sizeof denied / sizeof denied[0] && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2,
					 SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, AF_NETLINK),
					 SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)denied[i]));
	return error;
}

/* A library for USB wants to hear which devices come and go, and nothing else of the kernel. */
static int deny_all_but_uevents(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2,
				SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, AF_NETLINK),
				SCMP_A2(SCMP_CMP_NE, NETLINK_KOBJECT_UEVENT));
}

/* Threads go on being made. */
static int deny_processes(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* Code that something still tries to load is refused, not killed for: a library may do
 * without what it looks for. */
static int deny_code(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)};
	int error = 0;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0] && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	return error;
}

static bool makes_namespaces(enum foreign which) { return which == FOREIGN_HOUSE || which == FOREIGN_SCREEN; }

int foreign_enter(enum foreign which)
{
	if (which == FOREIGN_NONE)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return -ENOMEM;
	/* The 32-bit calls and x32's: other numbers for the same things, past every row above. */
	int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!error)
		error = deny_calls(filter, which);
	if (!error && !makes_namespaces(which))
		error = deny_namespaces(filter);
	if (!error && (which == FOREIGN_LOCKED || which == FOREIGN_TOKEN))
		error = deny_processes(filter);
	if (!error && which == FOREIGN_LOCKED)
		error = deny_code(filter);
	if (!error && which != FOREIGN_LOCKED)
		error = deny_families(filter, which);
	if (!error && which == FOREIGN_TOKEN)
		error = deny_all_but_uevents(filter);
	else if (!error && which != FOREIGN_HOUSE)
		error = deny_netlink(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
