/*
 * agent_http - HTTPS requests to the gateway's control API: libcurl's multi interface on our loop.
 *
 * One server, named by its literal address inside the tunnel; nothing is resolved. The certificate must lead to the
 * gateway's own anchor, carry its name and its pinned key. Its dates are looked at only once the gateway has confirmed
 * what time it is.
 */
#ifndef LAUNCHER_AGENT_HTTP_H
#define LAUNCHER_AGENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/loop.h"

#define HTTP_TIMEOUT_MS 5000
/* A policy of 4 MiB over a line of 600 kbit/s; one that does not come on is given up long before. */
#define HTTP_SHORT_BYTES    (1 << 20)
#define HTTP_FETCH_MS       60000
#define HTTP_STALLED_MS     10000
#define HTTP_SENTENCE_BYTES 256

struct http;

struct http_server {
	const char *address, *name;
	uint16_t port;
	const char *certificate_pem;
	uint8_t pin[32];  /* SHA-256 of its SPKI */
	bool check_dates; /* the time is confirmed */
};

struct http_reply {
	long status; /* 0: none came, `sentence` says why */
	const uint8_t *body;
	size_t size;
	char sentence[HTTP_SENTENCE_BYTES];
};

/* The reply is valid during the call. */
typedef void http_fn(const struct http_reply *reply, void *context);

/* Once, before the sandbox. NULL on failure. */
struct http *http_new(struct loop *loop);
void http_free(struct http *http);

/*
 * From now on; copied. New requests make new connections. Those under way end as they began, unless it is another
 * server: nobody waits for one that was left, so that they fail now, as if no reply had come, before this returns. 0 or
 * -ENOMEM.
 */
int http_use(struct http *http, const struct http_server *server);

/*
 * GET `path`, or POST `json` (NULL: GET) to the server in use; more than `reply_max` bytes are a failure. Where that is
 * more than HTTP_SHORT_BYTES it may take HTTP_FETCH_MS, as long as it comes on. fn is called later, never
 * from here (it may be from http_use()). 0 or -errno, then it is not called.
 */
int http_request(struct http *http, const char *path, const char *json, size_t reply_max, http_fn *fn, void *context);

#endif
