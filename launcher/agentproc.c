#include <errno.h>
#include <jansson.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/envelope.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/agent_http.h"
#include "launcher/agent_inquiry.h"
#include "launcher/agent_talk.h"
#include "launcher/children.h"
#include "launcher/messages.h"

static const struct self self = {
    .name = "agent",
    .holds = "nothing secret: the gateway's anchor and pin, this stick's name",
    .reads = "the gateway's replies",
    .speaks_to = "launcher; the gateway's control API through the tunnel",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_INET,
    .open_files_max = 64,
    .memory_max_bytes = 128ULL << 20,
};

enum {
	BEACON_MS = 30000,
	RETRY_FIRST_MS = 2000,
	RETRY_MAX_MS = 30000,
	SESSION_TRIES = 2,
	SESSIONS_MAX = 4,
	HEALTH_MAX = 2048,
	PEM_MAX = 8192,
	ADDRESS_MAX = 64,
	SERVER_NAME_MAX = 254,
	BANK_MAX = 64,
	FETCHES = 2, /* 0 policy, 1 gateways */
};

/* One thing asked of the gateway again and again until it answers. */
struct task {
	struct loop_timer *timer;
	int64_t retry_ms;
	bool under_way;
};

struct opening {
	uint32_t session; /* 0: free */
	char bank[BANK_MAX];
	bool open;
	int tries;
};

static struct {
	struct loop *loop;
	struct http *http;
	struct talk_self stick;
	bool configured;
	uint64_t sequence;
	char health[HEALTH_MAX];
	size_t health_size;
	struct task beacon;
	bool fetching[FETCHES];
	bool beacon_again; /* asked for while one was under way */
	bool goodbye;
	struct opening openings[SESSIONS_MAX];
	struct inquirer inquirer;
	struct loop_timer *inquiring;
} agent;

static void send_control(uint16_t type, uint32_t id, const struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : msg_send(CHILD_CHANNEL_FD, type, id, w->data, w->size);
	if (error)
		fatal("telling the launcher: %s", strerror(-error));
}

/* What went wrong with a request, as a sentence; "" if it did not. */
static void say_failure(const struct http_reply *reply, const char *wrong, char *out, size_t capacity)
{
	char reason[TALK_REASON_MAX_BYTES];
	if (reply->status == 0) {
		snprintf(out, capacity, "%s", reply->sentence);
	} else if (reply->status != 200) {
		talk_read_error(reply->body, reply->size, reason);
		snprintf(out, capacity, "the gateway answered with HTTP status %ld%s%s", reply->status,
			 reason[0] ? ": " : "", reason);
	} else {
		snprintf(out, capacity, "the gateway's answer cannot be used: %s", wrong);
	}
}

static void tell_error(const char *sentence)
{
	uint8_t payload[HTTP_SENTENCE_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	log_warn("%s", sentence);
	write_str(&w, sentence);
	send_control(MSG_AGENT_ERROR, 0, &w);
}

/* Wait twice as long each time: a gateway that comes back is not met by all its sticks at once. */
static void retry(struct task *task)
{
	task->retry_ms = task->retry_ms == 0 ? RETRY_FIRST_MS : task->retry_ms * 2;
	if (task->retry_ms > RETRY_MAX_MS)
		task->retry_ms = RETRY_MAX_MS;
	loop_timer_set(task->timer, task->retry_ms);
}

/* --- beacons --- */

static void send_beacon(void);

static void tell_admission(const struct talk_admission *admission, bool to_statement)
{
	uint8_t payload[TALK_REASON_MAX_BYTES + 128];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, (uint8_t)admission->state);
	write_str(&w, admission->reason);
	write_u64(&w, admission->time);
	write_u32(&w, admission->valid_s);
	write_u64(&w, admission->policy_version);
	write_u64(&w, admission->gateways_version);
	write_u32(&w, admission->lease_s);
	write_u8(&w, to_statement);
	write_blob(&w, admission->token, admission->has_token ? sizeof admission->token : 0);
	write_u8(&w, admission->tries_left);
	send_control(MSG_AGENT_ADMISSION, 0, &w);
	wipe(payload, sizeof payload);
}

