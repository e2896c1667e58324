/*
 * usbjudge - what a USB device is, from the descriptors it sent (USB 2.0 sections 9.5 and 9.6), before it is
 * configured.
 *
 * All interfaces of all its configurations count, also those that it would not start with: a keyboard that could also
 * be a disk is a disk. Pure, and the only parser of bytes that a USB device wrote.
 */
#ifndef FIRMWARE_BOOT_USBJUDGE_H
#define FIRMWARE_BOOT_USBJUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USB_DESCRIPTORS_MAX_BYTES 65536
#define USB_INTERFACES_MAX        64

/* The numbers are those of MSG_USB_REFUSED and MSG_USB_QUESTION. */
enum usb_what {
	USB_OTHER,    /* a class nobody here has a use for, or descriptors that cannot be read */
	USB_HUB,      /* nothing but a hub; what is plugged into it is judged by itself */
	USB_KEYBOARD, /* has the boot interface of a keyboard (HID 1.11 section 4.2) */
	USB_POINTER,  /* another input device: mouse, touch screen, a keyboard without that interface */
	USB_STORAGE,  /* disks, cameras and phones that show their files */
	USB_NETWORK,  /* a network adapter by its class */
	USB_PHONE,    /* a phone that offers its own connection */
	USB_READER,   /* a reader of smart cards, or a token that is one, and nothing beside it */
	USB_WHAT_COUNT
};

struct usb_interface {
	uint8_t class, subclass, protocol;
};

/* What the interfaces of a device say they are. */
struct usb_offer {
	uint8_t device_class;
	size_t count;
	struct usb_interface interfaces[USB_INTERFACES_MAX];
};

/* Read a device descriptor and all configurations behind it. 0, or -EBADMSG: cut short, or more than there is room for.
 */
int usb_descriptors_read(const uint8_t *bytes, size_t size, struct usb_offer *offer);

/* The gravest thing it offers. */
enum usb_what usb_judge(const struct usb_offer *offer);

/* Whether this interface of a device judged `what` may be used: a hub's hub, an input device's input, a reader's. */
bool usb_interface_wanted(enum usb_what what, uint8_t interface_class);

/* A word for the log and for the desk: "storage". */
const char *usb_word(enum usb_what what);

#endif
