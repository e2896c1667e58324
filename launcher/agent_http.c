#include "launcher/agent_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "firmware/lib/buf.h"

enum { PIN_TEXT_BYTES = 64, URL_BYTES = 512, RESOLVE_BYTES = 512 };

struct http {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	char *address, *name, *certificate_pem;
	char pin[PIN_TEXT_BYTES];
	uint16_t port;
	bool check_dates, fresh; /* fresh: no connection of before is good any more */
};

struct exchange {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers, *resolve;
	struct buf body;
	size_t reply_max;
	http_fn *fn;
	void *context;
	char error[CURL_ERROR_SIZE];
};

static bool is_long(const struct exchange *x) { return x->reply_max > HTTP_SHORT_BYTES; }

static const char *explain(CURLcode code, const struct exchange *x)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		if (is_long(x))
			return "what the gateway sends did not come within a minute, or stopped for 10 seconds";
		return "the gateway did not answer within 5 seconds";
	case CURLE_ABORTED_BY_CALLBACK:
		return "that gateway was left before it answered";
	case CURLE_COULDNT_CONNECT:
		return "the gateway's control channel cannot be reached through the tunnel";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "the gateway's certificate is not the one this stick was given";
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return "the gateway's key is not the one this stick was given";
	case CURLE_WRITE_ERROR:
		return "the gateway's reply is too large";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return "the connection to the gateway was cut";
	default:
		return x->error[0] ? x->error : curl_easy_strerror(code);
	}
}

static void free_exchange(struct exchange *x)
{
	if (x->easy)
		curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->headers);
	curl_slist_free_all(x->resolve);
	buf_free(&x->body);
	free(x);
}

static void finish(struct http *http, CURL *easy, CURLcode code)
{
	struct exchange *x = NULL;
	struct http_reply reply = {0};
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&x);
	curl_multi_remove_handle(http->multi, easy);
	if (code == CURLE_OK) {
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
		reply.body = x->body.data;
		reply.size = x->body.size;
	} else {
		snprintf(reply.sentence, sizeof reply.sentence, "%s", explain(code, x));
		http->fresh = true; /* a kept connection may be the one that died with an older tunnel */
	}
	x->fn(&reply, x->context);
	free_exchange(x);
}

static void collect(struct http *http)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(http->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			finish(http, message->easy_handle, message->data.result);
}

/* --- libcurl's sockets and timer on our loop --- */

struct socket_watch {
	struct http *http;
	curl_socket_t fd;
	struct loop_watch *watch;
};

static void on_socket(uint32_t events, void *context)
{
	const struct socket_watch *s = context;
	struct http *http = s->http;
	int running, mask = 0;
	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(http->multi, s->fd, mask, &running); /* which may free s */
	collect(http);
}

static void forget_socket(struct http *http, struct socket_watch *s, curl_socket_t fd)
{
	if (!s)
		return;
	curl_multi_assign(http->multi, fd, NULL);
	loop_unwatch(s->watch);
	free(s);
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct http *http = context;
	struct socket_watch *s = known;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		forget_socket(http, s, fd);
		return 0;
	}
	uint32_t events =
	    (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	if (s)
		return loop_watch_events(s->watch, events) < 0 ? -1 : 0;
	s = calloc(1, sizeof *s);
	if (!s)
		return -1;
	*s = (struct socket_watch){.http = http, .fd = fd};
	s->watch = loop_watch(http->loop, fd, events, on_socket, s);
	if (!s->watch) {
		free(s);
		return -1;
	}
	curl_multi_assign(http->multi, fd, s);
	return 0;
}

static void on_timer(void *context)
{
	struct http *http = context;
	int running;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(http);
}

static int on_timer_wanted(CURLM *multi, long timeout_ms, void *context)
{
	struct http *http = context;
	(void)multi;
	loop_timer_set(http->timer, timeout_ms);
	return 0;
}

/* --- the server --- */

/* Before the time is known: everything is checked but what depends on it. */
static int pass_dates(void *unused, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	(void)unused;
	(void)certificate;
	(void)depth;
	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
	return 0;
}

static CURLcode on_tls(CURL *easy, void *config, void *context)
{
	const struct http *http = context;
	(void)easy;
	if (!http->check_dates)
		mbedtls_ssl_conf_verify(config, pass_dates, NULL);
	return CURLE_OK;
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
	struct exchange *x = context;
	return buf_append(&x->body, data, one * size, x->reply_max) < 0 ? 0 : one * size;
}

