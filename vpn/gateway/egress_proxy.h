/*
 * egress_proxy - keeps haproxy's maps in step with who has which bank open, ends the connections that are nobody's any
 * more, and reads what was refused there. A failure closes the connection to haproxy; after the next
 * egress_proxy_connect() it has to be told the whole.
 */
#ifndef VPN_GATEWAY_EGRESS_PROXY_H
#define VPN_GATEWAY_EGRESS_PROXY_H

#include "firmware/lib/buf.h"
#include "vpn/gateway/config.h"
#include "vpn/gateway/keyed.h"
#include "vpn/gateway/plan.h"
#include "vpn/gateway/proxy.h"

struct egress_proxy {
	int fd;     /* -1: not connected */
	bool ready; /* this haproxy was told the whole once */
	struct buf answer;
};

/* `sessions`: a key for each stick and mark of a bank it has open. Each 0 or -errno. */
int egress_proxy_connect(struct egress_proxy *proxy, const struct config *config);
void egress_proxy_close(struct egress_proxy *proxy);
/* All there is, in place of what haproxy had, in one step; connections to names that it no longer has are ended too. */
int egress_proxy_whole(struct egress_proxy *proxy, const struct plan *plan, const struct keyed *sessions);
/* One change, `sessions` being as it is after it. */
int egress_proxy_open(struct egress_proxy *proxy, const struct plan *plan, const struct plan_bank *bank,
		      struct in_addr stick);
int egress_proxy_shut(struct egress_proxy *proxy, const struct plan *plan, const struct plan_bank *bank,
		      struct in_addr stick, const struct keyed *sessions);
/* End the connections of sticks to banks that are not in `sessions`; with `names` also those whose name or port the
 * plan no longer has in that bank. */
int egress_proxy_sweep(struct egress_proxy *proxy, const struct plan *plan, const struct keyed *sessions, bool names);
int egress_proxy_tried(struct egress_proxy *proxy, proxy_tried_fn *fn, void *context);

#endif
