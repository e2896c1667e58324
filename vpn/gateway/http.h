/*
 * http - an HTTPS server on sockets made elsewhere, inside a process's own loop: libmicrohttpd with GnuTLS, TLS 1.2
 * and 1.3, bounded in connections, header bytes, body bytes and time. Requests may be answered later.
 */
#ifndef VPN_GATEWAY_HTTP_H
#define VPN_GATEWAY_HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/loop.h"

struct http;
struct http_request;

typedef void http_handler_fn(struct http_request *request, void *context);

struct http_route {
	const char *method, *path; /* exact; path NULL: every path not listed before it */
	http_handler_fn *handle;
	size_t body_max_bytes;
};

/* `headers` go out with every answer. Everything pointed to must outlive the server. */
struct http_options {
	const char *key_pem, *certificate_pem;
	const struct http_route *routes;
	size_t route_count;
	const char *const (*headers)[2];
	size_t header_count;
	unsigned connections_max, connections_per_address_max;
	bool wants_client; /* no handshake without a client's certificate; whose it is http_client_pin() says */
	/* A request that no route takes, or whose body is too large, was refused. May be NULL. */
	void (*refused)(const char *code, void *context);
	void *context;
};

/* Serve on a listening socket. NULL with the reason logged. */
struct http *http_serve(struct loop *loop, int listener, const struct http_options *options);
void http_free(struct http *http);

/* Of a request, valid until it is answered. */
const char *http_path(const struct http_request *request);
const char *http_header(struct http_request *request, const char *name); /* NULL: not sent */
const char *http_query(struct http_request *request, const char *name);  /* NULL: not given */
const char *http_cookie(struct http_request *request, const char *name); /* NULL: not sent */
const void *http_body(const struct http_request *request, size_t *size);
struct in_addr http_peer4(const struct http_request *request); /* 0.0.0.0 if it is not IPv4 */
void http_peer_text(const struct http_request *request, char *out, size_t size);

/* SHA-256 of the public key (SubjectPublicKeyInfo) in the client's certificate, which has proved to have the private
 * one. 0; -ENOENT: there is none; -EKEYEXPIRED: it is out of its dates; -EIO. Who may ask is a matter of the key alone:
 * no authority is believed. */
int http_client_pin(const struct http_request *request, uint8_t pin[32]);

/* Add a header to the answer to come. */
void http_set_header(struct http_request *request, const char *name, const char *value);

/* Answer; the bytes are copied. Once per request, in the handler or later. */
void http_reply(struct http_request *request, unsigned status, const char *type, const void *body, size_t size);
void http_reply_json(struct http_request *request, unsigned status, const char *json);

/*
 * What many are answered with: made once, and sent without a copy for each. `headers` beside those of every answer.
 * NULL if there is no memory. Freed, it stays until the last answer with it is gone; NULL is fine.
 */
struct http_document;
struct http_document *http_document_new(const struct http *http, const char *const (*headers)[2], size_t header_count,
					const void *body, size_t size);
void http_document_free(struct http_document *document);
void http_reply_document(struct http_request *request, unsigned status, struct http_document *document);

/*
 * An answer without an end (WHATWG HTML, server-sent events): begun with http_stream() in place of an answer, then each
 * piece by http_stream_send(), copied, until http_stream_end() or until the peer hangs up (http_find() knows). A peer
 * that does not read holds HTTP_STREAM_MAX_BYTES at most: 0, -ENOBUFS where a piece has no room, or -ENOMEM.
 */
enum { HTTP_STREAM_MAX_BYTES = 4096 };
void http_stream(struct http_request *request, const char *type);
int http_stream_send(struct http_request *request, const char *text);
void http_stream_end(struct http_request *request);

/* A request waiting for its answer, or a stream, by a number that is never used twice. NULL: it is gone (the peer hung
 * up). */
uint32_t http_id(const struct http_request *request);
struct http_request *http_find(struct http *http, uint32_t id);

#endif
