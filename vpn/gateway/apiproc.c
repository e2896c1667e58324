/* The API process: the control API (control-api.yaml) inside the tunnel. Who asks is the address WireGuard let in. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "vpn/admission/statement.h"
#include "vpn/gateway/beacon.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/http.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/setup.h"
#include "whitelist/indicators.h"

enum {
	LISTEN_FD = GATEWAY_OWN_FD,
	KEY_FD = GATEWAY_OWN_FD + 1,
	CERTIFICATE_FD = GATEWAY_OWN_FD + 2,
	PEM_MAX_BYTES = 65536,
	SESSION_MAX_BYTES = 512,
	INDICATORS_MAX_BYTES = 64,
	STATEMENT_BODY_MAX_BYTES = 1024,
	TRIES_NOT_SAID = 255,
	/* A stick keeps its connection from one beacon to the next (README.md): as many as descriptors may be open. */
	CONNECTIONS_MIN = 4000,
	OWN_FILES = 96,
};

static struct self self = {
    .name = "api",
    .holds = "the control API's TLS key; the file of known bad hosts, mapped read-only",
    .reads = "HTTP of sticks whose WireGuard key is registered",
    .speaks_to = "sticks, store",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_LISTEN,
    .open_files_max = CONNECTIONS_MIN + OWN_FILES,
};

static struct config config;
static struct loop *loop;
static struct http *http;
static struct indicators indicators;

/* The documents as they are served, policy and list of gateways: asked of the store when there is another one. */
static struct held {
	struct http_document *document; /* NULL: none yet */
	uint64_t serial;
	uint32_t coming; /* the request whose answer brings another one, 0 none: megabytes are asked for once */
} held[2];

static void send_store(uint16_t type, uint32_t id, const struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : msg_send(GATEWAY_STORE_FD, type, id, w->data, w->size);
	if (error)
		fatal("the store does not take a message: %s", strerror(-error));
}

static void count_refused(const char *code, void *context)
{
	(void)context;
	uint8_t data[64];
	struct writer w = writer_over(data, sizeof data);
	write_str(&w, code);
	send_store(GW_API_COUNT, 0, &w);
}

static void reply_error(struct http_request *request, unsigned status, const char *code, const char *sentence)
{
	json_t *json = json_pack("{s:s, s:s}", "error", code, "reason", sentence);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	http_reply_json(request, status, text ? text : "{}");
	free(text);
	json_decref(json);
}

static void on_beacon(struct http_request *request, void *context)
{
	(void)context;
	char why[160];
	size_t size;
	uint8_t data[4096];
	struct beacon beacon;
	const void *body = http_body(request, &size);
	if (beacon_parse(body, size, &beacon, why, sizeof why)) {
		count_refused("malformed", NULL);
		reply_error(request, 400, "malformed", why);
		return;
	}
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, http_peer4(request).s_addr);
	beacon_write(&w, &beacon);
	send_store(GW_BEACON, http_id(request), &w);
}

static void on_session(struct http_request *request, void *context)
{
	(void)context;
	size_t size;
	uint8_t data[64];
	const void *body = http_body(request, &size);
	json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	const char *bank = json_string_value(json_object_get(json, "bank"));
	const json_t *open = json_object_get(json, "open");
	if (!bank || !name_is_bank(bank) || !json_is_boolean(open)) {
		count_refused("malformed", NULL);
		reply_error(request, 400, "malformed", "wants {\"bank\": id, \"open\": true or false}");
	} else {
		struct writer w = writer_over(data, sizeof data);
		write_u32(&w, http_peer4(request).s_addr);
		write_str(&w, bank);
		write_u8(&w, json_is_true(open));
		send_store(GW_OPEN, http_id(request), &w);
	}
	json_decref(json);
}

/* No body: an empty object at most. */
static void on_nonce(struct http_request *request, void *context)
{
	(void)context;
	uint8_t data[8];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, http_peer4(request).s_addr);
	send_store(GW_NONCE, http_id(request), &w);
}

