/*
 * button - the PC's own power button, as the kernel's ACPI driver reports it. Nothing else on the stick listens to it,
 * and somebody who presses it means it.
 */
#ifndef FIRMWARE_BOOT_BUTTON_H
#define FIRMWARE_BOOT_BUTTON_H

#include <stdbool.h>
#include <stddef.h>

/* Open the power buttons among /dev/input/event*, non-blocking, at most `capacity`. How many; 0 on a PC without. */
size_t button_open_all(int *fds, size_t capacity);

/* Read what `fd` reported since: was it pressed? */
bool button_pressed(int fd);

#endif
