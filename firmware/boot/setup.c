#include "firmware/boot/setup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/log.h"

enum { HARD = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static const struct place {
	const char *source, *target, *type;
	unsigned long flags;
	const char *options;
} places[] = {
    {"proc", "/proc", "proc", HARD, NULL},
    {"sysfs", "/sys", "sysfs", HARD, NULL},
    {"dev", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=755"},
    {"tmpfs", "/dev/shm", "tmpfs", HARD, "mode=1777,size=128m,nr_inodes=4096"},
    {"tmpfs", "/run", "tmpfs", HARD, "mode=755,size=32m,nr_inodes=8192"},
    {"tmpfs", "/tmp", "tmpfs", HARD, "mode=1777,size=64m,nr_inodes=8192"},
};

/* user.max_user_namespaces cannot be 0: the page's own sandbox is made of them. */
static const struct setting {
	const char *path, *value; /* under /proc/sys */
} settings[] = {
    {"kernel/dmesg_restrict", "1"},
    {"kernel/kptr_restrict", "2"},
    {"kernel/perf_event_paranoid", "3"},
    {"kernel/kexec_load_disabled", "1"},
    {"kernel/modules_disabled", "1"},
    {"kernel/unprivileged_bpf_disabled", "1"},
    {"kernel/io_uring_disabled", "2"},
    {"kernel/sysrq", "0"},
    {"kernel/oops_limit", "100"},
    {"kernel/warn_limit", "100"},
    {"kernel/randomize_va_space", "2"},
    {"kernel/yama/ptrace_scope", "3"},
    {"dev/tty/ldisc_autoload", "0"},
    {"dev/tty/legacy_tiocsti", "0"},
    {"fs/protected_symlinks", "1"},
    {"fs/protected_hardlinks", "1"},
    {"fs/protected_fifos", "2"},
    {"fs/protected_regular", "2"},
    {"fs/suid_dumpable", "0"},
    {"vm/mmap_min_addr", "65536"},
    {"vm/mmap_rnd_bits", "32"},
    {"vm/mmap_rnd_compat_bits", "16"},
    {"vm/unprivileged_userfaultfd", "0"},
    /* memory with a name is no place to run a program from either: the tmpfs are all noexec */
    {"vm/memfd_noexec", "2"},
    {"user/max_user_namespaces", "64"},
    {"net/core/bpf_jit_harden", "2"},
    {"net/ipv4/ip_forward", "0"},
    {"net/ipv4/tcp_syncookies", "1"},
    {"net/ipv4/icmp_ignore_bogus_error_responses", "1"},
    {"net/ipv4/icmp_echo_ignore_broadcasts", "1"},
};

static int make_mount(const struct place *place)
{
	/* Mount points lie in the read-only root; the one under /dev is made. */
	(void)mkdir(place->target, 0755);
	if (mount(place->source, place->target, place->type, place->flags, place->options) == 0)
		return 0;
	/* The kernel mounts /dev before it starts us: then only the flags are missing. */
	if (errno == EBUSY && mount(NULL, place->target, NULL, MS_REMOUNT | place->flags, NULL) == 0)
		return 0;
	int error = -errno;
	log_error("%s cannot be mounted: %s", place->target, strerror(errno));
	return error;
}

int setup_mounts(void)
{
	int error = 0;
	umask(0022);
	for (size_t i = 0; i < sizeof places / sizeof places[0] && !error; i++)
		error = make_mount(&places[i]);
	return error;
}

int setup_usr(void)
{
	if (mount("/dev/dm-1", "/usr", "erofs", MS_RDONLY | MS_NODEV | MS_NOSUID, NULL) == 0)
		return 0;
	int error = -errno;
	log_error("/usr cannot be mounted: %s", strerror(errno));
	return error;
}

static int write_setting(const struct setting *setting)
{
	char path[640];
	snprintf(path, sizeof path, "/proc/sys/%s", setting->path);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t put = write(fd, setting->value, strlen(setting->value));
	int error = put < 0 ? -errno : 0;
	close(fd);
	return error;
}

static int apply_setting(const struct setting *setting)
{
	int error = write_setting(setting);
	if (error)
		log_error("the kernel refuses %s = %s: %s", setting->path, setting->value, strerror(-error));
	return error;
}

/* For "all", "default", and each interface that was there before us with its own copy of what "default" said then. */
static int apply_to_interface(const char *interface)
{
	static const struct {
		const char *family, *name, *value;
	} own[] = {
	    {"ipv4", "accept_redirects", "0"}, {"ipv4", "accept_source_route", "0"},
	    {"ipv4", "send_redirects", "0"},   {"ipv4", "rp_filter", "1"},
	    {"ipv6", "accept_redirects", "0"}, {"ipv6", "accept_source_route", "0"},
	    {"ipv6", "accept_ra", "0"},
	};
	int result = 0;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		char path[512];
		snprintf(path, sizeof path, "net/%s/conf/%s/%s", own[i].family, interface, own[i].name);
		int error = apply_setting(&(struct setting){path, own[i].value});
		if (error)
			result = error;
	}
	return result;
}

static int apply_to_interfaces(void)
{
	DIR *interfaces = opendir("/proc/sys/net/ipv4/conf");
	int result = 0;
	if (!interfaces)
		return -errno;
	for (const struct dirent *entry; (entry = readdir(interfaces));) {
		int error = entry->d_name[0] == '.' ? 0 : apply_to_interface(entry->d_name);
		if (error)
			result = error;
	}
	closedir(interfaces);
	return result;
}

int setup_settings(void)
{
	int result = 0;
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		int error = apply_setting(&settings[i]);
		if (error)
			result = error;
	}
	int error = apply_to_interfaces();
	return error ? error : result;
}

int setup_names(void)
{
	static const char host[] = "sekisho";
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int error = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) < 0 || sethostname(host, sizeof host - 1) < 0 ||
	    reboot(RB_DISABLE_CAD) < 0)
		error = -errno;
	if (error)
		log_error("host name or loopback: %s", strerror(-error));
	if (fd >= 0)
		close(fd);
	return error;
}

int64_t setup_json_number(const char *json, const char *name)
{
	char key[32];
	snprintf(key, sizeof key, "\"%s\"", name);
	const char *at = strstr(json, key);
	if (!at)
		return -1;
	at += strlen(key);
	at += strspn(at, " \t\n");
	if (*at++ != ':')
		return -1;
	at += strspn(at, " \t\n");
	char *end;
	errno = 0;
	long long value = strtoll(at, &end, 10);
	return isdigit((unsigned char)*at) && !errno && strspn(end, ",} \t\n") > 0 ? value : -1;
}

int setup_clock(const char *image_json, int64_t *image_date)
{
	*image_date = setup_json_number(image_json, "date");
	if (*image_date < 0) {
		log_error("the image does not say when it was made");
		return -EINVAL;
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec >= *image_date)
		return 0;
	struct timespec then = {.tv_sec = *image_date};
	log_warn("this PC's clock is older than the image: starting from the image's date");
	return clock_settime(CLOCK_REALTIME, &then) < 0 ? -errno : 0;
}

void setup_unmount(void)
{
	static const char *const written[] = {"/tmp", "/run", "/dev/shm"};
	for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
		if (umount2(written[i], 0) < 0)
			(void)umount2(written[i], MNT_DETACH);
	(void)write_setting(&(struct setting){"vm/drop_caches", "3"});
	(void)umount2("/usr", MNT_DETACH);
}
