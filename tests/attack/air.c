#include "tests/attack/air.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/if_packet.h>
#include <linux/nl80211.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "tests/attack/air_answer.h"

enum { PAIRS = 2, FRAME_BYTES = 4096, REQUEST_BYTES = 512, POLL_MS = 100, RADIOTAP = 127, STOP_TRIES = 100 };

static const uint8_t cable_prefix[5] = {0x52, 0x54, 0x00, 0x5e, 0x01};
static pid_t keeper; /* of the namespace */

/* --- netlink --- */

struct request {
	struct nlmsghdr header;
	char bytes[REQUEST_BYTES];
};

static void attribute(struct request *r, unsigned short type, const void *data, size_t size)
{
	struct nlattr *a = (struct nlattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));
	a->nla_type = type;
	a->nla_len = (unsigned short)(NLA_HDRLEN + size);
	memcpy((char *)a + NLA_HDRLEN, data, size);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

/* One request and its answer, in *r. 0 or -errno. */
static int ask(int protocol, struct request *r)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	r->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ssize_t got = -1;
	if (fd >= 0 && send(fd, r, r->header.nlmsg_len, 0) > 0)
		got = recv(fd, r, sizeof *r, 0);
	int error = got < (ssize_t)sizeof r->header ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (!error && r->header.nlmsg_type == NLMSG_ERROR)
		error = ((const struct nlmsgerr *)NLMSG_DATA(&r->header))->error;
	return error;
}

static struct request generic(uint16_t family, uint8_t command)
{
	struct request r = {.header = {.nlmsg_type = family, .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN)}};
	((struct genlmsghdr *)NLMSG_DATA(&r.header))->cmd = command;
	((struct genlmsghdr *)NLMSG_DATA(&r.header))->version = 1;
	return r;
}

/* nl80211's number in this kernel, or -errno. */
static int nl80211(void)
{
	struct request r = generic(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	attribute(&r, CTRL_ATTR_FAMILY_NAME, "nl80211", sizeof "nl80211");
	int error = ask(NETLINK_GENERIC, &r);
	const char *at = (const char *)NLMSG_DATA(&r.header) + GENL_HDRLEN,
		   *end = (const char *)&r + r.header.nlmsg_len;
	while (!error && at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const void *)at;
		uint16_t id;
		memcpy(&id, at + NLA_HDRLEN, sizeof id);
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return id;
		at += NLA_ALIGN(a->nla_len);
	}
	return error ? error : -ENOENT;
}

static int move_radio(uint32_t wiphy, pid_t to)
{
	int family = nl80211();
	if (family < 0)
		return family;
	struct request r = generic((uint16_t)family, NL80211_CMD_SET_WIPHY_NETNS);
	attribute(&r, NL80211_ATTR_WIPHY, &wiphy, sizeof wiphy);
	attribute(&r, NL80211_ATTR_PID, &to, sizeof to);
	return ask(NETLINK_GENERIC, &r);
}

static struct request of_link(const char *name, unsigned flags)
{
	struct request r = {.header = {.nlmsg_type = RTM_NEWLINK, .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg))}};
	struct ifinfomsg *link = NLMSG_DATA(&r.header);
	link->ifi_index = (int)if_nametoindex(name);
	link->ifi_flags = link->ifi_change = flags;
	return r;
}

static int move_card(const char *name, pid_t to)
{
	struct request r = of_link(name, 0);
	attribute(&r, IFLA_NET_NS_PID, &to, sizeof to);
	return ask(NETLINK_ROUTE, &r);
}

static int bring_up(const char *name)
{
	struct request r = of_link(name, IFF_UP);
	return ask(NETLINK_ROUTE, &r);
}

/* --- what lies between an access point and its cable, and what listens to the air --- */

/* 1, 2: the cable behind the access point of that number; 0: none of ours. */
static int cable_number(const char *name)
{
	struct ifreq request = {0};
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = ioctl(fd, SIOCGIFHWADDR, &request);
	const uint8_t *address = (const uint8_t *)request.ifr_hwaddr.sa_data;
	close(fd);
	return !error && memcmp(address, cable_prefix, sizeof cable_prefix) == 0 && address[5] <= PAIRS ? address[5]
													: 0;
}

static int listen_to(const char *name)
{
	struct sockaddr_ll own = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
	struct packet_mreq all = {.mr_ifindex = own.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || own.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0)
		log_error("air: %s: %s", name, strerror(errno));
	return fd;
}

static ssize_t hear(int fd, uint8_t *frame)
{
	struct sockaddr_ll from = {0};
	socklen_t size = sizeof from;
	ssize_t got = recvfrom(fd, frame, FRAME_BYTES, 0, (struct sockaddr *)&from, &size);
	return got > 0 && from.sll_pkttype == PACKET_OUTGOING ? 0 : got;
}

