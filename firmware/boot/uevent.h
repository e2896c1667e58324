/*
 * uevent - what the kernel says of devices that come and go (NETLINK_KOBJECT_UEVENT). Parsing is pure.
 */
#ifndef FIRMWARE_BOOT_UEVENT_H
#define FIRMWARE_BOOT_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

#define UEVENT_MAX_BYTES 8192

struct uevent {
	const char *action, *path, *subsystem, *name; /* inside the datagram; "" where absent */
	bool verity_error;                            /* dm-verity met a block that is not what was signed */
};

/* A socket that hears the kernel's own events only, non-blocking; or -errno. */
int uevent_open(void);

/* One datagram, UEVENT_MAX_BYTES of room. Bytes; 0: none there, or not from the kernel; -ENOBUFS: some were lost. */
long uevent_receive(int fd, char *datagram);

/* Parse a datagram of `size` bytes. 0, or -EBADMSG. `event` points into it. */
int uevent_parse(const char *datagram, size_t size, struct uevent *event);

#endif
