/* The kernel, the file system and the other processes: what is not a packet. Only for a machine that may be lost. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/attack/attacks.h"

enum { EXECUTABLE = 0x10 }; /* MFD_EXEC: the executable kind, asked for by name */

static int result(long got) { return got < 0 ? -errno : 0; }

static int opened(int fd)
{
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int try_write(const struct attack *attack, int *fd)
{
	(void)fd;
	return opened(open(attack->text, attack->number | O_CLOEXEC, 0755));
}

/* Opening some of /proc/sys for writing is not yet a change. */
static int try_setting(const struct attack *attack, int *fd)
{
	(void)fd;
	int got = open(attack->text, O_RDWR | O_CLOEXEC);
	char value[256];
	if (got < 0)
		return -errno;
	ssize_t size = read(got, value, sizeof value);
	int error = size <= 0 ? -EIO : result(pwrite(got, value, (size_t)size, 0));
	close(got);
	return error;
}

/* A block or character device of this number, made anew and opened. */
static int try_device(const struct attack *attack, int *fd)
{
	static const char *const places[] = {"/tmp/attack-device", "/dev/shm/attack-device", "/dev/attack-device"};
	int error = -EPERM;
	(void)fd;
	for (size_t i = 0; i < sizeof places / sizeof places[0] && error; i++) {
		error = result(mknod(places[i], (mode_t)attack->other | 0600, (dev_t)makedev(attack->number, 0)));
		if (!error)
			error = opened(open(places[i], O_RDWR | O_CLOEXEC));
		(void)unlink(places[i]);
	}
	return error;
}

static int try_mount(const struct attack *attack, int *fd)
{
	(void)fd;
	unsigned long flags = (unsigned long)(unsigned)attack->number;
	int error = result(mount(attack->other ? "/usr" : "none", "/tmp", attack->text, flags, NULL));
	if (!error && !(flags & MS_REMOUNT))
		(void)umount2("/tmp", MNT_DETACH);
	return error;
}

static int try_unmount(const struct attack *attack, int *fd)
{
	(void)fd;
	return result(umount2(attack->text, attack->number));
}

static int try_setns(const struct attack *attack, int *fd)
{
	(void)fd;
	int ns = open(attack->text, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return -errno;
	int error = result(setns(ns, 0));
	close(ns);
	return error;
}

static int try_unshare(const struct attack *attack, int *fd)
{
	(void)fd;
	return result(unshare(attack->number));
}

static int try_ptrace(const struct attack *attack, int *fd)
{
	(void)fd;
	return result(ptrace(PTRACE_SEIZE, attack->number > 0 ? attack->number : getppid(), NULL, NULL));
}

static int try_memory(const struct attack *attack, int *fd)
{
	(void)fd;
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)try_memory, 1};
	return result(process_vm_readv(attack->number, &here, 1, &there, 1, 0));
}

static int try_signal(const struct attack *attack, int *fd)
{
	(void)fd;
	return result(kill(attack->number, SIGCONT)); /* what may send this may send the last one */
}

/* One of the calls that nobody here needs; its arguments are harmless where it should succeed after all. */
static int try_call(const struct attack *attack, int *fd)
{
	struct perf_event_attr perf = {.size = sizeof perf, .type = PERF_TYPE_SOFTWARE};
	struct io_uring_params ring = {0};
	(void)fd;
	switch (attack->number) {
	case SYS_perf_event_open:
		return opened((int)syscall(SYS_perf_event_open, &perf, 0, -1, -1, 0));
	case SYS_io_uring_setup:
		return opened((int)syscall(SYS_io_uring_setup, 1, &ring));
	case SYS_iopl:
		return result(iopl(3));
	case SYS_syslog:
		return result(klogctl(3, (char[64]){0}, 64)); /* SYSLOG_ACTION_READ_ALL */
	case SYS_reboot:
		return result(reboot(RB_DISABLE_CAD)); /* as init itself does; who may do this may do the rest */
	case SYS_clock_settime: {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		return result(clock_settime(CLOCK_REALTIME, &now));
	}
	case SYS_sethostname:
		return result(sethostname("sekisho", 7));
	case SYS_swapon:
		return result(swapon("/tmp/attack", 0));
	default:
		return result(syscall(attack->number, 0, 0, 0, 0, 0, 0));
	}
}

