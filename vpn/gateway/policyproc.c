/* The policy process: verifies the signed documents, before anything of them is read, and says what they mean. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/bundle.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/plan.h"
#include "whitelist/gateways.h"
#include "whitelist/whitelist.h"

enum { ROOTS_MAX_BYTES = 16384 };

static const struct self self = {
    .name = "policy",
    .holds = "nothing",
    .reads = "roots, policy and list of gateways, by descriptor",
    .speaks_to = "store",
    .promises = PROMISE_BASE | PROMISE_SEND,
    .open_files_max = 32,
};

/* One of the two kinds of document. */
struct document {
	const char *what, *type;
	size_t max_bytes;
	/* Parse and judge a verified payload against `version` (0: none in force). NULL, or a sentence why not. */
	const char *(*judge)(const uint8_t *payload, size_t size, bool kept, char *why, size_t why_size);
	char *kept; /* the store's last good one, until it has been looked at */
	size_t kept_size;
};

static struct config config;
static struct loop *loop;
static struct envelope_roots base, roots; /* of the file; in force: what the policy's chain led to */
static bool have_roots, have_kept, have_files;
static char *files[2];
static size_t file_sizes[2];
static struct whitelist *policy; /* in force */
static uint64_t gateways_version;

/* --- what goes to the store --- */

static void send_store(uint16_t type, const struct writer *w)
{
	int error = w->failed ? -EMSGSIZE : msg_send(GATEWAY_STORE_FD, type, 0, w->data, w->size);
	if (error)
		fatal("the store does not take a message: %s", strerror(-error));
}

static void report_refusal(const char *what, const char *sentence)
{
	uint8_t data[1024];
	struct writer w = writer_over(data, sizeof data);
	log_error("%s refused: %s", what, sentence);
	write_str(&w, what);
	write_str(&w, sentence);
	send_store(GW_DOCUMENT_REFUSED, &w);
}

static void send_envelope(uint16_t type, uint64_t version, const char *envelope, size_t size)
{
	const size_t capacity = size + 32;
	uint8_t *data = malloc(capacity);
	struct writer w = writer_over(data, data ? capacity : 0);
	write_u64(&w, version);
	if (type == GW_POLICY) {
		write_u64(&w, (uint64_t)policy->expires);
		write_u8(&w, policy->pin);
	}
	write_blob(&w, envelope, size);
	send_store(type, &w);
	free(data);
}

static void send_plan(void)
{
	struct plan plan = {.policy_version = policy->version};
	int error = 0;
	for (size_t b = 0; b < policy->bank_count && !error; b++) {
		const struct whitelist_bank *bank = &policy->banks[b];
		for (size_t h = 0; h < bank->host_count && !error; h++)
			error = plan_add(&plan, bank->id, bank->hosts[h].name, bank->hosts[h].ports,
					 bank->hosts[h].port_count);
	}
	const size_t capacity = plan_size(&plan);
	uint8_t *data = malloc(capacity);
	struct writer w = writer_over(data, data ? capacity : 0);
	plan_write(&w, &plan);
	plan_free(&plan);
	if (error)
		report_refusal("policy", "it has a name that the packet filter cannot take, so that its banks stay as "
					 "they were; give that bank another id");
	else
		send_store(GW_PLAN, &w);
	free(data);
}

/* --- judging --- */

static const char *judge_policy(const uint8_t *payload, size_t size, bool kept, char *why, size_t why_size)
{
	struct whitelist *offered = NULL;
	struct whitelist_fault fault;
	char text[WHITELIST_FAULT_BYTES];
	if (whitelist_parse(payload, size, &offered, &fault)) {
		snprintf(why, why_size, "%s", whitelist_fault_text(&fault, text));
		return why;
	}
	if (strcmp(offered->tenant, config.tenant) != 0) {
		snprintf(why, why_size, "it is of tenant %s and this gateway serves %s", offered->tenant,
			 config.tenant);
		whitelist_free(offered);
		return why;
	}
	enum whitelist_verdict verdict = whitelist_accept(offered, policy, 0, (int64_t)time(NULL));
	/* The kept one is in force even when its time is over: sticks must still learn from it that it is. */
	if (verdict == WHITELIST_NEWER || verdict == WHITELIST_SAME || (kept && verdict == WHITELIST_OUT_OF_DATE)) {
		whitelist_free(policy);
		policy = offered;
		return NULL;
	}
	snprintf(why, why_size, "version %" PRIu64 ": %s", offered->version, whitelist_verdict_text(verdict));
	whitelist_free(offered);
	return why;
}

static const char *judge_gateways(const uint8_t *payload, size_t size, bool kept, char *why, size_t why_size)
{
	(void)kept;
	struct gateways *offered = NULL;
	struct whitelist_fault fault;
	char text[WHITELIST_FAULT_BYTES];
	if (gateways_parse(payload, size, &offered, &fault)) {
		snprintf(why, why_size, "%s", whitelist_fault_text(&fault, text));
		return why;
	}
	uint64_t version = offered->version;
	gateways_free(offered);
	if (version < gateways_version) {
		snprintf(why, why_size, "version %" PRIu64 " is older than version %" PRIu64 ", which is in force",
			 version, gateways_version);
		return why;
	}
	gateways_version = version;
	return NULL;
}

