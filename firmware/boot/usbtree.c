#include "firmware/boot/usbtree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- small files --- */

/* sysfs gives a value whole or not at all. */
static int put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t size = strlen(value);
	int error = write(fd, value, size) == (ssize_t)size ? 0 : -errno;
	close(fd);
	return error;
}

static long get(const char *path, void *data, size_t capacity)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t size = 0;
	ssize_t got = 1;
	while (size < capacity && (got = read(fd, (char *)data + size, capacity - size)) > 0)
		size += (size_t)got;
	long result = got < 0 ? -errno : (long)size;
	close(fd);
	return result;
}

static int put_attribute(const char *sys, const char *device, const char *name, const char *value)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/bus/usb/devices/%s/%s", sys, device, name);
	return put(path, value);
}

static long get_attribute(const char *sys, const char *device, const char *name, void *data, size_t capacity)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/bus/usb/devices/%s/%s", sys, device, name);
	return get(path, data, capacity);
}

/* --- names --- */

bool usbtree_is_device(const char *name)
{
	return isdigit((unsigned char)name[0]) && strlen(name) < USB_NAME_BYTES && strchr(name, '-') &&
	       name[strspn(name, "0123456789-.")] == '\0';
}

/* Whether `name` is an interface of `device`. */
static bool is_interface_of(const char *name, const char *device)
{
	size_t size = strlen(device);
	return strncmp(name, device, size) == 0 && name[size] == ':' && strlen(name) < USB_NAME_BYTES;
}

static int each_name(const char *folder, void (*fn)(const char *name, void *context), void *context)
{
	DIR *directory = opendir(folder);
	if (!directory)
		return -errno;
	for (const struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			fn(entry->d_name, context);
	closedir(directory);
	return 0;
}

/* --- the door --- */

struct door {
	const char *sys;
	int error;
};

static void close_bus(const char *name, void *context)
{
	struct door *door = context;
	if (strncmp(name, "usb", 3) != 0)
		return;
	int error = put_attribute(door->sys, name, "authorized_default", "0");
	if (!error)
		error = put_attribute(door->sys, name, "interface_authorized_default", "0");
	if (error)
		door->error = error;
}

int usbtree_close_door(const char *sys)
{
	char path[PATH_MAX];
	struct door door = {.sys = sys};
	/* for controllers that come later */
	snprintf(path, sizeof path, "%s/module/usbcore/parameters/authorized_default", sys);
	int error = put(path, "0");
	snprintf(path, sizeof path, "%s/bus/usb/devices", sys);
	if (!error)
		error = each_name(path, close_bus, &door);
	return error ? error : door.error;
}

void usbtree_close_bus(const char *sys, const char *name)
{
	struct door door = {.sys = sys};
	close_bus(name, &door);
}

/* --- devices --- */

struct visit {
	void (*fn)(const char *device, void *context);
	void *context;
};

static void visit_device(const char *name, void *context)
{
	const struct visit *visit = context;
	if (usbtree_is_device(name))
		visit->fn(name, visit->context);
}

int usbtree_each(const char *sys, void (*fn)(const char *device, void *context), void *context)
{
	char path[PATH_MAX];
	struct visit visit = {.fn = fn, .context = context};
	snprintf(path, sizeof path, "%s/bus/usb/devices", sys);
	return each_name(path, visit_device, &visit);
}

enum usb_what usbtree_judge(const char *sys, const char *device)
{
	static uint8_t bytes[USB_DESCRIPTORS_MAX_BYTES];
	struct usb_offer offer;
	long size = get_attribute(sys, device, "descriptors", bytes, sizeof bytes);
	if (size < 0 || usb_descriptors_read(bytes, (size_t)size, &offer) < 0)
		return USB_OTHER;
	return usb_judge(&offer);
}

bool usbtree_is_settled(const char *sys, const char *device)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/bus/usb/devices/%s/driver", sys, device);
	return access(path, F_OK) == 0;
}

bool usbtree_is_authorized(const char *sys, const char *device)
{
	char value = '0';
	return get_attribute(sys, device, "authorized", &value, 1) == 1 && value == '1';
}

int usbtree_refuse(const char *sys, const char *device) { return put_attribute(sys, device, "authorized", "0"); }

struct admission {
	const char *sys, *device;
	enum usb_what what;
	void (*named)(const char *interface, void *context);
	void *context;
	int error;
};

