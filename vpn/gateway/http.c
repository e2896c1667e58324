#include "vpn/gateway/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"

enum {
	CONNECTION_MEMORY_BYTES = 24 << 10,
	CONNECTION_TIMEOUT_S = 75,
	EXTRA_HEADERS_MAX = 4,
	ANSWER_MS = 10000, /* how long an answer may be waited for */
	SWEEP_MS = 1000,
	/* libmicrohttpd keeps a connection on its list of ready ones until a handshake's message is whole, and asks to
	 * be run again at once: half a record from anybody would cost a processor for CONNECTION_TIMEOUT_S, and every
	 * handshake one for as long as its messages travel. Runs that nothing came of are soon rationed; whatever
	 * arrives wakes it by its epoll set all the same. A large answer is written so too, a piece in each run. */
	VAIN_RUNS = 4,
	VAIN_WAIT_MS = 2,
	VAIN_SHARE = 4, /* nor more than one part in so many and one of the processor */
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_options options;
	struct loop_watch *watch;
	struct loop_timer *timer, *sweep;
	struct http_request *requests;
	unsigned vain; /* runs since something came */
};

struct http_document {
	struct MHD_Response *response;
	size_t holders; /* its maker and the requests that it answers */
};

struct http_request {
	struct http *http;
	struct MHD_Connection *connection;
	const struct http_route *route;
	char *path;
	struct buf body;
	bool too_large, complete, suspended, answered, queued;
	bool ended;     /* a stream: nothing comes after what is in `out` */
	struct buf out; /* a stream: what the peer has not taken yet */
	int64_t suspended_ms;
	unsigned status;
	struct MHD_Response *response;
	struct http_document *document; /* whose `response` is, NULL: this one's own */
	struct {
		char name[32], value[160];
	} extra[EXTRA_HEADERS_MAX];
	size_t extra_count;
	uint32_t id;
	struct http_request *next;
};

/* Over every server of the process: an answer that comes late never reaches another's request. */
static uint32_t next_id = 1;

static void rearm(struct http *http, int64_t took_ms)
{
	MHD_UNSIGNED_LONG_LONG ms;
	int64_t wait_ms = MHD_get_timeout(http->daemon, &ms) == MHD_YES ? (int64_t)ms : -1;
	if (wait_ms == 0 && ++http->vain > VAIN_RUNS)
		wait_ms = VAIN_SHARE * took_ms > VAIN_WAIT_MS ? VAIN_SHARE * took_ms : VAIN_WAIT_MS;
	loop_timer_set(http->timer, wait_ms);
}

static void run(struct http *http)
{
	int64_t began = now_ms();
	MHD_run(http->daemon);
	rearm(http, now_ms() - began);
}

static void on_timer(void *context) { run(context); }

/* A suspended connection has no time limit of its own, and its peer's end is not seen. */
static void on_sweep(void *context)
{
	struct http *http = context;
	bool left = false;
	for (struct http_request *r = http->requests; r; r = r->next) {
		if (!r->suspended || r->answered)
			continue;
		if (now_ms() - r->suspended_ms > ANSWER_MS)
			http_reply_json(r, MHD_HTTP_GATEWAY_TIMEOUT, "{\"error\":\"no_answer\"}");
		else
			left = true;
	}
	if (left)
		loop_timer_set(http->sweep, SWEEP_MS);
}

static void on_ready(uint32_t events, void *context)
{
	(void)events;
	struct http *http = context;
	http->vain = 0;
	run(http);
}

static const struct http_route *find_route(const struct http_options *options, const char *method, const char *path,
					   bool *path_exists)
{
	*path_exists = false;
	for (size_t i = 0; i < options->route_count; i++) {
		const struct http_route *route = &options->routes[i];
		if (route->path && strcmp(route->path, path) != 0)
			continue;
		*path_exists = true;
		if (strcmp(route->method, method) == 0 ||
		    (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0))
			return route;
	}
	return NULL;
}

