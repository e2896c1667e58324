/* The web process: the operators' console, its API and /metrics, on the management side only. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
#include "vpn/gateway/http.h"
#include "vpn/gateway/login.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/metrics.h"
#include "vpn/gateway/pages.h"
#include "vpn/gateway/streams.h"

enum {
	KEY_FD = GATEWAY_OWN_FD,
	CERTIFICATE_FD = GATEWAY_OWN_FD + 1,
	TOKEN_FD = GATEWAY_OWN_FD + 2,
	LISTEN_FD = GATEWAY_OWN_FD + 3,
	PEM_MAX_BYTES = 65536,
	TOKEN_MAX_BYTES = 256,
	LOGIN_MAX_BYTES = 1024,
	CALL_MAX_BYTES = 48 << 10,
	CALL_MEMBERS_MAX = 8,
	PENDING_MAX = 256,
	RESULT_MAX_BYTES = 256 << 20,
};

/* The prefix makes browsers refuse it unless it is Secure, of this host alone and for every path (RFC 6265bis 4.1.3).
 */
#define COOKIE "__Host-sekisho"

static const struct self self = {
    .name = "web",
    .holds = "the console's TLS key, operators' sessions",
    .reads = "HTTP of the management network",
    .speaks_to = "operators' browsers, monitoring, store",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_LISTEN,
    .open_files_max = 1024,
};

/* A request that waits for the store. */
struct pending {
	const char *type;
	struct buf text;
	uint32_t id; /* 0: free */
	unsigned status;
	char name[OPERATOR_SIZE], from[ENDPOINT_SIZE];
};

static struct config config;
static struct loop *loop;
static struct http *servers[CONFIG_LISTEN_MAX];
static struct login login;
static struct pages pages;
static struct pending pendings[PENDING_MAX];
static char *metrics_token;

static int64_t now_s(void) { return now_ms() / 1000; }

static void send_store(uint16_t type, uint32_t id, const struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : msg_send(GATEWAY_STORE_FD, type, id, w->data, w->size);
	if (error)
		fatal("the store does not take a message: %s", strerror(-error));
}

static void reply_error(struct http_request *request, unsigned status, const char *code)
{
	char text[96];
	snprintf(text, sizeof text, "{\"error\":\"%s\"}", code);
	http_set_header(request, "Cache-Control", "no-store");
	http_reply_json(request, status, text);
}

/* --- requests that wait --- */

static struct http_request *request_of(uint32_t id)
{
	for (size_t i = 0; id && i < config.web_count; i++) {
		struct http_request *request = http_find(servers[i], id);
		if (request)
			return request;
	}
	return NULL;
}

static struct http_request *find_request(const struct pending *pending) { return request_of(pending->id); }

static void pending_free(struct pending *pending)
{
	buf_free(&pending->text);
	*pending = (struct pending){0};
}

/* Places of requests whose peers hung up are free as well. */
static struct pending *pending_new(struct http_request *request)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (pendings[i].id && find_request(&pendings[i]))
			continue;
		pending_free(&pendings[i]);
		pendings[i].id = http_id(request);
		pendings[i].status = 200;
		return &pendings[i];
	}
	reply_error(request, 503, "busy");
	return NULL;
}

static struct pending *pending_find(uint32_t id)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (id && pendings[i].id == id)
			return &pendings[i];
	return NULL;
}

/* --- who asks --- */

static const struct login_session *session_of(struct http_request *request)
{
	return login_find(&login, http_cookie(request, COOKIE), now_s());
}

static bool is_equal_text(const char *a, const char *b)
{
	size_t size = strlen(a);
	uint8_t difference = strlen(b) != size;
	for (size_t i = 0; i < size && !difference; i++)
		difference |= (uint8_t)(a[i] ^ b[i]);
	return !difference;
}