static void tell_drain(uint32_t seconds)
{
	uint8_t payload[4];
	struct writer w = writer_over(payload, sizeof payload);
	write_u32(&w, seconds);
	if (seconds)
		send_control(MSG_AGENT_DRAIN, 0, &w);
}

static void say_goodbye_done(void)
{
	const struct writer nothing = {0};
	agent.goodbye = false;
	send_control(MSG_READY, 0, &nothing);
}

static void on_beacon(const struct http_reply *reply, void *context)
{
	struct talk_admission admission;
	const char *wrong = NULL;
	char sentence[HTTP_SENTENCE_BYTES];
	bool last = context != NULL;

	agent.beacon.under_way = false;
	bool good = reply->status == 200 && talk_read_admission(reply->body, reply->size, &admission, &wrong) == 0;
	if (last) {
		say_goodbye_done();
		return;
	}
	if (good) {
		agent.beacon.retry_ms = 0;
		loop_timer_set(agent.beacon.timer, BEACON_MS);
		tell_admission(&admission, false);
		tell_drain(admission.drain_s);
	} else {
		retry(&agent.beacon);
		say_failure(reply, wrong, sentence, sizeof sentence);
		tell_error(sentence);
	}
	if (agent.beacon_again || agent.goodbye)
		send_beacon();
}

static void send_beacon(void)
{
	if (!agent.configured || agent.beacon.under_way) {
		agent.beacon_again = true;
		return;
	}
	agent.beacon_again = false;
	char *json = talk_write_beacon(&agent.stick, ++agent.sequence, agent.health, agent.health_size, agent.goodbye);
	int error = json ? http_request(agent.http, "/v1/beacon", json, TALK_REPLY_MAX_BYTES, on_beacon,
					agent.goodbye ? &agent : NULL)
			 : -ENOMEM;
	free(json);
	if (!error) {
		agent.beacon.under_way = true;
		loop_timer_set(agent.beacon.timer, -1);
		return;
	}
	tell_error("a beacon could not be written");
	retry(&agent.beacon);
}

static void on_beacon_timer(void *context)
{
	(void)context;
	send_beacon();
}

/* --- statements: the launcher begins each of them, and is told how it ended --- */

static void tell_not_stated(const struct http_reply *reply, const char *wrong)
{
	const struct writer nothing = {0};
	char sentence[HTTP_SENTENCE_BYTES];
	say_failure(reply, wrong, sentence, sizeof sentence);
	tell_error(sentence);
	send_control(MSG_AGENT_NOT_STATED, 0, &nothing);
}

static void on_nonce(const struct http_reply *reply, void *context)
{
	(void)context;
	const char *wrong = NULL;
	char reason[TALK_REASON_MAX_BYTES];
	uint8_t nonce[STATEMENT_NONCE_BYTES], payload[TALK_REASON_MAX_BYTES + STATEMENT_NONCE_BYTES + 8];
	if (reply->status != 200 || talk_read_nonce(reply->body, reply->size, nonce, reason, &wrong) < 0) {
		tell_not_stated(reply, wrong);
		return;
	}
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, reason);
	write_blob(&w, nonce, reason[0] ? 0 : sizeof nonce);
	send_control(MSG_AGENT_NONCE, 0, &w);
}

static void on_stated(const struct http_reply *reply, void *context)
{
	(void)context;
	struct talk_admission admission;
	const char *wrong = NULL;
	if (reply->status == 200 && talk_read_admission(reply->body, reply->size, &admission, &wrong) == 0)
		tell_admission(&admission, true);
	else
		tell_not_stated(reply, wrong);
	wipe(&admission, sizeof admission);
}

