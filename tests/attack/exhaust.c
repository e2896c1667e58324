/* Everything a process may take until there is no more of it, one thing after the other. Given back at its end. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attacks.h"

enum { PROCESSES_MAX = 20000, DESCRIPTORS_MAX = 1 << 20, MEMORY_MAX_MIB = 4096, FILES_MAX = 100000, MIB = 1 << 20 };

/* A file that grows; a page of one's own file system in memory is a page of the machine's. */
static int try_fill(const struct attack *attack, int *fd)
{
	static char zeros[MIB];
	(void)fd;
	int out = open(attack->text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), error = out < 0 ? -errno : 0;
	for (int i = 0; i < attack->number && !error; i++) {
		ssize_t written = write(out, zeros, sizeof zeros);
		if (written < (ssize_t)sizeof zeros)
			error = written < 0 ? -errno : -ENOSPC; /* the last that fitted */
	}
	if (out >= 0)
		close(out);
	(void)unlink(attack->text);
	return error;
}

static int try_many_files(const struct attack *attack, int *fd)
{
	char path[PATH_MAX];
	int error = 0, made = 0;
	(void)fd;
	for (; made < FILES_MAX && !error; made++) {
		(void)snprintf(path, sizeof path, "%s-%d", attack->text, made);
		error = mkdir(path, 0700) < 0 ? -errno : 0;
	}
	while (made-- > 0) {
		(void)snprintf(path, sizeof path, "%s-%d", attack->text, made);
		(void)rmdir(path);
	}
	return error;
}

static int try_descriptors(const struct attack *attack, int *fd)
{
	(void)attack, (void)fd;
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return -errno;
	return 0;
}

static int try_processes(const struct attack *attack, int *fd)
{
	int error = 0;
	(void)attack, (void)fd;
	setpgid(0, 0);
	for (int i = 0; i < PROCESSES_MAX && !error; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		error = pid < 0 ? -errno : 0;
	}
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	return error;
}

static int try_memory(const struct attack *attack, int *fd)
{
	(void)attack, (void)fd;
	for (int i = 0; i < MEMORY_MAX_MIB; i++) {
		void *at = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			return -errno;
		memset(at, 0x5e, MIB);
	}
	return 0;
}

/* clang-format off */
const struct attack exhausting_attacks[] = {
	{"fill /tmp",                  0, try_fill, "/tmp/attack-fill", 4096, 0},
	{"fill /dev/shm",              0, try_fill, "/dev/shm/attack-fill", 4096, 0},
	{"fill /run",                  0, try_fill, "/run/user/1000/attack-fill", 4096, 0},
	{"every file in /tmp",         0, try_many_files, "/tmp/attack-file", 0, 0},
	{"every descriptor",           0, try_descriptors, NULL, 0, 0},
	{"every process",              0, try_processes, NULL, 0, 0},
	{"every page of memory",       0, try_memory, NULL, 0, 0},
};
/* clang-format on */

const size_t exhausting_attack_count = sizeof exhausting_attacks / sizeof exhausting_attacks[0];
