/*
 * rtnl - the few changes to links, addresses and routes that the stick makes, over rtnetlink (rtnetlink(7)), in the
 * network namespace the caller is in. One request, one checked answer, one socket per call.
 *
 * All return 0 or -errno; the kernel's own error number where it gave one (-EEXIST, -ENODEV, -EOPNOTSUPP for a kind of
 * link this kernel does not have).
 */
#ifndef VPN_DEVICE_RTNL_H
#define VPN_DEVICE_RTNL_H

#include <stdint.h>

/* A new link, down: kind "wireguard", "dummy", ... Names are at most IFNAMSIZ - 1 bytes. */
int rtnl_link_add(const char *name, const char *kind);
int rtnl_link_delete(const char *name);

/* Move the link into another namespace. What it was made with (wg0's UDP socket) stays where it was made. */
int rtnl_link_move(const char *name, int netns_fd);

int rtnl_link_mtu(const char *name, uint32_t mtu_bytes);
int rtnl_link_up(const char *name);

/* "10.77.0.2/32" or "fd00::2/128"; without a prefix the whole length. -EINVAL if it is neither. */
int rtnl_address_add(const char *name, const char *address);

/* Send everything of one family (AF_INET, AF_INET6) out of this link. */
int rtnl_route_default(const char *name, int family);

/* "10.77.0.2/32" as family, bytes (4 or 16) and prefix length. 0 or -EINVAL. Reads nothing but the text. */
int rtnl_parse_prefix(const char *text, uint8_t *family, uint8_t bytes[16], uint8_t *prefix);

#endif
