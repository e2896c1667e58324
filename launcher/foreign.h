/*
 * foreign - the filters for programs that are not ours, and for whoever starts them.
 *
 * They change with Debian's packages, so an allow-list of ours would break them at some update, on some customer's PC;
 * these deny-lists hold back, by groups, what no program on the stick has any business asking, whoever wrote it. What
 * a group's row does not let through kills the process; address families and new namespaces are refused with an errno,
 * because libraries ask for them on the way to something else.
 */
#ifndef LAUNCHER_FOREIGN_H
#define LAUNCHER_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* Filters stack: what the house denies is denied to all below it, and each of the others adds its own. */
enum foreign {
	FOREIGN_NONE,    /* our own processes: their allow-list is their own */
	FOREIGN_HOUSE,   /* the spawner and all it starts: nobody's business on the stick */
	FOREIGN_DEVICES, /* udevd: the kernel's events, device nodes */
	FOREIGN_SEAT,    /* seatd: a Unix socket, device nodes */
	FOREIGN_SCREEN,  /* the compositor, the kiosk, bubblewrap, which makes namespaces and mounts inside them */
	FOREIGN_PAGE,    /* WebKit's web process: no sockets, no namespaces, no mounts */
	FOREIGN_FETCH,   /* WebKit's network process: the internet's sockets, no namespaces, no mounts */
	FOREIGN_LOCKED,  /* either of these once its libraries are loaded: no more code, no more processes */
	FOREIGN_DHCP,    /* dhcpcd: packet sockets, a root of its own */
	FOREIGN_WIFI,    /* wpa_supplicant: nl80211, packet sockets for the keys' handshake */
	FOREIGN_TOKEN,   /* a PKCS#11 module and what it loads: no program, no process, no socket but for uevents */
};

/* Install it for this process and all it will start; cannot be left. no_new_privs is set. 0 or -errno. */
int foreign_enter(enum foreign which);

/* The nth system call, by its number, that kills under this filter alone; -1 after the last. For tests. */
int foreign_killed(enum foreign which, size_t nth);

#endif
