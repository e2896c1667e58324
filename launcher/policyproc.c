#include <errno.h>
#include <jansson.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/children.h"
#include "launcher/messages.h"
#include "launcher/policy_answer.h"
#include "launcher/policy_mint.h"
#include "launcher/policy_store.h"

static const struct self self = {
    .name = "policy",
    .holds = "the verified whitelist and list of gateways; the key of this start's certificate authority",
    .reads = "signed envelopes, verified before they are parsed; questions of brokers",
    .speaks_to = "launcher, brokers",
    .promises = PROMISE_BASE | PROMISE_SEND,
    .open_files_max = 32,
    .memory_max_bytes = 256 << 20,
    .locked = true,
};

enum { SESSIONS_MAX = 4, LOADED_REST_BYTES = 8192 /* certificate, note and numbers */ };

/* One broker. It is answered about its bank alone, whatever it asks. */
struct session {
	uint32_t id; /* 0: free */
	struct channel channel;
	char bank[WHITELIST_ID_BYTES];
};

static struct policy {
	struct loop *loop;
	struct policy_store store;
	struct mint *mint;        /* NULL until a policy is loaded */
	int64_t time, time_at_ms; /* the clock as the launcher last gave it, and when that was */
	struct session sessions[SESSIONS_MAX];
} policy;

static void set_time(uint64_t now)
{
	policy.time = (int64_t)(now & INT64_MAX);
	policy.time_at_ms = now_ms();
}

/* Ours goes on by itself: the system's clock is the launcher's to set, and it may do so at any moment. */
static int64_t time_now(void) { return policy.time + (now_ms() - policy.time_at_ms) / 1000; }

/* --- sessions --- */

static void session_end(struct session *session)
{
	channel_unwatch(&session->channel);
	close(session->channel.fd);
	session->id = 0;
}

static int session_answer(const struct session *session, const struct msg *query)
{
	static struct answer answer;
	int error = answer_query(policy.store.whitelist, session->bank, policy.mint, time_now(), query->type,
				 query->payload, query->size, &answer);
	if (!error)
		error = msg_send(session->channel.fd, (uint16_t)answer.type, query->id, answer.payload, answer.size);
	wipe(&answer, sizeof answer);
	return error;
}

static int take_query(struct msg *m, void *context) { return session_answer(context, m); }

static void on_broker_ended(int error, void *context)
{
	struct session *session = context;
	if (error)
		log_warn("the broker of session %u is cut off", session->id);
	session_end(session);
}

static const struct channel_row questions[] = {
    {MSG_QUERY_HOST, 1, CHANNEL_ANY_BYTES, take_query},
    {MSG_QUERY_NAME, 1, CHANNEL_ANY_BYTES, take_query},
};

static struct session *session_find(uint32_t id)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (policy.sessions[i].id == id)
			return &policy.sessions[i];
	return NULL;
}

static int session_begin(const struct msg *m, const char *bank, int channel)
{
	struct session *session = session_find(0);
	if (m->id == 0 || session_find(m->id) || !session)
		return -EBUSY;
	if (!whitelist_bank(policy.store.whitelist, bank))
		return -ENOENT;
	*session = (struct session){.channel = CHANNEL("a broker", questions)};
	session->channel.ended = on_broker_ended;
	int error = channel_watch(policy.loop, channel, &session->channel, session);
	if (error)
		return error;
	session->id = m->id;
	memcpy(session->bank, bank, strlen(bank) + 1);
	return 0;
}

/* --- what the launcher says --- */

static void say_loaded(void)
{
	const struct policy_store *store = &policy.store;
	const size_t capacity = store->policy_json_size + store->gateways_json_size + LOADED_REST_BYTES;
	uint8_t *payload = malloc(capacity);
	struct writer w = writer_over(payload, payload ? capacity : 0);
	write_u64(&w, store->whitelist->version);
	write_u64(&w, (uint64_t)store->whitelist->expires);
	write_u8(&w, store->whitelist->pin);
	write_str(&w, mint_authority_pem(policy.mint));
	write_blob(&w, store->policy_json, store->policy_json_size);
	write_blob(&w, store->gateways_json, store->gateways_json_size);
	write_str(&w, store->note);
	int error = w.failed ? -EMSGSIZE : msg_send(CHILD_CHANNEL_FD, MSG_POLICY_LOADED, 0, payload, w.size);
	free(payload);
	if (error)
		fatal("the launcher cannot be told of the policy: %s", strerror(-error));
}

static void say_refused(uint8_t what, const struct store_refusal *refusal)
{
	uint8_t payload[STORE_CODE_BYTES + STORE_SENTENCE_BYTES + 16];
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, what);
	write_str(&w, refusal->code);
	write_str(&w, refusal->sentence);
	log_warn("%s", refusal->sentence);
	int error = msg_send(CHILD_CHANNEL_FD, MSG_POLICY_REFUSED, 0, payload, w.size);
	if (error)
		fatal("the launcher cannot be told of a refusal: %s", strerror(-error));
}

