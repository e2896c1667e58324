/*
 * probe - in place of WebKit's own programs in tests/rig/stick: started as they are, in the same cell, by the same
 * bubblewrap, it tries what a page that has taken them over would try, and says of each what became of it:
 *
 *   probe: web WHAT: allowed|ERROR
 *
 * In the kiosk's place it tries the same: what a browser's own process could, that has been taken over.
 *
 * What would kill it is not tried here: see sandbox.t, which injects it.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char *name;

static void say(const char *what, long result)
{
	fprintf(stderr, "probe: %s %s: %s\n", name, what, result < 0 ? strerrorname_np(errno) : "allowed");
}

static void try_file(const char *path, int flags)
{
	char what[128];
	snprintf(what, sizeof what, "%s %s", flags & O_ACCMODE ? "write" : "read", path);
	say(what, open(path, flags | O_CLOEXEC, 0600));
}

static void try_connect(const char *path)
{
	char what[128];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path) + 1);
	snprintf(what, sizeof what, "connect %s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	say(what, fd < 0 ? fd : connect(fd, (struct sockaddr *)&address, sizeof address));
}

static void try_socket(const char *what, int family, int type, int protocol)
{
	say(what, socket(family, type, protocol));
}

static void try_listen(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	say("be connected to", fd < 0 ? fd : bind(fd, (const struct sockaddr *)&any, sizeof any));
}

/* Bytes that were written, executed: by way of a page that changes, of one that is both, and of a file in memory. */
static void try_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("make a written page executable", mprotect(page, 4096, PROT_READ | PROT_EXEC));
	void *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("map memory for both", both == MAP_FAILED ? -1 : 0);
	int fd = (int)syscall(SYS_memfd_create, "code", 0);
	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return;
	void *file = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	say("execute a file in memory", file == MAP_FAILED ? -1 : 0);
	int library = open("/usr/lib/x86_64-linux-gnu/libcrypt.so.1", O_RDONLY | O_CLOEXEC);
	void *late = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, library, 0);
	say("map one more library", late == MAP_FAILED ? -1 : 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	name = strstr(argv[0], "Network") ? "network" : strstr(argv[0], "kiosk") ? "kiosk" : "web";
	try_file("/etc/hosts", O_RDONLY);
	try_file("/sekisho/etc/policy.dsse.json", O_RDONLY);
	try_file("/run/udev/control", O_RDONLY);
	try_file("/dev/input/event0", O_RDONLY);
	try_file("/tmp/probe", O_RDWR | O_CREAT);
	try_file("/dev/shm/probe", O_RDWR | O_CREAT);
	try_file("/run/user/1000/probe", O_RDWR | O_CREAT);
	try_file("/probe", O_RDWR | O_CREAT);
	try_file("/proc/1/mem", O_RDWR);
	try_file("/proc/self/oom_score_adj", O_RDWR);
	try_connect("/run/user/1000/wayland-0");
	try_connect("/run/seatd.sock");
	try_socket("tcp socket", AF_INET, SOCK_STREAM, 0);
	try_socket("raw socket", AF_INET, SOCK_RAW, 1);
	try_socket("packet socket", AF_PACKET, SOCK_RAW, 0);
	try_socket("vsock", AF_VSOCK, SOCK_STREAM, 0);
	try_socket("AF_ALG", AF_ALG, SOCK_SEQPACKET, 0);
	try_socket("netfilter's netlink", AF_NETLINK, SOCK_RAW, 12);
	try_listen();
	say("signal its parent", kill(getppid(), 0));
	try_code();
	fprintf(stderr, "probe: %s done\n", name);
	for (;;)
		pause();
}
