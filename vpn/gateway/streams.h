/*
 * streams - the consoles' live streams (server-sent events): that something changed, and that the gateway lives. What
 * changed is asked for by the page, with its own rights, so that nothing of a customer is in here, and a page that was
 * away is told no more than one that was there.
 */
#ifndef VPN_GATEWAY_STREAMS_H
#define VPN_GATEWAY_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "vpn/gateway/http.h"

enum {
	STREAMS_MAX = 64,
	STREAMS_PER_SESSION_MAX = 6, /* as many as a browser opens to one place over HTTP/1.1 */
};

struct streams {
	uint32_t ids[STREAMS_MAX]; /* requests, 0: free */
	uint64_t since, revision;  /* GW_CHANGED, 0 before the first */
	struct loop_timer *alive;
	struct http_request *(*find)(uint32_t id);               /* http_find() over all servers */
	const void *(*session_of)(struct http_request *request); /* NULL: it is over */
};

/* Both functions are set by then. 0 or -errno. */
int streams_begin(struct streams *streams, struct loop *loop);
/* One more, of a request whose session stands. False, and nothing done: there are enough. */
bool streams_add(struct streams *streams, struct http_request *request);
void streams_changed(struct streams *streams, uint64_t since, uint64_t revision);
/* A session was closed: its streams end with it. */
void streams_review(struct streams *streams);

#endif
