/* The egress process: the nftables table, dnsmasq's configuration and haproxy's map, from the policy and the store's
 * decisions; and what they refused, told to the store. */
#include <arpa/inet.h>
#include <errno.h>
#include <nftables/libnftables.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/egress.h"
#include "vpn/gateway/egress_proxy.h"
#include "vpn/gateway/keyed.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/resolver.h"
#include "vpn/gateway/tried.h"

/* Changes are gathered BATCH_MS long into one transaction; what was refused is read every LOOK_MS. A proxy that is not
 * there is looked for every SEEK_MS, and an opening waits for it at most PATIENCE_MS. What begins within GRACE_MS of a
 * closing was on its way. Without a policy for DOUBT_MS what was open before is closed. */
enum {
	BATCH_MS = 10,
	WAITING_MAX = 1024,
	LOOK_MS = 1000,
	SEEK_MS = 200,
	PATIENCE_MS = 4000,
	GRACE_MS = 10000,
	DOUBT_MS = 10000,
	MISSED = 30000 / SEEK_MS
};

static struct self self = {
    .name = "egress",
    .holds = "CAP_NET_ADMIN",
    .reads = "netlink, haproxy's counters",
    .speaks_to = "store; dnsmasq, by its configuration file; haproxy, by its runtime socket",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_NETLINK | PROMISE_READ_FILE | PROMISE_WRITE_FILE |
		PROMISE_DATABASE | PROMISE_LOCAL,
    .open_files_max = 64,
};

static struct config config;
static struct loop *loop;
static struct loop_timer *timer, *looking, *seeking, *doubting;
static struct nft_ctx *nft;
static struct plan plan;
static bool planned;
static uid_t proxy_uid;
static struct egress_proxy proxy = {.fd = -1};

/* As the store said it. Admissions: now_ms() of their end. Sessions: by mark. */
static struct keyed admissions, sessions;
static struct keyed last_counts, closed_ms;

static char *batch_text; /* of the transaction that is being gathered */
static size_t batch_size;
static FILE *batch;
static bool briefing;
static struct change { /* for the proxy, when the transaction is through */
	struct in_addr stick;
	uint32_t mark;
	bool open;
} changes[WAITING_MAX];
static size_t change_count;
static uint32_t waiting[WAITING_MAX]; /* sessions to be answered when it is through */
static size_t waiting_count;
static int64_t waiting_since_ms;

static void remember(struct keyed *table, uint64_t key, int64_t value)
{
	if (keyed_set(table, key, value))
		fatal("out of memory");
}

/* --- nftables --- */

static int run(const char *commands)
{
	if (nft_run_cmd_from_buffer(nft, commands) == 0)
		return 0;
	log_error("nftables refused a change: %s", nft_ctx_get_error_buffer(nft));
	return -EINVAL;
}

/* libnftables' JSON of what is asked; "" if there is none. Valid until the next command. */
static const char *list(const char *command)
{
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON);
	int error = nft_run_cmd_from_buffer(nft, command);
	nft_ctx_output_set_flags(nft, 0);
	return error ? "" : nft_ctx_get_output_buffer(nft);
}

static struct egress_admission *list_admissions(size_t *count)
{
	int64_t now = now_ms();
	struct egress_admission *all = calloc(admissions.count + 1, sizeof *all);
	if (!all)
		fatal("out of memory");
	*count = 0;
	for (size_t i = 0; i < admissions.count; i++) {
		int64_t left_s = (admissions.rows[i].value - now) / 1000;
		if (left_s > 0)
			all[(*count)++] =
			    (struct egress_admission){keyed_stick(admissions.rows[i].key), (unsigned)left_s};
	}
	return all;
}

static struct egress_session *list_sessions(void)
{
	struct egress_session *all = calloc(sessions.count + 1, sizeof *all);
	if (!all)
		fatal("out of memory");
	for (size_t i = 0; i < sessions.count; i++)
		all[i] = (struct egress_session){keyed_stick(sessions.rows[i].key), keyed_part(sessions.rows[i].key)};
	return all;
}

/* Whole, with what is known to be open and the addresses that the banks' names were resolved to so far: a new policy or
 * a restart of this process interrupts no connection that stays allowed. */
