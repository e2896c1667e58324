#include "launcher/broker_policy.h"

#include <errno.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"

enum {
	ANSWER_TIMEOUT_MS = 5000,
	FRESH_MS = 60000,
	QUESTIONS_MAX = 256,
	NAMES_KEPT = 256,
	HOSTS_KEPT = 64,
	ANCHORS_MAX = 16,
};

struct question {
	uint32_t id; /* 0: free */
	int64_t due_ms;
	char name[HOST_MAX_BYTES + 1];
	uint16_t port;
	policy_name_fn *name_fn; /* one of the two; both NULL once cancelled */
	policy_host_fn *host_fn;
	void *context;
};

struct known_name {
	char name[HOST_MAX_BYTES + 1];
	int64_t until_ms;
	enum refusal refusal;
};

struct known_host {
	struct bank_host *host; /* NULL: free */
	int64_t until_ms;
};

struct policy {
	struct loop *loop;
	struct channel channel;
	struct loop_timer *timer;
	policy_lost_fn *lost;
	void *lost_context;
	policy_changed_fn *changed; /* NULL: nobody asks */
	void *changed_context;
	uint32_t last_id;
	struct question questions[QUESTIONS_MAX];
	struct known_name names[NAMES_KEPT]; /* a ring: a page with many refused names forgets the oldest */
	size_t next_name;
	struct known_host hosts[HOSTS_KEPT];
};

struct bank_host *bank_host_keep(struct bank_host *host)
{
	host->references++;
	return host;
}

void bank_host_drop(struct bank_host *host)
{
	if (!host || --host->references > 0)
		return;
	mbedtls_x509_crt_free(&host->anchors);
	mbedtls_x509_crt_free(&host->leaf);
	mbedtls_pk_free(&host->key);
	for (size_t i = 0; i < host->session_count; i++)
		mbedtls_ssl_session_free(&host->sessions[i].tls);
	free(host);
}

static bool read_anchors(struct bank_host *host, const uint8_t *anchors, size_t size)
{
	struct reader r = reader_over(anchors, size);
	size_t count = 0;
	while (r.at < r.size && count < ANCHORS_MAX) {
		size_t der_size;
		const uint8_t *der = read_blob(&r, &der_size);
		if (!der || mbedtls_x509_crt_parse_der(&host->anchors, der, der_size) != 0)
			return false;
		count++;
	}
	return reader_done(&r) && count > 0;
}

static bool read_keys(struct reader *r, struct pin *keys, size_t most, size_t *count)
{
	*count = read_u8(r);
	for (size_t i = 0; i < *count; i++) {
		size_t size;
		const uint8_t *key = read_blob(r, &size);
		if (i >= most || !key || size != PIN_BYTES)
			return false;
		memcpy(keys[i].sha256, key, PIN_BYTES);
	}
	return !r->failed;
}

static bool read_pins(struct bank_host *host, struct reader *r)
{
	return read_keys(r, host->pins, PINS_MAX, &host->pin_count) && host->pin_count > 0 &&
	       read_keys(r, host->revoked, REVOKED_MAX, &host->revoked_count);
}

static bool read_leaf(struct bank_host *host, struct reader *r)
{
	size_t leaf_size, key_size;
	const uint8_t *leaf = read_blob(r, &leaf_size);
	const uint8_t *key = read_blob(r, &key_size);
	return leaf && key && reader_done(r) && mbedtls_x509_crt_parse_der(&host->leaf, leaf, leaf_size) == 0 &&
	       mbedtls_pk_parse_key(&host->key, key, key_size, NULL, 0, mbedtls_psa_get_random,
				    MBEDTLS_PSA_RANDOM_STATE) == 0;
}

/* Over both in one buffer, each pin of fixed size: the payload up to where the leaf begins. */
static bool hash_trust(struct bank_host *host, const void *payload, size_t size)
{
	size_t hash_size;
	return psa_hash_compute(PSA_ALG_SHA_256, payload, size, host->trust, sizeof host->trust, &hash_size) ==
	       PSA_SUCCESS;
}

