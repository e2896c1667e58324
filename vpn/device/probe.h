/*
 * probe - ICMP echo (RFC 792) by a ping socket, which needs no privilege where net.ipv4.ping_group_range allows the
 * caller's group. The kernel sets identifier and checksum and gives each socket its own answers only.
 */
#ifndef VPN_DEVICE_PROBE_H
#define VPN_DEVICE_PROBE_H

#include <stdint.h>

/* A non-blocking socket for probes of this literal IPv4 address. fd, or -errno. */
int probe_open(const char *address);

/* Send one; the sequence number and the time travel in it. 0 or -errno. */
int probe_send(int fd, uint16_t sequence, int64_t now_ms);

/* One answer: its round trip in milliseconds, -EAGAIN when there is none (left), -EBADMSG, or another -errno. */
int64_t probe_receive(int fd, int64_t now_ms);

#endif
