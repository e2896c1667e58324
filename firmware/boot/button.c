#include "firmware/boot/button.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* By its name: a keyboard may have such a key too, but it is not the PC's button, and it may be unplugged. */
static bool is_power_button(int fd)
{
	char name[64] = "";
	return ioctl(fd, EVIOCGNAME(sizeof name - 1), name) >= 0 && strcmp(name, "Power Button") == 0;
}

size_t button_open_all(int *fds, size_t capacity)
{
	static const char folder[] = "/dev/input";
	DIR *devices = opendir(folder);
	size_t count = 0;
	if (!devices)
		return 0;
	for (const struct dirent *entry; count < capacity && (entry = readdir(devices));) {
		char path[sizeof folder + sizeof entry->d_name];
		if (strncmp(entry->d_name, "event", 5) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && is_power_button(fd))
			fds[count++] = fd;
		else if (fd >= 0)
			close(fd);
	}
	closedir(devices);
	return count;
}

bool button_pressed(int fd)
{
	struct input_event event;
	bool pressed = false;
	while (read(fd, &event, sizeof event) == sizeof event)
		if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1)
			pressed = true;
	return pressed;
}
