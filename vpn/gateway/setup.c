#include "vpn/gateway/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "vpn/device/rtnl.h"

#define ADMIN_GROUP "sekisho-admin"

struct setup_user setup_user(const struct config *config, const char *role, unsigned number)
{
	char name[64];
	if (strcmp(config->users, "self") == 0)
		return (struct setup_user){getuid(), getgid()};
	if (strcmp(config->users, "names") != 0) {
		unsigned id = (unsigned)strtoul(config->users, NULL, 10) + number;
		return (struct setup_user){id, id};
	}
	snprintf(name, sizeof name, "sekisho-%s", role);
	const struct passwd *user = getpwnam(name);
	if (!user)
		fatal("there is no user %s: install the package sekisho-gateway, or set `users' in gateway.conf(5)",
		      name);
	return (struct setup_user){user->pw_uid, user->pw_gid};
}

void setup_interface(const struct config *config)
{
	char address[INET_ADDRSTRLEN + 4], inner[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &config->inner, inner, sizeof inner);
	snprintf(address, sizeof address, "%s/%u", inner, config->inner_prefix);
	bool kernel = strcmp(config->wireguard, "kernel") == 0;
	int error = kernel ? rtnl_link_add(config->interface, "wireguard") : 0;
	if (error == -EOPNOTSUPP)
		fatal("this kernel has no WireGuard: load its module, or name a user-space WireGuard's socket as "
		      "`wireguard' in gateway.conf(5)");
	if (!error || error == -EEXIST)
		error = rtnl_address_add(config->interface, address);
	if (!error || error == -EEXIST)
		error = rtnl_link_mtu(config->interface, config->mtu);
	if (!error)
		error = rtnl_link_up(config->interface);
	if (error)
		fatal("%s cannot be set up with %s: %s", config->interface, address, strerror(-error));
}

static int connect_unix(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	if (path[0] == '@') { /* an abstract name, as systemd writes it */
		address.sun_path[0] = '\0';
		size--;
	}
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, size) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int setup_uapi(const struct config *config)
{
	if (strcmp(config->wireguard, "kernel") == 0)
		return -1;
	int fd = connect_unix(config->wireguard, SOCK_STREAM);
	if (fd < 0)
		fatal("the user-space WireGuard at %s does not answer: %s", config->wireguard, strerror(-fd));
	return fd;
}

static int listen_at(const struct sockaddr *address, socklen_t size, const char *interface, const char *text)
{
	int one = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
		    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof one) == 0;
	if (good && interface)
		good = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) == 0;
	if (!good || bind(fd, address, size) < 0 || listen(fd, 1024) < 0)
		fatal("cannot listen at %s: %s", text, strerror(errno));
	return fd;
}

/* Bound to the interface as well: a packet for the inner address that comes another way is not the tunnel's. */
int setup_api_listener(const struct config *config)
{
	char text[ENDPOINT_SIZE], inner[INET_ADDRSTRLEN];
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(config->control_port), .sin_addr = config->inner};
	inet_ntop(AF_INET, &config->inner, inner, sizeof inner);
	snprintf(text, sizeof text, "%s:%u", inner, config->control_port);
	return listen_at((const struct sockaddr *)&address, sizeof address, config->interface, text);
}

int setup_web_listener(const struct config_listen *listen)
{
	return listen_at((const struct sockaddr *)&listen->address, listen->size, NULL, listen->text);
}

/* Whoever may write to this socket may add and revoke sticks: root and the group of that name, if there is one. */
int setup_control_listener(const struct config *config, uid_t uid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct group *admins = getgrnam(ADMIN_GROUP);
	if (strlen(config->control_socket) >= sizeof address.sun_path)
		fatal("%s is too long for a socket's name", config->control_socket);
	memcpy(address.sun_path, config->control_socket, strlen(config->control_socket));
	(void)uid;
	unlink(config->control_socket);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0117);
	bool good = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	umask(old);
	if (good && admins)
		good = chown(config->control_socket, 0, admins->gr_gid) == 0;
	if (!good || listen(fd, 16) < 0)
		fatal("cannot listen at %s: %s", config->control_socket, strerror(errno));
	return fd;
}

void setup_directory(const char *file, struct setup_user owner)
{
	char path[CONFIG_PATH_SIZE];
	snprintf(path, sizeof path, "%s", file);
	*strrchr(path, '/') = '\0';
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		fatal("the directory %s cannot be made: %s", path, strerror(errno));
	if (owner.uid != getuid() && chown(path, owner.uid, owner.gid) < 0)
		fatal("the directory %s cannot be given to its user: %s", path, strerror(errno));
}

int setup_file(const char *path, int optional)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && optional)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	return fd;
}

/* It stays root's: the process that is given it can add to it and nothing else. */
int setup_appended(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		fatal("%s cannot be opened to add to it: %s", path, strerror(errno));
	return fd;
}

/* `make bench-gateway` has bytes_per_connection. */
unsigned setup_open_files(void)
{
	enum { CONNECTION_BYTES = 40 << 10, PART = 4, OTHERS = 96 };
	struct rlimit files;
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t bytes = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : 0;
	uint64_t most = bytes / PART / CONNECTION_BYTES;
	most = most > SETUP_CONNECTIONS_MAX ? SETUP_CONNECTIONS_MAX : most;
	most = most + OTHERS < SETUP_FILES_MIN ? SETUP_FILES_MIN : most + OTHERS;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && most > files.rlim_max)
		most = files.rlim_max;
	return (unsigned)most;
}

int setup_notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	return path && *path ? connect_unix(path, SOCK_DGRAM) : -1;
}

void setup_notify(int fd, const char *text)
{
	if (fd >= 0 && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_warn("systemd was not told: %s", strerror(errno));
}
