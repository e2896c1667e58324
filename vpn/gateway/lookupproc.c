/* The lookup process: banks' systems ask it whether a connection is one of our sticks', over TLS with certificates on
 * both sides; and haproxy tells it of each connection. It remembers neither: the store does. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/connection.h"
#include "vpn/gateway/http.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/proxylink.h"

enum {
	KEY_FD = GATEWAY_OWN_FD,
	CERTIFICATE_FD = GATEWAY_OWN_FD + 1,
	LISTEN_FD = GATEWAY_OWN_FD + 2,
	PEM_MAX_BYTES = 65536,
	QUESTION_MAX_BYTES = 512,
	BATCH_MAX = 64, /* questions, or connections, in one message */
	BATCH_MS = 2,   /* how long a question waits for others */
	SEEK_MS = 200,  /* how often a proxy that is not there is looked for */
	REFUSED_LOG_MS = 60000,
	QUESTIONS_AT_ONCE = 500, /* of one client, and one more for each of these: fifty in a second */
	QUESTION_MS = 20,
};

static const struct self self = {
    .name = "lookup",
    .holds = "the key of the banks' side",
    .reads = "HTTP of banks' systems, what haproxy tells of connections",
    .speaks_to = "banks' systems, haproxy, store",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_LISTEN | PROMISE_LOCAL,
    .open_files_max = 1024,
};

/* The connection to haproxy, and what has come of a line. */
struct teller {
	int fd; /* -1: none */
	struct loop_watch *watch;
	char line[CONNECTION_LINE_MAX_BYTES];
	size_t size;
};

/* Things of one kind that go to the store in one message: how many, and each as it is written. */
struct batch {
	uint16_t type;
	uint32_t count;
	struct buf wire;
};

/* Milliseconds of asking that a client has left: QUESTION_MS for each question. */
struct ration {
	int64_t last_ms, credit_ms;
};

static struct config config;
static struct ration *rations; /* one for each of config.clients */
static struct loop *loop;
static struct http *server;
static struct loop_timer *timer, *seeking;
static struct teller teller = {.fd = -1};
static struct batch connections = {.type = GW_CONNECTIONS}, questions = {.type = GW_LOOKUP};
static int64_t refused_logged_ms;

/* --- to the store --- */

static void flush(struct batch *batch)
{
	if (batch->count == 0)
		return;
	uint8_t data[4 + BATCH_MAX * CONNECTION_WIRE_MAX_BYTES];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, batch->count);
	memcpy(data + w.size, batch->wire.data, batch->wire.size);
	int error = msg_send(GATEWAY_STORE_FD, batch->type, 0, data, w.size + batch->wire.size);
	if (error)
		fatal("the store does not take a message: %s", strerror(-error));
	batch->count = 0;
	batch->wire.size = 0;
}

/* What the proxy has told goes first: a question may be about it. */
static void flush_all(void *context)
{
	(void)context;
	flush(&connections);
	flush(&questions);
}

static void add(struct batch *batch, const struct writer *w)
{
	if (w->failed || buf_append(&batch->wire, w->data, w->size, BATCH_MAX * CONNECTION_WIRE_MAX_BYTES))
		fatal("out of memory");
	if (batch->count++ == 0)
		loop_timer_set(timer, BATCH_MS);
	if (batch->count == BATCH_MAX)
		flush_all(NULL);
}

/* --- haproxy --- */

static void take_line(const char *line)
{
	struct connection connection;
	uint8_t data[CONNECTION_WIRE_MAX_BYTES];
	struct writer w = writer_over(data, sizeof data);
	int error = *line ? connection_parse(line, &connection) : -ENODATA;
	if (error == -EBADMSG)
		log_warn("haproxy said something that is no connection: %.60s", line);
	if (error)
		return;
	connection_write(&w, &connection);
	add(&connections, &w);
}

static void part(void)
{
	loop_unwatch(teller.watch);
	close(teller.fd);
	teller = (struct teller){.fd = -1};
	loop_timer_set(seeking, SEEK_MS);
}

static int take_bytes(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n') {
			teller.line[teller.size] = '\0';
			take_line(teller.line);
			teller.size = 0;
		} else if (teller.size == sizeof teller.line - 1 || data[i] == '\0') {
			return -EBADMSG;
		} else {
			teller.line[teller.size++] = data[i];
		}
	}
	return 0;
}