/* What the access point's kernel says to bridges behind it in the name of one who has joined (802.2 XID). */
static bool said_by_point(const uint8_t *frame, size_t size)
{
	static const uint8_t xid[] = {0x00, 0x06, 0x00, 0x01, 0xaf, 0x81, 0x01, 0x00};
	return size >= 12 + sizeof xid && memcmp(frame + 12, xid, sizeof xid) == 0;
}

/* Frames go both ways but for the handshake of the keys, which ends at the access point. */
static void carry(int from, int to)
{
	uint8_t frame[FRAME_BYTES];
	for (ssize_t got; (got = hear(from, frame)) >= 0;)
		if (got >= ETH_HLEN && memcmp(frame + 12, "\x88\x8e", 2) != 0 && !said_by_point(frame, (size_t)got))
			(void)send(to, frame, (size_t)got, MSG_DONTWAIT);
}

static int open_capture(void)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, RADIOTAP};
	int fd = open("/dev/vport0p1", O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && write(fd, head, sizeof head) != sizeof head)
		log_error("air: the capture cannot be written");
	return fd;
}

static void record(int air, int *capture)
{
	static uint8_t record[16 + FRAME_BYTES];
	uint32_t head[4];
	if (*capture < 0)
		*capture = open_capture(); /* once init has mounted /dev */
	if (*capture < 0)
		return;
	for (ssize_t got; (got = hear(air, record + 16)) >= 0;) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		head[0] = (uint32_t)now.tv_sec;
		head[1] = (uint32_t)(now.tv_nsec / 1000);
		head[2] = head[3] = (uint32_t)got;
		memcpy(record, head, sizeof head);
		if (got > 0 && write(*capture, record, 16 + (size_t)got) != 16 + got)
			log_error("air: a frame is missing in the capture");
	}
}

static _Noreturn void keep(char cables[PAIRS + 1][IFNAMSIZ])
{
	struct pollfd fds[2 * PAIRS + 1];
	int capture = -1;
	prctl(PR_SET_NAME, "air");
	(void)bring_up("hwsim0");
	fds[0] = (struct pollfd){.fd = listen_to("hwsim0"), .events = POLLIN};
	for (int i = 1; i <= PAIRS; i++) {
		char radio[IFNAMSIZ];
		snprintf(radio, sizeof radio, "wlan%d", i);
		(void)bring_up(cables[i]);
		fds[2 * i - 1] = (struct pollfd){.fd = cables[i][0] ? listen_to(radio) : -1, .events = POLLIN};
		fds[2 * i] = (struct pollfd){.fd = cables[i][0] ? listen_to(cables[i]) : -1, .events = POLLIN};
	}
	for (;;) {
		(void)poll(fds, 2 * PAIRS + 1, POLL_MS);
		record(fds[0].fd, &capture);
		for (int i = 1; i <= PAIRS; i++) {
			carry(fds[2 * i - 1].fd, fds[2 * i].fd);
			carry(fds[2 * i].fd, fds[2 * i - 1].fd);
		}
	}
}

static size_t find_cables(char cables[PAIRS + 1][IFNAMSIZ])
{
	size_t count = 0;
	struct if_nameindex *all = if_nameindex();
	for (size_t i = 0; all && all[i].if_index; i++) {
		int number = cable_number(all[i].if_name);
		if (number > 0)
			count += (size_t)(snprintf(cables[number], IFNAMSIZ, "%s", all[i].if_name) > 0);
	}
	if (all)
		if_freenameindex(all);
	return count;
}

void air_take(void)
{
	char cables[PAIRS + 1][IFNAMSIZ] = {0};
	int ready[2], moved[2];
	char byte = 0;
	if (find_cables(cables) == 0 || pipe2(ready, O_CLOEXEC) < 0 || pipe2(moved, O_CLOEXEC) < 0)
		return;
	keeper = fork();
	if (keeper == 0) {
		setsid();
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], &byte, 1) != 1 || read(moved[0], &byte, 1) != 1)
			_exit(1);
		keep(cables);
	}
	if (read(ready[0], &byte, 1) != 1)
		fatal("air: no namespace");
	int error = move_card("hwsim0", keeper);
	for (uint32_t i = 1; i <= PAIRS; i++) {
		error = error ? error : move_radio(i, keeper);
		if (!error && cables[i][0])
			error = move_card(cables[i], keeper);
	}
	if (error)
		log_error("air: %s", strerror(-error));
	if (write(moved[1], &byte, 1) != 1)
		fatal("air: nobody is there");
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(moved[i]);
	}
}