static bool put_base64(struct writer *w, const json_t *json, const char *name, size_t most, bool required)
{
	uint8_t data[STATEMENT_MAX_BYTES];
	size_t size = 0;
	const json_t *value = json_object_get(json, name);
	const char *text = json_string_value(value);
	if (value && (!text || base64_decode(text, json_string_length(value), data, most, &size)))
		return false;
	write_blob(w, data, size);
	wipe(data, sizeof data);
	return size > 0 || (!required && !value);
}

static void on_statement(struct http_request *request, void *context)
{
	(void)context;
	size_t size;
	uint8_t data[STATEMENT_MAX_BYTES + 3 * STATEMENT_SIGNATURE_BYTES];
	const void *body = http_body(request, &size);
	json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, http_peer4(request).s_addr);
	if (put_base64(&w, json, "statement", STATEMENT_MAX_BYTES, true) &&
	    put_base64(&w, json, "signature", STATEMENT_SIGNATURE_BYTES, true) &&
	    put_base64(&w, json, "pin_signature", STATEMENT_SIGNATURE_BYTES, false)) {
		send_store(GW_STATEMENT, http_id(request), &w);
	} else {
		count_refused("malformed", NULL);
		reply_error(request, 400, "malformed",
			    "wants {\"statement\", \"signature\" and, with a PIN, \"pin_signature\"}, each in base64");
	}
	json_decref(json);
	wipe(data, sizeof data); /* a statement has the stick's one-time token in it */
}

static void fetch(struct http_request *request, uint8_t what)
{
	uint8_t data[16];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, http_peer4(request).s_addr);
	write_u8(&w, what);
	write_u64(&w, held[what].coming ? GW_FETCH_COMING : held[what].serial);
	if (!held[what].coming)
		held[what].coming = http_id(request);
	send_store(GW_FETCH, http_id(request), &w);
}

static void on_policy(struct http_request *request, void *context) { (void)context, fetch(request, 0); }
static void on_gateways(struct http_request *request, void *context) { (void)context, fetch(request, 1); }

/* --- known bad hosts --- */

/* Neither logged nor counted nor kept: what a stick asks here is nobody's business (indicators(5)). */
static void on_indicators(struct http_request *request, void *context)
{
	(void)context;
	static char text[BASE64_ENCODED_SIZE(INDICATOR_BUCKET_MAX * INDICATOR_ENTRY_BYTES) + 32];
	size_t size;
	const void *body = http_body(request, &size);
	json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *prefix = json_object_get(json, "prefix");
	const json_int_t number = json_integer_value(prefix);
	if (!json_is_integer(prefix) || number < 0 || number >= (json_int_t)INDICATOR_BUCKETS) {
		count_refused("malformed", NULL);
		reply_error(request, 400, "malformed", "wants {\"prefix\": 0 to 4095}");
	} else if (!indicators.data) {
		reply_error(request, 404, "none", "this gateway has no list of known bad hosts");
	} else {
		const uint8_t *bucket = indicators_bucket(&indicators, (unsigned)number, &size);
		size_t length = (size_t)snprintf(text, sizeof text, "{\"entries\":\"");
		base64_encode(bucket, size, text + length);
		length += strlen(text + length);
		snprintf(text + length, sizeof text - length, "\"}");
		http_reply_json(request, 200, text);
	}
	json_decref(json);
}

/* A file that cannot be used leaves the one before in force. */
static int take_indicators(struct msg *m, void *context)
{
	(void)context;
	struct indicators fresh;
	uint8_t data[64];
	struct writer w = writer_over(data, sizeof data);
	int fd = msg_take_fd(m, 0);
	if (fd < 0)
		return -EBADMSG;
	int error = indicators_map(fd, &fresh);
	close(fd);
	if (error && error != -ENODATA) {
		log_error("%s: no file of indicators (%s): the one before stays in force; import the lists again",
			  config.indicators, strerror(-error));
	} else {
		indicators_unmap(&indicators);
		indicators = fresh;
	}
	write_u64(&w, indicators.count);
	write_u64(&w, (uint64_t)indicators.made);
	write_str(&w, error && error != -ENODATA ? "damaged" : "");
	send_store(GW_API_INDICATORS, 0, &w);
	return 0;
}

/* --- answers of the store --- */