static void on_told(uint32_t events, void *context)
{
	(void)events, (void)context;
	char data[16384];
	ssize_t got = recv(teller.fd, data, sizeof data, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	int error = got > 0 ? take_bytes(data, (size_t)got) : 0;
	if (error)
		log_error("haproxy said something that is no line: it is asked again");
	if (got <= 0 || error)
		part();
}

/* From the oldest it has, and then on as it happens. */
static void seek_proxy(void *context)
{
	static const char command[] = "show events connections -w\n";
	(void)context;
	int fd = proxylink_connect(config.proxy_connections);
	if (fd >= 0 && send(fd, command, sizeof command - 1, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof command - 1)
		teller.watch = loop_watch(loop, fd, EPOLLIN, on_told, NULL);
	if (teller.watch) {
		teller.fd = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
	loop_timer_set(seeking, SEEK_MS);
}

/* --- banks' systems --- */

/* Told to the store, to be counted. libmicrohttpd and the routes come here with what they have answered themselves. */
static void on_refused(const char *code, void *context)
{
	(void)context;
	uint8_t data[CODE_SIZE + 4];
	struct writer w = writer_over(data, sizeof data);
	write_str(&w, code);
	if (w.failed || msg_send(GATEWAY_STORE_FD, GW_LOOKUP_REFUSED, 0, w.data, w.size))
		fatal("the store does not take a message");
}

static void refuse(struct http_request *request, unsigned status, const char *code)
{
	char text[64], from[ENDPOINT_SIZE];
	on_refused(code, NULL);
	if (refused_logged_ms == 0 || now_ms() - refused_logged_ms > REFUSED_LOG_MS) {
		http_peer_text(request, from, sizeof from);
		log_warn("a question from %s was refused: %s (others like it are counted, and said once a minute)",
			 from, code);
		refused_logged_ms = now_ms();
	}
	snprintf(text, sizeof text, "{\"error\":\"%s\"}", code);
	http_set_header(request, "Cache-Control", "no-store");
	http_reply_json(request, status, text);
}

static const struct config_client *client_of(const uint8_t pin[32])
{
	for (size_t i = 0; i < config.client_count; i++)
		if (memcmp(config.clients[i].pin, pin, sizeof config.clients[i].pin) == 0)
			return &config.clients[i];
	return NULL;
}

/* {"from":"203.0.113.101:40001","at":1764000000.25,"to":"198.51.100.10:443"}; without `at` it is now, `to` may be left
 * out. */
static int read_question(const json_t *json, struct question *question)
{
	const char *from = json_string_value(json_object_get(json, "from")),
		   *to = json_string_value(json_object_get(json, "to"));
	const json_t *at = json_object_get(json, "at");
	size_t known = 1 + (to != NULL) + (at != NULL);
	double seconds = at ? json_number_value(at) : (double)time(NULL);
	if (!from || json_object_size(json) != known || (at && !json_is_number(at)) ||
	    !(seconds >= 0 && seconds < 1e11))
		return -EBADMSG;
	question->at_ms = llround(seconds * 1000);
	return connection_end_parse(from, &question->source) || (to && connection_end_parse(to, &question->destination))
		   ? -EBADMSG
		   : 0;
}

/* Each question is an entry of the audit log for good: a client gone wrong must not fill it. */
static bool may_ask(const struct config_client *client)
{
	struct ration *ration = &rations[client - config.clients];
	const int64_t full = (int64_t)QUESTIONS_AT_ONCE * QUESTION_MS;
	int64_t now = now_ms(), credit = ration->last_ms ? ration->credit_ms + now - ration->last_ms : full;
	ration->last_ms = now;
	ration->credit_ms = credit < full ? credit : full;
	if (ration->credit_ms < QUESTION_MS)
		return false;
	ration->credit_ms -= QUESTION_MS;
	return true;
}

static void ask(struct http_request *request, const struct config_client *client, const struct question *question)
{
	uint8_t data[QUESTION_WIRE_MAX_BYTES];
	struct writer w = writer_over(data, sizeof data);
	if (!may_ask(client)) {
		http_set_header(request, "Retry-After", "1");
		refuse(request, 429, "too_many");
		return;
	}
	const struct config_egress *own = config_egress_of(&config, client->bank);
	if (!own || own->address.s_addr != question->source.address.s_addr) {
		refuse(request, 403, "not_your_address");
		return;
	}
	question_write(&w, question);
	add(&questions, &w);
}

static void on_question(struct http_request *request, void *context)
{
	(void)context;
	uint8_t pin[32];
	size_t size;
	const void *body = http_body(request, &size);
	int error = http_client_pin(request, pin);
	const struct config_client *client = error ? NULL : client_of(pin);
	if (!client) {
		refuse(request, 403, error == -EKEYEXPIRED ? "certificate_expired" : "unknown_certificate");
		return;
	}
	struct question question = {.id = http_id(request)};
	memcpy(question.bank, client->bank, sizeof question.bank);
	json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json) || read_question(json, &question))
		refuse(request, 400, "malformed");
	else
		ask(request, client, &question);
	json_decref(json);
}

static json_t *time_or_null(int64_t ms) { return ms ? json_real((double)ms / 1000) : json_null(); }

static void reply(struct http_request *request, const struct answer_about *a)
{
	json_t *json;
	if (a->verdict == ANSWER_UNKEPT) {
		refuse(request, 503, "not_audited");
		return;
	}
	if (a->verdict == ANSWER_STICK)
		json = json_pack("{s:b, s:s, s:s, s:I, s:o, s:o, s:{s:s, s:b}}", "admitted", 1, "stick", a->stick,
				 "state", a->state, "since", (json_int_t)a->since, "opened", time_or_null(a->opened_ms),
				 "closed", time_or_null(a->closed_ms), "image", "version", a->image_version, "in_order",
				 a->image_in_order);
	else
		json = json_pack("{s:b, s:s}", "admitted", 0, "reason",
				 a->verdict == ANSWER_AMBIGUOUS ? "ambiguous" : "unknown");
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	http_set_header(request, "Cache-Control", "no-store");
	http_reply_json(request, text ? 200 : 500, text ? text : "{\"error\":\"out_of_memory\"}");
	free(text);
	json_decref(json);
}

static int take_answers(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	uint32_t count = read_u32(&r);
	for (uint32_t i = 0; i < count && !r.failed; i++) {
		struct answer_about answer;
		answer_read(&r, &answer);
		struct http_request *request = r.failed ? NULL : http_find(server, answer.id);
		if (request)
			reply(request, &answer);
	}
	return reader_done(&r) ? 0 : -EBADMSG;
}

static const struct channel_row answers[] = {{GW_LOOKUP_REPLY, 4, CHANNEL_ANY_BYTES, take_answers}};
static struct channel store = CHANNEL("the store", answers), parent = {.peer = "the parent"};

static const struct http_route routes[] = {{"POST", "/v1/connection", on_question, QUESTION_MAX_BYTES}};

static void serve(void)
{
	char *key = child_read_fd(KEY_FD, PEM_MAX_BYTES), *certificate = child_read_fd(CERTIFICATE_FD, PEM_MAX_BYTES);
	if (!key || !certificate)
		fatal("the key or certificate for banks' systems cannot be read: %s", strerror(errno));
	const struct http_options options = {
	    .key_pem = key,
	    .certificate_pem = certificate,
	    .routes = routes,
	    .route_count = sizeof routes / sizeof routes[0],
	    .connections_max = 500,
	    .connections_per_address_max = 64,
	    .wants_client = true,
	    .refused = on_refused,
	};
	server = http_serve(loop, LISTEN_FD, &options);
	if (!server)
		fatal("banks' systems cannot ask at %s: are %s and %s a pair?", config.lookup[0].text,
		      config.lookup_key, config.lookup_certificate);
	wipe(key, strlen(key));
	free(key);
	free(certificate);
	close(KEY_FD);
	close(CERTIFICATE_FD);
}

int lookup_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	child_begin("gatewayd lookup", LISTEN_FD, &config);
	loop = loop_new();
	timer = loop ? loop_timer(loop, flush_all, NULL) : NULL;
	seeking = timer ? loop_timer(loop, seek_proxy, NULL) : NULL;
	if (!seeking || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    channel_watch(loop, GATEWAY_STORE_FD, &store, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	rations = calloc(config.client_count + 1, sizeof *rations);
	if (!rations)
		fatal("out of memory");
	if (config.client_count == 0)
		log_warn("lookup-listen is set but no lookup-client: nobody may ask");
	serve();
	if (sandbox_enter(&self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_timer_set(seeking, 0);
	loop_run(loop);
	return store.error || parent.error ? 1 : 0;
}
