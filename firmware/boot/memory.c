#include "firmware/boot/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"

enum { PIECE_BYTES = 8 << 20, MEMINFO_BYTES = 4096 };

/* Below its watermarks the kernel looks for somebody to kill, and finds only us: then it panics. */
static const uint64_t least_left_bytes = 32 << 20;

uint64_t memory_figure(const char *meminfo, const char *name)
{
	const char *at = strstr(meminfo, name);
	if (!at || at[strlen(name)] != ':')
		return 0;
	return strtoull(at + strlen(name) + 1, NULL, 10) * 1024;
}

size_t memory_step(uint64_t total_bytes, uint64_t free_bytes, size_t taken_max)
{
	uint64_t left = total_bytes / 64 > least_left_bytes ? total_bytes / 64 : least_left_bytes;
	if (total_bytes == 0 || free_bytes <= left)
		return 0;
	return free_bytes - left < taken_max ? (size_t)(free_bytes - left) : taken_max;
}

static size_t next_step(void)
{
	char text[MEMINFO_BYTES + 1];
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, MEMINFO_BYTES);
	if (fd >= 0)
		close(fd);
	text[size < 0 ? 0 : size] = '\0';
	return memory_step(memory_figure(text, "MemTotal"), memory_figure(text, "MemFree"), PIECE_BYTES);
}

/* A page that is populated for writing is one of the kernel's free ones, zeroed. */
void memory_overwrite(int64_t limit_ms)
{
	uint64_t taken = 0;
	int64_t deadline = now_ms() + limit_ms;
	for (size_t step; now_ms() < deadline && (step = next_step()) > 0; taken += step)
		if (mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) ==
		    MAP_FAILED)
			break;
	log_info("%llu MB of free memory overwritten", (unsigned long long)(taken >> 20));
}
