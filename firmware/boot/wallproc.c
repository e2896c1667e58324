/*
 * wall - owns the underlay's packet rules. It makes them before anything else runs, puts every interface under them
 * before it brings that interface up, and takes the gateways' addresses from init. Nobody else brings an interface
 * up, so that none ever carries a frame uncovered. Whoever puts rules of his own beside these, or takes a covered
 * interface away to where they do not reach, ends it. Its end is the stick's end: init powers off.
 */
#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <nftables/libnftables.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/boot/messages.h"
#include "firmware/boot/wallrules.h"
#include "firmware/boot/wallwatch.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"

static const struct self self = {
    .name = "wall",
    .holds = "CAP_NET_ADMIN in underlay; the netlink socket that owns the tables",
    .reads = "netlink; gateway addresses from init",
    .speaks_to = "init",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_NETLINK,
    .open_files_max = 32,
    .memory_max_bytes = 256 << 20,
};

enum { INTERFACES_MAX = 64, ROUTE_BUFFER_BYTES = 65536 };

struct wall {
	struct loop *loop;
	struct nft_ctx *nft;
	int route, watch;
	uint32_t sequence;
	int covered[INTERFACES_MAX]; /* indexes; 0: free */
};

static int apply(struct wall *wall, const char *script, const char *what)
{
	if (nft_run_cmd_from_buffer(wall->nft, script) == 0)
		return 0;
	const char *reason = nft_ctx_get_error_buffer(wall->nft);
	log_error("the kernel refused the rules for %s: %s", what, reason ? reason : "no reason given");
	return -EIO;
}

static int *find_covered(struct wall *wall, int index)
{
	for (size_t i = 0; i < INTERFACES_MAX; i++)
		if (wall->covered[i] == index)
			return &wall->covered[i];
	return NULL;
}

static void bring_up(struct wall *wall, int index, const char *name)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
	    .header = {.nlmsg_len = sizeof request,
		       .nlmsg_type = RTM_NEWLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		       .nlmsg_seq = ++wall->sequence},
	    .link = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP},
	};
	if (send(wall->route, &request, sizeof request, 0) < 0)
		log_error("cannot bring %s up: %s", name, strerror(errno));
}

/* Kinds that are made here to be moved elsewhere at once (wg0) and never carry a frame in this namespace. */
static bool passing_through(const struct ifinfomsg *link) { return link->ifi_type == ARPHRD_NONE; }

static void cover(struct wall *wall, const struct ifinfomsg *link, const char *name)
{
	char script[WALL_SCRIPT_MAX_BYTES];
	if (link->ifi_type == ARPHRD_LOOPBACK || passing_through(link) || find_covered(wall, link->ifi_index))
		return;
	int *slot = find_covered(wall, 0);
	if (!slot) {
		log_error("%s stays off: there are too many interfaces", name);
		return;
	}
	if (wall_cover_script(name, script, sizeof script)) {
		log_error("an interface stays off: its name is not plain");
		return;
	}
	if (apply(wall, script, name))
		return;
	*slot = link->ifi_index;
	log_info("%s is covered", name);
	if (link->ifi_type == ARPHRD_ETHER)
		bring_up(wall, link->ifi_index, name);
}

static const struct rtattr *find_attribute(const struct nlmsghdr *message, unsigned short type)
{
	const struct rtattr *attribute = IFLA_RTA(NLMSG_DATA(message));
	int left = (int)IFLA_PAYLOAD(message);
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == type)
			return attribute;
	return NULL;
}

static const char *name_of(const struct nlmsghdr *message)
{
	const struct rtattr *attribute = find_attribute(message, IFLA_IFNAME);
	const char *text = attribute ? RTA_DATA(attribute) : NULL;
	return text && memchr(text, '\0', RTA_PAYLOAD(attribute)) ? text : NULL;
}

/* Unplugged, it is gone; moved to another namespace it would carry frames that nobody looks at. */
static void forget(struct wall *wall, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);
	int *slot = find_covered(wall, link->ifi_index);
	if (!slot || link->ifi_family != AF_UNSPEC)
		return;
	if (find_attribute(message, IFLA_NEW_NETNSID) || find_attribute(message, IFLA_NEW_IFINDEX))
		fatal("an interface was moved out of the underlay");
	*slot = 0;
}

static void take_route_message(struct wall *wall, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = NLMSG_DATA(message);
	const struct nlmsgerr *error = NLMSG_DATA(message);
	if (message->nlmsg_type == NLMSG_ERROR && message->nlmsg_len >= NLMSG_LENGTH(sizeof *error)) {
		/* the least number has no opposite */
		if (error->error)
			log_error("an interface stays off: %s",
				  strerror(error->error < -INT_MAX ? EIO : -error->error));
		return;
	}
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof *link))
		return;
	if (message->nlmsg_type == RTM_DELLINK) {
		forget(wall, message);
	} else if (message->nlmsg_type == RTM_NEWLINK) {
		const char *name = name_of(message);
		if (name)
			cover(wall, link, name);
	}
}