/* Bytes of this process, written where it may write, run as a program or mapped as one. */
static int copy_of_self(const char *path)
{
	int out = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755)
		       : memfd_create("attack", (unsigned)MFD_CLOEXEC | EXECUTABLE);
	if (out >= 0 && write(out, "\177ELF", 4) != 4) {
		close(out);
		return -1;
	}
	return out;
}

static int try_map(const struct attack *attack, int *fd)
{
	(void)fd;
	int file = copy_of_self(attack->text);
	if (file < 0)
		return -errno;
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	int error = at == MAP_FAILED ? -errno : 0;
	close(file);
	if (attack->text)
		(void)unlink(attack->text);
	return error;
}

/* -ENOEXEC is a success: the kernel would have run it, had it been a program. */
static int try_execute(const struct attack *attack, int *fd)
{
	(void)fd;
	int file = copy_of_self(attack->text);
	char *const none[] = {NULL};
	if (file < 0)
		return -errno;
	(void)execveat(file, "", none, none, AT_EMPTY_PATH);
	int error = errno == ENOEXEC || errno == ETXTBSY ? 0 : -errno;
	close(file);
	if (attack->text)
		(void)unlink(attack->text);
	return error;
}

static int try_root(const struct attack *attack, int *fd)
{
	(void)attack, (void)fd;
	if (geteuid() == 0)
		return -EALREADY; /* it is already: then the bounding set is what counts */
	return result(setuid(0));
}

static int try_bounding_set(const struct attack *attack, int *fd)
{
	(void)attack, (void)fd;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct all[2] = {{~0U, ~0U, ~0U}, {0x1ff, 0x1ff, 0x1ff}};
	return result(syscall(SYS_capset, &header, all));
}

