/*
 * dhcp-hook - what dhcpcd runs instead of a shell script: tells `link` in one datagram what happened, and where.
 * dhcpcd gives both in the environment (dhcpcd-run-hooks(8)); nothing else of it is looked at.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "firmware/lib/log.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/link_starter.h"

static const struct self self = {
    .name = "dhcp-hook",
    .holds = "nothing; a socket that leads to link",
    .reads = "what dhcpcd says of a lease, which the network said to dhcpcd",
    .speaks_to = "link",
    .promises = PROMISE_BASE | PROMISE_SEND,
    .open_files_max = 8,
    .memory_max_bytes = 64 << 20,
};

/* -1 where link does not listen: one that is just being started again misses a word; its state comes from the kernel.
 */
static int connect_link(void)
{
	struct sockaddr_un link = {.sun_family = AF_UNIX};
	memcpy(link.sun_path + 1, LINK_HOOK_ADDRESS, sizeof LINK_HOOK_ADDRESS - 1);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof LINK_HOOK_ADDRESS);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&link, size) == 0 ? fd : -1;
}

/* dhcpcd starts us with what it has itself. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int main(void)
{
	log_open(self.name);
	close_above(2);
	int fd = connect_link();
	if (drop_capabilities() || sandbox_enter(&self))
		return 1;
	const char *reason = getenv("reason"), *interface = getenv("interface");
	char text[80];
	int used = reason && interface ? snprintf(text, sizeof text, "%s %s", reason, interface) : -1;
	if (used < 0 || (size_t)used >= sizeof text)
		return 1;
	if (fd >= 0)
		(void)send(fd, text, (size_t)used, MSG_DONTWAIT);
	return 0;
}
