#include "vpn/device/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct echo {
	struct icmphdr header;
	int64_t sent_ms;
} __attribute__((packed));

int probe_open(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return -EINVAL;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int probe_send(int fd, uint16_t sequence, int64_t now)
{
	struct echo echo = {.header = {.type = ICMP_ECHO}, .sent_ms = now};
	echo.header.un.echo.sequence = htons(sequence);
	return sendto(fd, &echo, sizeof echo, MSG_NOSIGNAL, NULL, 0) < 0 ? -errno : 0;
}

int64_t probe_receive(int fd, int64_t now)
{
	struct echo echo;
	ssize_t got;
	do
		got = recvfrom(fd, &echo, sizeof echo, MSG_DONTWAIT, NULL, NULL);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	int64_t sent;
	if (got != sizeof echo || echo.header.type != ICMP_ECHOREPLY)
		return -EBADMSG;
	memcpy(&sent, &echo.sent_ms, sizeof sent);
	/* whoever answers may say any time */
	return sent >= 0 && now >= sent ? now - sent : -EBADMSG;
}
