/*
 * rootdisk - which disk the verified root came from, and its device record's partition. Found through sysfs from what
 * lies under dm-0, so that a second stick in the same PC is never looked at.
 *
 * `sys` is where sysfs is mounted ("/sys"). All return 0 or -errno.
 */
#ifndef FIRMWARE_BOOT_ROOTDISK_H
#define FIRMWARE_BOOT_ROOTDISK_H

#include <stddef.h>

#define ROOTDISK_NAME_BYTES 32

/* The disk's kernel name, "sda". -ENOENT: dm-0 has nothing under it. -EXDEV: its parts lie on different disks. */
int rootdisk_name(const char *sys, char disk[ROOTDISK_NAME_BYTES]);

/*
 * The kernel name, "sda7", of the partition of `disk` that is called RECORD_PARTITION_NAME in its GPT. -ENOENT: there
 * is none. -ENOTUNIQ: there are two, and it is not ours to choose.
 */
int rootdisk_record_partition(const char *sys, const char *disk, char partition[ROOTDISK_NAME_BYTES]);

/* Open the record's partition of the root's disk. `flags` as of open(2), close-on-exec is added. fd or -errno. */
int rootdisk_open_record(int flags);

#endif
