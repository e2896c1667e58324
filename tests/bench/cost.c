#include "tests/bench/cost.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES_MAX = 1024, NAME_BYTES = 32, PATH_BYTES = 64, FILE_BYTES = 8192, TIMES_BEHIND_NAME = 12 };

struct process {
	int pid;
	char name[NAME_BYTES];
	uint64_t ticks;
};

static struct {
	struct process processes[PROCESSES_MAX];
	size_t count;
	uint64_t idle, faults;
} before;

static size_t read_whole(const char *path, char text[FILE_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, FILE_BYTES - 1);
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* The number behind `word` in a file of the kernel's, 0 where there is none. */
static uint64_t number(const char *path, const char *word)
{
	char text[FILE_BYTES];
	read_whole(path, text);
	const char *at = strstr(text, word);
	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* proc_stat(5): user, nice, system, idle of all processors. */
static uint64_t idle_ticks(void)
{
	char text[FILE_BYTES], *at = text + strlen("cpu ");
	uint64_t ticks = 0;
	read_whole("/proc/stat", text);
	for (int i = 0; i < 4; i++)
		ticks = strtoull(at, &at, 10);
	return ticks;
}

static uint64_t ms(uint64_t ticks) { return ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK); }

/* proc_pid_stat(5): the name in parentheses may hold anything; utime and stime are the 12th and 13th words behind it.
 */
static bool read_process(const char *pid, struct process *process)
{
	char path[PATH_BYTES], text[FILE_BYTES];
	snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
	read_whole(path, text);
	char *name = strchr(text, '('), *end = strrchr(text, ')');
	if (!name || !end)
		return false;
	*end = '\0';
	process->pid = (int)strtol(pid, NULL, 10);
	snprintf(process->name, sizeof process->name, "%.*s", NAME_BYTES - 1, name + 1);
	char *word = end + 2;
	for (int i = 1; word && i < TIMES_BEHIND_NAME; i++)
		word = (word = strchr(word, ' ')) ? word + 1 : NULL;
	if (!word)
		return false;
	process->ticks = strtoull(word, &word, 10);
	process->ticks += strtoull(word, NULL, 10);
	snprintf(path, sizeof path, "/proc/%.16s/cmdline", pid);
	size_t size = read_whole(path, text);
	const char *part = memmem(text, size, "--as", sizeof "--as");
	if (part)
		snprintf(process->name, sizeof process->name, "%.*s", NAME_BYTES - 1, part + sizeof "--as");
	return true;
}

static size_t read_all(struct process *processes)
{
	size_t count = 0;
	DIR *all = opendir("/proc");
	for (const struct dirent *entry; all && count < PROCESSES_MAX && (entry = readdir(all));)
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			count += read_process(entry->d_name, &processes[count]);
	if (all)
		closedir(all);
	return count;
}

void cost_begin(void)
{
	before.idle = idle_ticks();
	before.faults = number("/proc/vmstat", "\npgmajfault ");
	before.count = read_all(before.processes);
}

static uint64_t ticks_before(const struct process *process)
{
	for (size_t i = 0; i < before.count; i++)
		if (before.processes[i].pid == process->pid)
			return before.processes[i].ticks;
	return 0;
}

/* A letter of a name that JSON would take for something else is none of ours. */
static bool plain(const char *name) { return !strpbrk(name, "\"\\") && name[0] >= ' '; }

void cost_say(char *text, size_t size)
{
	static struct process now[PROCESSES_MAX];
	const char *between = "";
	size_t count = read_all(now);
	int at = snprintf(text, size,
			  "\"idle_ms\": %" PRIu64 ", \"faults\": %" PRIu64 ", \"free_mb\": %" PRIu64 ", \"cpu_ms\": {",
			  ms(idle_ticks() - before.idle), number("/proc/vmstat", "\npgmajfault ") - before.faults,
			  number("/proc/meminfo", "MemAvailable:") / 1024);
	for (size_t i = 0; i < count; i++) {
		uint64_t took = ms(now[i].ticks - ticks_before(&now[i]));
		if (took < COST_LEAST_MS || !plain(now[i].name) || (size_t)at + NAME_BYTES + 32 > size)
			continue;
		at += snprintf(text + at, size - (size_t)at, "%s\"%s %d\": %" PRIu64, between, now[i].name, now[i].pid,
			       took);
		between = ", ";
	}
	snprintf(text + at, size - (size_t)at, "}");
}