static void write_table(void)
{
	char *text = NULL;
	size_t size = 0;
	struct egress_content content = {.session_count = sessions.count};
	struct egress_address *addresses = NULL;
	struct egress_admission *admitted = list_admissions(&content.admission_count);
	struct egress_session *open = list_sessions();
	FILE *out = open_memstream(&text, &size);
	if (!out)
		fatal("out of memory");
	(void)egress_read_addresses(list("list table " EGRESS_TABLE), &addresses, &content.address_count);
	content.admissions = admitted;
	content.sessions = open;
	content.addresses = addresses;
	egress_write_table(out, &config, &plan, &content, proxy_uid);
	if (fclose(out) != 0 || run(text))
		fatal("the packet filter's table cannot be loaded: does this kernel have nf_tables with NAT?");
	free(text);
	free(addresses);
	free(admitted);
	free(open);
}

/* --- the proxy --- */

static void lose_proxy(void)
{
	egress_proxy_close(&proxy);
	loop_timer_set(seeking, SEEK_MS);
}

static void answer(uint32_t id, const char *reason)
{
	uint8_t data[64];
	struct writer w = writer_over(data, sizeof data);
	if (id == 0)
		return;
	write_u8(&w, reason[0] == '\0');
	write_str(&w, reason);
	msg_send(GATEWAY_STORE_FD, GW_SESSION_DONE, id, w.data, w.size);
}

/* Openings are answered when packet filter and proxy both have them. */
static void answer_waiting(const char *reason)
{
	for (size_t i = 0; i < waiting_count; i++)
		answer(waiting[i], reason);
	waiting_count = 0;
}

static void seek_proxy(void *context)
{
	(void)context;
	static int tries;
	/* half of what is open would close the other half */
	if (briefing) {
		loop_timer_set(seeking, SEEK_MS);
		return;
	}
	/* What it holds from before stays until it is known what shall be. */
	int error = planned ? egress_proxy_connect(&proxy, &config) : -EAGAIN;
	if (!error)
		error = egress_proxy_whole(&proxy, &plan, &sessions);
	if (!error) {
		log_info("the proxy answers");
		tries = 0;
		if (!batch)
			answer_waiting("");
		return;
	}
	bool late = waiting_count > 0 && now_ms() - waiting_since_ms > PATIENCE_MS;
	if (late)
		answer_waiting("egress_failed");
	tries = late && tries < MISSED ? MISSED : tries + planned;
	if (tries == MISSED)
		log_error("the proxy does not answer at %s (%s), so that no bank can be opened: systemctl status "
			  "sekisho-proxy",
			  config.proxy_socket, strerror(-error));
	lose_proxy();
}

/* --- what was refused --- */

static void tell_tried(struct in_addr stick, enum tried kind, uint64_t count)
{
	uint8_t data[16];
	struct writer w = writer_over(data, sizeof data);
	uint32_t more = kind < TRIED_COUNT ? tried_new(&last_counts, stick, kind, count) : 0;
	if (more == 0)
		return;
	write_u32(&w, stick.s_addr);
	write_u8(&w, (uint8_t)kind);
	write_u32(&w, more);
	msg_send(GATEWAY_STORE_FD, GW_TRIED, 0, w.data, w.size);
}

static void take_counter(struct in_addr stick, uint64_t count, void *context)
{
	(void)context;
	enum tried kind = keyed_has_stick(&sessions, stick) ? TRIED_ADDRESS : TRIED_CLOSED;
	/* One counter in the kernel, two kinds here: both have seen all of it. */
	const struct keyed_row *closed = keyed_find(&closed_ms, keyed_of(stick, 0));
	bool on_its_way = kind == TRIED_CLOSED && closed && now_ms() - closed->value < GRACE_MS;
	if (!on_its_way)
		tell_tried(stick, kind, count);
	(void)tried_new(&last_counts, stick, kind == TRIED_CLOSED ? TRIED_ADDRESS : TRIED_CLOSED, count);
	if (on_its_way)
		(void)tried_new(&last_counts, stick, kind, count);
}

static void take_tried(struct in_addr stick, const char *kind, uint64_t count, void *context)
{
	(void)context;
	tell_tried(stick, tried_from_name(kind), count);
}

static void take_question(struct in_addr stick, uint64_t count, void *context)
{
	(void)context;
	tell_tried(stick, TRIED_QUESTION, count);
}

static void count_refused(void)
{
	if (egress_read_counters(list("list set " EGRESS_TABLE " tried"), "tried", take_counter, NULL) ||
	    egress_read_counters(list("list set " EGRESS_TABLE " asked"), "asked", take_question, NULL))
		log_warn("the packet filter's counters cannot be read: %s", nft_ctx_get_error_buffer(nft));
}

/* --- changes --- */

