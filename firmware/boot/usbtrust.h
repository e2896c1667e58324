/*
 * usbtrust - marks of trust: an empty file for each USB interface ("1-2:1.0") whose input the compositor may have.
 * udevd looks for them (image/root/etc/udev/rules.d).
 */
#ifndef FIRMWARE_BOOT_USBTRUST_H
#define FIRMWARE_BOOT_USBTRUST_H

#include <stdbool.h>

/* 0 or -errno. */
int usbtrust_mark(const char *folder, const char *interface);

bool usbtrust_is_marked(const char *folder, const char *interface);

/* All of a device's. 0 or -errno: whoever is at its place next would be trusted for it. */
int usbtrust_drop(const char *folder, const char *device);

#endif