/* clang-format off */
const struct attack system_attacks[] = {
	{"become root",                        RIGHT(SETUID), try_root, NULL, 0, 0},
	{"take every capability",              0, try_bounding_set, NULL, 0, 0},
	{"mount: a file system in memory",     RIGHT(SYS_ADMIN), try_mount, "tmpfs", 0, 0},
	{"mount: the disk",                    RIGHT(SYS_ADMIN), try_mount, "vfat", 0, 0},
	{"mount: /usr over /tmp",              RIGHT(SYS_ADMIN), try_mount, NULL, MS_BIND, 1},
	{"mount: /tmp without noexec",         RIGHT(SYS_ADMIN), try_mount, NULL, MS_REMOUNT, 0},
	{"unmount /usr",                       RIGHT(SYS_ADMIN), try_unmount, "/usr", 0, 0},
	{"namespace: the underlay's network",  0, try_setns, "/proc/1/ns/net", 0, 0},
	{"namespace: init's mounts",           0, try_setns, "/proc/1/ns/mnt", 0, 0},
	{"namespace: a network of its own",    RIGHT(SYS_ADMIN), try_unshare, NULL, CLONE_NEWNET, 0},
	{"namespace: mounts of its own",       RIGHT(SYS_ADMIN), try_unshare, NULL, CLONE_NEWNS, 0},
	{"trace init",                         0, try_ptrace, NULL, 1, 0},
	{"trace its parent",                   0, try_ptrace, NULL, 0, 0},
	{"read init's memory",                 0, try_memory, NULL, 1, 0},
	{"write init's memory",                0, try_write, "/proc/1/mem", O_RDWR, 0},
	{"signal init",                        RIGHT(KILL), try_signal, NULL, 1, 0},
	{"setting: what runs at a crash",      0, try_setting, "/proc/sys/kernel/core_pattern", 0, 0},
	{"setting: who may trace",             0, try_setting, "/proc/sys/kernel/yama/ptrace_scope", 0, 0},
	{"setting: forwarding",                RIGHT(NET_ADMIN), try_setting, "/proc/sys/net/ipv4/ip_forward", 0, 0},
	{"setting: source routes",             RIGHT(NET_ADMIN), try_setting, "/proc/sys/net/ipv4/conf/all/accept_source_route", 0, 0},
	{"setting: drop caches",               0, try_write, "/proc/sys/vm/drop_caches", O_WRONLY, 0},
	{"SysRq",                              0, try_write, "/proc/sysrq-trigger", O_WRONLY, 0},
	{"read the kernel's memory",           0, try_write, "/proc/kcore", O_RDONLY, 0},
	{"read the PC's memory",               0, try_write, "/dev/mem", O_RDONLY, 0},
	{"read the PC's ports",                0, try_write, "/dev/port", O_RDONLY, 0},
	{"write the firmware's variables",     0, try_write, "/sys/firmware/efi/efivars/attack-5e4f2c1a-70f0-4a53-9d1b-0a6f9a3c7000", O_WRONLY | O_CREAT, 0},
	{"disk: the stick",                    0, try_write, "/dev/sda", O_RDWR, 0},
	{"disk: the stick, to read",           0, try_write, "/dev/sda", O_RDONLY, 0},
	{"disk: the record",                   0, try_write, "/dev/sda6", O_RDWR, 0},
	{"disk: the verified root",            0, try_write, "/dev/dm-0", O_RDWR, 0},
	{"device: a disk made anew",           0, try_device, NULL, 8, S_IFBLK},
	{"device: memory made anew",           0, try_device, NULL, 1, S_IFCHR},
	{"devices: authorise USB",             0, try_write, "/sys/bus/usb/devices/usb1/authorized_default", O_WRONLY, 0},
	{"device: a keyboard of its own",      0, try_write, "/dev/uinput", O_WRONLY, 0},
	{"device: the kernel's mapper",        0, try_write, "/dev/mapper/control", O_RDWR, 0},
	{"file: our programs",                 0, try_write, "/sekisho/launcher", O_WRONLY, 0},
	{"file: a new program",                0, try_write, "/sekisho/attack", O_WRONLY | O_CREAT, 0},
	{"file: /usr",                         0, try_write, "/usr/attack", O_WRONLY | O_CREAT, 0},
	{"file: /etc",                         0, try_write, "/etc/passwd", O_WRONLY, 0},
	{"run bytes of its own: /tmp",         0, try_execute, "/tmp/attack-run", 0, 0},
	{"run bytes of its own: /dev/shm",     0, try_execute, "/dev/shm/attack-run", 0, 0},
	{"run bytes of its own: memory",       0, try_execute, NULL, 0, 0},
	{"map bytes of its own: /tmp",         0, try_map, "/tmp/attack-map", 0, 0},
	{"map bytes of its own: /dev/shm",     0, try_map, "/dev/shm/attack-map", 0, 0},
	{"map bytes of its own: memory",       0, try_map, NULL, 0, 0},
	{"call: load a module",                0, try_call, NULL, SYS_finit_module, 0},
	{"call: load a module from memory",    0, try_call, NULL, SYS_init_module, 0},
	{"call: another kernel",               0, try_call, NULL, SYS_kexec_load, 0},
	{"call: another kernel, a file",       0, try_call, NULL, SYS_kexec_file_load, 0},
	{"call: programs in the kernel (BPF)", 0, try_call, NULL, SYS_bpf, 0},
	{"call: perf",                         0, try_call, NULL, SYS_perf_event_open, 0},
	{"call: userfaultfd",                  0, try_call, NULL, SYS_userfaultfd, 0},
	{"call: io_uring",                     0, try_call, NULL, SYS_io_uring_setup, 0},
	{"call: the PC's ports",               0, try_call, NULL, SYS_iopl, 0},
	{"call: the kernel's log",             0, try_call, NULL, SYS_syslog, 0},
	{"call: restart",                      0, try_call, NULL, SYS_reboot, 0},
	{"call: the clock",                    0, try_call, NULL, SYS_clock_settime, 0},
	{"call: the PC's name",                0, try_call, NULL, SYS_sethostname, 0},
	{"call: swap",                         0, try_call, NULL, SYS_swapon, 0},
	{"call: accounting",                   0, try_call, NULL, SYS_acct, 0},
	{"call: open by handle",               0, try_call, NULL, SYS_open_by_handle_at, 0},
};
/* clang-format on */

const size_t system_attack_count = sizeof system_attacks / sizeof system_attacks[0];
