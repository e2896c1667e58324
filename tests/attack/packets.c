/* Frames and packets made by hand, past the IP stack: raw and packet sockets, and what netlink may be told. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/attack/attacks.h"
#include "vpn/device/rtnl.h"

enum { MARK = 0x5eca };

/* --- raw sockets: an IPv4 header of our own --- */

static uint16_t checksum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* A datagram from port 68 to 67 where `fragment` is 0, so that it looks as harmless as it can. */
static size_t make_packet(uint8_t out[64], const char *to, int protocol, uint16_t fragment)
{
	static const uint8_t udp[] = {0,   68,  0,   67,  0,   24,  0,   0,   'n', 'o', 't', ' ',
				      'D', 'H', 'C', 'P', ' ', 'a', 't', ' ', 'a', 'l', 'l', '.'};
	struct iphdr head = {.version = 4,
			     .ihl = 5,
			     .tot_len = htons(sizeof head + sizeof udp),
			     .id = htons(0x5eca),
			     .frag_off = htons(fragment),
			     .ttl = 64,
			     .protocol = (uint8_t)protocol,
			     .saddr = inet_addr("192.168.77.77"),
			     .daddr = inet_addr(to)};
	memset(out, 0, 64);
	memcpy(out, &head, sizeof head);
	head.check = htons(checksum(out, sizeof head));
	memcpy(out, &head, sizeof head);
	memcpy(out + sizeof head, udp, sizeof udp);
	return sizeof head + sizeof udp;
}

static int try_raw(const struct attack *attack, int *fd)
{
	uint8_t packet[64];
	int mark = MARK;
	size_t size = make_packet(packet, attack->text, attack->number, (uint16_t)attack->other);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(attack->text)};
	*fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	if (*fd < 0)
		return -errno;
	(void)setsockopt(*fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
	ssize_t sent = sendto(*fd, packet, size, 0, (struct sockaddr *)&to, sizeof to);
	int error = sent < 0 ? -errno : ATTACK_WAITS;
	if (error < 0)
		close(*fd);
	return error;
}

/* --- packet sockets: whole frames, on the first interface that is not loopback --- */

static int first_interface(char name[IF_NAMESIZE])
{
	struct if_nameindex *all = if_nameindex();
	int found = 0;
	for (size_t i = 0; all && all[i].if_index; i++) {
		if (strcmp(all[i].if_name, "lo") == 0)
			continue;
		snprintf(name, IF_NAMESIZE, "%s", all[i].if_name);
		found = (int)all[i].if_index;
		break;
	}
	if_freenameindex(all);
	return found;
}

/* A frame of ethertype `number` with a packet for a stranger in it; `other` goes round the queue as well. */
static int try_frame(const struct attack *attack, int *fd)
{
	char name[IF_NAMESIZE];
	uint8_t frame[128] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x5e, 0, 0x21};
	int mark = MARK, yes = 1;
	frame[12] = (uint8_t)(attack->number >> 8);
	frame[13] = (uint8_t)attack->number;
	size_t size = 14 + make_packet(frame + 14, attack->text, IPPROTO_UDP, 0);
	*fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (*fd < 0)
		return -errno;
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = first_interface(name), .sll_halen = 6};
	(void)setsockopt(*fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
	if (attack->other)
		(void)setsockopt(*fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
	ssize_t sent = sendto(*fd, frame, size, 0, (struct sockaddr *)&to, sizeof to);
	int error = sent < 0 ? -errno : 0;
	close(*fd);
	*fd = -1;
	return error ? error : ATTACK_WAITS; /* nobody can answer it: the wire tells */
}

/* --- netlink --- */

static int try_link(const struct attack *attack, int *fd)
{
	char name[IF_NAMESIZE] = "lo";
	(void)fd;
	(void)first_interface(name);
	switch (attack->number) {
	case 0:
		return rtnl_route_default(name, AF_INET);
	case 1:
		return rtnl_address_add(name, "192.168.77.78/24");
	case 2:
		return rtnl_link_mtu(name, 1300);
	default:
		return rtnl_link_add("attack0", attack->text);
	}
}

struct batch {
	uint8_t bytes[1024];
	size_t size;
	uint32_t sequence;
};

static void put_message(struct batch *batch, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg generic;
	} message = {.header = {.nlmsg_len = sizeof message,
				.nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | flags,
				.nlmsg_seq = ++batch->sequence},
		     .generic = {.nfgen_family = family, .res_id = htons(resource)}};
	memcpy(batch->bytes + batch->size, &message, sizeof message);
	batch->size += sizeof message;
}

/* Add an attribute to the message that begins at `start`. */
static void put_text(struct batch *batch, size_t start, uint16_t type, const char *text)
{
	struct nlmsghdr header;
	struct nlattr attribute = {.nla_len = (uint16_t)(sizeof attribute + strlen(text) + 1), .nla_type = type};
	size_t whole = NLA_ALIGN(attribute.nla_len);
	memset(batch->bytes + batch->size, 0, whole);
	memcpy(batch->bytes + batch->size, &attribute, sizeof attribute);
	memcpy(batch->bytes + batch->size + sizeof attribute, text, strlen(text));
	batch->size += whole;
	memcpy(&header, batch->bytes + start, sizeof header);
	header.nlmsg_len += (uint32_t)whole;
	memcpy(batch->bytes + start, &header, sizeof header);
}

