/*
 * attacker - turned against the stick from inside.
 *
 * attacker TABLE [WAIT_MS [FILTERS]]: try TABLE (network, packets, system, exhausting) as the process that this is,
 * under the filters of system calls in the file FILTERS.
 *
 * Started by the kernel as the first process of a development image, which has this one program more than the image
 * that is shipped: it leaves a helper behind and becomes init. The helper obeys lines on the second serial port, each
 * answered by lines and a "." of its own:
 *   ps                      every process: pid, parent, uid, capabilities in force and in bounds, no_new_privs,
 * seccomp, network namespace, command line attack PID HOW TABLE    try TABLE in the place of PID: in its namespaces, as
 * its uid with its capabilities (HOW is "itself"), or as uid 0 with all that its bounding set leaves ("root"), with its
 * share of the machine kill PID SIGNAL cat PATH, ls PATH put PATH WORD
 *   air ...                 the hostile access points, see air.h
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "tests/attack/air.h"
#include "tests/attack/attacks.h"

enum { LINE_BYTES = 3072, GROUPS_MAX = 32, CAPABILITY_LAST = 40, WAIT_MS = 400, POLL_US = 20000 };

static const struct {
	const char *name;
	const struct attack *attacks;
	const size_t *count;
	bool at_once;
} tables[] = {
    {"network", network_attacks, &network_attack_count, true},
    {"packets", packet_attacks, &packet_attack_count, true},
    {"system", system_attacks, &system_attack_count, true},
    {"exhausting", exhausting_attacks, &exhausting_attack_count, false},
};

static int run_table(const char *name, uint64_t capabilities, int wait_ms)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		if (strcmp(tables[i].name, name) == 0) {
			attacks_run(tables[i].attacks, *tables[i].count, tables[i].at_once, capabilities, wait_ms);
			return 0;
		}
	return -ENOENT;
}

/* --- another process's place --- */

struct place {
	uid_t uid;
	gid_t gid, groups[GROUPS_MAX];
	size_t group_count;
	uint64_t permitted, bounds;
	int no_new_privs, seccomp;
	pid_t parent;
};

static unsigned long long number(const char *text, int base) { return strtoull(text, NULL, base); }

/* One line of /proc/PID/status: "Uid:	REAL	EFFECTIVE	..." and so on. */
static void read_line(struct place *place, const char *line)
{
	const char *value = strchr(line, ':');
	char *end;
	if (!value)
		return;
	value++;
	(void)strtoul(value, &end, 10);
	if (strncmp(line, "Uid:", 4) == 0)
		place->uid = (uid_t)number(end, 10);
	else if (strncmp(line, "Gid:", 4) == 0)
		place->gid = (gid_t)number(end, 10);
	else if (strncmp(line, "PPid:", 5) == 0)
		place->parent = (pid_t)number(value, 10);
	else if (strncmp(line, "CapPrm:", 7) == 0)
		place->permitted = number(value, 16);
	else if (strncmp(line, "CapBnd:", 7) == 0)
		place->bounds = number(value, 16);
	else if (strncmp(line, "NoNewPrivs:", 11) == 0)
		place->no_new_privs = (int)number(value, 10);
	else if (strncmp(line, "Seccomp:", 8) == 0)
		place->seccomp = (int)number(value, 10);
	else if (strncmp(line, "Groups:", 7) == 0)
		for (gid_t gid = (gid_t)strtoul(value, &end, 10); end != value && place->group_count < GROUPS_MAX;
		     value = end, gid = (gid_t)strtoul(value, &end, 10))
			place->groups[place->group_count++] = gid;
}

static int read_place(pid_t pid, struct place *place)
{
	char path[64], line[LINE_BYTES];
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");
	*place = (struct place){0};
	if (!file)
		return -errno;
	while (fgets(line, sizeof line, file))
		read_line(place, line);
	fclose(file);
	return 0;
}

