/* The egress process: the nftables table, and dnsmasq's configuration, from the policy and the store's decisions. */
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
#include "vpn/gateway/messages.h"
#include "vpn/gateway/resolver.h"

/* Changes are gathered this long into one transaction. */
enum { BATCH_MS = 10, WAITING_MAX = 1024 };

static struct self self = {
    .name = "egress",
    .holds = "CAP_NET_ADMIN",
    .reads = "netlink",
    .speaks_to = "store; dnsmasq, by its configuration file",
    .promises =
	PROMISE_BASE | PROMISE_SEND | PROMISE_NETLINK | PROMISE_READ_FILE | PROMISE_WRITE_FILE | PROMISE_DATABASE,
    .open_files_max = 64,
};

static struct config config;
static struct loop *loop;
static struct loop_timer *timer;
static struct nft_ctx *nft;
static struct plan plan;
static bool planned;

static char *batch_text; /* of the transaction that is being gathered */
static size_t batch_size;
static FILE *batch;
static uint32_t waiting[WAITING_MAX]; /* sessions to be answered when it is through */
static size_t waiting_count;

static int run(const char *commands)
{
	if (nft_run_cmd_from_buffer(nft, commands) == 0)
		return 0;
	log_error("nftables refused a change: %s", nft_ctx_get_error_buffer(nft));
	return -EINVAL;
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

static void flush(void *context)
{
	(void)context;
	if (!batch)
		return;
	if (fclose(batch) != 0)
		fatal("out of memory");
	int error = run(batch_text);
	free(batch_text);
	batch = NULL;
	for (size_t i = 0; i < waiting_count; i++)
		answer(waiting[i], error ? "egress_failed" : "");
	waiting_count = 0;
	/* What is in the kernel is not what the store thinks: begin again from the whole. */
	if (error)
		fatal("the packet filter is not in step");
}

static void write_table(void)
{
	const struct egress_content nobody = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		fatal("out of memory");
	egress_write_table(out, &config, &plan, &nobody);
	if (fclose(out) != 0 || run(text))
		fatal("the packet filter's table cannot be loaded: does this kernel have nf_tables with NAT?");
	free(text);
}

/* The store sends the plan first and then everybody who is admitted and what they have open. */
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
	write_table();
	int error = resolver_store(config.resolver_config, &config, &plan);
	if (error)
		fatal("%s cannot be written (%s): is its directory there and this user's?", config.resolver_config,
		      strerror(-error));
	if (!planned)
		log_info("packet filter and resolver configuration in place: %zu banks, %zu names", plan.bank_count,
			 plan.host_count);
	planned = true;
	return 0;
}

static int take_admit(struct msg *m, void *context)
{
	struct reader r = reader_over(m->payload, m->size);
	struct in_addr stick = {.s_addr = read_u32(&r)};
	uint32_t seconds = read_u32(&r);
	(void)context;
	if (seconds > 0)
		egress_write_admit(gather(), stick, seconds);
	else
		egress_write_expel(gather(), stick);
	return 0;
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
		/* A bank that left the policy has no rule any more, so that there is nothing to close. */
		answer(m->id, open ? "no_such_bank" : "");
		return 0;
	}
	egress_write_session(gather(), stick, known->mark, open);
	if (m->id != 0 && waiting_count < WAITING_MAX)
		waiting[waiting_count++] = m->id;
	if (waiting_count == WAITING_MAX)
		flush(NULL);
	return 0;
}

static const struct channel_row orders[] = {
    {GW_PLAN, 1, CHANNEL_ANY_BYTES, take_plan},
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
	if (!timer || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    channel_watch(loop, GATEWAY_STORE_FD, &store, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
}

int egress_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	child_begin("gatewayd egress", GATEWAY_STORE_FD, &config);
	open_everything();
	/* The wall stands before the first policy is read: nobody is admitted, no bank has a rule. */
	write_table();
	if (sandbox_enter(&self))
		return 1;
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_run(loop);
	return store.error || parent.error ? 1 : 0;
}
