/*
 * messages - what PID 1 and the wall are told, in the one number space of the stick's messages (the rest of it is
 * launcher/messages.h; the layout's notation is explained there).
 *
 * launcher -> init. init relays MSG_WALL_GATEWAYS to the wall as it came, so that nobody but init ever holds a channel
 * to the process that owns the underlay's rules. A frame of any other kind, or of another size, is the end.
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
};

/* The uid and gid of the wall: /etc/passwd of the image, launcher/ids.h. */
#define WALL_UID 108

/* Gateway addresses the wall takes at most, both families together. */
#define WALL_GATEWAYS_MAX 64

#endif
