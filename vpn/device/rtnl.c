#include "vpn/device/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_BYTES = 512, ANSWER_BYTES = 1024, ANSWER_TIMEOUT_S = 5 };

struct request {
	union {
		struct nlmsghdr header;
		uint8_t bytes[REQUEST_BYTES];
	};
	bool overrun;
};

static struct request request_for(uint16_t type, uint16_t flags)
{
	struct request r = {0};
	r.header = (struct nlmsghdr){.nlmsg_len = NLMSG_HDRLEN,
				     .nlmsg_type = type,
				     .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
				     .nlmsg_seq = 1};
	return r;
}

/* Room for `size` more bytes, aligned and zeroed; NULL once the request is too long. */
static void *request_extend(struct request *r, size_t size)
{
	size_t at = NLMSG_ALIGN(r->header.nlmsg_len);
	if (r->overrun || at + NLMSG_ALIGN(size) > sizeof r->bytes) {
		r->overrun = true;
		return NULL;
	}
	r->header.nlmsg_len = (uint32_t)(at + size);
	return r->bytes + at;
}

static void request_body(struct request *r, const void *body, size_t size)
{
	void *place = request_extend(r, size);
	if (place)
		memcpy(place, body, size);
}

static struct rtattr *request_attribute(struct request *r, uint16_t type, const void *data, size_t size)
{
	struct rtattr *attribute = request_extend(r, RTA_LENGTH(size));
	if (!attribute)
		return NULL;
	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(size);
	if (size > 0)
		memcpy(RTA_DATA(attribute), data, size);
	return attribute;
}

static void request_end_nest(struct request *r, struct rtattr *nest)
{
	if (nest && !r->overrun)
		nest->rta_len = (uint16_t)(r->bytes + r->header.nlmsg_len - (uint8_t *)nest);
}

static int socket_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
	struct sockaddr_nl local = {.nl_family = AF_NETLINK};
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
	    bind(fd, (const struct sockaddr *)&local, sizeof local) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int read_answer(int fd, uint32_t sequence)
{
	union {
		struct nlmsghdr header;
		uint8_t bytes[ANSWER_BYTES];
	} answer;
	struct sockaddr_nl from = {0};
	socklen_t from_size = sizeof from;
	ssize_t got;
	do
		got = recvfrom(fd, &answer, sizeof answer, 0, (struct sockaddr *)&from, &from_size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (from.nl_pid != 0 || !NLMSG_OK(&answer.header, (size_t)got) || answer.header.nlmsg_seq != sequence ||
	    answer.header.nlmsg_type != NLMSG_ERROR || answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return -EPROTO;
	const struct nlmsgerr *error = NLMSG_DATA(&answer.header);
	return error->error;
}

static int exchange(const struct request *r)
{
	if (r->overrun)
		return -EMSGSIZE;
	int fd = socket_open();
	if (fd < 0)
		return fd;
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int error;
	if (sendto(fd, r->bytes, r->header.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
		error = -errno;
	else
		error = read_answer(fd, r->header.nlmsg_seq);
	close(fd);
	return error;
}

static bool is_name(const char *name) { return name[0] && strlen(name) < IFNAMSIZ; }

/* A request about an existing link, known by its name; `body` says what is to change of its flags. */
static struct request link_request(const char *name, uint16_t type, unsigned flags, unsigned change)
{
	struct request r = request_for(type, 0);
	struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_flags = flags, .ifi_change = change};
	request_body(&r, &body, sizeof body);
	request_attribute(&r, IFLA_IFNAME, name, strnlen(name, IFNAMSIZ) + 1);
	return r;
}

int rtnl_link_add(const char *name, const char *kind)
{
	if (!is_name(name))
		return -EINVAL;
	struct request r = link_request(name, RTM_NEWLINK, 0, 0);
	r.header.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	struct rtattr *info = request_attribute(&r, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
	request_attribute(&r, IFLA_INFO_KIND, kind, strlen(kind));
	request_end_nest(&r, info);
	return exchange(&r);
}

int rtnl_link_delete(const char *name)
{
	if (!is_name(name))
		return -EINVAL;
	struct request r = link_request(name, RTM_DELLINK, 0, 0);
	return exchange(&r);
}

int rtnl_link_move(const char *name, int netns_fd)
{
	if (!is_name(name) || netns_fd < 0)
		return -EINVAL;
	struct request r = link_request(name, RTM_NEWLINK, 0, 0);
	uint32_t fd = (uint32_t)netns_fd;
	request_attribute(&r, IFLA_NET_NS_FD, &fd, sizeof fd);
	return exchange(&r);
}

int rtnl_link_mtu(const char *name, uint32_t mtu_bytes)
{
	if (!is_name(name))
		return -EINVAL;
	struct request r = link_request(name, RTM_NEWLINK, 0, 0);
	request_attribute(&r, IFLA_MTU, &mtu_bytes, sizeof mtu_bytes);
	return exchange(&r);
}

int rtnl_link_up(const char *name)
{
	if (!is_name(name))
		return -EINVAL;
	struct request r = link_request(name, RTM_NEWLINK, IFF_UP, IFF_UP);
	return exchange(&r);
}

static int parse_length(const char *text, unsigned longest, uint8_t *prefix)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || value > longest)
		return -EINVAL;
	*prefix = (uint8_t)value;
	return 0;
}

int rtnl_parse_prefix(const char *text, uint8_t *family, uint8_t bytes[16], uint8_t *prefix)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	if (size >= sizeof address)
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = '\0';
	if (inet_pton(AF_INET, address, bytes) == 1)
		*family = AF_INET;
	else if (inet_pton(AF_INET6, address, bytes) == 1)
		*family = AF_INET6;
	else
		return -EINVAL;
	unsigned longest = *family == AF_INET ? 32 : 128;
	*prefix = (uint8_t)longest;
	return slash ? parse_length(slash + 1, longest, prefix) : 0;
}

int rtnl_address_add(const char *name, const char *address)
{
	uint8_t family, bytes[16], prefix;
	int error = rtnl_parse_prefix(address, &family, bytes, &prefix);
	if (error)
		return error;
	unsigned index = if_nametoindex(name);
	if (index == 0)
		return -ENODEV;
	struct request r = request_for(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	/* The address is ours alone: nobody to ask, and waiting for duplicates (RFC 4862) would cost a second. */
	struct ifaddrmsg body = {.ifa_family = family,
				 .ifa_prefixlen = prefix,
				 .ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
				 .ifa_scope = RT_SCOPE_UNIVERSE,
				 .ifa_index = index};
	request_body(&r, &body, sizeof body);
	size_t size = family == AF_INET ? 4 : 16;
	request_attribute(&r, IFA_LOCAL, bytes, size);
	request_attribute(&r, IFA_ADDRESS, bytes, size);
	return exchange(&r);
}

int rtnl_route_default(const char *name, int family)
{
	unsigned index = if_nametoindex(name);
	if (index == 0)
		return -ENODEV;
	struct request r = request_for(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg body = {.rtm_family = (uint8_t)family,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_STATIC,
			     .rtm_scope = RT_SCOPE_LINK,
			     .rtm_type = RTN_UNICAST};
	request_body(&r, &body, sizeof body);
	uint32_t out = index;
	request_attribute(&r, RTA_OIF, &out, sizeof out);
	return exchange(&r);
}