/* Whether `name` is one of its interfaces that may have a driver; -1: it is none of its. */
static int is_wanted(const struct admission *a, const char *name)
{
	char class[3] = "";
	if (!is_interface_of(name, a->device) || get_attribute(a->sys, name, "bInterfaceClass", class, 2) != 2)
		return -1;
	return a->what == USB_NETWORK || usb_interface_wanted(a->what, (uint8_t)strtoul(class, NULL, 16));
}

static void admit_interface(const char *name, void *context)
{
	struct admission *a = context;
	int wanted = is_wanted(a, name);
	if (wanted < 0)
		return;
	if (wanted && a->named)
		a->named(name, a->context);
	int error = put_attribute(a->sys, name, "authorized", wanted ? "1" : "0");
	if (error)
		a->error = error;
}

/* Only when all are authorised: some drivers take two. One that has a driver, or for which there is none, is no error.
 */
static void probe_interface(const char *name, void *context)
{
	const struct admission *a = context;
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/bus/usb/drivers_probe", a->sys);
	if (is_wanted(a, name) > 0)
		(void)put(path, name);
}

int usbtree_admit(const char *sys, const char *device, enum usb_what what,
		  void (*named)(const char *interface, void *context), void *context)
{
	char path[PATH_MAX];
	struct admission admission = {.sys = sys, .device = device, .what = what, .named = named, .context = context};
	int error = usbtree_is_authorized(sys, device) ? 0 : put_attribute(sys, device, "authorized", "1");
	snprintf(path, sizeof path, "%s/bus/usb/devices", sys);
	if (!error)
		error = each_name(path, admit_interface, &admission);
	if (!error)
		error = each_name(path, probe_interface, &admission);
	return error ? error : admission.error;
}

struct search {
	const char *sys, *device;
	bool found;
};

static void look_for_net(const char *name, void *context)
{
	struct search *search = context;
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/bus/usb/devices/%s/net", search->sys, name);
	search->found = search->found || (is_interface_of(name, search->device) && access(path, F_OK) == 0);
}

bool usbtree_is_network(const char *sys, const char *device)
{
	char path[PATH_MAX];
	struct search search = {.sys = sys, .device = device};
	snprintf(path, sizeof path, "%s/bus/usb/devices", sys);
	(void)each_name(path, look_for_net, &search);
	return search.found;
}

/* --- what a disk and an input device are on --- */

/* The last part of a path that names a USB interface: ".../2-1/2-1:1.0/host0/..." -> "2-1:1.0". */
static int interface_of(const char *link, char interface[USB_NAME_BYTES])
{
	char path[PATH_MAX], *rest = NULL;
	if (!realpath(link, path))
		return -errno;
	interface[0] = '\0';
	for (char *part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		const char *colon = strchr(part, ':');
		char device[USB_NAME_BYTES] = "";
		if (!colon || strlen(part) >= USB_NAME_BYTES)
			continue;
		memcpy(device, part, (size_t)(colon - part));
		if (usbtree_is_device(device))
			memcpy(interface, part, strlen(part) + 1);
	}
	return interface[0] ? 0 : -ENODEV;
}

int usbtree_of_disk(const char *sys, const char *disk, char device[USB_NAME_BYTES])
{
	char link[PATH_MAX];
	snprintf(link, sizeof link, "%s/block/%s", sys, disk);
	int error = interface_of(link, device);
	if (!error)
		device[strcspn(device, ":")] = '\0';
	return error;
}

int usbtree_of_event(const char *sys, const char *event, char interface[USB_NAME_BYTES])
{
	char link[PATH_MAX];
	snprintf(link, sizeof link, "%s/class/input/%s", sys, event);
	return interface_of(link, interface);
}

int usbtree_announce(const char *sys, const char *event)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/class/input/%s/uevent", sys, event);
	return put(path, "add");
}

/* Words of 64 bits in hexadecimal, the highest first. */
bool usbtree_has_digits(const char *sys, const char *event)
{
	char path[PATH_MAX], bits[1024];
	snprintf(path, sizeof path, "%s/class/input/%s/device/capabilities/key", sys, event);
	long size = get(path, bits, sizeof bits - 1);
	if (size <= 0)
		return false;
	bits[size] = '\0';
	bits[strcspn(bits, "\n")] = '\0';
	const char *lowest = strrchr(bits, ' ');
	unsigned long long keys = strtoull(lowest ? lowest + 1 : bits, NULL, 16), needed = 1ULL << KEY_ENTER;
	for (int key = KEY_1; key <= KEY_0; key++)
		needed |= 1ULL << key;
	return (keys & needed) == needed;
}