static int ask_for_links(struct wall *wall)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
	    .header = {.nlmsg_len = sizeof request,
		       .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		       .nlmsg_seq = ++wall->sequence},
	};
	return send(wall->route, &request, sizeof request, 0) < 0 ? -errno : 0;
}

/* 1: something was read; 0: nothing there now; or -errno. Fills `done` when a dump ended. */
static int read_route(struct wall *wall, bool *done)
{
	static union {
		struct nlmsghdr header;
		char bytes[ROUTE_BUFFER_BYTES];
	} buffer;
	struct sockaddr_nl from = {.nl_pid = 1};
	socklen_t from_size = sizeof from;
	ssize_t got = recvfrom(wall->route, &buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got < 0 && errno == ENOBUFS) /* events were lost: look at everything again */
		return ask_for_links(wall) ? -EIO : 1;
	if (got < 0)
		return -errno;
	if (from.nl_pid != 0)
		return 1;
	int left = (int)got;
	for (struct nlmsghdr *m = &buffer.header; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		if (m->nlmsg_type == NLMSG_DONE)
			*done = true;
		else
			take_route_message(wall, m);
	}
	return 1;
}

static void on_route(uint32_t events, void *context)
{
	(void)events;
	struct wall *wall = context;
	bool done = false;
	int got;
	while ((got = read_route(wall, &done)) > 0)
		;
	if (got < 0)
		fatal("cannot see the network interfaces any more: %s", strerror(-got));
}

static int take_gateways(struct msg *m, void *context)
{
	static char script[WALL_SCRIPT_MAX_BYTES];
	struct wall_gateways gateways;
	int error = wall_gateways_read(m->payload, m->size, &gateways);
	if (!error)
		error = wall_gateways_script(&gateways, script, sizeof script);
	if (!error)
		error = apply(context, script, "the gateways");
	if (error)
		return error;
	log_info("open to %zu gateway addresses", gateways.count);
	return msg_send(CHILD_CHANNEL_FD, MSG_WALL_STANDS, 0, NULL, 0);
}

static const struct channel_row orders[] = {{MSG_WALL_GATEWAYS, 1, CHANNEL_ANY_BYTES, take_gateways}};

static struct channel init = CHANNEL("init", orders);

static void on_rules(uint32_t events, void *context)
{
	(void)events;
	struct wall *wall = context;
	int error = wallwatch_read(wall->watch);
	if (error == -EPERM)
		fatal("somebody else changes the underlay's packet filter");
	if (error)
		fatal("changes of the packet filter cannot be seen any more: %s", strerror(-error));
}

static void open_nft(struct wall *wall)
{
	wall->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!wall->nft || nft_ctx_buffer_error(wall->nft) || nft_ctx_buffer_output(wall->nft))
		fatal("libnftables does not start");
	/* Numbers only: no look-up of names in files or, worse, in the DNS. */
	nft_ctx_input_set_flags(wall->nft, NFT_CTX_INPUT_NO_DNS);
}

static void open_route(struct wall *wall)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	wall->route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (wall->route < 0 || bind(wall->route, (struct sockaddr *)&own, sizeof own) < 0)
		fatal("rtnetlink: %s", strerror(errno));
}

static void cover_present_interfaces(struct wall *wall)
{
	bool done = false;
	int error = ask_for_links(wall);
	struct msghdr peek = {0};
	while (!error && !done) {
		/* wait without taking: the dump is answered at once */
		if (recvmsg(wall->route, &peek, MSG_PEEK) < 0 && errno != EINTR && errno != ENOBUFS)
			error = -errno;
		else if (read_route(wall, &done) < 0)
			error = -EIO;
	}
	if (error)
		fatal("cannot list the network interfaces: %s", strerror(-error));
}

int main(void)
{
	static struct wall wall;
	log_open(self.name);
	close_above(CHILD_CHANNEL_FD);
	open_nft(&wall);
	if (apply(&wall, wall_base_script, "the underlay"))
		return 1;
	open_route(&wall);
	wall.watch = wallwatch_open();
	wall.loop = loop_new();
	if (wall.watch < 0 || !wall.loop || !loop_watch(wall.loop, wall.route, EPOLLIN, on_route, &wall) ||
	    !loop_watch(wall.loop, wall.watch, EPOLLIN, on_rules, &wall) ||
	    channel_watch(wall.loop, CHILD_CHANNEL_FD, &init, &wall))
		fatal("no event loop: %s", strerror(errno));
	if (sandbox_enter(&self))
		return 1;
	cover_present_interfaces(&wall);
	if (msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0))
		fatal("init is gone");
	return loop_run(wall.loop) || init.error ? 1 : 0;
}