static void post(const char *path, char *json, http_fn *fn)
{
	const struct writer nothing = {0};
	int error = json ? http_request(agent.http, path, json, TALK_REPLY_MAX_BYTES, fn, NULL) : -ENOMEM;
	free(json);
	if (error)
		send_control(MSG_AGENT_NOT_STATED, 0, &nothing);
}

/* --- policy and gateways --- */

/* When it is tried again the launcher decides. */
static void tell_not_fetched(size_t what, const char *sentence)
{
	uint8_t payload[HTTP_SENTENCE_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	log_warn("%s", sentence);
	write_u8(&w, (uint8_t)what);
	write_str(&w, sentence);
	send_control(MSG_AGENT_NOT_FETCHED, 0, &w);
}

static void on_fetched(const struct http_reply *reply, void *context)
{
	char sentence[HTTP_SENTENCE_BYTES];
	size_t what = (size_t)((const bool *)context - agent.fetching);

	agent.fetching[what] = false;
	if (reply->status != 200 || reply->size == 0) {
		say_failure(reply, "it is empty", sentence, sizeof sentence);
		tell_not_fetched(what, sentence);
		return;
	}
	const size_t capacity = reply->size + 16;
	uint8_t *payload = malloc(capacity);
	struct writer w = writer_over(payload, payload ? capacity : 0);
	write_u8(&w, (uint8_t)what);
	write_blob(&w, reply->body, reply->size);
	send_control(MSG_AGENT_FETCHED, 0, &w);
	free(payload);
}

static void send_fetch(size_t what)
{
	static const char *const paths[FETCHES] = {"/v1/policy", "/v1/gateways"};
	if (agent.fetching[what])
		return;
	if (http_request(agent.http, paths[what], NULL, ENVELOPE_MAX_BYTES, on_fetched, &agent.fetching[what]) < 0)
		tell_not_fetched(what, "out of memory");
	else
		agent.fetching[what] = true;
}

/* --- sessions --- */

static void send_opening(struct opening *opening);

static void reply_opening(struct opening *opening, bool ok, const char *reason)
{
	uint8_t payload[HTTP_SENTENCE_BYTES + 16];
	struct writer w = writer_over(payload, sizeof payload);
	uint32_t session = opening->session;
	*opening = (struct opening){0};
	write_u8(&w, ok);
	write_str(&w, reason);
	send_control(MSG_AGENT_SESSION_REPLY, session, &w);
}

static void on_opening(const struct http_reply *reply, void *context)
{
	struct opening *opening = context;
	char reason[TALK_REASON_MAX_BYTES], sentence[HTTP_SENTENCE_BYTES];
	const char *wrong = NULL;
	bool ok;
	if (reply->status == 200 && talk_read_session(reply->body, reply->size, &ok, reason, &wrong) == 0) {
		reply_opening(opening, ok, reason);
		return;
	}
	say_failure(reply, wrong, sentence, sizeof sentence);
	if (reply->status == 0 && opening->tries < SESSION_TRIES)
		send_opening(opening);
	else
		reply_opening(opening, false, sentence);
}

/* A customer waits: twice at once, then the answer is no. */
static void send_opening(struct opening *opening)
{
	char *json = talk_write_session(opening->bank, opening->open);
	opening->tries++;
	int error =
	    json ? http_request(agent.http, "/v1/session", json, TALK_REPLY_MAX_BYTES, on_opening, opening) : -ENOMEM;
	free(json);
	if (error)
		reply_opening(opening, false, "the gateway could not be asked");
}

/* --- refused hosts: are they known to be bad? --- */

static void inquire(void);

static void tell_known_bad(const char *host, enum indicator_category category)
{
	uint8_t payload[WHITELIST_HOST_BYTES + 8];
	struct writer w = writer_over(payload, sizeof payload);
	if (category == INDICATOR_NONE)
		return;
	write_str(&w, host);
	write_u8(&w, (uint8_t)category);
	send_control(MSG_AGENT_KNOWN_BAD, 0, &w);
}

/* The customer has long been told that the host is refused: a failure is for the log alone, and not tried again. */
static void on_inquired(const struct http_reply *reply, void *context)
{
	(void)context;
	static uint8_t entries[INQUIRY_ENTRIES_MAX_BYTES];
	char host[WHITELIST_HOST_BYTES], sentence[HTTP_SENTENCE_BYTES];
	enum indicator_category category;
	const char *wrong = NULL;
	size_t size;
	if (reply->status == 200 && inquiry_read(reply->body, reply->size, entries, &size, &wrong) == 0) {
		if (inquiry_answer(&agent.inquirer, entries, size, now_ms(), host, &category) == 1)
			tell_known_bad(host, category);
	} else {
		say_failure(reply, wrong, sentence, sizeof sentence);
		log_warn("known bad hosts: %s", sentence);
		inquiry_failed(&agent.inquirer, reply->status == 404, now_ms());
	}
	inquire();
}

static void inquire(void)
{
	int64_t wait_ms;
	int prefix = inquiry_next(&agent.inquirer, now_ms(), &wait_ms);
	loop_timer_set(agent.inquiring, wait_ms);
	if (prefix < 0)
		return;
	char *json = inquiry_write((unsigned)prefix);
	int error = json ? http_request(agent.http, "/v1/indicators", json, INQUIRY_REPLY_MAX_BYTES, on_inquired, NULL)
			 : -ENOMEM;
	free(json);
	if (error)
		inquiry_failed(&agent.inquirer, false, now_ms());
}

static void on_inquiry_timer(void *context)
{
	(void)context;
	inquire();
}

/* --- the launcher's messages --- */

static int take_config(struct msg *m, void *context)
{
	(void)context;
	char address[ADDRESS_MAX], name[SERVER_NAME_MAX], pem[PEM_MAX];
	size_t pin_size, hash_size;
	struct http_server server = {.address = address, .name = name, .certificate_pem = pem};
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, agent.stick.device, sizeof agent.stick.device);
	read_str(&r, agent.stick.boot, sizeof agent.stick.boot);
	read_str(&r, address, sizeof address);
	server.port = read_u16(&r);
	read_str(&r, name, sizeof name);
	read_str(&r, pem, sizeof pem);
	const uint8_t *pin = read_blob(&r, &pin_size);
	read_str(&r, agent.stick.image_version, sizeof agent.stick.image_version);
	const uint8_t *hash = read_blob(&r, &hash_size);
	agent.stick.policy_version = read_u64(&r);
	server.check_dates = read_u8(&r) != 0;
	if (!reader_done(&r) || pin_size != sizeof server.pin || hash_size != sizeof agent.stick.root_hash)
		return -EBADMSG;
	memcpy(server.pin, pin, sizeof server.pin);
	memcpy(agent.stick.root_hash, hash, sizeof agent.stick.root_hash);
	int error = http_use(agent.http, &server);
	if (error)
		fatal("the gateway cannot be set: %s", strerror(-error));
	bool first = !agent.configured;
	agent.configured = true;
	if (first)
		send_beacon();
	return 0;
}

