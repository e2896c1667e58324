/*
 * pacer - a second browser on a stick that is in a session with a bank, for `make bench-stick`: in a development image
 * it is started in init's place, leaves a helper behind and becomes init. The helper obeys lines on the second serial
 * port:
 *
 *   authority TEXT   one more line of what stands in the place of the session's authority for a browser that goes
 *                    straight
 *   browse broker    tests/bench/page where the kiosk is: its way out are the broker's listeners
 *   browse direct    the same program where the broker is: its sockets go into the tunnel, to the gateway's resolver
 *                    and to the bank itself
 *
 * From "browse" until it says "end" the line is the browser's. Each answer ends with a "." of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "firmware/lib/log.h"

#define AUTHORITY "/run/pacer.pem"
#define RESOLVER  "/run/pacer.conf"

enum { LINE_BYTES = 1024, PATH_BYTES = 64, POLL_US = 20000 };

static char environment_kept[][64] = {
    "XDG_RUNTIME_DIR=/run/user/1000",
    "HOME=/run/user/1000",
    "PATH=/usr/bin:/sekisho",
    "LANG=C.UTF-8",
    "GDK_BACKEND=wayland",
    "GDK_DISABLE=gl,vulkan,dmabuf",
    "GSK_RENDERER=cairo",
    "GTK_A11Y=none",
    "GSETTINGS_BACKEND=memory",
    "GIO_USE_VFS=local",
    "NO_AT_BRIDGE=1",
    "GTK_IM_MODULE=simple",
    "GIO_USE_PROXY_RESOLVER=dummy",
    "JSC_useJIT=0",
    "JSC_useWasm=0",
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1",
};

static ino_t netns_of(const char *pid)
{
	char path[PATH_BYTES];
	struct stat status;
	snprintf(path, sizeof path, "/proc/%.16s/ns/net", pid);
	return stat(path, &status) < 0 ? 0 : status.st_ino;
}

/* One whose command line ends so, in a namespace of its own: a process that is still being started is in init's. */
static bool is_it(const char *pid, const char *command)
{
	char path[PATH_BYTES], line[LINE_BYTES];
	snprintf(path, sizeof path, "/proc/%.16s/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return false;
	line[got] = '\0';
	for (ssize_t i = 0; i + 1 < got; i++)
		line[i] = line[i] == '\0' ? ' ' : line[i];
	return strcmp(line, command) == 0 && netns_of(pid) != netns_of("1");
}

static int enter_network(const char *command)
{
	char path[PATH_BYTES];
	int error = -ESRCH;
	DIR *all = opendir("/proc");
	for (const struct dirent *entry; all && error == -ESRCH && (entry = readdir(all));) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !is_it(entry->d_name, command))
			continue;
		snprintf(path, sizeof path, "/proc/%.16s/ns/net", entry->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		error = fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	}
	if (all)
		closedir(all);
	return error;
}

/* The screen's own resolver is the broker's, its authority the session's: others lie over them for this one alone. */
static int change_places(void)
{
	FILE *file = fopen(RESOLVER, "we");
	if (!file || fputs("nameserver 10.77.0.1\n", file) < 0 || fclose(file) != 0)
		return -EIO;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(RESOLVER, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0 ||
	    mount(AUTHORITY, "/run/sekisho/ca.pem", NULL, MS_BIND, NULL) < 0)
		return -errno;
	return 0;
}

static int browse(const char *way)
{
	char *environment[sizeof environment_kept / sizeof environment_kept[0] + 1] = {0};
	char *const argv[] = {(char *)(uintptr_t)"/sekisho/page", NULL};
	bool direct = strcmp(way, "direct") == 0;
	int error = enter_network(direct ? "/sekisho/launcher --as broker" : "/sekisho/kiosk");
	if (!error && direct)
		error = change_places();
	if (error)
		return error;
	for (size_t i = 0; i < sizeof environment_kept / sizeof environment_kept[0]; i++)
		environment[i] = environment_kept[i];
	execve(argv[0], argv, environment);
	return -errno;
}

static int add_authority(const char *text)
{
	FILE *file = fopen(AUTHORITY, "ae");
	return !file || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0 ? -EIO : 0;
}

static int obey(char *line)
{
	char *rest = line;
	const char *word = strsep(&rest, " ");
	if (!rest)
		return -EINVAL;
	if (strcmp(word, "authority") == 0)
		return add_authority(rest);
	if (strcmp(word, "browse") != 0)
		return -EINVAL;
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		int error = browse(rest);
		printf("{\"error\": \"%s\"}\n", strerrorname_np(-error));
		fflush(stdout);
		_exit(1);
	}
	return child < 0 || waitpid(child, &status, 0) < 0 || status != 0 ? -ECHILD : 0;
}

static int open_line(void)
{
	struct termios mode;
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &mode) < 0)
		return -1;
	cfmakeraw(&mode);
	return tcsetattr(fd, TCSANOW, &mode) < 0 ? -1 : fd;
}

/* Byte by byte: what follows a line may be another program's. */
static bool read_line(char *line, size_t size)
{
	for (size_t at = 0; at + 1 < size && read(STDIN_FILENO, &line[at], 1) == 1; at++)
		if (line[at] == '\n') {
			line[at] = '\0';
			return true;
		}
	return false;
}

/* init mounts /dev and /proc where we are. What a browser says beside its times goes to the first serial port. */
static _Noreturn void help(void)
{
	char line[LINE_BYTES];
	int fd, said = -1;
	setsid();
	while (access("/proc/1/status", R_OK) < 0 || (fd = open_line()) < 0 ||
	       (said = open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_CLOEXEC)) < 0)
		usleep(POLL_US);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	printf("pacer ready\n");
	fflush(stdout);
	while (read_line(line, sizeof line)) {
		int error = obey(line);
		if (error)
			printf("failed %s\n", strerrorname_np(-error));
		printf(".\n");
		fflush(stdout);
	}
	_exit(0);
}

int main(void)
{
	char *const init[] = {(char *)(uintptr_t)"/sekisho/init", NULL}, *const nothing[] = {NULL};
	log_open("pacer");
	if (getpid() != 1)
		fatal("started by the kernel, in a development image");
	if (fork() == 0)
		help();
	execve(init[0], init, nothing);
	fatal("%s: %s", init[0], strerror(errno));
}
