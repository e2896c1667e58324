#include "firmware/boot/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KERNEL_GROUP = 1, RECEIVE_BUFFER_BYTES = 1 << 20 };

int uevent_open(void)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	int bytes = RECEIVE_BUFFER_BYTES;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
	if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

long uevent_receive(int fd, char *datagram)
{
	struct sockaddr_nl from = {.nl_pid = 1};
	socklen_t from_size = sizeof from;
	ssize_t got = recvfrom(fd, datagram, UEVENT_MAX_BYTES, MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* Another process with CAP_NET_ADMIN could send to this group too; the kernel's port is 0. */
	return from.nl_pid == 0 ? got : 0;
}

/* The value behind NAME= in `field`, or NULL. */
static const char *value_of(const char *field, const char *name)
{
	size_t size = strlen(name);
	return strncmp(field, name, size) == 0 && field[size] == '=' ? field + size + 1 : NULL;
}

int uevent_parse(const char *datagram, size_t size, struct uevent *event)
{
	*event = (struct uevent){.action = "", .path = "", .subsystem = "", .name = ""};
	const struct {
		const char *name, **value;
	} fields[] = {{"ACTION", &event->action},
		      {"DEVPATH", &event->path},
		      {"SUBSYSTEM", &event->subsystem},
		      {"DEVNAME", &event->name}};
	if (size == 0 || datagram[size - 1] != '\0' || !strchr(datagram, '@'))
		return -EBADMSG;
	for (size_t at = strlen(datagram) + 1; at < size; at += strlen(datagram + at) + 1) {
		const char *value;
		for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
			if ((value = value_of(datagram + at, fields[i].name)))
				*fields[i].value = value;
		if (value_of(datagram + at, "DM_VERITY_ERR_BLOCK_NR"))
			event->verity_error = true;
	}
	return event->action[0] && event->path[0] ? 0 : -EBADMSG;
}
