/*
 * link_view - what the kernel knows of the underlay's interfaces, and what that means: is there a way out?
 *
 * Read whole each time something changed (three rtnetlink dumps): a view never drifts from the kernel's.
 */
#ifndef LAUNCHER_LINK_VIEW_H
#define LAUNCHER_LINK_VIEW_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "launcher/messages.h"

enum { LINK_INTERFACES_MAX = 32, LINK_NAME_BYTES = 16, LINK_ADDRESS_BYTES = 48 };

struct link_interface {
	int index;
	char name[LINK_NAME_BYTES];
	bool up; /* the wall covered it and brought it up */
	bool wireless;
	bool carrier;                            /* a cable with somebody at its end; a network that let us in */
	bool address4, address6, route4, route6; /* usable address, default route */
	char address[LINK_ADDRESS_BYTES];        /* one to show; "" */
};

struct link_view {
	struct link_interface list[LINK_INTERFACES_MAX]; /* Ethernet and Wi-Fi */
	size_t count;
};

/* Ask the kernel through the rtnetlink socket `fd`, opened by link_view_open(). 0 or -errno. */
int link_view_read(int fd, struct link_view *view);
int link_view_open(void);

/* A socket that becomes readable when anything in a view may have changed. fd or -errno. */
int link_events_open(void);

/* One message of a dump; those of no interest change nothing. Links must come before what refers to them. */
void link_view_take(struct link_view *view, const struct nlmsghdr *message);

/* The best interface's state, and that interface (NULL if there is none). */
enum link_state link_view_state(const struct link_view *view, const struct link_interface **best);

const struct link_interface *link_view_find(const struct link_view *view, const char *name);

#endif