static bool has_metrics_token(struct http_request *request)
{
	const char *header = http_header(request, "Authorization");
	return metrics_token && *metrics_token && header && strncmp(header, "Bearer ", 7) == 0 &&
	       is_equal_text(header + 7, metrics_token);
}

/* A browser says where a request comes from; a page of another origin may not change anything here. Together with
 * SameSite=Strict and a content type that needs a preflight this is the whole of it. */
static bool is_same_origin(struct http_request *request)
{
	char own[320];
	const char *origin = http_header(request, "Origin"), *host = http_header(request, "Host");
	const char *site = http_header(request, "Sec-Fetch-Site");
	const char *type = http_header(request, "Content-Type");
	if (!host || !type || strncmp(type, "application/json", 16) != 0)
		return false;
	if (site && strcmp(site, "same-origin") != 0)
		return false;
	snprintf(own, sizeof own, "https://%s", host);
	return !origin || strcmp(origin, own) == 0;
}

static const void *session_standing(struct http_request *request) { return session_of(request); }

static struct streams streams = {.find = request_of, .session_of = session_standing};

/* --- handlers --- */

static void on_page(struct http_request *request, void *context)
{
	(void)context;
	const struct page *page = pages_find(&pages, http_path(request));
	if (!page) {
		reply_error(request, 404, "not_found");
		return;
	}
	http_set_header(request, "Cache-Control", "no-cache");
	http_reply(request, 200, page->type, page->data, page->size);
}

static void ask(struct http_request *request, const struct login_session *who, uint8_t what, const char *type)
{
	uint8_t data[160];
	char argument[STICK_ID_SIZE];
	const char *id = http_query(request, "id");
	struct pending *pending = pending_new(request);
	if (!pending)
		return;
	pending->type = type;
	snprintf(argument, sizeof argument, "%s", id && name_is_id(id) ? id : "");
	struct writer w = writer_over(data, sizeof data);
	write_u8(&w, what);
	write_str(&w, argument);
	write_str(&w, who ? who->name : "");
	write_u64(&w, who ? (uint64_t)who->changed : 0);
	send_store(GW_QUERY, pending->id, &w);
}

static void reply_wait(struct http_request *request, unsigned seconds)
{
	char text[16];
	snprintf(text, sizeof text, "%u", seconds);
	http_set_header(request, "Retry-After", text);
	reply_error(request, 429, "too_many_tries");
}

/* Each answer costs the process that also takes beacons. */
static void ask_rationed(struct http_request *request, const struct login_session *who, uint8_t what, const char *type)
{
	unsigned wait = login_count_view(&login, http_cookie(request, COOKIE), now_s());
	if (wait > 0)
		reply_wait(request, wait);
	else
		ask(request, who, what, type);
}

/* What an account that is logged in may read; which role which, the store decides. */
static const struct {
	const char *path;
	enum gateway_query what;
} views[] = {
    {"/api/sticks", QUERY_STICKS},     {"/api/events", QUERY_EVENTS}, {"/api/stick", QUERY_STICK},
    {"/api/alarms", QUERY_ALARMS},     {"/api/alarm", QUERY_ALARM},   {"/api/accounts", QUERY_ACCOUNTS},
    {"/api/requests", QUERY_REQUESTS}, {"/api/shifts", QUERY_SHIFTS},
};

static void on_view(struct http_request *request, void *context)
{
	(void)context;
	const struct login_session *who = session_of(request);
	size_t i = 0;
	while (strcmp(views[i].path, http_path(request)) != 0)
		i++;
	if (who)
		ask_rationed(request, who, (uint8_t)views[i].what, "application/json");
	else
		reply_error(request, 401, "log_in");
}

static void on_stream(struct http_request *request, void *context)
{
	(void)context;
	unsigned wait = login_count_view(&login, http_cookie(request, COOKIE), now_s());
	if (!session_of(request))
		reply_error(request, 401, "log_in");
	else if (wait > 0 || !streams_add(&streams, request))
		reply_wait(request, wait > 0 ? wait : LOGIN_WAIT_S);
}