static struct http_request *request_new(struct http *http, struct MHD_Connection *connection, const char *path)
{
	struct http_request *request = calloc(1, sizeof *request);
	if (!request)
		return NULL;
	request->path = strdup(path);
	if (!request->path) {
		free(request);
		return NULL;
	}
	request->http = http;
	request->connection = connection;
	request->id = next_id++;
	request->next = http->requests;
	http->requests = request;
	return request;
}

static void request_free(struct http_request *request)
{
	for (struct http_request **at = &request->http->requests; *at; at = &(*at)->next) {
		if (*at == request) {
			*at = request->next;
			break;
		}
	}
	if (request->document)
		http_document_free(request->document);
	else if (request->response)
		MHD_destroy_response(request->response);
	buf_free(&request->body);
	buf_free(&request->out);
	free(request->path);
	free(request);
}

static void refuse(struct http_request *request, unsigned status, const char *code)
{
	char json[96];
	if (request->http->options.refused)
		request->http->options.refused(code, request->http->options.context);
	snprintf(json, sizeof json, "{\"error\":\"%s\"}", code);
	http_reply_json(request, status, json);
}

static void take_body(struct http_request *request, const char *data, size_t size)
{
	size_t limit = request->route ? request->route->body_max_bytes : 0;
	if (!request->too_large && buf_append(&request->body, data, size, limit))
		request->too_large = true;
}

static enum MHD_Result queue(struct http_request *request)
{
	request->queued = true;
	return MHD_queue_response(request->connection, request->status, request->response);
}

static void dispatch(struct http_request *request, const char *method, bool path_exists)
{
	if (request->too_large)
		refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "body_too_large");
	else if (!request->route && path_exists)
		refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed");
	else if (!request->route)
		refuse(request, MHD_HTTP_NOT_FOUND, "not_found");
	else
		request->route->handle(request, request->http->options.context);
	(void)method;
}

