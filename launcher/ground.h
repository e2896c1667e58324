/*
 * ground - what the stick's processes stand on: network namespaces, directories in tmpfs, device nodes that udevd
 * names again, the sockets of a session. Each call does its work and returns; errors are logged with what they mean.
 */
#ifndef LAUNCHER_GROUND_H
#define LAUNCHER_GROUND_H

#include <stddef.h>
#include <stdint.h>

#include "launcher/processes.h"

#define GROUND_CA_FILE     "/run/sekisho/ca.pem"
#define GROUND_UDEV_NOTIFY "/run/sekisho/udevd.notify"

#define GROUND_SCREEN_SHARE "/sys/fs/cgroup/screen"

/* What the screen leaves of the memory for the walls, and how many threads it may have: a page that wants more than its
 * share is ended for it, and nothing else is. */
#define GROUND_KEPT_BYTES         (UINT64_C(96) << 20)
#define GROUND_SCREEN_THREADS_MAX 512

/*
 * The three namespaces beside the underlay, which is the caller's own (-1 in its place). In screen: lo up, and
 * 192.0.2.1/32 on a dummy interface that leads nowhere, so that resolvers believe in a network. In tunnel: ping
 * sockets for the tunnel's group. 0 or -errno.
 */
int ground_namespaces(int namespaces[NAMESPACE_COUNT]);

/* /run/sekisho, /run/user/1000, and where wpa_supplicant listens. 0 or -errno. */
int ground_directories(void);

/* The cgroup of the compositor, the browser and all they start, with its bounds. 0 or -errno. */
int ground_screen_share(void);

/* wg0: made here in the underlay, so that its UDP socket stays here, then moved. Once; -EEXIST is no error. */
int ground_wireguard(int tunnel_namespace);

/* The file of authorities that the screen trusts: replaced as a whole. 0 or -errno. */
int ground_authority(const void *pem, size_t size);

/* Ask the kernel to announce input devices and screens again, for a udevd that was not there the first time. */
void ground_announce_devices(void);

/* A datagram socket where udevd says READY=1. fd or -errno. */
int ground_udev_notify(void);

/*
 * The sockets of a session, made in the screen's namespace: resolver UDP, resolver TCP, then a listener for each
 * port, all on 127.0.0.1. fds has room for 2 + port_count. 0 or -errno; then none is open.
 */
int ground_session_sockets(int screen_namespace, const uint16_t *ports, size_t port_count, int *fds);

#endif