static struct document documents[2] = {
    {.what = "policy", .type = ENVELOPE_TYPE_POLICY, .max_bytes = WHITELIST_ENVELOPE_MAX_BYTES, .judge = judge_policy},
    {.what = "gateways",
     .type = ENVELOPE_TYPE_GATEWAYS,
     .max_bytes = GATEWAYS_ENVELOPE_MAX_BYTES,
     .judge = judge_gateways},
};

/* The next start has the file of roots, and what is kept: a policy whose signers these do not lead to would be lost
 * with the roots that this process has reached, and every stick that begins there refuses it too. */
static const char *judge_chain(const char *envelope, size_t size, const struct envelope_roots *reached)
{
	if (bundle_leads(envelope, size, ENVELOPE_TYPE_POLICY, &base, reached))
		return NULL;
	return "it comes without the chain that leads from the keys in the file of roots to those who signed it; "
	       "bundle it with the chain (sekisho policy bundle)";
}

/* Verify, judge, announce. `from` says in a refusal where it came from. */
static void offer(size_t which, const char *envelope, size_t size, bool kept)
{
	struct document *document = &documents[which];
	uint8_t *payload = NULL;
	size_t payload_size = 0;
	char why[512], sentence[640];
	const char *reason = NULL;
	const char *from = kept ? "the one kept in the database" : which ? config.gateways : config.policy;
	struct envelope_roots reached = roots;
	enum envelope_error error = bundle_verify(envelope, size, document->type, &reached, &payload, &payload_size);
	if (error)
		reason = envelope_error_text(error);
	else if (which == 0)
		reason = judge_chain(envelope, size, &reached);
	if (!reason)
		reason = document->judge(payload, payload_size, kept, why, sizeof why);
	free(payload);
	if (reason) {
		snprintf(sentence, sizeof sentence, "%s: %s", from, reason);
		report_refusal(document->what, sentence);
		return;
	}
	if (which == 0) {
		roots = reached;
		log_info("policy version %" PRIu64 " in force", policy->version);
		send_envelope(GW_POLICY, policy->version, envelope, size);
		send_plan();
	} else {
		log_info("list of gateways version %" PRIu64 " in force", gateways_version);
		send_envelope(GW_GATEWAYS, gateways_version, envelope, size);
	}
}

/* The kept ones first: they are the floor under what the files offer. */
static void look(void)
{
	if (!have_roots || !have_kept || !have_files)
		return;
	for (size_t i = 0; i < 2; i++) {
		struct document *document = &documents[i];
		if (document->kept_size > 0)
			offer(i, document->kept, document->kept_size, true);
		document->kept_size = 0;
		free(document->kept);
		document->kept = NULL;
		if (file_sizes[i] > 0)
			offer(i, files[i], file_sizes[i], false);
		else
			log_warn("there is no %s at %s", document->what, i ? config.gateways : config.policy);
		free(files[i]);
		files[i] = NULL;
		file_sizes[i] = 0;
	}
	have_files = false;
}

/* --- messages --- */

static void take_roots(int fd)
{
	char *text = fd >= 0 ? child_read_fd(fd, ROOTS_MAX_BYTES) : NULL;
	struct envelope_roots offered;
	enum envelope_error error = text ? envelope_roots_parse(text, strlen(text), &offered) : ENVELOPE_TOO_LARGE;
	if (!text || !*text) {
		if (!have_roots)
			report_refusal("roots", "there is no file of root keys: no document can be verified; put the "
						"roots.json of your whitelist's signers in place and reload");
	} else if (error) {
		report_refusal("roots", envelope_error_text(error));
	} else if (!have_roots || memcmp(&offered, &base, sizeof base) != 0) {
		/* the same file read again does not lead back from where the policy's chain has led */
		base = roots = offered;
		have_roots = true;
	}
	free(text);
}

static int take_files(struct msg *m, void *context)
{
	(void)context;
	int fd = msg_take_fd(m, 0);
	take_roots(fd);
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < 2; i++) {
		fd = msg_take_fd(m, i + 1);
		free(files[i]);
		files[i] = fd >= 0 ? child_read_fd(fd, documents[i].max_bytes) : NULL;
		if (!files[i])
			report_refusal(documents[i].what, "the file cannot be read, or is larger than one may be");
		file_sizes[i] = files[i] ? strlen(files[i]) : 0;
		if (fd >= 0)
			close(fd);
	}
	have_files = true;
	look();
	return 0;
}

static int take_kept(struct msg *m, void *context)
{
	struct reader r = reader_over(m->payload, m->size);
	(void)context;
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		const uint8_t *text = read_blob(&r, &size);
		free(documents[i].kept);
		/* an envelope is text: one with a NUL inside would be shorter than its size */
		bool is_text = text && size && !memchr(text, '\0', size);
		documents[i].kept = is_text ? strndup((const char *)text, size) : NULL;
		documents[i].kept_size = documents[i].kept ? size : 0;
	}
	if (!reader_done(&r))
		return -EBADMSG;
	have_kept = true;
	look();
	return 0;
}

static const struct channel_row parent_rows[] = {{GW_FILES, 0, 0, take_files}};
static const struct channel_row store_rows[] = {{GW_KEPT, 1, GW_LARGE_MAX_BYTES, take_kept}};

static struct channel parent = CHANNEL("the parent", parent_rows), store = CHANNEL("the store", store_rows);

int policy_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	child_begin("gatewayd policy", GATEWAY_STORE_FD, &config);
	loop = loop_new();
	if (!loop || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    channel_watch(loop, GATEWAY_STORE_FD, &store, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	if (sandbox_enter(&self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_run(loop);
	return store.error || parent.error ? 1 : 0;
}
