/*
 * line - a line between two network namespaces, as slow and as long as a customer's: for kernels without netem.
 *
 * usage: line NETNS ADDRESS NETNS ADDRESS DELAY-MS MBIT
 *
 * Each namespace (a path) gets an interface "line" with its address (ADDRESS/PREFIX). A packet takes DELAY-MS one way,
 * and MBIT megabits a second go through either way; what does not fit into QUEUE_BYTES is lost, as at a home router.
 * Prints "line ready"; ends with its standard input, and both interfaces with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "vpn/device/rtnl.h"

enum { PLACES = 1024, MTU = 1420, PACKET_BYTES = 2048, QUEUE_BYTES = 200000, SECOND_NS = 1000000000 };

struct packet {
	int64_t due_ns;
	size_t size;
	uint8_t data[PACKET_BYTES];
};

struct direction {
	int from, to;
	struct packet *packets; /* a ring: what was sent first arrives first */
	size_t first, count, bytes;
	int64_t free_ns; /* when the last packet will have gone through */
};

static int64_t delay_ns, mbit;

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static int open_end(const char *netns, const char *address)
{
	struct ifreq request = {.ifr_name = "line", .ifr_flags = IFF_TUN | IFF_NO_PI};
	int space = open(netns, O_RDONLY | O_CLOEXEC), fd = -1;
	if (space < 0 || setns(space, CLONE_NEWNET) < 0)
		fatal("%s: %s", netns, strerror(errno));
	close(space);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		fatal("an interface in %s: %s", netns, strerror(errno));
	int error = rtnl_link_mtu("line", MTU);
	if (!error)
		error = rtnl_address_add("line", address);
	if (!error)
		error = rtnl_link_up("line");
	if (error)
		fatal("%s on the interface in %s: %s", address, netns, strerror(-error));
	return fd;
}

static void take(struct direction *d)
{
	static uint8_t lost[PACKET_BYTES];
	for (;;) {
		struct packet *p = &d->packets[(d->first + d->count) % PLACES];
		bool room = d->count < PLACES && d->bytes < QUEUE_BYTES;
		ssize_t got = read(d->from, room ? p->data : lost, PACKET_BYTES);
		if (got <= 0)
			return;
		if (!room)
			continue;
		int64_t now = now_ns(), start = d->free_ns > now ? d->free_ns : now;
		d->free_ns = start + (int64_t)got * 8 * 1000 / mbit;
		p->due_ns = d->free_ns + delay_ns;
		p->size = (size_t)got;
		d->count++;
		d->bytes += p->size;
	}
}

static void give(struct direction *d)
{
	while (d->count > 0 && d->packets[d->first].due_ns <= now_ns()) {
		const struct packet *p = &d->packets[d->first];
		(void)!write(d->to, p->data, p->size); /* an interface that is full loses it, as any does */
		d->bytes -= p->size;
		d->first = (d->first + 1) % PLACES;
		d->count--;
	}
}

static void wait_for(const struct direction *d, struct pollfd *fds)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < 2; i++)
		if (d[i].count > 0 && d[i].packets[d[i].first].due_ns < next)
			next = d[i].packets[d[i].first].due_ns;
	int64_t left = next == INT64_MAX ? SECOND_NS : next - now_ns();
	if (left < 0)
		left = 0;
	const struct timespec timeout = {.tv_sec = left / SECOND_NS, .tv_nsec = left % SECOND_NS};
	if (ppoll(fds, 3, &timeout, NULL) < 0 && errno != EINTR)
		fatal("poll: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	log_open("line");
	if (argc != 7 || (mbit = strtol(argv[6], NULL, 10)) <= 0)
		fatal("usage: line NETNS ADDRESS NETNS ADDRESS DELAY-MS MBIT");
	delay_ns = strtol(argv[5], NULL, 10) * (SECOND_NS / 1000);
	int a = open_end(argv[1], argv[2]), b = open_end(argv[3], argv[4]);
	struct direction d[] = {{.from = a, .to = b}, {.from = b, .to = a}};
	struct pollfd fds[] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {STDIN_FILENO, 0, 0}};
	for (size_t i = 0; i < 2; i++)
		if (!(d[i].packets = calloc(PLACES, sizeof *d[i].packets)))
			fatal("out of memory");
	(void)setpriority(PRIO_PROCESS, 0, -10); /* a line is not slower because its ends are busy */
	puts("line ready");
	fflush(stdout);
	while (!(fds[2].revents & (POLLHUP | POLLERR))) {
		wait_for(d, fds);
		for (size_t i = 0; i < 2; i++) {
			take(&d[i]);
			give(&d[i]);
		}
	}
	return 0;
}
