/*
 * memory - the second wipe of what the machine's memory held. The first is the kernel's: init_on_free zeroes every page
 * and object that is given back, and the end gives everything back (init.c). This one takes what is free and so
 * overwrites it whatever the kernel did.
 */
#ifndef FIRMWARE_BOOT_MEMORY_H
#define FIRMWARE_BOOT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* What /proc/meminfo says of "MemFree" and the like, in bytes; 0 if it is not there. */
uint64_t memory_figure(const char *meminfo, const char *name);

/* How many bytes may be taken next without the kernel running out; 0: none. `taken_max` at a time. */
size_t memory_step(uint64_t total_bytes, uint64_t free_bytes, size_t taken_max);

/* Take free memory, a piece at a time, until little is left or the time is over. It stays taken. */
void memory_overwrite(int64_t limit_ms);

#endif
