#include "firmware/boot/wallwatch.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, READ_BYTES = 32768 };

/* The table's name is attribute 1 in the notification of a table, chain, rule, set, element, object and flowtable. */
_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
		   NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1 && NFTA_FLOWTABLE_TABLE == 1,
	       "the table's name is elsewhere");

int wallwatch_open(void)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	int group = NFNLGRP_NFTABLES, bytes = BUFFER_BYTES;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (fd < 0)
		return -errno;
	/* Our own longest list is told element by element. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0 ||
	    bind(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static bool is_ours(const struct nlmsghdr *message)
{
	static const char name[] = "underlay";
	const struct nfgenmsg *head = NLMSG_DATA(message);
	int kind = NFNL_MSG_TYPE(message->nlmsg_type);
	if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof *head))
		return false;
	if (kind == NFT_MSG_NEWGEN)
		return true; /* the end of a change, of which the rest was looked at */
	if (head->nfgen_family != NFPROTO_INET && head->nfgen_family != NFPROTO_NETDEV)
		return false;
	const uint8_t *at = (const uint8_t *)head + NLMSG_ALIGN(sizeof *head);
	size_t left = message->nlmsg_len - NLMSG_LENGTH(NLMSG_ALIGN(sizeof *head));
	struct nlattr attribute;
	while (left >= sizeof attribute) {
		memcpy(&attribute, at, sizeof attribute);
		if (attribute.nla_len < sizeof attribute || attribute.nla_len > left)
			return false;
		if ((attribute.nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME)
			return attribute.nla_len == sizeof attribute + sizeof name &&
			       memcmp(at + sizeof attribute, name, sizeof name) == 0;
		size_t whole = NLA_ALIGN(attribute.nla_len);
		if (whole > left)
			return false;
		at += whole;
		left -= whole;
	}
	return false;
}

bool wallwatch_ours(const void *data, size_t size)
{
	const struct nlmsghdr *message = data;
	for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size))
		if (!is_ours(message))
			return false;
	return size == 0;
}

int wallwatch_read(int fd)
{
	static union {
		struct nlmsghdr header;
		char bytes[READ_BYTES];
	} buffer;
	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t from_size = sizeof from;
		ssize_t got = recvfrom(fd, &buffer, sizeof buffer, MSG_TRUNC, (struct sockaddr *)&from, &from_size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (from.nl_pid != 0)
			continue; /* only the kernel's word counts */
		if ((size_t)got > sizeof buffer || !wallwatch_ours(&buffer, (size_t)got))
			return -EPERM;
	}
}