static FILE *gather(void)
{
	if (!batch) {
		batch = open_memstream(&batch_text, &batch_size);
		if (!batch)
			fatal("out of memory");
		loop_timer_set(timer, BATCH_MS);
	}
	return batch;
}

static int tell_change(const struct change *change)
{
	const struct plan_bank *bank = plan_bank_of(&plan, change->mark);
	if (!bank)
		return 0;
	return change->open ? egress_proxy_open(&proxy, &plan, bank, change->stick)
			    : egress_proxy_shut(&proxy, &plan, bank, change->stick, &sessions);
}

/* After the packet filter: what begins while a session is being closed ends there, and is not taken at the proxy for a
 * stick that asks for names it may not. */
static void tell_proxy(void)
{
	bool closed = false;
	int error = 0;
	for (size_t i = 0; i < change_count && proxy.fd >= 0 && !error; i++) {
		error = tell_change(&changes[i]);
		closed |= !changes[i].open;
	}
	change_count = 0; /* a proxy that comes back is told the whole */
	if (closed && proxy.fd >= 0 && !error)
		error = egress_proxy_sweep(&proxy, &plan, &sessions, false);
	if (error)
		lose_proxy();
}

static void flush(void *context)
{
	(void)context;
	if (!batch)
		return;
	if (fclose(batch) != 0)
		fatal("out of memory");
	int error = batch_text[0] ? run(batch_text) : 0;
	free(batch_text);
	batch = NULL;
	/* What is in the kernel is not what the store thinks: begin again from the whole. */
	if (error) {
		answer_waiting("egress_failed");
		fatal("the packet filter is not in step");
	}
	tell_proxy();
	if (proxy.fd >= 0)
		answer_waiting("");
}

/* The store sends the plan, then everybody who is admitted and what they have open, then GW_BRIEFED. */
static int take_plan(struct msg *m, void *context)
{
	struct plan next;
	struct reader r = reader_over(m->payload, m->size);
	(void)context;
	if (plan_read(&r, &next) || !reader_done(&r))
		return -EBADMSG;
	flush(NULL);
	plan_free(&plan);
	plan = next;
	keyed_clear(&admissions);
	keyed_clear(&sessions);
	briefing = true;
	return 0;
}

static int take_briefed(struct msg *m, void *context)
{
	(void)m, (void)context;
	briefing = false;
	/* The store has no verified policy yet: what stands from before this process began stays for a moment. */
	if (plan.host_count == 0 && !planned)
		return 0;
	write_table();
	if (proxy.fd >= 0 && egress_proxy_whole(&proxy, &plan, &sessions))
		lose_proxy();
	int error = resolver_store(config.resolver_config, &config, &plan);
	if (error)
		fatal("%s cannot be written (%s): is its directory there and this user's?", config.resolver_config,
		      strerror(-error));
	loop_timer_set(doubting, -1);
	if (!planned)
		log_info("packet filter and resolver configuration in place: %zu banks, %zu names", plan.bank_count,
			 plan.host_count);
	planned = true;
	if (proxy.fd >= 0)
		answer_waiting("");
	return 0;
}

/* No policy came: nothing that was open before is open by right. */
static void doubt(void *context)
{
	(void)context;
	if (briefing) {
		loop_timer_set(doubting, LOOK_MS);
		return;
	}
	keyed_clear(&sessions);
	write_table();
	planned = true;
	log_warn("there is no policy: what was open before the start is closed");
}

static int take_admit(struct msg *m, void *context)
{
	struct reader r = reader_over(m->payload, m->size);
	struct in_addr stick = {.s_addr = read_u32(&r)};
	uint32_t seconds = read_u32(&r);
	(void)context;
	if (seconds > 0) {
		remember(&admissions, keyed_of(stick, 0), now_ms() + (int64_t)seconds * 1000);
	} else {
		keyed_remove(&admissions, keyed_of(stick, 0));
		remember(&closed_ms, keyed_of(stick, 0), now_ms());
	}
	if (briefing)
		return 0;
	if (seconds > 0)
		egress_write_admit(gather(), stick, seconds);
	else
		egress_write_expel(gather(), stick);
	return 0;
}

static void change_session(struct in_addr stick, const struct plan_bank *bank, bool open)
{
	uint64_t key = keyed_of(stick, bank->mark);
	bool was_open = keyed_find(&sessions, key) != NULL;
	if (open)
		remember(&sessions, key, 1);
	else
		keyed_remove(&sessions, key);
	if (!open)
		remember(&closed_ms, keyed_of(stick, 0), now_ms());
	if (briefing)
		return;
	egress_write_session(gather(), stick, bank->mark, open);
	if (open != was_open)
		changes[change_count++] = (struct change){stick, bank->mark, open};
	if (change_count == WAITING_MAX)
		flush(NULL);
}

