/*
 * messages - what PID 1 and the wall are told, in the one number space of the stick's messages (the rest of it is
 * launcher/messages.h; the layout's notation is explained there).
 *
 * launcher -> init. init relays MSG_WALL_GATEWAYS to the wall as it came, so that nobody but init ever holds a channel
 * to the process that owns the underlay's rules. What the guard says of USB devices init relays the other way; nobody
 * can say anything to the guard. A frame of any other kind, or of another size, is the end.
 */
#ifndef FIRMWARE_BOOT_MESSAGES_H
#define FIRMWARE_BOOT_MESSAGES_H

enum boot_message {
	/* every child -> its parent */
	MSG_READY = 1, /* - : sandbox entered, loop running */

	/* launcher -> init (-> wall), and back */
	MSG_INIT_POWER_OFF = 10, /* u8 reboot(0): wipe and power off */
	MSG_INIT_SET_CLOCK = 11, /* u64 unix seconds: set CLOCK_REALTIME; never the RTC */
	MSG_WALL_GATEWAYS = 12,  /* u8 n, n x { u8 family(4|6), b address(4|16), u16 port }: once per accepted list */
	MSG_WALL_STANDS = 13,    /* wall -> init -> launcher: - : the rules for the last MSG_WALL_GATEWAYS stand */

	/* guard -> init -> launcher */
	MSG_USB_QUESTION =
	    14, /* u8 what (enum usb_what), u8 on_new, u8 digits typed, u8 wrong tries, s code: it is to be
		   typed on a keyboard that is trusted already, or (on_new) on the new one; "" : over */
	MSG_USB_REFUSED = 15, /* u8 what: a device that came after the start is not used */
};

/* The uid and gid of the wall: /etc/passwd of the image, launcher/ids.h. */
#define WALL_UID 108

/* The uid and gid of the guard of USB devices. */
#define GUARD_UID 114

#define USB_QUESTION_MAX_BYTES 32

/* Gateway addresses the wall takes at most, both families together. */
#define WALL_GATEWAYS_MAX 64

#endif