/* libmicrohttpd calls this when the head is there, for each part of the body, at its end, and after a resume. */
static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method,
				 const char *version, const char *upload, size_t *upload_size, void **state)
{
	(void)version;
	struct http *http = context;
	struct http_request *request = *state;
	bool path_exists;
	http->vain = 0;
	if (!request) {
		*state = request = request_new(http, connection, url);
		if (!request)
			return MHD_NO;
		request->route = find_route(&http->options, method, url, &path_exists);
		return MHD_YES;
	}
	if (*upload_size > 0) {
		take_body(request, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (!request->complete) {
		request->complete = true;
		find_route(&http->options, method, url, &path_exists);
		dispatch(request, method, path_exists);
	}
	if (request->answered)
		return request->queued ? MHD_YES : queue(request);
	request->suspended = true;
	request->suspended_ms = now_ms();
	MHD_suspend_connection(connection);
	loop_timer_set(http->sweep, SWEEP_MS);
	return MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	(void)context, (void)connection, (void)code;
	if (*state)
		request_free(*state);
	*state = NULL;
}

static void on_log(void *context, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
static void on_log(void *context, const char *format, va_list arguments)
{
	(void)context;
	char line[256];
	vsnprintf(line, sizeof line, format, arguments);
	log_info("http: %s", line);
}

/* Of whom the handshake is, is not said: no authority is named, so that a client shows the one certificate it has. */
static void on_connection(void *context, struct MHD_Connection *connection, void **state,
			  enum MHD_ConnectionNotificationCode code)
{
	(void)context, (void)state;
	if (code != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t session = info ? info->tls_session : NULL;
	if (!session)
		return;
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_certificate_send_x509_rdn_sequence(session, 1);
}

struct http *http_serve(struct loop *loop, int listener, const struct http_options *options)
{
	struct http *http = calloc(1, sizeof *http);
	if (!http)
		return NULL;
	http->options = *options;
	http->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, http,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_HTTPS_MEM_KEY,
	    options->key_pem, MHD_OPTION_HTTPS_MEM_CERT, options->certificate_pem, MHD_OPTION_HTTPS_PRIORITIES,
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305",
	    MHD_OPTION_CONNECTION_LIMIT, options->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    options->connections_per_address_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
	    options->wants_client ? on_connection : NULL, NULL, MHD_OPTION_SERVER_INSANITY, MHD_DSC_SANE,
	    MHD_OPTION_END);
	if (!http->daemon) {
		log_error("the HTTPS server does not start: are its key and certificate a pair?");
		free(http);
		return NULL;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->timer = loop_timer(loop, on_timer, http);
	http->sweep = loop_timer(loop, on_sweep, http);
	http->watch = info ? loop_watch(loop, info->epoll_fd, EPOLLIN, on_ready, http) : NULL;
	if (!http->timer || !http->sweep || !http->watch) {
		http_free(http);
		return NULL;
	}
	rearm(http, 0);
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	loop_unwatch(http->watch);
	loop_timer_free(http->timer);
	loop_timer_free(http->sweep);
	for (struct http_request *r = http->requests; r; r = r->next)
		if (r->suspended)
			MHD_resume_connection(r->connection);
	MHD_stop_daemon(http->daemon);
	free(http);
}

const char *http_path(const struct http_request *request) { return request->path; }

const char *http_header(struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_query(struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_cookie(struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

const void *http_body(const struct http_request *request, size_t *size)
{
	*size = request->body.size;
	return request->body.data ? (const void *)request->body.data : "";
}

static const struct sockaddr *peer(const struct http_request *request)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	return info ? info->client_addr : NULL;
}

struct in_addr http_peer4(const struct http_request *request)
{
	const struct sockaddr *address = peer(request);
	if (!address || address->sa_family != AF_INET)
		return (struct in_addr){0};
	return ((const struct sockaddr_in *)address)->sin_addr;
}

void http_peer_text(const struct http_request *request, char *out, size_t size)
{
	const struct sockaddr *address = peer(request);
	out[0] = '\0';
	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, (socklen_t)size);
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, out, (socklen_t)size);
}

static int pin_of(gnutls_x509_crt_t certificate, uint8_t pin[32])
{
	gnutls_pubkey_t key = NULL;
	gnutls_datum_t der = {0};
	int error = gnutls_pubkey_init(&key);
	if (!error)
		error = gnutls_pubkey_import_x509(key, certificate, 0);
	if (!error)
		error = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der);
	if (!error)
		error = gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, pin);
	gnutls_free(der.data);
	if (key)
		gnutls_pubkey_deinit(key);
	return error ? -EIO : 0;
}

int http_client_pin(const struct http_request *request, uint8_t pin[32])
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	unsigned count = 0;
	const gnutls_datum_t *list =
	    info && info->tls_session ? gnutls_certificate_get_peers(info->tls_session, &count) : NULL;
	gnutls_x509_crt_t certificate;
	if (!list || count == 0)
		return -ENOENT;
	if (gnutls_x509_crt_init(&certificate))
		return -ENOMEM;
	int error = gnutls_x509_crt_import(certificate, &list[0], GNUTLS_X509_FMT_DER) ? -EIO : 0;
	time_t now = time(NULL);
	if (!error && (gnutls_x509_crt_get_activation_time(certificate) > now ||
		       gnutls_x509_crt_get_expiration_time(certificate) < now))
		error = -EKEYEXPIRED;
	if (!error)
		error = pin_of(certificate, pin);
	gnutls_x509_crt_deinit(certificate);
	return error;
}

void http_set_header(struct http_request *request, const char *name, const char *value)
{
	if (request->extra_count == EXTRA_HEADERS_MAX)
		return;
	snprintf(request->extra[request->extra_count].name, sizeof request->extra[0].name, "%s", name);
	snprintf(request->extra[request->extra_count].value, sizeof request->extra[0].value, "%s", value);
	request->extra_count++;
}

static struct MHD_Response *add_headers(struct MHD_Response *response, const struct http_options *options)
{
	for (size_t i = 0; response && i < options->header_count; i++)
		MHD_add_response_header(response, options->headers[i][0], options->headers[i][1]);
	return response;
}

/* With the headers that every answer has. NULL: no memory. */
static struct MHD_Response *response_new(const struct http_options *options, const void *body, size_t size)
{
	struct MHD_Response *response = MHD_create_response_from_buffer_copy(size, body);
	if (!response)
		log_error("out of memory for an answer of %zu bytes", size);
	return add_headers(response, options);
}

static void answer(struct http_request *request, unsigned status)
{
	request->status = status;
	request->http->vain = 0;
	request->answered = true;
	if (request->suspended) {
		request->suspended = false;
		MHD_resume_connection(request->connection);
		loop_timer_set(request->http->timer, 0);
	}
}

void http_reply(struct http_request *request, unsigned status, const char *type, const void *body, size_t size)
{
	if (request->answered)
		return;
	request->response = response_new(&request->http->options, body, size);
	if (!request->response)
		return;
	if (type)
		MHD_add_response_header(request->response, "Content-Type", type);
	for (size_t i = 0; i < request->extra_count; i++)
		MHD_add_response_header(request->response, request->extra[i].name, request->extra[i].value);
	answer(request, status);
}

struct http_document *http_document_new(const struct http *http, const char *const (*headers)[2], size_t header_count,
					const void *body, size_t size)
{
	struct http_document *document = calloc(1, sizeof *document);
	if (!document)
		return NULL;
	document->holders = 1;
	document->response = response_new(&http->options, body, size);
	if (!document->response) {
		free(document);
		return NULL;
	}
	for (size_t i = 0; i < header_count; i++)
		MHD_add_response_header(document->response, headers[i][0], headers[i][1]);
	return document;
}

void http_document_free(struct http_document *document)
{
	if (!document || --document->holders > 0)
		return;
	MHD_destroy_response(document->response);
	free(document);
}

void http_reply_document(struct http_request *request, unsigned status, struct http_document *document)
{
	if (request->answered)
		return;
	document->holders++;
	request->document = document;
	request->response = document->response;
	answer(request, status);
}

void http_reply_json(struct http_request *request, unsigned status, const char *json)
{
	http_reply(request, status, "application/json", json, strlen(json));
}

/* --- streams --- */

/* What is there; with nothing there the connection sleeps, and its peer's end is seen at the next piece. */
static ssize_t read_stream(void *context, uint64_t position, char *out, size_t room)
{
	struct http_request *request = context;
	size_t part = request->out.size < room ? request->out.size : room;
	(void)position;
	if (part == 0 && request->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (part == 0) {
		request->suspended = true;
		MHD_suspend_connection(request->connection);
		return 0;
	}
	memcpy(out, request->out.data, part);
	memmove(request->out.data, request->out.data + part, request->out.size - part);
	request->out.size -= part;
	return (ssize_t)part;
}

static void wake(struct http_request *request)
{
	if (request->suspended)
		MHD_resume_connection(request->connection);
	request->suspended = false;
	loop_timer_set(request->http->timer, 0);
}

void http_stream(struct http_request *request, const char *type)
{
	if (request->answered)
		return;
	request->response = add_headers(
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_STREAM_MAX_BYTES, read_stream, request, NULL),
	    &request->http->options);
	if (!request->response)
		return;
	MHD_add_response_header(request->response, "Content-Type", type);
	MHD_add_response_header(request->response, "Cache-Control", "no-store");
	answer(request, MHD_HTTP_OK);
}

int http_stream_send(struct http_request *request, const char *text)
{
	int error = buf_append(&request->out, text, strlen(text), HTTP_STREAM_MAX_BYTES);
	wake(request);
	return error == -ENOMEM ? error : error ? -ENOBUFS : 0;
}

void http_stream_end(struct http_request *request)
{
	request->ended = true;
	wake(request);
}

uint32_t http_id(const struct http_request *request) { return request->id; }

struct http_request *http_find(struct http *http, uint32_t id)
{
	for (struct http_request *r = http->requests; r; r = r->next)
		if (r->id == id)
			return r->complete ? r : NULL;
	return NULL;
}