static bool set_server(struct exchange *x, const char *path)
{
	const struct http *http = x->http;
	char url[URL_BYTES], resolve[RESOLVE_BYTES];
	struct curl_blob anchor = {
	    .data = http->certificate_pem, .len = strlen(http->certificate_pem), .flags = CURL_BLOB_COPY};
	const char *open = strchr(http->address, ':') ? "[" : "", *close = open[0] ? "]" : "";
	snprintf(url, sizeof url, "https://%s:%u%s", http->name, http->port, path);
	snprintf(resolve, sizeof resolve, "%s:%u:%s%s%s", http->name, http->port, open, http->address, close);
	x->resolve = curl_slist_append(NULL, resolve);
	return x->resolve && !curl_easy_setopt(x->easy, CURLOPT_URL, url) &&
	       !curl_easy_setopt(x->easy, CURLOPT_RESOLVE, x->resolve) &&
	       !curl_easy_setopt(x->easy, CURLOPT_CAINFO_BLOB, &anchor) &&
	       !curl_easy_setopt(x->easy, CURLOPT_PINNEDPUBLICKEY, http->pin) &&
	       !curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 1L) &&
	       !curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 2L) &&
	       !curl_easy_setopt(x->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       /* a resumed session would pass by the dates once they count */
	       !curl_easy_setopt(x->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) &&
	       !curl_easy_setopt(x->easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) &&
	       !curl_easy_setopt(x->easy, CURLOPT_SSL_CTX_DATA, x->http) &&
	       /* nor may a connection made before that be used after it */
	       !curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, http->check_dates ? 0L : 1L) &&
	       !curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, http->fresh ? 1L : 0L);
}

static bool set_request(struct exchange *x, const char *json)
{
	x->headers = curl_slist_append(NULL, "Accept: application/json");
	if (!x->headers)
		return false;
	if (json && (!curl_slist_append(x->headers, "Content-Type: application/json") ||
		     curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, json)))
		return false;
	return !curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) &&
	       !curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "https") &&
	       !curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L) &&
	       !curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS,
				 is_long(x) ? (long)HTTP_FETCH_MS : (long)HTTP_TIMEOUT_MS) &&
	       !curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_LIMIT, 1024L) &&
	       !curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, HTTP_STALLED_MS / 1000L) &&
	       !curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_TIMEOUT_MS) &&
	       !curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error) &&
	       !curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x) &&
	       !curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body) &&
	       !curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
}

int http_request(struct http *http, const char *path, const char *json, size_t reply_max, http_fn *fn, void *context)
{
	if (!http->name)
		return -ENOTCONN;
	struct exchange *x = calloc(1, sizeof *x);
	if (!x)
		return -ENOMEM;
	*x = (struct exchange){.http = http, .reply_max = reply_max, .fn = fn, .context = context};
	x->easy = curl_easy_init();
	if (!x->easy || !set_server(x, path) || !set_request(x, json) ||
	    curl_multi_add_handle(http->multi, x->easy) != CURLM_OK) {
		free_exchange(x);
		return -ENOMEM;
	}
	http->fresh = false;
	return 0;
}

static void forget_server(struct http *http)
{
	free(http->address);
	free(http->name);
	free(http->certificate_pem);
	http->address = http->name = http->certificate_pem = NULL;
}

static bool is_other(const struct http *http, const struct http_server *server)
{
	return http->name && (strcmp(http->name, server->name) != 0 || strcmp(http->address, server->address) != 0 ||
			      http->port != server->port);
}

/* A callback may begin a request of its own, which is one to the new server, and end none. */
static void leave_server(struct http *http)
{
	CURL **list = curl_multi_get_handles(http->multi);
	for (CURL **easy = list; easy && *easy; easy++)
		finish(http, *easy, CURLE_ABORTED_BY_CALLBACK);
	curl_free(list);
}

int http_use(struct http *http, const struct http_server *server)
{
	static const char prefix[] = "sha256//";
	size_t size;
	bool other = is_other(http, server);
	forget_server(http);
	http->address = strdup(server->address);
	http->certificate_pem = strdup(server->certificate_pem);
	http->name = strdup(server->name);
	memcpy(http->pin, prefix, sizeof prefix);
	if (!http->address || !http->certificate_pem || !http->name ||
	    mbedtls_base64_encode((unsigned char *)http->pin + strlen(prefix), sizeof http->pin - strlen(prefix), &size,
				  server->pin, sizeof server->pin) != 0) {
		forget_server(http);
		return -ENOMEM;
	}
	http->port = server->port;
	http->check_dates = server->check_dates;
	http->fresh = true;
	if (other)
		leave_server(http);
	return 0;
}

struct http *http_new(struct loop *loop)
{
	struct http *http = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? calloc(1, sizeof *http) : NULL;
	if (!http)
		return NULL;
	http->loop = loop;
	http->timer = loop_timer(loop, on_timer, http);
	http->multi = curl_multi_init();
	if (!http->timer || !http->multi || curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted) ||
	    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) ||
	    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted) ||
	    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) ||
	    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 4L)) {
		http_free(http);
		return NULL;
	}
	return http;
}

/* Exchanges under way go with the process. */
void http_free(struct http *http)
{
	if (!http)
		return;
	if (http->multi)
		curl_multi_cleanup(http->multi);
	loop_timer_free(http->timer);
	forget_server(http);
	free(http);
}
