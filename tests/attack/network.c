/* What ordinary sockets may be asked for: addresses and ports nobody should be reached at, and families nobody needs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_alg.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/attack/attacks.h"

enum { MARK = 0x5eca, MARKED = 1, BROADCAST = 2, FROM_68 = 4, SOURCE_ROUTE = 8 };

#define PUBLIC      "198.51.100.40" /* a web server on no list */
#define PUBLIC_DNS  "198.51.100.53"
#define PUBLIC6     "2001:db8:ffff::53"
#define ROUTER      "192.168.77.1"
#define GATEWAY     "203.0.113.11"
#define INNER       "10.77.0.1"
#define OTHER_STICK "10.77.0.3"
#define METADATA    "169.254.169.254"

/* "www.phish.example", A: on no list, though the public DNS knows it. */
static const uint8_t question[] = {0x5e, 0xca, 1, 0,   0,   1,   0,   0,   0,   0,   0, 0, 5, 'p', 'h', 'i',
				   's',  'h',  7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0,   1};

static int address_of(const char *text, int port, struct sockaddr_storage *storage, socklen_t *size)
{
	struct sockaddr_in *four = (struct sockaddr_in *)storage;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
	memset(storage, 0, sizeof *storage);
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		*size = sizeof *four;
		return AF_INET;
	}
	inet_pton(AF_INET6, text, &six->sin6_addr);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons((uint16_t)port);
	*size = sizeof *six;
	return AF_INET6;
}

static int close_with_errno(int fd)
{
	int error = -errno;
	close(fd);
	return error;
}

static int try_tcp(const struct attack *attack, int *fd)
{
	struct sockaddr_storage to;
	socklen_t size;
	int family = address_of(attack->text, attack->number, &to, &size);
	*fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	if (connect(*fd, (struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS)
		return close_with_errno(*fd);
	return ATTACK_WAITS;
}

static int prepare(int fd, int flags)
{
	int yes = 1, mark = MARK;
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(68)};
	/* loose source route by the router to a stranger: RFC 791, section 3.1 */
	static const uint8_t route[] = {IPOPT_NOP, IPOPT_LSRR, 11, 4, 192, 168, 77, 1, 198, 51, 100, 40};
	if (flags & MARKED && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0)
		return -errno;
	if (flags & BROADCAST && setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) < 0)
		return -errno;
	if (flags & FROM_68 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
				bind(fd, (struct sockaddr *)&own, sizeof own) < 0))
		return -errno;
	if (flags & SOURCE_ROUTE && setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof route) < 0)
		return -errno;
	return 0;
}

static int send_datagram(const struct attack *attack, int *fd, const void *data, size_t data_size)
{
	struct sockaddr_storage to;
	socklen_t size;
	int family = address_of(attack->text, attack->number, &to, &size);
	*fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	int error = prepare(*fd, attack->other);
	if (error) {
		close(*fd);
		return error;
	}
	if (sendto(*fd, data, data_size, 0, (struct sockaddr *)&to, size) < 0)
		return close_with_errno(*fd);
	return ATTACK_WAITS;
}

static int try_udp(const struct attack *attack, int *fd)
{
	return send_datagram(attack, fd, attack->name, strlen(attack->name));
}

static int try_dns(const struct attack *attack, int *fd)
{
	return send_datagram(attack, fd, question, sizeof question);
}

