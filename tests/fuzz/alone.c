/*
 * In the place of everything the launcher has beside it, for a harness or a unit test that holds its own part whole:
 * nothing is started, opened or sent. What reaches a child is the test's to hear: crew_send_fds() is its own.
 */
#include <errno.h>

#include "firmware/boot/rootdisk.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/about.h"
#include "launcher/crew.h"
#include "launcher/ground.h"
#include "launcher/processes.h"
#include "launcher/spawner.h"

int crew_send(struct crew *crew, enum stick_process which, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	return crew_send_fds(crew, which, type, id, payload, size, NULL, 0);
}

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	(void)fd, (void)type, (void)id, (void)payload, (void)size;
	return 0;
}
int msg_receive(int fd, struct msg *m)
{
	(void)fd, (void)m;
	return -EAGAIN;
}
int msg_pair(int fds[2])
{
	fds[0] = fds[1] = -1;
	return 0;
}
int spawner_open(const int namespaces[NAMESPACE_COUNT]) { return namespaces ? -ENOSYS : 0; }
int spawner_sockets(int spawner, const uint16_t *ports, size_t port_count, int *fds)
{
	(void)spawner, (void)ports;
	for (size_t i = 0; i < port_count + 2; i++)
		fds[i] = -1;
	return 0;
}
int ground_namespaces(int namespaces[NAMESPACE_COUNT]) { return namespaces ? -ENOSYS : 0; }
int ground_directories(void) { return 0; }
int ground_screen_share(void) { return 0; }
int ground_wireguard(int tunnel_namespace) { return tunnel_namespace; }
int ground_authority(const void *pem, size_t size) { return pem && size > 0 ? 0 : -EINVAL; }
int ground_udev_notify(void) { return -ENOSYS; }
void ground_announce_devices(void) {}
int rootdisk_open_record(int flags) { return flags < 0 ? 0 : -ENOENT; }
int sandbox_enter(const struct self *of) { return of ? 0 : -EINVAL; }
void close_above(int fd) { (void)fd; }
int about_read(struct about *about) { return about ? 0 : -EINVAL; }
const struct process_row *process_row(enum stick_process which)
{
	static const struct process_row row = {.name = "child"};
	(void)which;
	return &row;
}