static void wait_for_answer(uint32_t id)
{
	if (id == 0)
		return;
	if (waiting_count == 0)
		waiting_since_ms = now_ms();
	if (waiting_count == WAITING_MAX)
		answer(id, "egress_failed");
	else
		waiting[waiting_count++] = id;
}

/*
 * A bank that left the policy has no rule any more, so that there is nothing to close. Before the first policy is known
 * what stood before this process began still stands: a closing is answered when that is over, and nothing is opened.
 */
static void answer_unknown(uint32_t id, bool open)
{
	if (planned)
		answer(id, open ? "no_such_bank" : "");
	else if (open)
		answer(id, "egress_failed");
	else
		wait_for_answer(id);
}

static int take_session(struct msg *m, void *context)
{
	char bank[BANK_ID_SIZE];
	struct reader r = reader_over(m->payload, m->size);
	struct in_addr stick = {.s_addr = read_u32(&r)};
	read_str(&r, bank, sizeof bank);
	bool open = read_u8(&r);
	(void)context;
	if (!reader_done(&r))
		return -EBADMSG;
	const struct plan_bank *known = plan_bank(&plan, bank);
	if (!known) {
		answer_unknown(m->id, open);
		return 0;
	}
	/* what was refused until now is judged by what was open until now */
	if (!batch && !briefing)
		count_refused();
	change_session(stick, known, open);
	wait_for_answer(m->id);
	return 0;
}

static void look(void *context)
{
	(void)context;
	loop_timer_set(looking, LOOK_MS);
	/* who has a bank open is not known again yet: everybody would be counted as without one */
	if (briefing)
		return;
	count_refused();
	if (proxy.fd >= 0 && egress_proxy_tried(&proxy, take_tried, NULL))
		lose_proxy();
}

/* --- the process --- */

static const struct channel_row orders[] = {
    {GW_PLAN, 1, GW_LARGE_MAX_BYTES, take_plan},
    {GW_BRIEFED, 0, 0, take_briefed},
    {GW_ADMIT, 2 * sizeof(uint32_t), 2 * sizeof(uint32_t), take_admit},
    {GW_SESSION, 1, CHANNEL_ANY_BYTES, take_session},
};

static struct channel store = CHANNEL("the store", orders), parent = {.peer = "the parent"};

static void open_everything(void)
{
	static char directory[CONFIG_PATH_SIZE];
	memcpy(directory, config.resolver_config, sizeof directory);
	*strrchr(directory, '/') = '\0';
	self.paths[0] = (struct self_path){directory, ACCESS_READ | ACCESS_WRITE};
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft || nft_ctx_buffer_error(nft) || nft_ctx_buffer_output(nft))
		fatal("libnftables does not start");
	loop = loop_new();
	timer = loop ? loop_timer(loop, flush, NULL) : NULL;
	looking = timer ? loop_timer(loop, look, NULL) : NULL;
	seeking = looking ? loop_timer(loop, seek_proxy, NULL) : NULL;
	doubting = seeking ? loop_timer(loop, doubt, NULL) : NULL;
	if (!doubting || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    channel_watch(loop, GATEWAY_STORE_FD, &store, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	loop_timer_set(looking, LOOK_MS);
	loop_timer_set(seeking, SEEK_MS);
	loop_timer_set(doubting, DOUBT_MS);
}

static void store_proxy_config(void)
{
	char path[CONFIG_PATH_SIZE + 16];
	proxy_config_path(&config, path);
	int error = proxy_store_config(&config);
	if (error)
		fatal("%s cannot be written (%s): is its directory there and this user's?", path, strerror(-error));
}

int egress_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	child_begin("gatewayd egress", GATEWAY_STORE_FD, &config);
	proxy_uid = child_argument ? (uid_t)strtoul(child_argument, NULL, 10) : (uid_t)-1;
	open_everything();
	/* The wall stands before the first policy is read: one of before, whose admissions run out by themselves and
	 * which an earlier start of this process left, or a new one in which nobody is admitted and no bank has a rule.
	 */
	if (!list("list set " EGRESS_TABLE " nowhere")[0])
		write_table();
	store_proxy_config();
	if (sandbox_enter(&self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_run(loop);
	return store.error || parent.error ? 1 : 0;
}