static int take_health(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	size_t size;
	const uint8_t *health = read_blob(&r, &size);
	if (!reader_done(&r) || size > sizeof agent.health)
		return -EBADMSG;
	if (size > 0)
		memcpy(agent.health, health, size);
	agent.health_size = size;
	return 0;
}

static int take_fetch(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	size_t what = read_u8(&r);
	if (!reader_done(&r) || what >= FETCHES || !agent.configured)
		return -EBADMSG;
	send_fetch(what);
	return 0;
}

static int take_session(struct msg *m, void *context)
{
	(void)context;
	struct opening asked = {.session = m->id};
	struct reader r = reader_over(m->payload, m->size);
	asked.open = read_u8(&r) != 0;
	read_str(&r, asked.bank, sizeof asked.bank);
	if (!reader_done(&r) || m->id == 0 || !agent.configured)
		return -EBADMSG;
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (agent.openings[i].session)
			continue;
		agent.openings[i] = asked;
		send_opening(&agent.openings[i]);
		return 0;
	}
	reply_opening(&asked, false, "too many sessions are being opened");
	return 0;
}

static int take_host(struct msg *m, void *context)
{
	(void)context;
	char host[WHITELIST_HOST_BYTES];
	enum indicator_category category;
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, host, sizeof host);
	if (!reader_done(&r) || !agent.configured)
		return -EBADMSG;
	if (inquiry_add(&agent.inquirer, host, now_ms(), &category) == 1)
		tell_known_bad(host, category);
	inquire();
	return 0;
}