static void on_metrics(struct http_request *request, void *context)
{
	(void)context;
	const struct login_session *who = session_of(request);
	if (who)
		ask_rationed(request, who, QUERY_METRICS, METRICS_CONTENT_TYPE);
	else if (has_metrics_token(request))
		ask(request, NULL, QUERY_METRICS, METRICS_CONTENT_TYPE);
	else
		reply_error(request, 401, "log_in_or_send_the_token");
}

static void reply_who(struct http_request *request, const struct login_session *who)
{
	char text[160];
	snprintf(text, sizeof text, "{\"name\":\"%s\",\"role\":\"%s\",\"second_factor\":%s}", who->name, who->role,
		 who->second_factor ? "true" : "false");
	http_set_header(request, "Cache-Control", "no-store");
	http_reply_json(request, 200, text);
}

static void on_session(struct http_request *request, void *context)
{
	(void)context;
	const struct login_session *who = session_of(request);
	if (who)
		reply_who(request, who);
	else
		reply_error(request, 401, "log_in");
}

static void send_login(struct http_request *request, const char *name, const char *password, const char *code,
		       const char *from)
{
	uint8_t data[512];
	struct pending *pending = pending_new(request);
	if (!pending)
		return;
	snprintf(pending->name, sizeof pending->name, "%s", name);
	snprintf(pending->from, sizeof pending->from, "%s", from);
	struct writer w = writer_over(data, sizeof data);
	write_str(&w, name);
	write_str(&w, password);
	write_str(&w, code);
	write_str(&w, from);
	send_store(GW_LOGIN, pending->id, &w);
	wipe(data, sizeof data);
}

static void on_login(struct http_request *request, void *context)
{
	(void)context;
	char from[ENDPOINT_SIZE];
	size_t size;
	const void *body = http_body(request, &size);
	http_peer_text(request, from, sizeof from);
	unsigned wait = login_wait(&login, from, now_s());
	if (!is_same_origin(request)) {
		reply_error(request, 403, "other_origin");
		return;
	}
	if (wait > 0) {
		reply_wait(request, wait);
		return;
	}
	json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *password = json_string_value(json_object_get(json, "password"));
	const char *code = json_string_value(json_object_get(json, "code"));
	if (name && password && name_is_id(name) && strlen(password) <= 256 && (!code || strlen(code) < 16))
		send_login(request, name, password, code ? code : "", from);
	else
		reply_error(request, 400, "malformed");
	json_decref(json);
}