static int try_ping(const struct attack *attack, int *fd)
{
	static const uint8_t echo4[] = {8, 0, 0xf7, 0xff, 0, 0, 0, 0}, echo6[] = {128, 0, 0, 0, 0, 0, 0, 0};
	struct sockaddr_storage to;
	socklen_t size;
	int family = address_of(attack->text, 0, &to, &size);
	*fd = socket(family, attack->number | SOCK_NONBLOCK | SOCK_CLOEXEC,
		     family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (*fd < 0)
		return -errno;
	if (sendto(*fd, family == AF_INET ? echo4 : echo6, sizeof echo4, 0, (struct sockaddr *)&to, size) < 0)
		return close_with_errno(*fd);
	return ATTACK_WAITS;
}

/* Neighbour discovery's hop limit, and a stranger's address: 255 hops lead anywhere. */
static int try_discovery(const struct attack *attack, int *fd)
{
	uint8_t message[64] = {(uint8_t)attack->number};
	struct sockaddr_storage to;
	socklen_t size;
	int hops = 255;
	(void)address_of(attack->text, 0, &to, &size);
	*fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (*fd < 0)
		return -errno;
	if (setsockopt(*fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops) < 0 ||
	    sendto(*fd, message, sizeof message, 0, (struct sockaddr *)&to, size) < 0)
		return close_with_errno(*fd);
	return ATTACK_WAITS;
}

/* That such a socket can be had at all is the success. */
static int try_family(const struct attack *attack, int *fd)
{
	(void)fd;
	int got = socket(attack->number, attack->other | SOCK_CLOEXEC, 0);
	if (got < 0)
		return -errno;
	close(got);
	return 0;
}

static int try_protocol(const struct attack *attack, int *fd)
{
	(void)fd;
	int got = socket(AF_INET, attack->other | SOCK_CLOEXEC, attack->number);
	if (got < 0)
		return -errno;
	close(got);
	return 0;
}

/* clang-format off */
const struct attack network_attacks[] = {
	{"TCP to a web server",                    0, try_tcp, PUBLIC, 443, 0},
	{"TCP to a resolver",                      0, try_tcp, PUBLIC_DNS, 53, 0},
	{"TCP to the home router",                 0, try_tcp, ROUTER, 80, 0},
	{"TCP to the gateway, outside",            0, try_tcp, GATEWAY, 443, 0},
	{"TCP to the gateway's WireGuard port",    0, try_tcp, GATEWAY, 51820, 0},
	{"TCP to the gateway's console",           0, try_tcp, GATEWAY, 8443, 0},
	{"TCP by IPv6",                            0, try_tcp, PUBLIC6, 443, 0},
	{"TCP to the cloud's own address",         0, try_tcp, METADATA, 80, 0},
	{"TCP to the gateway inside, SSH",         0, try_tcp, INNER, 22, 0},
	{"TCP to the gateway inside, the console", 0, try_tcp, INNER, 8443, 0},
	{"TCP to the gateway inside, web",         0, try_tcp, INNER, 443, 0},
	{"TCP to another stick",                   0, try_tcp, OTHER_STICK, 443, 0},
	{"TCP to another stick, SSH",              0, try_tcp, OTHER_STICK, 22, 0},
	{"DNS to the world's resolver",            0, try_dns, PUBLIC_DNS, 53, 0},
	{"DNS to the home router",                 0, try_dns, ROUTER, 53, 0},
	{"DNS to the gateway, outside",            0, try_dns, GATEWAY, 53, 0},
	{"DNS by IPv6",                            0, try_dns, PUBLIC6, 53, 0},
	{"DNS to the gateway, a name on no list",  0, try_dns, INNER, 53, 0},
	{"DNS to another stick",                   0, try_dns, OTHER_STICK, 53, 0},
	{"DNS with WireGuard's mark",              0, try_dns, PUBLIC_DNS, 53, MARKED},
	{"multicast DNS",                          0, try_dns, "224.0.0.251", 5353, 0},
	{"multicast DNS, IPv6",                    0, try_dns, "ff02::fb", 5353, 0},
	{"LLMNR",                                  0, try_dns, "224.0.0.252", 5355, 0},
	{"SSDP",                                   0, try_udp, "239.255.255.250", 1900, 0},
	{"NTP",                                    0, try_udp, PUBLIC, 123, 0},
	{"UDP to everybody",                       0, try_udp, "255.255.255.255", 9, BROADCAST},
	{"UDP to the gateway without the mark",    0, try_udp, GATEWAY, 51820, 0},
	{"UDP with the mark, another port",        0, try_udp, GATEWAY, 51821, MARKED},
	{"UDP with the mark, another host",        0, try_udp, PUBLIC, 51820, MARKED},
	{"UDP in DHCP's clothes",                  0, try_udp, PUBLIC, 67, FROM_68},
	{"UDP by a source route",                  0, try_udp, GATEWAY, 51820, SOURCE_ROUTE},
	{"UDP by a source route, marked",          0, try_udp, GATEWAY, 51820, SOURCE_ROUTE | MARKED},
	{"QUIC to a web server",                   0, try_udp, PUBLIC, 443, 0},
	{"ping",                                   0, try_ping, PUBLIC, SOCK_DGRAM, 0},
	{"ping the home router",                   0, try_ping, ROUTER, SOCK_DGRAM, 0},
	{"ping by a raw socket",                   0, try_ping, PUBLIC, SOCK_RAW, 0},
	{"ping by IPv6",                           0, try_ping, PUBLIC6, SOCK_DGRAM, 0},
	{"ping by a raw socket, IPv6",             0, try_ping, PUBLIC6, SOCK_RAW, 0},
	{"a neighbour solicitation to a stranger", 0, try_discovery, PUBLIC6, 135, 0},
	{"a neighbour advertisement to a stranger",0, try_discovery, PUBLIC6, 136, 0},
	{"a router advertisement",                 0, try_discovery, "ff02::1", 134, 0},
	{"a socket to the hypervisor (vsock)",     0, try_family, NULL, AF_VSOCK, SOCK_STREAM},
	{"a socket to the kernel's ciphers",       0, try_family, NULL, AF_ALG, SOCK_SEQPACKET},
	{"a Bluetooth socket",                     0, try_family, NULL, AF_BLUETOOTH, SOCK_RAW},
	{"a CAN socket",                           0, try_family, NULL, AF_CAN, SOCK_RAW},
	{"a TIPC socket",                          0, try_family, NULL, AF_TIPC, SOCK_RDM},
	{"an RDS socket",                          0, try_family, NULL, AF_RDS, SOCK_SEQPACKET},
	{"an SMC socket",                          0, try_family, NULL, AF_SMC, SOCK_STREAM},
	{"a PPP socket",                           0, try_family, NULL, AF_PPPOX, SOCK_DGRAM},
	{"an LLC socket",                          0, try_family, NULL, AF_LLC, SOCK_DGRAM},
	{"an IPsec key socket",                    0, try_family, NULL, AF_KEY, SOCK_RAW},
	{"an XDP socket, past every rule",         0, try_family, NULL, AF_XDP, SOCK_RAW},
	{"an SCTP socket",                         0, try_protocol, NULL, IPPROTO_SCTP, SOCK_STREAM},
	{"a DCCP socket",                          0, try_protocol, NULL, IPPROTO_DCCP, 6},
	{"a multipath TCP socket",                 0, try_protocol, NULL, 262, SOCK_STREAM},
	{"an L2TP socket",                         0, try_protocol, NULL, 115, SOCK_DGRAM},
};
/* clang-format on */

const size_t network_attack_count = sizeof network_attacks / sizeof network_attacks[0];
