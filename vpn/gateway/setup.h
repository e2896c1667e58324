/*
 * setup - what the parent opens while it is still root: interface, sockets, files, users. All end the process with a
 * sentence when they cannot do it: a gateway that is half there is not there.
 */
#ifndef VPN_GATEWAY_SETUP_H
#define VPN_GATEWAY_SETUP_H

#include <sys/types.h>

#include "vpn/gateway/config.h"

/* The uid (and gid, the same number or the user's own group) of a process by its role's name. */
struct setup_user {
	uid_t uid;
	gid_t gid;
};

struct setup_user setup_user(const struct config *config, const char *role, unsigned number);

/* wg0: made where the kernel has WireGuard, expected to be there already otherwise; address, MTU, up. */
void setup_interface(const struct config *config);
/* Connected socket of the user-space WireGuard, or -1 with the kernel's. */
int setup_uapi(const struct config *config);

int setup_api_listener(const struct config *config);
int setup_web_listener(const struct config_listen *listen);
int setup_control_listener(const struct config *config, uid_t uid);

/* The directory a file lies in, made if need be, and this user's. */
void setup_directory(const char *file, struct setup_user owner);

/* Open for reading; `optional`: /dev/null stands in for a file that is not there. */
int setup_file(const char *path, int optional);

/* Open to append; made if need be. */
int setup_appended(const char *path);

/* How many descriptors a process of the gateway may have open: one for each stick's connection that a part of the
 * machine's memory holds, from SETUP_FILES_MIN to SETUP_CONNECTIONS_MAX and some, or what this process's own limit is.
 */
enum { SETUP_FILES_MIN = 8192, SETUP_CONNECTIONS_MAX = 120000 };
unsigned setup_open_files(void);

/* Tells systemd (sd_notify(3)) without its library. setup_notify_open() before the sandbox. */
int setup_notify_open(void);
void setup_notify(int fd, const char *text);

#endif
