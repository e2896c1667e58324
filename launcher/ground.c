#include "launcher/ground.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/proc.h"
#include "launcher/ids.h"
#include "launcher/link_wifi.h"
#include "vpn/device/rtnl.h"

enum { LISTEN_BACKLOG = 64, RESOLVER_PORT = 53 };

static int write_file(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = write(fd, text, size) == (ssize_t)size ? 0 : -errno;
	close(fd);
	return error;
}

/* --- namespaces --- */

static int furnish_screen(void *unused)
{
	(void)unused;
	int error = rtnl_link_up("lo");
	if (!error)
		error = rtnl_link_add("dummy0", "dummy");
	if (!error)
		error = rtnl_address_add("dummy0", "192.0.2.1/32");
	return error;
}

static int furnish_tunnel(void *unused)
{
	(void)unused;
	char range[32];
	int size = snprintf(range, sizeof range, "%d %d", ID_TUNNEL, ID_TUNNEL);
	return write_file("/proc/sys/net/ipv4/ping_group_range", range, (size_t)size);
}

int ground_namespaces(int namespaces[NAMESPACE_COUNT])
{
	static int (*const furnish[NAMESPACE_COUNT])(void *) = {
	    [NAMESPACE_TUNNEL] = furnish_tunnel, [NAMESPACE_SCREEN] = furnish_screen};
	static const char *const names[NAMESPACE_COUNT] = {"underlay", "tunnel", "screen", "nowhere"};
	namespaces[NAMESPACE_UNDERLAY] = -1;
	for (int i = NAMESPACE_TUNNEL; i < NAMESPACE_COUNT; i++) {
		namespaces[i] = netns_new();
		int error = namespaces[i] < 0 ? namespaces[i] : 0;
		if (!error && furnish[i])
			error = netns_run(namespaces[i], furnish[i], NULL);
		if (error) {
			log_error("network namespace %s cannot be made: %s", names[i], strerror(-error));
			return error;
		}
	}
	return 0;
}

int ground_wireguard(int tunnel_namespace)
{
	int error = rtnl_link_add("wg0", "wireguard");
	if (!error)
		error = rtnl_link_move("wg0", tunnel_namespace);
	if (error)
		log_error("wg0 cannot be made: %s", strerror(-error));
	return error;
}

/* --- files --- */

static int make_directory(const char *path, mode_t mode, uid_t owner, gid_t group)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return -errno;
	return chmod(path, mode) < 0 || chown(path, owner, group) < 0 ? -errno : 0;
}

int ground_directories(void)
{
	int error = make_directory("/run/sekisho", 0755, 0, 0);
	if (!error)
		error = make_directory("/run/udev", 0755, 0, 0); /* before udevd, which may make nothing above it */
	if (!error)
		error = make_directory("/run/user", 0755, 0, 0);
	if (!error)
		error = make_directory("/run/user/1000", 0700, ID_KIOSK, ID_KIOSK);
	if (!error)
		error = make_directory(LINK_WIFI_FOLDER, 0750, ID_WIFI, ID_LINK);
	if (error)
		log_error("directories under /run cannot be made: %s", strerror(-error));
	return error;
}

/* --- the screen's share --- */

static int write_number(const char *path, uint64_t number)
{
	char text[24];
	int size = snprintf(text, sizeof text, "%" PRIu64, number);
	return write_file(path, text, (size_t)size);
}

int ground_screen_share(void)
{
	static const char controllers[] = "+memory +pids";
	struct sysinfo machine;
	if (sysinfo(&machine) < 0)
		return -errno;
	uint64_t memory = (uint64_t)machine.totalram * machine.mem_unit;
	uint64_t share = memory > 2 * GROUND_KEPT_BYTES ? memory - GROUND_KEPT_BYTES : memory / 2;
	int error = write_file("/sys/fs/cgroup/cgroup.subtree_control", controllers, sizeof controllers - 1);
	if (!error && mkdir(GROUND_SCREEN_SHARE, 0755) < 0 && errno != EEXIST)
		error = -errno;
	if (!error)
		error = write_number(GROUND_SCREEN_SHARE "/memory.max", share);
	if (!error)
		error = write_number(GROUND_SCREEN_SHARE "/pids.max", GROUND_SCREEN_THREADS_MAX);
	if (error)
		log_error("the screen's share of the memory cannot be set: %s", strerror(-error));
	return error;
}

int ground_authority(const void *pem, size_t size)
{
	static const char fresh[] = GROUND_CA_FILE ".new";
	(void)unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return -errno;
	int error = write(fd, pem, size) == (ssize_t)size ? 0 : -EIO;
	if (!error && fchmod(fd, 0444) < 0)
		error = -errno;
	close(fd);
	if (!error && rename(fresh, GROUND_CA_FILE) < 0)
		error = -errno;
	return error;
}

/* --- devices --- */

static void announce_class(const char *class)
{
	DIR *directory = opendir(class);
	if (!directory)
		return; /* no such devices on this PC yet */
	const struct dirent *entry;
	while ((entry = readdir(directory))) {
		char path[512];
		if (entry->d_name[0] == '.')
			continue;
		int size = snprintf(path, sizeof path, "%s/%s/uevent", class, entry->d_name);
		if (size > 0 && (size_t)size < sizeof path)
			(void)write_file(path, "add", 3); /* one that went away meanwhile is announced by its going */
	}
	closedir(directory);
}

void ground_announce_devices(void)
{
	announce_class("/sys/class/input");
	announce_class("/sys/class/drm");
}

int ground_udev_notify(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = GROUND_UDEV_NOTIFY};
	(void)unlink(GROUND_UDEV_NOTIFY);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || chmod(GROUND_UDEV_NOTIFY, 0600) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* --- sockets of a session --- */

struct sockets {
	const uint16_t *ports;
	size_t port_count;
	int *fds;
};

static int open_local(int type, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The session before left connections in TIME_WAIT. */
	int yes = 1;
	if ((type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
	    (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0)) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int open_all(void *context)
{
	const struct sockets *s = context;
	s->fds[0] = open_local(SOCK_DGRAM, RESOLVER_PORT);
	if (s->fds[0] < 0)
		return s->fds[0];
	s->fds[1] = open_local(SOCK_STREAM, RESOLVER_PORT);
	if (s->fds[1] < 0)
		return s->fds[1];
	for (size_t i = 0; i < s->port_count; i++) {
		s->fds[2 + i] = open_local(SOCK_STREAM, s->ports[i]);
		if (s->fds[2 + i] < 0)
			return s->fds[2 + i];
	}
	return 0;
}

int ground_session_sockets(int screen_namespace, const uint16_t *ports, size_t port_count, int *fds)
{
	struct sockets s = {.ports = ports, .port_count = port_count, .fds = fds};
	for (size_t i = 0; i < 2 + port_count; i++)
		fds[i] = -1;
	int error = netns_run(screen_namespace, open_all, &s);
	if (!error)
		return 0;
	log_error("the session's sockets cannot be made: %s", strerror(-error));
	for (size_t i = 0; i < 2 + port_count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return error;
}
