/*
 * setup - what PID 1 does once, before it starts anything, and once at the end: mounts, kernel settings, names, the
 * clock. Each step is a table or a few lines; 0 or -errno, with the reason logged.
 */
#ifndef FIRMWARE_BOOT_SETUP_H
#define FIRMWARE_BOOT_SETUP_H

#include <stdbool.h>
#include <stdint.h>

/* proc, sysfs, cgroups, devtmpfs and the tmpfs trees: nosuid, nodev but for /dev, noexec, limited in size. */
int setup_mounts(void);

/* The big volume, /dev/dm-1, on /usr, read-only. Separate because its failure is told to the person differently. */
int setup_usr(void);

/* The kernel settings of firmware/boot/settings.def, each by setup_setting(). All are tried; the last error counts. */
int setup_settings(void);

/*
 * Write `value` to `folder`/`path` and read it back. 0, or -errno: -EPROTO where it does not read as written, -ENOENT
 * where the kernel has no such setting although it must be `there`.
 */
int setup_setting(const char *folder, const char *path, const char *value, bool there);

int setup_names(void); /* host name, loopback up, Ctrl-Alt-Del as a signal */

/*
 * The clock never starts before the image was made: CLOCK_REALTIME = max(itself, "date" of `image_json`). The kernel
 * took it from the RTC, which is never written. *image_date is given back for later settings of the clock.
 */
int setup_clock(const char *image_json, int64_t *image_date);

/* The whole number behind "name": in a small JSON text of our own making; -1 if it is not there. */
int64_t setup_json_number(const char *json, const char *name);

/*
 * The end: undo the mounts that hold anything written and drop the caches, so that what they held is freed, and freed
 * memory is zeroed; then overwrite what is free (memory.h).
 */
void setup_wipe(void);

#endif