static void on_logout(struct http_request *request, void *context)
{
	(void)context;
	uint8_t data[256];
	const struct login_session *who = session_of(request);
	if (!is_same_origin(request)) {
		reply_error(request, 403, "other_origin");
		return;
	}
	if (who) {
		struct writer w = writer_over(data, sizeof data);
		write_str(&w, "logout");
		write_str(&w, who->name);
		write_str(&w, "");
		send_store(GW_EVENT, 0, &w);
	}
	login_close(&login, http_cookie(request, COOKIE));
	streams_review(&streams);
	http_set_header(request, "Set-Cookie", COOKIE "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
	http_set_header(request, "Cache-Control", "no-store");
	http_reply_json(request, 200, "{}");
}

/* --- what somebody does --- */

static const struct {
	const char *path, *call;
} calls[] = {
    {"/api/alarms/acknowledge", "alarm.acknowledge"},
    {"/api/alarms/assign", "alarm.assign"},
    {"/api/alarms/comment", "alarm.comment"},
    {"/api/alarms/close", "alarm.close"},
    {"/api/alarms/shelve", "alarm.shelve"},
    {"/api/alarms/unshelve", "alarm.unshelve"},
    {"/api/alarms/exercise", "alarm.exercise"},
    {"/api/shifts/give", "shift.give"},
    {"/api/shifts/take", "shift.take"},
    {"/api/sticks/revoke", "desk.revoke"},
    {"/api/sticks/unlock", "desk.unlock"},
    {"/api/sticks/release", "desk.release"},
    {"/api/gateway/drain", "gateway.drain"},
    {"/api/gateway/open", "gateway.open"},
    {"/api/gateway/state", "gateway.state"},
    {"/api/requests/ask", "request.ask"},
    {"/api/requests/decide", "request.decide"},
    {"/api/requests/export", "request.export"},
    {"/api/accounts/add", "account.add"},
    {"/api/accounts/role", "account.role"},
    {"/api/accounts/password", "account.password"},
    {"/api/accounts/second-factor", "account.second-factor"},
    {"/api/accounts/disable", "account.disable"},
    {"/api/accounts/enable", "account.enable"},
    {"/api/accounts/unlock", "account.unlock"},
};

static const char *call_of(const char *path)
{
	size_t i = 0;
	while (strcmp(calls[i].path, path) != 0)
		i++;
	return calls[i].call;
}

/* A flat object of texts and whole numbers, as the store's message. False: it is none. */
static bool write_members(struct writer *w, json_t *json)
{
	const char *name;
	json_t *value;
	char number[24];
	if (!json_is_object(json) || json_object_size(json) > CALL_MEMBERS_MAX)
		return false;
	write_u8(w, (uint8_t)json_object_size(json));
	json_object_foreach(json, name, value)
	{
		if (!name_is_code(name) || (!json_is_string(value) && !json_is_integer(value)))
			return false;
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
		write_str(w, name);
		write_str(w, json_is_string(value) ? json_string_value(value) : number);
	}
	return !w->failed;
}

static void send_call(struct http_request *request, const struct login_session *who, json_t *json)
{
	static uint8_t data[CALL_MAX_BYTES + 1024];
	struct writer w = writer_over(data, sizeof data);
	write_str(&w, call_of(http_path(request)));
	write_str(&w, who->name);
	write_u64(&w, (uint64_t)who->changed);
	if (!write_members(&w, json)) {
		reply_error(request, 400, "malformed");
		return;
	}
	struct pending *pending = pending_new(request);
	if (!pending)
		return;
	pending->type = "application/json";
	send_store(GW_CALL, pending->id, &w);
}

static void on_call(struct http_request *request, void *context)
{
	(void)context;
	size_t size;
	const void *body = http_body(request, &size);
	const struct login_session *who = session_of(request);
	if (!is_same_origin(request)) {
		reply_error(request, 403, "other_origin");
		return;
	}
	if (!who) {
		reply_error(request, 401, "log_in");
		return;
	}
	unsigned wait = login_count_call(&login, http_cookie(request, COOKIE), now_s());
	if (wait > 0) {
		reply_wait(request, wait);
		return;
	}
	json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	send_call(request, who, json);
	json_decref(json);
}

/* --- answers of the store --- */

static int answer_login(struct http_request *request, struct pending *pending, struct reader *r)
{
	char token[LOGIN_TOKEN_SIZE], cookie[160];
	struct login_session who = {0};
	bool good = read_u8(r);
	read_str(r, who.role, sizeof who.role);
	who.second_factor = read_u8(r);
	who.changed = (int64_t)read_u64(r);
	if (!reader_done(r) || (good && !name_is_code(who.role)))
		return -EBADMSG;
	if (!good) {
		login_failed(&login, pending->from, now_s());
		reply_error(request, 403, "wrong_name_or_password");
		return 0;
	}
	login_succeeded(&login, pending->from);
	memcpy(who.name, pending->name, sizeof who.name);
	if (login_open(&login, &who, now_s(), token)) {
		reply_error(request, 500, "no_randomness");
		return 0;
	}
	snprintf(cookie, sizeof cookie, COOKIE "=%s; Path=/; Max-Age=%d; Secure; HttpOnly; SameSite=Strict", token,
		 LOGIN_SESSION_S);
	http_set_header(request, "Set-Cookie", cookie);
	reply_who(request, &who);
	wipe(token, sizeof token);
	wipe(cookie, sizeof cookie);
	return 0;
}

/* 1 while there is more to come. */
static int answer_query(struct http_request *request, struct pending *pending, struct reader *r)
{
	size_t size;
	bool last = read_u8(r);
	const uint8_t *part = read_blob(r, &size);
	if (!reader_done(r))
		return -EBADMSG;
	if (buf_append(&pending->text, part, size, RESULT_MAX_BYTES)) {
		reply_error(request, 500, "too_large");
		return 0;
	}
	if (last) {
		http_set_header(request, "Cache-Control", "no-store");
		if (pending->status == 401) {
			login_close(&login, http_cookie(request, COOKIE));
			streams_review(&streams);
		}
		http_reply(request, pending->status, pending->type, pending->text.data, pending->text.size);
	}
	return last ? 0 : 1;
}

static int take_answer(struct msg *m, void *context)
{
	struct pending *pending = pending_find(m->id);
	struct http_request *request = pending ? find_request(pending) : NULL;
	struct reader r = reader_over(m->payload, m->size);
	(void)context;
	int left = !request                    ? 0
		   : m->type == GW_LOGIN_REPLY ? answer_login(request, pending, &r)
					       : answer_query(request, pending, &r);
	if (pending && left <= 0)
		pending_free(pending);
	return left < 0 ? left : 0;
}

static int take_status(struct msg *m, void *context)
{
	struct pending *pending = pending_find(m->id);
	struct reader r = reader_over(m->payload, m->size);
	unsigned status = read_u16(&r);
	(void)context;
	if (!reader_done(&r) || status < 200 || status > 599)
		return -EBADMSG;
	if (pending)
		pending->status = status;
	return 0;
}

static int take_changed(struct msg *m, void *context)
{
	struct reader r = reader_over(m->payload, m->size);
	uint64_t since = read_u64(&r), revision = read_u64(&r);
	(void)context;
	if (!reader_done(&r))
		return -EBADMSG;
	streams_changed(&streams, since, revision);
	return 0;
}

static const struct channel_row answers[] = {
    {GW_LOGIN_REPLY, 1, CHANNEL_ANY_BYTES, take_answer},
    {GW_RESULT, 1, CHANNEL_ANY_BYTES, take_answer},
    {GW_STATUS, 2, 2, take_status},
    {GW_CHANGED, 16, 16, take_changed},
};

static struct channel store = CHANNEL("the store", answers), parent = {.peer = "the parent"};

static const struct http_route routes[] = {
    {"POST", "/api/login", on_login, LOGIN_MAX_BYTES},
    {"POST", "/api/logout", on_logout, LOGIN_MAX_BYTES},
    {"GET", "/api/session", on_session, 0},
    {"GET", "/api/stream", on_stream, 0},
    {"GET", "/api/sticks", on_view, 0},
    {"GET", "/api/events", on_view, 0},
    {"GET", "/api/stick", on_view, 0},
    {"GET", "/api/alarms", on_view, 0},
    {"GET", "/api/alarm", on_view, 0},
    {"GET", "/api/accounts", on_view, 0},
    {"GET", "/api/requests", on_view, 0},
    {"GET", "/api/shifts", on_view, 0},
    {"POST", "/api/alarms/acknowledge", on_call, CALL_MAX_BYTES},
    {"POST", "/api/alarms/assign", on_call, CALL_MAX_BYTES},
    {"POST", "/api/alarms/comment", on_call, CALL_MAX_BYTES},
    {"POST", "/api/alarms/close", on_call, CALL_MAX_BYTES},
    {"POST", "/api/alarms/shelve", on_call, CALL_MAX_BYTES},
    {"POST", "/api/alarms/unshelve", on_call, CALL_MAX_BYTES},
    {"POST", "/api/alarms/exercise", on_call, CALL_MAX_BYTES},
    {"POST", "/api/shifts/give", on_call, CALL_MAX_BYTES},
    {"POST", "/api/shifts/take", on_call, CALL_MAX_BYTES},
    {"POST", "/api/sticks/revoke", on_call, CALL_MAX_BYTES},
    {"POST", "/api/sticks/unlock", on_call, CALL_MAX_BYTES},
    {"POST", "/api/sticks/release", on_call, CALL_MAX_BYTES},
    {"POST", "/api/gateway/drain", on_call, CALL_MAX_BYTES},
    {"POST", "/api/gateway/open", on_call, CALL_MAX_BYTES},
    {"POST", "/api/gateway/state", on_call, CALL_MAX_BYTES},
    {"POST", "/api/requests/ask", on_call, CALL_MAX_BYTES},
    {"POST", "/api/requests/decide", on_call, CALL_MAX_BYTES},
    {"POST", "/api/requests/export", on_call, CALL_MAX_BYTES},
    {"POST", "/api/accounts/add", on_call, CALL_MAX_BYTES},
    {"POST", "/api/accounts/role", on_call, CALL_MAX_BYTES},
    {"POST", "/api/accounts/password", on_call, CALL_MAX_BYTES},
    {"POST", "/api/accounts/second-factor", on_call, CALL_MAX_BYTES},
    {"POST", "/api/accounts/disable", on_call, CALL_MAX_BYTES},
    {"POST", "/api/accounts/enable", on_call, CALL_MAX_BYTES},
    {"POST", "/api/accounts/unlock", on_call, CALL_MAX_BYTES},
    {"GET", "/metrics", on_metrics, 0},
    {"GET", NULL, on_page, 0},
};

static const char *const headers[][2] = {
    {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
				"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Strict-Transport-Security", "max-age=31536000"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static void serve(void)
{
	char *key = child_read_fd(KEY_FD, PEM_MAX_BYTES), *certificate = child_read_fd(CERTIFICATE_FD, PEM_MAX_BYTES);
	if (!key || !certificate)
		fatal("the console's key or certificate cannot be read: %s", strerror(errno));
	const struct http_options options = {
	    .key_pem = key,
	    .certificate_pem = certificate,
	    .routes = routes,
	    .route_count = sizeof routes / sizeof routes[0],
	    .headers = headers,
	    .header_count = sizeof headers / sizeof headers[0],
	    .connections_max = 200,
	    .connections_per_address_max = 64,
	};
	for (size_t i = 0; i < config.web_count; i++) {
		servers[i] = http_serve(loop, LISTEN_FD + (int)i, &options);
		if (!servers[i])
			fatal("the console does not start at %s: are %s and %s a pair?", config.web[i].text,
			      config.web_key, config.web_certificate);
	}
	wipe(key, strlen(key));
	free(key);
	free(certificate);
	metrics_token = child_read_fd(TOKEN_FD, TOKEN_MAX_BYTES);
	if (metrics_token)
		metrics_token[strcspn(metrics_token, "\r\n")] = '\0';
	for (int fd = KEY_FD; fd <= TOKEN_FD; fd++)
		close(fd);
}

int web_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(malloc, wipe_free); /* what secrets were in, it had */
	child_begin("gatewayd web", LISTEN_FD + CONFIG_LISTEN_MAX - 1, &config);
	loop = loop_new();
	if (!loop || streams_begin(&streams, loop) || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    channel_watch(loop, GATEWAY_STORE_FD, &store, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	int error = pages_load(config.console, &pages);
	if (error)
		fatal("the console's pages in %s cannot be read: %s", config.console, strerror(-error));
	serve();
	if (sandbox_enter(&self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_run(loop);
	return store.error || parent.error ? 1 : 0;
}