/* Codes, numbers and base64 only: nothing here needs escaping. */
static int answer_beacon(struct http_request *request, struct reader *r)
{
	char state[CODE_SIZE], reason[CODE_SIZE], text[512];
	char token_text[BASE64_ENCODED_SIZE(STATEMENT_TOKEN_BYTES)] = "";
	size_t token_size;
	read_str(r, state, sizeof state);
	read_str(r, reason, sizeof reason);
	uint32_t valid_s = read_u32(r);
	uint64_t policy = read_u64(r), gateways = read_u64(r);
	uint32_t lease_s = read_u32(r);
	const uint8_t *token = read_blob(r, &token_size);
	uint8_t tries_left = read_u8(r);
	uint32_t drain_s = read_u32(r);
	if (!reader_done(r) || token_size > STATEMENT_TOKEN_BYTES)
		return -EBADMSG;
	base64_encode(token, token_size, token_text);
	int used = snprintf(text, sizeof text,
			    "{\"state\":\"%s\",\"reason\":\"%s\",\"time\":%lld,\"valid_s\":%" PRIu32
			    ",\"policy_version\":%" PRIu64 ",\"gateways_version\":%" PRIu64 ",\"lease_s\":%" PRIu32
			    ",\"token\":\"%s\"",
			    state, reason, (long long)time(NULL), valid_s, policy, gateways, lease_s, token_text);
	if (tries_left != TRIES_NOT_SAID)
		used += snprintf(text + used, sizeof text - (size_t)used, ",\"tries_left\":%u", tries_left);
	if (drain_s)
		used += snprintf(text + used, sizeof text - (size_t)used, ",\"drain_s\":%" PRIu32, drain_s);
	snprintf(text + used, sizeof text - (size_t)used, "}");
	http_reply_json(request, 200, text);
	wipe(text, sizeof text);
	wipe(token_text, sizeof token_text);
	return 0;
}

static int answer_nonce(struct http_request *request, struct reader *r)
{
	char reason[CODE_SIZE], text[160], nonce_text[BASE64_ENCODED_SIZE(STATEMENT_NONCE_BYTES)] = "";
	size_t size;
	read_str(r, reason, sizeof reason);
	const uint8_t *nonce = read_blob(r, &size);
	if (!reader_done(r) || size > STATEMENT_NONCE_BYTES)
		return -EBADMSG;
	base64_encode(nonce, size, nonce_text);
	snprintf(text, sizeof text, "{\"reason\":\"%s\",\"nonce\":\"%s\"}", reason, nonce_text);
	http_reply_json(request, 200, text);
	return 0;
}

static int answer_open(struct http_request *request, struct reader *r)
{
	char reason[CODE_SIZE], text[96];
	bool good = read_u8(r);
	read_str(r, reason, sizeof reason);
	if (!reader_done(r))
		return -EBADMSG;
	if (good)
		snprintf(text, sizeof text, "{\"ok\":true}");
	else
		snprintf(text, sizeof text, "{\"ok\":false,\"reason\":\"%s\"}", reason);
	http_reply_json(request, 200, text);
	return 0;
}

static void hold(struct held *held_one, uint64_t serial, uint64_t version, const uint8_t *envelope, size_t size)
{
	char tag[24];
	snprintf(tag, sizeof tag, "\"%" PRIu64 "\"", version);
	const char *const headers[][2] = {{"Content-Type", "application/json"}, {"ETag", tag}};
	http_document_free(held_one->document);
	held_one->document = http_document_new(http, headers, 2, envelope, size);
	held_one->serial = held_one->document ? serial : 0;
}

/* Also where who asked has gone in the meantime (NULL): others wait for what his answer brings. */
static int answer_fetch(uint32_t id, struct http_request *request, struct reader *r)
{
	size_t size;
	const uint8_t what = read_u8(r);
	bool known = read_u8(r);
	uint64_t serial = read_u64(r), version = read_u64(r);
	const uint8_t *envelope = read_blob(r, &size);
	if (!reader_done(r) || what >= sizeof held / sizeof held[0])
		return -EBADMSG;
	if (size > 0)
		hold(&held[what], serial, version, envelope, size);
	bool own = held[what].coming == id;
	if (own)
		held[what].coming = 0;
	if (!request)
		return 0;
	if (!known)
		reply_error(request, 403, "not_registered", "this address is not a registered stick's");
	else if (serial != held[what].serial && serial != 0 && !own)
		fetch(request, what); /* another one came into force in between */
	else if (serial == 0 || serial != held[what].serial)
		reply_error(request, 404, "none", "this gateway has no such document in force");
	else
		http_reply_document(request, 200, held[what].document);
	return 0;
}