/* The number that tells one namespace from another; 0 if the process has gone. */
static unsigned long namespace_of(pid_t pid, const char *kind)
{
	char path[64];
	struct stat status;
	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
	return stat(path, &status) < 0 ? 0 : (unsigned long)status.st_ino;
}

/* All are opened first: in another's mounts /proc may be another's too. The user namespace comes last, because who has
 * entered it has no rights to the others any more; capabilities are those of the one a process is in, and WebKit's
 * sandbox has one of its own. */
static int enter_namespaces(pid_t pid, bool apart)
{
	static const char *const kinds[] = {"net", "mnt", "user"};
	int fds[3], error = 0;
	for (size_t i = 0; i < 3; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kinds[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	for (size_t i = 0; i < (apart ? 3 : 2) && !error; i++)
		error = setns(fds[i], 0) < 0 ? -errno : 0;
	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return error;
}

static int take_on(const struct place *place, uint64_t capabilities)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (int half = 0; half < 2; half++) {
		uint32_t bits = (uint32_t)(capabilities >> (32 * half));
		data[half] = (struct __user_cap_data_struct){bits, bits, bits};
	}
	for (int cap = 0; cap <= CAPABILITY_LAST; cap++)
		if (!(place->bounds >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	if ((setgroups(place->group_count, place->groups) < 0 && place->group_count > 0) ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(place->gid, place->gid, place->gid) < 0 ||
	    setresuid(place->uid, place->uid, place->uid) < 0 || syscall(SYS_capset, &header, data) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int put(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = fd < 0 || write(fd, word, strlen(word)) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

static int get(const char *path, char *text, int size)
{
	FILE *file = fopen(path, "re");
	int error = !file ? -errno : fgets(text, size, file) ? 0 : -EIO;
	if (file)
		fclose(file);
	return error;
}

/* What it takes is taken from that one's share, and where memory is short it ends as that one would. */
static int take_share(pid_t pid)
{
	char path[LINE_BYTES], line[LINE_BYTES / 2];
	snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
	int error = get(path, line, sizeof line);
	if (error || strncmp(line, "0::/", 4) != 0)
		return error ? error : -EINVAL;
	line[strcspn(line, "\n")] = '\0';
	snprintf(path, sizeof path, "/sys/fs/cgroup%s/cgroup.procs", line + 3);
	if (line[4] && (error = put(path, "0")) < 0)
		return error;
	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
	error = get(path, line, sizeof line);
	return error ? error : put("/proc/self/oom_score_adj", line);
}

static int attack(pid_t pid, const char *how, const char *table)
{
	struct place place;
	int error = read_place(pid, &place);
	bool apart = namespace_of(pid, "user") != namespace_of(getpid(), "user");
	bool root = strcmp(how, "root") == 0;
	uint64_t capabilities = root ? place.bounds : place.permitted;
	if (!error)
		error = take_share(pid);
	if (!error)
		error = enter_namespaces(pid, apart);
	if (root)
		place.uid = place.gid = 0;
	if (root || apart) /* who may not set groups there cannot have more than he came with either */
		place.group_count = 0;
	if (!error)
		error = take_on(&place, capabilities);
	return error ? error : run_table(table, capabilities, WAIT_MS);
}

/* --- what the helper tells --- */

static void show_process(pid_t pid)
{
	struct place place;
	char path[64], command[LINE_BYTES] = "";
	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, command, sizeof command - 1);
	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i + 1 < size; i++)
		if (command[i] == '\0')
			command[i] = ' ';
	if (size <= 0 || read_place(pid, &place) < 0)
		return; /* the kernel's own, or gone */
	printf("%d\t%d\t%u\t%" PRIx64 "\t%" PRIx64 "\t%d\t%d\t%lu\t%lu\t%lu\t%s\n", pid, place.parent, place.uid,
	       place.permitted, place.bounds, place.no_new_privs, place.seccomp, namespace_of(pid, "net"),
	       namespace_of(pid, "user"), namespace_of(pid, "mnt"), command);
}

static void show_processes(void)
{
	DIR *all = opendir("/proc");
	for (const struct dirent *entry; all && (entry = readdir(all));) {
		pid_t pid = (pid_t)number(entry->d_name, 10);
		if (pid > 0 && pid != getpid())
			show_process(pid);
	}
	if (all)
		closedir(all);
}

static void show_file(const char *path)
{
	char data[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		printf("%s: %s\n", path, strerrorname_np(errno));
	for (ssize_t got = 1; fd >= 0 && got > 0;) {
		got = read(fd, data, sizeof data);
		if (got > 0)
			fwrite(data, 1, (size_t)got, stdout);
	}
	if (fd >= 0)
		close(fd);
	putchar('\n');
}

static void show_directory(const char *path)
{
	DIR *directory = opendir(path);
	if (!directory)
		return;
	for (const struct dirent *entry; (entry = readdir(directory));) {
		char target[LINE_BYTES], name[LINE_BYTES * 2];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		ssize_t size = readlink(name, target, sizeof target - 1);
		printf("%s%s%.*s\n", entry->d_name, size > 0 ? " -> " : "", size > 0 ? (int)size : 0, target);
	}
	closedir(directory);
}

/* In a process of its own: what it becomes it stays. */
static void obey(char *line)
{
	char *words[4] = {0}, *rest = line;
	for (size_t i = 0; i < 4; i++)
		words[i] = strsep(&rest, " ");
	int error = 0;
	pid_t child = fork();
	if (child != 0) {
		waitpid(child, NULL, 0);
		return;
	}
	if (strcmp(words[0], "ps") == 0)
		show_processes();
	else if (strcmp(words[0], "attack") == 0 && words[3])
		error = attack((pid_t)number(words[1], 10), words[2], words[3]);
	else if (strcmp(words[0], "kill") == 0 && words[2])
		error = kill((pid_t)number(words[1], 10), (int)number(words[2], 10)) < 0 ? -errno : 0;
	else if (strcmp(words[0], "air") == 0 && words[1])
		error = air_obey(words[1], words[2], words[3]);
	else if (strcmp(words[0], "cat") == 0 && words[1])
		show_file(words[1]);
	else if (strcmp(words[0], "put") == 0 && words[2])
		error = put(words[1], words[2]);
	else if (strcmp(words[0], "ls") == 0 && words[1])
		show_directory(words[1]);
	else
		error = -EINVAL;
	if (error)
		printf("failed %s\n", strerrorname_np(-error));
	fflush(stdout);
	_exit(0);
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

/* init mounts /dev and /proc where we are; until then there is nothing to tell. */
static _Noreturn void help(void)
{
	char line[LINE_BYTES];
	int fd;
	setsid();
	while (access("/proc/1/status", R_OK) < 0 || (fd = open_line()) < 0)
		usleep(POLL_US);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	FILE *in = fdopen(0, "r");
	printf("attacker ready\n");
	fflush(stdout);
	while (in && fgets(line, sizeof line, in)) {
		line[strcspn(line, "\r\n")] = '\0';
		obey(line);
		printf(".\n");
		fflush(stdout);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	char *const init[] = {(char *)(uintptr_t)"/sekisho/init", NULL}, *const nothing[] = {NULL};
	log_open("attacker");
	if (getpid() == 1) {
		air_take();
		if (fork() == 0)
			help();
		execve(init[0], init, nothing);
		fatal("%s: %s", init[0], strerror(errno));
	}
	struct place own;
	if (argc > 3 && attacks_borrow_filters(argv[3]) < 0)
		fatal("%s holds no filters", argv[3]);
	if (argc < 2 || read_place(getpid(), &own) < 0 ||
	    run_table(argv[1], own.permitted, argc > 2 ? (int)number(argv[2], 10) : WAIT_MS) < 0)
		fatal("usage: attacker network|packets|system|exhausting [WAIT_MS [FILTERS]]");
	return 0;
}