/* --- commands --- */

static int enter(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/net", keeper);
	int fd = keeper > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return -errno;
	close(fd);
	/* /sys shows the interfaces of whoever mounted it */
	return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		       mount("air", "/sys", "sysfs", 0, NULL) < 0
		   ? -errno
		   : 0;
}

static int write_settings(const char *path, const char *number, const char *settings)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return -errno;
	fprintf(file, "interface=wlan%s\ndriver=nl80211\n", number);
	for (; *settings; settings++)
		fputc(*settings == ';' ? '\n' : *settings, file);
	fputc('\n', file);
	return fclose(file) ? -errno : 0;
}

static int access_point(const char *number, const char *settings)
{
	char path[64], log[64], pid[64];
	snprintf(path, sizeof path, "/run/air-%s.conf", number);
	snprintf(log, sizeof log, "/run/air-%s.log", number);
	snprintf(pid, sizeof pid, "/run/air-%s.pid", number);
	int error = write_settings(path, number, settings);
	if (error)
		return error;
	pid_t child = fork();
	if (child == 0) {
		execl("/sekisho/hostapd", "hostapd", "-B", "-t", "-f", log, "-P", pid, path, NULL);
		_exit(127);
	}
	int status = 0;
	waitpid(child, &status, 0);
	return status ? -EIO : 0;
}

static int signal_point(const char *number, const char *what, int signal_number)
{
	char path[64];
	snprintf(path, sizeof path, "/run/air-%s.%s", number, what);
	char text[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 1)
		return -ESRCH;
	close(fd);
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	return pid <= 1 || kill(pid, signal_number) < 0 ? -ESRCH : 0;
}

static int stop(const char *number)
{
	(void)signal_point(number, "answers", SIGKILL); /* where it answers in its own words */
	int error = signal_point(number, "pid", SIGTERM);
	(void)signal_point(number, "pid", SIGCONT);
	for (int i = 0; i < STOP_TRIES && signal_point(number, "pid", 0) == 0; i++)
		usleep(POLL_MS * 1000); /* another one would find its radio taken down */
	return error;
}

static int monitor(const char *number)
{
	int family = nl80211();
	uint32_t wiphy = (uint32_t)strtoul(number, NULL, 10), type = NL80211_IFTYPE_MONITOR;
	char name[IFNAMSIZ];
	snprintf(name, sizeof name, "mon%.4s", number);
	if (family < 0)
		return family;
	struct request r = generic((uint16_t)family, NL80211_CMD_NEW_INTERFACE);
	attribute(&r, NL80211_ATTR_WIPHY, &wiphy, sizeof wiphy);
	attribute(&r, NL80211_ATTR_IFNAME, name, strlen(name) + 1);
	attribute(&r, NL80211_ATTR_IFTYPE, &type, sizeof type);
	int error = ask(NETLINK_GENERIC, &r);
	return error ? error : bring_up(name);
}

static int inject(const char *name, const char *hex)
{
	uint8_t frame[FRAME_BYTES];
	size_t size = air_bytes(hex, frame, sizeof frame);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	return fd < 0 || sendto(fd, frame, size, 0, (struct sockaddr *)&to, sizeof to) < 0 ? -errno : 0;
}

/* hostapd stands still from now on, so that its radio alone is there: the beacons and what hardware acknowledges. */
static int answer_instead(const char *number, const char *bodies)
{
	char monitor_name[IFNAMSIZ], path[64];
	snprintf(monitor_name, sizeof monitor_name, "mon%.4s", number);
	snprintf(path, sizeof path, "/run/air-%s.answers", number);
	(void)signal_point(number, "answers", SIGKILL);
	int error = signal_point(number, "pid", SIGSTOP);
	int air = error ? -1 : listen_to(monitor_name);
	pid_t child = air < 0 ? -1 : fork();
	if (child == 0)
		air_answer(air, (uint8_t)strtoul(number, NULL, 10), bodies);
	FILE *file = child > 0 ? fopen(path, "we") : NULL;
	if (!file)
		return error ? error : -EIO;
	fprintf(file, "%d\n", child);
	return fclose(file) ? -errno : 0;
}

int air_obey(const char *command, const char *where, const char *what)
{
	int error = where ? enter() : -EINVAL;
	if (error)
		return error;
	if (strcmp(command, "hostapd") == 0 && what)
		return access_point(where, what);
	if (strcmp(command, "stop") == 0)
		return stop(where);
	if (strcmp(command, "monitor") == 0)
		return monitor(where);
	if (strcmp(command, "inject") == 0 && what)
		return inject(where, what);
	if (strcmp(command, "answer") == 0)
		return answer_instead(where, what ? what : "");
	return -EINVAL;
}