/* One change to the packet filter (nf_tables): the kernel's answer to it. */
static int change_filter(int message, uint16_t flags, uint8_t family, const char *table)
{
	struct batch batch = {0};
	uint8_t answer[1024];
	struct nlmsghdr header;
	struct nlmsgerr error = {.error = -EIO};
	put_message(&batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	size_t start = batch.size;
	put_message(&batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), NLM_F_ACK | flags, family, 0);
	if (table)
		put_text(&batch, start, NFTA_TABLE_NAME, table); /* of a chain too: both are attribute 1 */
	put_message(&batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return -errno;
	ssize_t got = send(fd, batch.bytes, batch.size, 0) < 0 ? -1 : recv(fd, answer, sizeof answer, 0);
	if (got < (ssize_t)(sizeof header + sizeof error)) {
		int failed = got < 0 ? -errno : -EIO;
		close(fd);
		return failed;
	}
	memcpy(&header, answer, sizeof header);
	memcpy(&error, answer + sizeof header, sizeof error);
	close(fd);
	return header.nlmsg_type == NLMSG_ERROR ? error.error : -EIO;
}

static int try_filter(const struct attack *attack, int *fd)
{
	(void)fd;
	return change_filter(attack->number, 0, (uint8_t)attack->other, attack->text);
}

/* clang-format off */
const struct attack packet_attacks[] = {
	{"raw: UDP in DHCP's clothes to a stranger", 0, try_raw, "198.51.100.40", IPPROTO_UDP, 0},
	{"raw: a first fragment to a stranger",      0, try_raw, "198.51.100.40", IPPROTO_UDP, IP_MF},
	{"raw: a later fragment to a stranger",      0, try_raw, "198.51.100.40", IPPROTO_UDP, 100},
	{"raw: a fragment of TCP",                   0, try_raw, "198.51.100.40", IPPROTO_TCP, IP_MF},
	{"raw: TCP to the gateway",                  0, try_raw, "203.0.113.11", IPPROTO_TCP, 0},
	{"raw: GRE",                                 0, try_raw, "203.0.113.11", IPPROTO_GRE, 0},
	{"raw: IP in IP",                            0, try_raw, "203.0.113.11", IPPROTO_IPIP, 0},
	{"raw: IPv6 in IP",                          0, try_raw, "203.0.113.11", IPPROTO_IPV6, 0},
	{"raw: ESP",                                 0, try_raw, "203.0.113.11", IPPROTO_ESP, 0},
	{"raw: SCTP",                                0, try_raw, "203.0.113.11", IPPROTO_SCTP, 0},
	{"raw: IGMP",                                0, try_raw, "224.0.0.22", IPPROTO_IGMP, 0},
	{"frame: IPv4 to a stranger",                0, try_frame, "198.51.100.40", ETHERTYPE_IP, 0},
	{"frame: the same, round the queue",         0, try_frame, "198.51.100.40", ETHERTYPE_IP, 1},
	{"frame: IPv6",                              0, try_frame, "198.51.100.40", ETHERTYPE_IPV6, 0},
	{"frame: VLAN",                              0, try_frame, "198.51.100.40", ETHERTYPE_VLAN, 0},
	{"frame: provider VLAN",                     0, try_frame, "198.51.100.40", 0x88a8, 0},
	{"frame: LLDP",                              0, try_frame, "198.51.100.40", 0x88cc, 0},
	{"frame: PPPoE discovery",                   0, try_frame, "198.51.100.40", 0x8863, 0},
	{"frame: PPPoE session",                     0, try_frame, "198.51.100.40", 0x8864, 1},
	{"frame: MPLS",                              0, try_frame, "198.51.100.40", 0x8847, 0},
	{"frame: MACsec",                            0, try_frame, "198.51.100.40", 0x88e5, 0},
	{"frame: wake-on-LAN",                       0, try_frame, "198.51.100.40", 0x0842, 0},
	{"frame: a type of its own",                 0, try_frame, "198.51.100.40", 0x88b5, 1},
	{"frame: 802.3 with a length",               0, try_frame, "198.51.100.40", 0x0040, 0},
	{"netlink: another way out",                 RIGHT(NET_ADMIN), try_link, NULL, 0, 0},
	{"netlink: another address",                 RIGHT(NET_ADMIN), try_link, NULL, 1, 0},
	{"netlink: another MTU",                     RIGHT(NET_ADMIN), try_link, NULL, 2, 0},
	{"netlink: a new dummy link",                RIGHT(NET_ADMIN), try_link, "dummy", 3, 0},
	{"netlink: a pair of links",                 0, try_link, "veth", 4, 0},
	{"netlink: a bridge",                        0, try_link, "bridge", 4, 0},
	{"netlink: a tunnel of its own (GRE)",       0, try_link, "gre", 4, 0},
	{"netlink: a tunnel of its own (VXLAN)",     0, try_link, "vxlan", 4, 0},
	{"packet filter: the wall's table away",     0, try_filter, "underlay", NFT_MSG_DELTABLE, NFPROTO_INET},
	{"packet filter: its device table away",     0, try_filter, "underlay", NFT_MSG_DELTABLE, NFPROTO_NETDEV},
	{"packet filter: its chains emptied",        0, try_filter, "underlay", NFT_MSG_DELRULE, NFPROTO_INET},
	{"packet filter: its device chains emptied", 0, try_filter, "underlay", NFT_MSG_DELRULE, NFPROTO_NETDEV},
	{"packet filter: its sets away",             0, try_filter, "underlay", NFT_MSG_DELSET, NFPROTO_NETDEV},
};
/* clang-format on */

const size_t packet_attack_count = sizeof packet_attacks / sizeof packet_attacks[0];