struct bank_host *bank_host_read(const char *name, uint16_t port, const void *payload, size_t size)
{
	struct reader r = reader_over(payload, size);
	struct bank_host *host = calloc(1, sizeof *host);
	size_t anchors_size;
	if (!host)
		return NULL;
	host->references = 1;
	host->port = port;
	memcpy(host->name, name, strlen(name) + 1);
	mbedtls_x509_crt_init(&host->anchors);
	mbedtls_x509_crt_init(&host->leaf);
	mbedtls_pk_init(&host->key);
	const uint8_t *anchors = read_blob(&r, &anchors_size);
	if (anchors && read_anchors(host, anchors, anchors_size) && read_pins(host, &r) &&
	    hash_trust(host, payload, r.at) && read_leaf(host, &r))
		return host;
	bank_host_drop(host);
	return NULL;
}

static struct known_name *find_name(struct policy *policy, const char *name)
{
	for (size_t i = 0; i < NAMES_KEPT; i++)
		if (policy->names[i].until_ms > now_ms() && strcmp(policy->names[i].name, name) == 0)
			return &policy->names[i];
	return NULL;
}

static void remember_name(struct policy *policy, const char *name, enum refusal refusal)
{
	struct known_name *known = find_name(policy, name);
	if (!known) {
		known = &policy->names[policy->next_name];
		policy->next_name = (policy->next_name + 1) % NAMES_KEPT;
	}
	*known = (struct known_name){.until_ms = now_ms() + FRESH_MS, .refusal = refusal};
	memcpy(known->name, name, strlen(name) + 1);
}

static struct known_host *find_host(struct policy *policy, const char *name, uint16_t port)
{
	for (size_t i = 0; i < HOSTS_KEPT; i++) {
		struct known_host *known = &policy->hosts[i];
		if (known->host && known->host->port == port && strcmp(known->host->name, name) == 0)
			return known;
	}
	return NULL;
}

static void forget_host(struct known_host *known)
{
	if (known)
		bank_host_drop(known->host);
	if (known)
		*known = (struct known_host){0};
}

static struct known_host *place_for_host(struct policy *policy)
{
	struct known_host *oldest = &policy->hosts[0];
	for (size_t i = 0; i < HOSTS_KEPT; i++) {
		if (!policy->hosts[i].host)
			return &policy->hosts[i];
		if (policy->hosts[i].until_ms < oldest->until_ms)
			oldest = &policy->hosts[i];
	}
	forget_host(oldest);
	return oldest;
}

static void move_experience(struct bank_host *from, struct bank_host *to)
{
	if (memcmp(from->trust, to->trust, sizeof from->trust) != 0)
		return;
	memcpy(to->sessions, from->sessions, sizeof to->sessions);
	to->session_count = from->session_count;
	to->without_pss = from->without_pss;
	to->chains = from->chains;
	from->session_count = 0;
}

static void remember_host(struct policy *policy, struct bank_host *host)
{
	struct known_host *known = find_host(policy, host->name, host->port);
	if (known)
		move_experience(known->host, host);
	forget_host(known);
	known = known ? known : place_for_host(policy);
	*known = (struct known_host){.host = bank_host_keep(host), .until_ms = now_ms() + FRESH_MS};
}

static void arm_timer(struct policy *policy)
{
	int64_t first = -1;
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		const struct question *q = &policy->questions[i];
		if (q->id && (first < 0 || q->due_ms < first))
			first = q->due_ms;
	}
	int64_t left = first - now_ms();
	loop_timer_set(policy->timer, first < 0 ? -1 : left < 0 ? 0 : left);
}

