/*
 * dhcp-hook - what dhcpcd runs instead of a shell script: tells `link` in one datagram what happened, and where.
 * dhcpcd gives both in the environment (dhcpcd-run-hooks(8)); nothing else of it is looked at.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "launcher/link_starter.h"

int main(void)
{
	const char *reason = getenv("reason"), *interface = getenv("interface");
	char text[80];
	int used = reason && interface ? snprintf(text, sizeof text, "%s %s", reason, interface) : -1;
	if (used < 0 || (size_t)used >= sizeof text)
		return 1;
	struct sockaddr_un link = {.sun_family = AF_UNIX};
	memcpy(link.sun_path + 1, LINK_HOOK_ADDRESS, sizeof LINK_HOOK_ADDRESS - 1);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof LINK_HOOK_ADDRESS);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A link that is just being started again misses a word; its state comes from the kernel. */
	if (fd >= 0)
		(void)sendto(fd, text, (size_t)used, MSG_DONTWAIT, (struct sockaddr *)&link, size);
	return 0;
}
