/*
 * wgdump - the peers of a kernel's WireGuard interface as they stream out of generic netlink (linux/wireguard.h,
 * WG_CMD_GET_DEVICE): one buffer as large as the kernel fills, nothing allocated for a peer, no text made. A gateway
 * has 50,000 of them and looks every few seconds; while it reads, the interface takes no changes.
 */
#ifndef VPN_GATEWAY_WGDUMP_H
#define VPN_GATEWAY_WGDUMP_H

#include <stddef.h>

#include "vpn/gateway/backend.h"

struct wgdump;

/* NULL with errno set: ENOMEM, or what socket(2) says. */
struct wgdump *wgdump_new(void);
void wgdump_free(struct wgdump *dump);

/* Every peer once; of a dump that a change ran into, which is read again (a few times, then -EAGAIN), some twice. 0 or
 * -errno: -ENODEV where there is no such interface, -EOPNOTSUPP where the kernel has no WireGuard. */
int wgdump_each(struct wgdump *dump, const char *interface, backend_status_fn *fn, void *context);

/* One datagram of a dump. 1: more is to come; 0: it was the last; -EBADMSG, or the error that stands in it. *changed is
 * set where a change ran into the dump (NLM_F_DUMP_INTR): then it is not whole. */
int wgdump_take(const void *datagram, size_t size, backend_status_fn *fn, void *context, bool *changed);

#endif