/* The slot is free before fn runs, which may ask again. */
static void answer(struct policy *policy, struct question *question, enum refusal refusal, struct bank_host *host)
{
	struct question q = *question;
	*question = (struct question){0};
	arm_timer(policy);
	if (q.name_fn)
		q.name_fn(refusal, q.context);
	else if (q.host_fn)
		q.host_fn(refusal, host, q.context);
}

static void on_timer(void *context)
{
	struct policy *policy = context;
	for (size_t i = 0; i < QUESTIONS_MAX; i++)
		if (policy->questions[i].id && policy->questions[i].due_ms <= now_ms())
			answer(policy, &policy->questions[i], REFUSAL_NO_SESSION, NULL);
	arm_timer(policy);
}

static struct question *find_question(struct policy *policy, uint32_t id)
{
	for (size_t i = 0; id && i < QUESTIONS_MAX; i++)
		if (policy->questions[i].id == id)
			return &policy->questions[i];
	return NULL; /* the answer came after its time */
}

static int take_no(struct msg *m, void *context)
{
	struct policy *policy = context;
	struct question *question = find_question(policy, m->id);
	struct reader r = reader_over(m->payload, m->size);
	unsigned refusal = read_u8(&r);
	if (refusal == REFUSAL_NONE || refusal >= REFUSAL_COUNT)
		return -EBADMSG;
	if (!question)
		return 0;
	if (question->port)
		forget_host(find_host(policy, question->name, question->port));
	else
		remember_name(policy, question->name, (enum refusal)refusal);
	answer(policy, question, (enum refusal)refusal, NULL);
	return 0;
}

static int take_name(struct msg *m, void *context)
{
	struct policy *policy = context;
	struct question *question = find_question(policy, m->id);
	if (!question)
		return 0;
	if (question->port)
		return -EBADMSG;
	remember_name(policy, question->name, REFUSAL_NONE);
	answer(policy, question, REFUSAL_NONE, NULL);
	return 0;
}

static int take_yes(struct msg *m, void *context)
{
	struct policy *policy = context;
	struct question *question = find_question(policy, m->id);
	if (!question)
		return 0;
	if (!question->port)
		return -EBADMSG;
	struct bank_host *host = bank_host_read(question->name, question->port, m->payload, m->size);
	if (!host)
		return -EBADMSG;
	remember_host(policy, host);
	answer(policy, question, REFUSAL_NONE, host);
	bank_host_drop(host);
	return 0;
}

/* Hosts are kept for their sessions with the bank, which outlive an answer of the same anchors and pins. */
static int take_old(struct msg *m, void *context)
{
	struct policy *policy = context;
	(void)m;
	for (size_t i = 0; i < NAMES_KEPT; i++)
		policy->names[i].until_ms = 0;
	for (size_t i = 0; i < HOSTS_KEPT; i++)
		policy->hosts[i].until_ms = 0;
	if (policy->changed)
		policy->changed(policy->changed_context);
	return 0;
}

static void lose(struct policy *policy, const char *why)
{
	channel_unwatch(&policy->channel);
	policy->lost(why, policy->lost_context);
}

static void on_ended(int error, void *context)
{
	lose(context, error ? "the policy process sent what cannot be read" : "the policy process has ended");
}

static const struct channel_row answers[] = {
    {MSG_ANSWER_NO, 1, 1, take_no},
    {MSG_ANSWER_YES, 1, CHANNEL_ANY_BYTES, take_yes},
    {MSG_ANSWER_NAME, 0, 0, take_name},
    {MSG_ANSWERS_OLD, 0, 0, take_old},
};

static void send_question(struct policy *policy, const struct question *q)
{
	uint8_t payload[HOST_MAX_BYTES + 16];
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, q->name);
	if (q->port)
		write_u16(&w, q->port);
	if (msg_send(policy->channel.fd, q->port ? MSG_QUERY_HOST : MSG_QUERY_NAME, q->id, payload, w.size) < 0)
		lose(policy, "the policy process does not read");
}

