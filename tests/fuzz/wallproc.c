#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/still.h"

static ssize_t kernel_takes(int fd, const void *data, size_t size, int flags);
static ssize_t kernel_says(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *from_size);

/* the process whole, with the kernel at the other end of its sockets played here */
#define send     kernel_takes
#define recvfrom kernel_says
#define main     wall_main
int wall_main(void);
#include "firmware/boot/wallproc.c"
#include "firmware/boot/wallwatch.c"
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The wall's two netlink readers: interfaces that come, change and go, and other people's packet rules. Whatever the
 * words are, an interface is brought up only when rules with its name were put up before, and nothing of a name gets
 * into a script but a name.
 */

enum { ROUTE_FD = 100, WATCH_FD = 101, COVERED_MAX = 64 };

static struct {
	const uint8_t *said;
	size_t said_size;
	bool waits; /* a datagram that has not been read */
	bool refuses;
	size_t ruled; /* scripts put up */
} kernel;
static struct wall wall;

struct nft_ctx *nft_ctx_new(uint32_t flags)
{
	(void)flags;
	return NULL;
}
int nft_ctx_buffer_error(struct nft_ctx *nft) { return nft ? 0 : -1; }
int nft_ctx_buffer_output(struct nft_ctx *nft) { return nft ? 0 : -1; }
const char *nft_ctx_get_error_buffer(struct nft_ctx *nft) { return nft ? "" : NULL; }
unsigned int nft_ctx_input_set_flags(struct nft_ctx *nft, unsigned int flags) { return nft ? flags : 0; }
int nft_run_cmd_from_buffer(struct nft_ctx *nft, const char *script)
{
	(void)nft;
	for (const char *at = script; *at; at++)
		if ((uint8_t)*at >= 0x7f || ((uint8_t)*at < ' ' && *at != '\n' && *at != '\t'))
			abort();
	if (kernel.refuses)
		return -1;
	kernel.ruled++;
	return 0;
}

static ssize_t kernel_takes(int fd, const void *data, size_t size, int flags)
{
	struct ifinfomsg link;
	struct nlmsghdr header;
	memcpy(&header, data, sizeof header);
	memcpy(&link, (const uint8_t *)data + NLMSG_HDRLEN, sizeof link);
	if (fd != ROUTE_FD || flags != 0 || size != NLMSG_LENGTH(sizeof link) || header.nlmsg_len != size)
		abort();
	if (header.nlmsg_type == RTM_NEWLINK && (kernel.ruled == 0 || !find_covered(&wall, link.ifi_index)))
		abort();
	return (ssize_t)size;
}

static ssize_t kernel_says(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *from_size)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	if ((fd != ROUTE_FD && fd != WATCH_FD) || *from_size != sizeof own)
		abort();
	if (!kernel.waits) {
		errno = EAGAIN;
		return -1;
	}
	kernel.waits = false;
	size_t given = kernel.said_size < size ? kernel.said_size : size;
	if (given > 0)
		memcpy(data, kernel.said, given);
	memcpy(from, &own, sizeof own);
	return (ssize_t)(flags & MSG_TRUNC ? kernel.said_size : given);
}

int channel_watch(struct loop *loop, int fd, struct channel *channel, void *context)
{
	(void)loop, (void)fd, (void)channel, (void)context;
	return 0;
}
int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	(void)type, (void)id, (void)payload, (void)size;
	return fd < 0 ? -EBADF : 0;
}
int sandbox_enter(const struct self *of) { return of ? 0 : -EINVAL; }
void close_above(int fd) { (void)fd; }

/* First byte: 1 the other people's rules, 2 the kernel refuses ours; then datagrams, each behind its size in two
 * bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static jmp_buf end;
	static const uint8_t *volatile at;
	static volatile size_t left;
	if (size < 1)
		return 0;
	memset(&wall, 0, sizeof wall);
	memset(&kernel, 0, sizeof kernel);
	wall.route = ROUTE_FD;
	wall.watch = WATCH_FD;
	kernel.refuses = data[0] & 2;
	bool rules = data[0] & 1;
	at = data + 1;
	left = size - 1;
	still_fatal = &end;
	if (setjmp(end) != 0) /* the stick's end: init powers off */
		left = 0;
	while (left > 2) {
		size_t length = (size_t)at[0] | (size_t)at[1] << 8;
		length = length > left - 2 ? left - 2 : length;
		kernel.said = at + 2;
		kernel.said_size = length;
		kernel.waits = true;
		at += 2 + length;
		left -= 2 + length;
		if (rules)
			on_rules(EPOLLIN, &wall);
		else
			on_route(EPOLLIN, &wall);
	}
	for (size_t i = 0; i < COVERED_MAX; i++)
		if (wall.covered[i] && kernel.ruled == 0)
			abort();
	return 0;
}