static struct blob take_blob(struct reader *r)
{
	struct blob b;
	b.data = read_blob(r, &b.size);
	return b;
}

static int take_load(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	struct store_sources sources;
	struct store_refusal refusal = {.code = "no_memory", .sentence = "out of memory"};
	sources.roots = take_blob(&r);
	sources.policy = take_blob(&r);
	sources.kept_policy = take_blob(&r);
	sources.gateways = take_blob(&r);
	sources.kept_gateways = take_blob(&r);
	uint64_t now = read_u64(&r);
	sources.policy_floor = read_u64(&r);
	sources.gateways_floor = read_u64(&r);
	if (!reader_done(&r) || policy.mint)
		return -EBADMSG;
	set_time(now);
	int error = store_load(&policy.store, &sources, time_now(), &refusal);
	if (!error)
		error = mint_new(&policy.mint);
	if (!error)
		say_loaded();
	else if (error == -EIO)
		return error;
	else
		say_refused(0, &refusal);
	if (error)
		store_free(&policy.store);
	return 0;
}

/* What they were answered may not be true any more; a broker that does not take the word is cut off. */
static void tell_sessions(void)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct session *session = &policy.sessions[i];
		if (session->id && msg_send(session->channel.fd, MSG_ANSWERS_OLD, 0, NULL, 0) < 0) {
			log_warn("the broker of session %u does not read: it is cut off", session->id);
			session_end(session);
		}
	}
}

static int take_offer(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	struct store_refusal refusal = {.code = "no_memory", .sentence = "out of memory"};
	struct blob envelope = take_blob(&r);
	uint64_t now = read_u64(&r);
	if (!reader_done(&r) || !policy.mint)
		return -EBADMSG;
	set_time(now);
	policy.store.note[0] = '\0';
	if (store_offer(&policy.store, envelope, time_now(), &refusal)) {
		say_refused(1, &refusal);
		return 0;
	}
	tell_sessions();
	say_loaded();
	return 0;
}

/* A session that cannot begin is a channel that closes: its broker ends, and the launcher with it the session. */
static int take_session(struct msg *m, void *context)
{
	(void)context;
	char bank[WHITELIST_ID_BYTES];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, bank, sizeof bank);
	int channel = msg_take_fd(m, 0);
	if (!reader_done(&r) || !policy.mint || channel < 0) {
		if (channel >= 0)
			close(channel);
		return -EBADMSG;
	}
	int error = mint_begin_session(policy.mint);
	if (!error)
		error = session_begin(m, bank, channel);
	if (error) {
		log_warn("no session of bank %s: %s", bank, strerror(-error));
		close(channel);
	}
	return 0;
}

static int take_end(struct msg *m, void *context)
{
	(void)context;
	struct session *session = m->id ? session_find(m->id) : NULL;
	if (session)
		session_end(session);
	return m->size == 0 ? 0 : -EBADMSG;
}

static int take_time(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	uint64_t now = read_u64(&r);
	if (!reader_done(&r))
		return -EBADMSG;
	set_time(now);
	return 0;
}

static const struct channel_row orders[] = {
    {MSG_POLICY_LOAD, 1, POLICY_LOAD_MAX_BYTES, take_load},
    {MSG_POLICY_OFFER, 1, POLICY_OFFER_MAX_BYTES, take_offer},
    {MSG_POLICY_SESSION, 1, CHANNEL_ANY_BYTES, take_session},
    {MSG_POLICY_END, 0, 0, take_end},
    {MSG_POLICY_TIME, sizeof(uint64_t), sizeof(uint64_t), take_time},
};

static struct channel launcher = CHANNEL("the launcher", orders);

static void forget(void)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (policy.sessions[i].id)
			session_end(&policy.sessions[i]);
	mint_free(policy.mint);
	store_free(&policy.store);
	channel_unwatch(&launcher);
	loop_free(policy.loop);
}

int policy_main(void)
{
	close_above(CHILD_CHANNEL_FD);
	if (psa_crypto_init() != PSA_SUCCESS)
		fatal("the crypto library does not start");
	json_object_seed(0); /* jansson would open /dev/urandom at its first object */
	policy.loop = loop_new();
	if (!policy.loop || channel_watch(policy.loop, CHILD_CHANNEL_FD, &launcher, NULL))
		fatal("no event loop: %s", strerror(errno));
	if (sandbox_enter(&self))
		return 1;
	int error = msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0);
	if (!error)
		error = loop_run(policy.loop);
	forget();
	return error || launcher.error ? 1 : 0;
}