/* Who asked may have gone in the meantime. */
static int take_answer(struct msg *m, void *context)
{
	struct http_request *request = http_find(http, m->id);
	struct reader r = reader_over(m->payload, m->size);
	(void)context;
	if (m->type == GW_FETCH_REPLY)
		return answer_fetch(m->id, request, &r);
	if (!request)
		return 0;
	return m->type == GW_BEACON_REPLY  ? answer_beacon(request, &r)
	       : m->type == GW_NONCE_REPLY ? answer_nonce(request, &r)
					   : answer_open(request, &r);
}

static const struct channel_row answers[] = {
    {GW_BEACON_REPLY, 1, CHANNEL_ANY_BYTES, take_answer},
    {GW_NONCE_REPLY, 1, CHANNEL_ANY_BYTES, take_answer},
    {GW_OPEN_REPLY, 1, CHANNEL_ANY_BYTES, take_answer},
    {GW_FETCH_REPLY, 1, GW_LARGE_MAX_BYTES, take_answer},
};

static const struct channel_row orders[] = {{GW_INDICATORS, 0, 0, take_indicators}};

static struct channel store = CHANNEL("the store", answers), parent = CHANNEL("the parent", orders);

/* Of the parent's limit, which is made for this (setup_open_files()). */
static unsigned connections_max(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_max < CONNECTIONS_MIN + OWN_FILES)
		return CONNECTIONS_MIN;
	return files.rlim_max < SETUP_CONNECTIONS_MAX ? (unsigned)files.rlim_max - OWN_FILES : SETUP_CONNECTIONS_MAX;
}

static void serve(void)
{
	static const struct http_route routes[] = {
	    {"POST", "/v1/beacon", on_beacon, BEACON_MAX_BYTES},
	    {"POST", "/v1/session", on_session, SESSION_MAX_BYTES},
	    {"POST", "/v1/indicators", on_indicators, INDICATORS_MAX_BYTES},
	    {"POST", "/v1/nonce", on_nonce, 16},
	    {"POST", "/v1/admission", on_statement, STATEMENT_BODY_MAX_BYTES},
	    {"GET", "/v1/policy", on_policy, 0},
	    {"GET", "/v1/gateways", on_gateways, 0},
	};
	static const char *const headers[][2] = {{"Cache-Control", "no-store"}};
	char *key = child_read_fd(KEY_FD, PEM_MAX_BYTES), *certificate = child_read_fd(CERTIFICATE_FD, PEM_MAX_BYTES);
	if (!key || !certificate)
		fatal("the control API's key or certificate cannot be read: %s", strerror(errno));
	close(KEY_FD);
	close(CERTIFICATE_FD);
	const struct http_options options = {
	    .key_pem = key,
	    .certificate_pem = certificate,
	    .routes = routes,
	    .route_count = sizeof routes / sizeof routes[0],
	    .headers = headers,
	    .header_count = sizeof headers / sizeof headers[0],
	    .connections_max = connections_max(),
	    .connections_per_address_max = 8,
	    .refused = count_refused,
	};
	self.open_files_max = options.connections_max + OWN_FILES;
	http = http_serve(loop, LISTEN_FD, &options);
	if (!http)
		fatal("the control API does not start: are %s and %s a pair?", config.control_key,
		      config.control_certificate);
	wipe(key, strlen(key));
	free(key);
	free(certificate);
}

int api_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(malloc, wipe_free); /* what secrets were in, it had */
	child_begin("gatewayd api", CERTIFICATE_FD, &config);
	loop = loop_new();
	if (!loop || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    channel_watch(loop, GATEWAY_STORE_FD, &store, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	serve();
	if (sandbox_enter(&self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_run(loop);
	http_free(http);
	indicators_unmap(&indicators);
	return store.error || parent.error ? 1 : 0;
}
