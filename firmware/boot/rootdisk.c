#include "firmware/boot/rootdisk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/boot/record.h"

enum { UEVENT_FILE_BYTES = 1024 };

static int copy_name(char name[ROOTDISK_NAME_BYTES], const char *text)
{
	size_t size = strlen(text);
	if (size >= ROOTDISK_NAME_BYTES)
		return -ENAMETOOLONG;
	memcpy(name, text, size + 1);
	return 0;
}

/* "/sys/devices/.../block/sda/sda3" -> "sda"; what is no partition is a disk itself. */
static int disk_of(const char *sys, const char *device, char disk[ROOTDISK_NAME_BYTES])
{
	char link[PATH_MAX], path[PATH_MAX];
	snprintf(link, sizeof link, "%s/class/block/%s", sys, device);
	if (!realpath(link, path))
		return -errno;
	snprintf(link, sizeof link, "%s/class/block/%s/partition", sys, device);
	char *last = strrchr(path, '/');
	if (!last)
		return -ENOENT;
	if (access(link, F_OK) < 0)
		return copy_name(disk, last + 1);
	*last = '\0';
	last = strrchr(path, '/');
	return last ? copy_name(disk, last + 1) : -ENOENT;
}

int rootdisk_name(const char *sys, char disk[ROOTDISK_NAME_BYTES])
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/block/dm-0/slaves", sys);
	DIR *slaves = opendir(path);
	if (!slaves)
		return -errno;
	int error = 0;
	disk[0] = '\0';
	for (struct dirent *entry; !error && (entry = readdir(slaves));) {
		char found[ROOTDISK_NAME_BYTES];
		if (entry->d_name[0] == '.')
			continue;
		error = disk_of(sys, entry->d_name, found);
		if (!error && disk[0] && strcmp(disk, found) != 0)
			error = -EXDEV;
		if (!error)
			memcpy(disk, found, sizeof found);
	}
	closedir(slaves);
	return error ? error : disk[0] ? 0 : -ENOENT;
}

static bool is_record(const char *sys, const char *disk, const char *partition)
{
	char path[PATH_MAX], text[UEVENT_FILE_BYTES], line[] = "\nPARTNAME=" RECORD_PARTITION_NAME "\n";
	snprintf(path, sizeof path, "%s/block/%s/%s/uevent", sys, disk, partition);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	text[0] = '\n';
	size_t size = fread(text + 1, 1, sizeof text - 2, file);
	text[1 + size] = '\0';
	fclose(file);
	return strstr(text, line) != NULL;
}

int rootdisk_record_partition(const char *sys, const char *disk, char partition[ROOTDISK_NAME_BYTES])
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/block/%s", sys, disk);
	DIR *parts = opendir(path);
	if (!parts)
		return -errno;
	int error = 0;
	partition[0] = '\0';
	for (struct dirent *entry; !error && (entry = readdir(parts));) {
		if (strncmp(entry->d_name, disk, strlen(disk)) != 0 || !is_record(sys, disk, entry->d_name))
			continue;
		error = partition[0] ? -ENOTUNIQ : copy_name(partition, entry->d_name);
	}
	closedir(parts);
	return error ? error : partition[0] ? 0 : -ENOENT;
}

int rootdisk_open_record(int flags)
{
	char disk[ROOTDISK_NAME_BYTES], partition[ROOTDISK_NAME_BYTES], path[PATH_MAX];
	int error = rootdisk_name("/sys", disk);
	if (!error)
		error = rootdisk_record_partition("/sys", disk, partition);
	if (error)
		return error;
	snprintf(path, sizeof path, "/dev/%s", partition);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}
