/*
 * proxylink - a connection to haproxy's runtime socket, in its interactive mode: one command, one answer. Waits for the
 * answer, which haproxy gives at once; one that does not come within two seconds is an error, after which the
 * connection is of no use.
 */
#ifndef VPN_GATEWAY_PROXYLINK_H
#define VPN_GATEWAY_PROXYLINK_H

#include "firmware/lib/buf.h"

/* A descriptor, the caller's; or -errno (-ENOENT, -ECONNREFUSED: haproxy does not run). proxylink_connect() has said
 * nothing on it yet. */
int proxylink_open(const char *path);
int proxylink_connect(const char *path);

/* `command` with its newline, and the lines of a payload with an empty one after them. The answer, with a NUL that does
 * not count, replaces what is in `answer`. 0 or -errno. */
int proxylink_ask(int fd, const char *command, struct buf *answer);

#endif