/* The same question twice is sent twice: rare, and the second answer is as good as the first. */
static void ask(struct policy *policy, struct question question)
{
	for (size_t i = 0; i < QUESTIONS_MAX && policy->channel.watch; i++) {
		struct question *q = &policy->questions[i];
		if (q->id)
			continue;
		*q = question;
		q->id = ++policy->last_id ? policy->last_id : ++policy->last_id;
		q->due_ms = now_ms() + ANSWER_TIMEOUT_MS;
		arm_timer(policy);
		send_question(policy, q);
		return;
	}
	if (question.name_fn)
		question.name_fn(REFUSAL_NO_SESSION, question.context);
	else
		question.host_fn(REFUSAL_NO_SESSION, NULL, question.context);
}

void policy_ask_name(struct policy *policy, const char *name, policy_name_fn *fn, void *context)
{
	const struct known_name *known = find_name(policy, name);
	if (known && policy->channel.watch) {
		fn(known->refusal, context);
		return;
	}
	struct question question = {.name_fn = fn, .context = context};
	memcpy(question.name, name, strlen(name) + 1);
	ask(policy, question);
}

void policy_ask_host(struct policy *policy, const char *name, uint16_t port, policy_host_fn *fn, void *context)
{
	struct known_host *known = find_host(policy, name, port);
	if (known && known->until_ms > now_ms() && policy->channel.watch) {
		fn(REFUSAL_NONE, known->host, context);
		return;
	}
	struct question question = {.port = port, .host_fn = fn, .context = context};
	memcpy(question.name, name, strlen(name) + 1);
	ask(policy, question);
}

void policy_cancel(struct policy *policy, const void *context)
{
	for (size_t i = 0; i < QUESTIONS_MAX; i++) {
		struct question *q = &policy->questions[i];
		if (q->id && q->context == context) {
			q->name_fn = NULL;
			q->host_fn = NULL;
		}
	}
}

void policy_on_change(struct policy *policy, policy_changed_fn *fn, void *context)
{
	policy->changed = fn;
	policy->changed_context = context;
}

static bool has_anchor(const struct bank_host *host, const mbedtls_x509_crt *anchor)
{
	for (const mbedtls_x509_crt *c = &host->anchors; c; c = c->next)
		if (c->raw.len == anchor->raw.len && memcmp(c->raw.p, anchor->raw.p, c->raw.len) == 0)
			return true;
	return false;
}

static bool has_key(const struct pin *list, size_t count, const struct pin *key)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(list[i].sha256, key->sha256, PIN_BYTES) == 0)
			return true;
	return false;
}

bool bank_host_still_grants(const struct bank_host *before, const struct bank_host *after)
{
	for (size_t i = 0; i < before->pin_count; i++)
		if (!has_key(after->pins, after->pin_count, &before->pins[i]))
			return false;
	for (size_t i = 0; i < after->revoked_count; i++)
		if (!has_key(before->revoked, before->revoked_count, &after->revoked[i]))
			return false;
	for (const mbedtls_x509_crt *c = &before->anchors; c; c = c->next)
		if (!has_anchor(after, c))
			return false;
	return true;
}

struct policy *policy_new(struct loop *loop, int channel, policy_lost_fn *lost, void *context)
{
	struct policy *policy = calloc(1, sizeof *policy);
	if (!policy)
		return NULL;
	*policy = (struct policy){
	    .loop = loop, .channel = CHANNEL("the policy process", answers), .lost = lost, .lost_context = context};
	policy->channel.ended = on_ended;
	policy->timer = loop_timer(loop, on_timer, policy);
	if (!policy->timer || channel_watch(loop, channel, &policy->channel, policy)) {
		loop_timer_free(policy->timer);
		free(policy);
		return NULL;
	}
	return policy;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	channel_unwatch(&policy->channel);
	loop_timer_free(policy->timer);
	for (size_t i = 0; i < HOSTS_KEPT; i++)
		forget_host(&policy->hosts[i]);
	close(policy->channel.fd);
	free(policy);
}
