#include "firmware/boot/usbtrust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int usbtrust_mark(const char *folder, const char *interface)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", folder, interface);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

bool usbtrust_is_marked(const char *folder, const char *interface)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", folder, interface);
	return access(path, F_OK) == 0;
}

int usbtrust_drop(const char *folder, const char *device)
{
	DIR *marks = opendir(folder);
	if (!marks)
		return -errno;
	int error = 0;
	size_t size = strlen(device);
	for (const struct dirent *entry; (entry = readdir(marks));) {
		char path[PATH_MAX];
		if (strncmp(entry->d_name, device, size) != 0 || entry->d_name[size] != ':')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (unlink(path) < 0)
			error = -errno;
	}
	closedir(marks);
	return error;
}