static int take_beacon_now(struct msg *m, void *context)
{
	(void)m, (void)context;
	send_beacon();
	return 0;
}

static int take_goodbye(struct msg *m, void *context)
{
	(void)m, (void)context;
	agent.goodbye = true;
	if (agent.configured)
		send_beacon();
	else
		say_goodbye_done();
	return 0;
}

static int take_ask_nonce(struct msg *m, void *context)
{
	(void)m, (void)context;
	if (!agent.configured)
		return -EBADMSG;
	post("/v1/nonce", strdup("{}"), on_nonce);
	return 0;
}

static int take_statement(struct msg *m, void *context)
{
	(void)context;
	struct talk_statement statement;
	struct reader r = reader_over(m->payload, m->size);
	statement.bytes = read_blob(&r, &statement.size);
	statement.signature = read_blob(&r, &statement.signature_size);
	statement.pin_signature = read_blob(&r, &statement.pin_signature_size);
	if (!reader_done(&r) || !agent.configured)
		return -EBADMSG;
	post("/v1/admission", talk_write_statement(&statement), on_stated);
	return 0;
}

static const struct channel_row orders[] = {
    {MSG_AGENT_CONFIG, 1, CHANNEL_ANY_BYTES, take_config},
    {MSG_AGENT_HEALTH, 4, 4 + HEALTH_MAX, take_health},
    {MSG_AGENT_FETCH, 1, 1, take_fetch},
    {MSG_AGENT_SESSION, 1, CHANNEL_ANY_BYTES, take_session},
    {MSG_AGENT_BEACON_NOW, 0, 0, take_beacon_now},
    {MSG_AGENT_GOODBYE, 0, 0, take_goodbye},
    {MSG_AGENT_HOST, 1, CHANNEL_ANY_BYTES, take_host},
    {MSG_AGENT_ASK_NONCE, 0, 0, take_ask_nonce},
    {MSG_AGENT_STATEMENT, 12, CHANNEL_ANY_BYTES, take_statement},
};

static struct channel launcher = CHANNEL("the launcher", orders);

static bool make_timers(void)
{
	agent.beacon.timer = loop_timer(agent.loop, on_beacon_timer, NULL);
	agent.inquiring = loop_timer(agent.loop, on_inquiry_timer, NULL);
	return agent.beacon.timer && agent.inquiring;
}

/* What reads files does it now: the C library its time zone, curl and PSA their set-up. */
static void prepare(void)
{
	close_above(CHILD_CHANNEL_FD);
	tzset();
	json_object_seed(0); /* jansson would open /dev/urandom at its first object */
	if (psa_crypto_init() != PSA_SUCCESS)
		fatal("the cryptographic library cannot be started");
	agent.loop = loop_new();
	agent.http = agent.loop ? http_new(agent.loop) : NULL;
	if (!agent.http || !make_timers() || channel_watch(agent.loop, CHILD_CHANNEL_FD, &launcher, NULL))
		fatal("cannot start: %s", strerror(errno));
}

int agent_main(void)
{
	const struct writer nothing = {0};
	prepare();
	/* One that is started again in the same boot goes on counting above what the gateway has seen. */
	agent.sequence = (uint64_t)now_ms();
	int error = sandbox_enter(&self);
	if (error)
		fatal("the sandbox cannot be entered: %s", strerror(-error));
	send_control(MSG_READY, 0, &nothing);
	error = loop_run(agent.loop);
	return error || launcher.error ? 1 : 0;
}
