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

#include "firmware/boot/memory.h"
#include "firmware/lib/log.h"

#define SETTINGS "/proc/sys"

enum { HARD = MS_NOSUID | MS_NODEV | MS_NOEXEC, SETTING_BYTES = 64, OVERWRITE_MS = 5000 };

static const struct place {
	const char *source, *target, *type;
	unsigned long flags;
	const char *options;
} places[] = {
    {"proc", "/proc", "proc", HARD, NULL},
    {"sysfs", "/sys", "sysfs", HARD, NULL},
    {"cgroup", "/sys/fs/cgroup", "cgroup2", HARD, NULL},
    {"dev", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=755"},
    {"tmpfs", "/dev/shm", "tmpfs", HARD, "mode=1777,size=128m,nr_inodes=4096"},
    {"tmpfs", "/run", "tmpfs", HARD, "mode=755,size=32m,nr_inodes=8192"},
    {"tmpfs", "/tmp", "tmpfs", HARD, "mode=1777,size=64m,nr_inodes=8192"},
};

enum presence { ABSENT, THERE };

struct setting {
	const char *path, *value; /* under /proc/sys */
	enum presence presence;
};

static const struct setting settings[] = {
#define SETTING(path, value, presence) {path, value, presence},
#define INTERFACE_SETTING(family, name, value)
#include "firmware/boot/settings.def"
};

/* For "all", "default", and each interface that was there before us with its own copy of what "default" said then. */
static const struct interface_setting {
	const char *family, *name, *value;
} interface_settings[] = {
#define SETTING(path, value, presence)
#define INTERFACE_SETTING(family, name, value) {family, name, value},
#include "firmware/boot/settings.def"
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

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return error;
}

/* What the kernel says it is set to, without the newline; `text` is left empty where it says nothing. */
static int read_text(const char *path, char text[static SETTING_BYTES])
{
	text[0] = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t got = read(fd, text, SETTING_BYTES - 1);
	int error = got < 0 ? -errno : 0;
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error;
}

int setup_setting(const char *folder, const char *path, const char *value, bool there)
{
	char full[640], now[SETTING_BYTES];
	snprintf(full, sizeof full, "%s/%s", folder, path);
	int error = write_text(full, value);
	if (error == -ENOENT && !there)
		return 0;
	if (error) {
		log_error("the kernel refuses %s = %s: %s", path, value, strerror(-error));
		return error;
	}
	error = read_text(full, now);
	if (!error && strcmp(now, value) != 0)
		error = -EPROTO;
	if (error)
		log_error("%s was set to %s and reads as \"%s\"", path, value, now);
	else
		log_info("setting %s %s", path, now);
	return error;
}

static int apply_to_interface(const char *interface)
{
	int result = 0;
	for (size_t i = 0; i < sizeof interface_settings / sizeof interface_settings[0]; i++) {
		const struct interface_setting *own = &interface_settings[i];
		char path[512];
		snprintf(path, sizeof path, "net/%s/conf/%s/%s", own->family, interface, own->name);
		/* an interface may have no IPv6 at all, or be gone again */
		bool there = strcmp(interface, "all") == 0 || strcmp(interface, "default") == 0;
		int error = setup_setting(SETTINGS, path, own->value, there);
		if (error)
			result = error;
	}
	return result;
}

static int apply_to_interfaces(void)
{
	DIR *interfaces = opendir(SETTINGS "/net/ipv4/conf");
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
		const struct setting *setting = &settings[i];
		int error = setup_setting(SETTINGS, setting->path, setting->value, setting->presence == THERE);
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

void setup_wipe(void)
{
	static const char *const written[] = {"/tmp", "/run", "/dev/shm"};
	for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
		if (umount2(written[i], 0) < 0)
			(void)umount2(written[i], MNT_DETACH);
	(void)write_text(SETTINGS "/vm/drop_caches", "3");
	(void)umount2("/usr", MNT_DETACH);
	memory_overwrite(OVERWRITE_MS);
}
