#include "firmware/boot/radios.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* PCI Code and ID Assignment, 1.2: base class 02h, sub-class 80h, "other network controller". Whatever interface. */
static const char wireless[] = "0x0280";

static bool is_wireless(const char *devices, const char *name)
{
	char path[PATH_MAX], class[sizeof wireless - 1] = "";
	snprintf(path, sizeof path, "%s/%s/class", devices, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is =
	    fd >= 0 && read(fd, class, sizeof class) == sizeof class && memcmp(class, wireless, sizeof class) == 0;
	if (fd >= 0)
		close(fd);
	return is;
}

static bool has(const char *devices, const char *name, const char *what)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s/%s", devices, name, what);
	return access(path, F_OK) == 0;
}

/* One for which there is no driver is no error. */
static void put(const char *path, const char *name)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, name, strlen(name));
	close(fd);
}

static void offer(const char *sys, const char *devices, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s/driver/unbind", devices, name);
	put(path, name);
	snprintf(path, sizeof path, "%s/bus/pci/drivers_probe", sys);
	put(path, name);
}

int radios_offer(const char *sys)
{
	char devices[PATH_MAX / 2];
	int count = 0;
	snprintf(devices, sizeof devices, "%s/bus/pci/devices", sys);
	DIR *folder = opendir(devices);
	if (!folder)
		return -errno;
	for (struct dirent *entry; (entry = readdir(folder));) {
		const char *name = entry->d_name;
		if (name[0] == '.' || !is_wireless(devices, name) || has(devices, name, "ieee80211"))
			continue;
		offer(sys, devices, name);
		count++;
	}
	closedir(folder);
	return count;
}
