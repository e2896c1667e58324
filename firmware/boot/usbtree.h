/*
 * usbtree - USB devices in sysfs: which there are, what they sent, and who of them may have a driver
 * (linux Documentation/usb/authorization.rst). `sys` is "/sys", or a test's own. Devices are named as the kernel names
 * their places, "2-1.4"; a device unplugged and another one plugged in may have the same name.
 */
#ifndef FIRMWARE_BOOT_USBTREE_H
#define FIRMWARE_BOOT_USBTREE_H

#include <stdbool.h>
#include <stddef.h>

#include "firmware/boot/usbjudge.h"

#define USB_NAME_BYTES 32

/* Whether this names a device: not a controller ("usb1"), not an interface ("1-1:1.0"), not too long. */
bool usbtree_is_device(const char *name);

/* From now on a new device is not configured and a new interface gets no driver, on every bus and every new one. 0 or
 * -errno. */
int usbtree_close_door(const char *sys);

/* The same for the controller `name` ("usb3") that came later; nothing happens for other names. */
void usbtree_close_bus(const char *sys, const char *name);

/* Call fn for each device that is there. 0 or -errno. */
int usbtree_each(const char *sys, void (*fn)(const char *device, void *context), void *context);

/* What it is, from its descriptors; USB_OTHER if they cannot be read. */
enum usb_what usbtree_judge(const char *sys, const char *device);

/* Whether the kernel is done with making it. */
bool usbtree_is_settled(const char *sys, const char *device);

bool usbtree_is_authorized(const char *sys, const char *device);

/* Take its configuration away, and with it every driver. 0 or -errno. */
int usbtree_refuse(const char *sys, const char *device);

/*
 * Configure it. Its interfaces that fit `what` (usb_interface_wanted) may have a driver, the others lose theirs;
 * `named` is told each that may, before its driver comes. With USB_NETWORK all of them may. 0 or -errno.
 */
int usbtree_admit(const char *sys, const char *device, enum usb_what what,
		  void (*named)(const char *interface, void *context), void *context);

/* Whether one of its drivers made a network interface of it. */
bool usbtree_is_network(const char *sys, const char *device);

/* The device that the block device `disk` ("sda") is on. 0; -ENODEV: it is not on USB; or -errno. */
int usbtree_of_disk(const char *sys, const char *disk, char device[USB_NAME_BYTES]);

/* The interface ("1-2:1.0") that the input device `event` ("event3") is on. 0; -ENODEV: it is not on USB; or -errno. */
int usbtree_of_event(const char *sys, const char *event, char interface[USB_NAME_BYTES]);

/* Have the kernel say again that the input device is there. 0 or -errno. */
int usbtree_announce(const char *sys, const char *event);

/* Whether the input device has the digits and Enter. */
bool usbtree_has_digits(const char *sys, const char *event);

#endif
