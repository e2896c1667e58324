#include "launcher/link_view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DUMP_BYTES = 65536, LOWER_UP = 1 << 16 /* IFF_LOWER_UP of <linux/if.h> */ };

static struct link_interface *find_index(struct link_view *view, int index)
{
	for (size_t i = 0; i < view->count; i++)
		if (view->list[i].index == index)
			return &view->list[i];
	return NULL;
}

const struct link_interface *link_view_find(const struct link_view *view, const char *name)
{
	for (size_t i = 0; i < view->count; i++)
		if (strcmp(view->list[i].name, name) == 0)
			return &view->list[i];
	return NULL;
}

static const struct rtattr *find_attribute(const struct nlmsghdr *message, size_t header, unsigned short type,
					   size_t size)
{
	if (message->nlmsg_len < NLMSG_LENGTH(header))
		return NULL;
	const char *first = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(header);
	const struct rtattr *a = (const void *)first;
	for (int left = (int)NLMSG_PAYLOAD(message, header); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type && RTA_PAYLOAD(a) >= size)
			return a;
	return NULL;
}

/* The attribute of at least `size` bytes, or NULL. */
static const void *attribute_of(const struct nlmsghdr *message, size_t header, unsigned short type, size_t size)
{
	const struct rtattr *a = find_attribute(message, header, type, size);
	return a ? RTA_DATA(a) : NULL;
}

/* As text, which must end inside the attribute; or NULL. */
static const char *text_of(const struct nlmsghdr *message, size_t header, unsigned short type)
{
	const struct rtattr *a = find_attribute(message, header, type, 2);
	return a && memchr(RTA_DATA(a), '\0', RTA_PAYLOAD(a)) ? RTA_DATA(a) : NULL;
}

static void take_link(struct link_view *view, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const char *name = text_of(message, sizeof *link, IFLA_IFNAME);
	if (!name || link->ifi_type != ARPHRD_ETHER || view->count == LINK_INTERFACES_MAX)
		return;
	struct link_interface *new = &view->list[view->count++];
	/* The kernel calls them so, and nobody on the stick gives interfaces other names. Until the keys are agreed on
	 * such a one is dormant: up below, not running. */
	bool wireless = strncmp(name, "wlan", 4) == 0;
	const unsigned carries = wireless ? LOWER_UP | IFF_RUNNING : LOWER_UP;
	*new = (struct link_interface){.index = link->ifi_index,
				       .wireless = wireless,
				       .up = link->ifi_flags & IFF_UP,
				       .carrier = (link->ifi_flags & carries) == carries};
	snprintf(new->name, sizeof new->name, "%.15s", name);
}

static void take_address(struct link_view *view, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *address = NLMSG_DATA(message);
	struct link_interface *of = find_index(view, (int)address->ifa_index);
	bool four = address->ifa_family == AF_INET;
	const void *raw = attribute_of(message, sizeof *address, four ? IFA_LOCAL : IFA_ADDRESS, four ? 4 : 16);
	if (!of || !raw || address->ifa_scope != RT_SCOPE_UNIVERSE ||
	    (address->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
		return;
	*(four ? &of->address4 : &of->address6) = true;
	if (four || !of->address[0])
		(void)inet_ntop(address->ifa_family, raw, of->address, sizeof of->address);
}

static void take_route(struct link_view *view, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	const int *out = attribute_of(message, sizeof *route, RTA_OIF, sizeof *out);
	struct link_interface *of = out ? find_index(view, *out) : NULL;
	if (!of || route->rtm_dst_len != 0 || route->rtm_table != RT_TABLE_MAIN || route->rtm_type != RTN_UNICAST)
		return;
	*(route->rtm_family == AF_INET ? &of->route4 : &of->route6) = true;
}

void link_view_take(struct link_view *view, const struct nlmsghdr *message)
{
	static const struct {
		uint16_t type;
		size_t header;
		void (*take)(struct link_view *view, const struct nlmsghdr *message);
	} table[] = {{RTM_NEWLINK, sizeof(struct ifinfomsg), take_link},
		     {RTM_NEWADDR, sizeof(struct ifaddrmsg), take_address},
		     {RTM_NEWROUTE, sizeof(struct rtmsg), take_route}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (message->nlmsg_type == table[i].type && message->nlmsg_len >= NLMSG_LENGTH(table[i].header))
			table[i].take(view, message);
}

static int open_route(unsigned groups, int flags)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int link_view_open(void) { return open_route(0, 0); }

int link_events_open(void)
{
	return open_route(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
			  SOCK_NONBLOCK);
}

/* One dump; the kernel answers at once, so a blocking socket is right. */
static int dump(int fd, uint16_t type, struct link_view *view)
{
	static union {
		struct nlmsghdr header;
		char bytes[DUMP_BYTES];
	} buffer;
	static uint32_t sequence;
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link; /* the largest of the three headers, and zero is right in each */
	} request = {.header = {.nlmsg_len = sizeof request,
				.nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
				.nlmsg_seq = ++sequence}};
	if (send(fd, &request, sizeof request, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t got = recv(fd, &buffer, sizeof buffer, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		int left = (int)got;
		for (const struct nlmsghdr *m = &buffer.header; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
			if (m->nlmsg_seq != sequence)
				continue;
			if (m->nlmsg_flags & NLM_F_DUMP_INTR)
				return -EAGAIN; /* it changed meanwhile; the event that says so is on its way */
			if (m->nlmsg_type == NLMSG_DONE)
				return 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return -EIO;
			link_view_take(view, m);
		}
	}
}

int link_view_read(int fd, struct link_view *view)
{
	*view = (struct link_view){0};
	int error = dump(fd, RTM_GETLINK, view);
	if (!error)
		error = dump(fd, RTM_GETADDR, view);
	return error ? error : dump(fd, RTM_GETROUTE, view);
}

static enum link_state state_of(const struct link_interface *i)
{
	if (!i->up || !i->carrier)
		return LINK_NO_CARRIER;
	return (i->address4 && i->route4) || (i->address6 && i->route6) ? LINK_UP : LINK_WAITING_ADDRESS;
}

enum link_state link_view_state(const struct link_view *view, const struct link_interface **best)
{
	enum link_state state = LINK_NO_DEVICE;
	*best = NULL;
	for (size_t i = 0; i < view->count; i++) {
		if (*best && state_of(&view->list[i]) <= state)
			continue;
		*best = &view->list[i];
		state = state_of(*best);
	}
	return state;
}
