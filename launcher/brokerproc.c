#include <errno.h>
#include <psa/crypto.h>
#include <sched.h>
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
#include "launcher/broker_client.h"
#include "launcher/broker_connection.h"
#include "launcher/broker_limits.h"
#include "launcher/broker_memory.h"
#include "launcher/broker_policy.h"
#include "launcher/broker_report.h"
#include "launcher/broker_resolve.h"
#include "launcher/broker_screen.h"
#include "launcher/broker_tls.h"
#include "launcher/children.h"
#include "launcher/messages.h"

static const struct self self = {
    .name = "broker",
    .holds = "one bank's connections: their keys, tickets and minted leaves, for one session",
    .reads = "the browser's bytes, the bank's bytes, the tunnel's DNS answers",
    .speaks_to = "launcher, policy; the bank and the resolver through the tunnel; the browser",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_INET | PROMISE_ACCEPT,
    .open_files_max = LIMIT_FILES,
    .memory_max_bytes = LIMIT_MEMORY_BYTES,
    .locked = true,
};

enum {
	LISTENERS_MAX = MSG_FDS_MAX - 3,
	COUNTS_MS = 10000,
	ACCEPTS_A_TURN = 16,
	SLICE_NS = 100000, /* the shortest that Linux has */
	BANK_MAX = 64,
	ADDRESS_MAX = 64,
	DETAIL_MAX = 256,
};

struct listener {
	int fd;
	uint16_t port;
	struct loop_watch *watch;
};

static struct {
	struct loop *loop;
	struct resolver *resolver;
	struct policy *policy;
	struct connections *connections;
	struct screen *screen;
	struct listener listeners[LISTENERS_MAX];
	size_t listener_count;
	struct loop_timer *counts_timer;
	struct reporter reporter;
	uint64_t refused_names;
	uint32_t session;
	char bank[BANK_MAX];
	bool frozen;
} broker;

static void send_control(uint16_t type, const void *payload, size_t size)
{
	int error = msg_send(CHILD_CHANNEL_FD, type, broker.session, payload, size);
	if (error)
		fatal("telling the launcher: %s", strerror(-error));
}

static void on_report(enum broker_event kind, const char *host, enum refusal refusal, const char *detail,
		      const struct chain_check *check, void *context)
{
	uint8_t payload[HOST_MAX_BYTES + DETAIL_MAX + 32 + CHAIN_PATH_MAX * (PIN_BYTES + 4)];
	struct writer w = writer_over(payload, sizeof payload);
	(void)context;
	if (!report_due(&broker.reporter, host, refusal, detail, now_ms()))
		return;
	log_info("%s: %s (%s)", host[0] ? host : "a connection", refusal_code(refusal), detail);
	write_u8(&w, (uint8_t)kind);
	write_str(&w, host);
	write_u8(&w, (uint8_t)refusal);
	write_str(&w, detail);
	size_t keys = check && refusal_is_attack(refusal) ? check->key_count : 0;
	write_u8(&w, (uint8_t)keys);
	for (size_t i = 0; i < keys; i++)
		write_blob(&w, check->keys[i].sha256, sizeof check->keys[i].sha256);
	send_control(MSG_BROKER_EVENT, payload, w.size);
}

static void on_refused_name(const char *host, enum refusal refusal, void *context)
{
	broker.refused_names++;
	on_report(refusal == REFUSAL_BAD_QUESTION ? BROKER_BAD_CLIENT : BROKER_REFUSED, host, refusal,
		  refusal_text(refusal), NULL, context);
}

/* Without policy nothing is allowed: the session is over. */
static void on_policy_lost(const char *why, void *context)
{
	(void)context;
	if (broker.connections)
		connections_end_all(broker.connections);
	fatal("%s; this session of %s is over", why, broker.bank);
}

static void on_counts(void *context)
{
	uint8_t payload[32];
	struct writer w = writer_over(payload, sizeof payload);
	const struct connection_counts *counts = connections_counts(broker.connections);
	(void)context;
	write_u64(&w, counts->connections);
	write_u64(&w, counts->bytes_up);
	write_u64(&w, counts->bytes_down);
	write_u64(&w, counts->refused + broker.refused_names);
	send_control(MSG_BROKER_COUNTS, payload, w.size);
	loop_timer_set(broker.counts_timer, COUNTS_MS);
}

static void watch_listeners(uint32_t events)
{
	for (size_t i = 0; i < broker.listener_count; i++)
		(void)loop_watch_events(broker.listeners[i].watch, events);
}

static void on_room(void *context)
{
	(void)context;
	watch_listeners(EPOLLIN);
}

static void on_listener(uint32_t events, void *context)
{
	const struct listener *listener = context;
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (broker.frozen) {
			close(fd);
			continue;
		}
		int error = connection_start(broker.connections, fd, listener->port);
		if (error < 0)
			log_warn("a connection of the browser's: %s", strerror(-error));
		if (error == CONNECTION_LAST_PLACE) {
			watch_listeners(0);
			return;
		}
	}
}

static bool add_listener(uint16_t port, int fd)
{
	struct listener *listener = &broker.listeners[broker.listener_count];
	*listener = (struct listener){.fd = fd, .port = port};
	listener->watch = fd < 0 ? NULL : loop_watch(broker.loop, fd, EPOLLIN, on_listener, listener);
	if (!listener->watch)
		return false;
	broker.listener_count++;
	return true;
}

static void open_peers(int policy, int udp, int tcp, const char *address)
{
	int error = resolver_use(broker.resolver, address);
	if (error)
		fatal("the resolver's address \"%s\" is not one", address);
	broker.policy = policy_new(broker.loop, policy, on_policy_lost, NULL);
	broker.connections =
	    broker.policy ? connections_new(broker.loop, broker.policy, broker.resolver, on_report, on_room, NULL)
			  : NULL;
	broker.screen =
	    broker.connections ? screen_new(broker.loop, broker.policy, udp, tcp, on_refused_name, NULL) : NULL;
	broker.counts_timer = loop_timer(broker.loop, on_counts, NULL);
	if (!broker.screen || !broker.counts_timer)
		fatal("cannot watch the session's sockets: %s", strerror(errno));
	loop_timer_set(broker.counts_timer, COUNTS_MS);
}

static int take_start(struct msg *m, void *context)
{
	(void)context;
	char address[ADDRESS_MAX];
	size_t ca_size;
	uint16_t ports[LISTENERS_MAX];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, broker.bank, sizeof broker.bank);
	read_str(&r, address, sizeof address);
	(void)read_blob(&r, &ca_size); /* the browser has it; a leaf alone is enough for it */
	size_t count = read_u8(&r);
	for (size_t i = 0; i < count && i < LISTENERS_MAX; i++)
		ports[i] = read_u16(&r);
	if (!reader_done(&r) || count == 0 || count > LISTENERS_MAX || m->fd_count != 3 + count || broker.screen)
		return -EBADMSG;
	broker.session = m->id;
	open_peers(msg_take_fd(m, 0), msg_take_fd(m, 1), msg_take_fd(m, 2), address);
	for (size_t i = 0; i < count; i++)
		if (!add_listener(ports[i], msg_take_fd(m, 3 + i)))
			fatal("cannot listen for port %u: %s", ports[i], strerror(errno));
	log_info("session %u of %s", broker.session, broker.bank);
	return 0;
}

static int take_freeze(struct msg *m, void *context)
{
	(void)context;
	struct reader r = reader_over(m->payload, m->size);
	bool freeze = read_u8(&r) != 0;
	if (!reader_done(&r) || !broker.screen)
		return -EBADMSG;
	broker.frozen = freeze;
	screen_freeze(broker.screen, freeze);
	if (!freeze)
		return 0;
	connections_end_all(broker.connections);
	log_info("frozen");
	send_control(MSG_BROKER_FROZEN, NULL, 0);
	return 0;
}

/* Connections are the old gateway's; frozen, there are none. */
static int take_resolver(struct msg *m, void *context)
{
	(void)context;
	char address[ADDRESS_MAX];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, address, sizeof address);
	if (!reader_done(&r) || !broker.frozen || resolver_use(broker.resolver, address))
		return -EBADMSG;
	log_info("the resolver is %s now", address);
	return 0;
}

static int take_client(struct msg *m, void *context)
{
	(void)context;
	int channel = msg_take_fd(m, 0);
	if (channel < 0 || !broker.screen)
		return -EBADMSG;
	client_use(channel);
	return 0;
}

/* Only names of this bank lead anywhere: policy is asked for each as for the browser's. */
static int take_ahead(struct msg *m, void *context)
{
	(void)context;
	char host[HOST_MAX_BYTES + 1];
	struct reader r = reader_over(m->payload, m->size);
	for (size_t left = read_u8(&r); left > 0 && !r.failed; left--) {
		read_str(&r, host, sizeof host);
		uint16_t port = read_u16(&r);
		if (!r.failed && broker.connections && !broker.frozen)
			(void)connection_start_ahead(broker.connections, host, port);
	}
	return reader_done(&r) && broker.connections ? 0 : -EBADMSG;
}

static const struct channel_row orders[] = {
    {MSG_BROKER_CLIENT, 0, 0, take_client},
    {MSG_BROKER_START, 1, CHANNEL_ANY_BYTES, take_start},
    {MSG_BROKER_FREEZE, 1, 1, take_freeze},
    {MSG_BROKER_RESOLVER, 1, CHANNEL_ANY_BYTES, take_resolver},
    {MSG_BROKER_AHEAD, 1, CHANNEL_ANY_BYTES, take_ahead},
};

static struct channel launcher = CHANNEL("the launcher", orders);

/*
 * Woken for a record while the page's processes have every processor, the broker runs now, and not when the slice of
 * one of them is over: Linux 6.12 prefers who asked for a shorter slice (sched(7), sched_setattr(2)). It has no more
 * time for that in all. An older kernel gives all the same slice.
 */
static void take_short_slices(void)
{
	struct sched_attr own;
	if (sched_getattr(0, &own, sizeof own, 0) < 0)
		return;
	own.sched_runtime = SLICE_NS;
	(void)sched_setattr(0, &own, 0);
}

/* What reads files does it now: c-ares its configuration, the C library its time zone, PSA its first random bytes. */
static void prepare(void)
{
	close_above(CHILD_CHANNEL_FD);
	tzset();
	take_short_slices();
	memory_use_pages();
	if (psa_crypto_init() != PSA_SUCCESS || tls_start())
		fatal("the cryptographic library cannot be started");
	broker.loop = loop_new();
	broker.resolver = broker.loop ? resolver_new(broker.loop) : NULL;
	if (!broker.resolver || channel_watch(broker.loop, CHILD_CHANNEL_FD, &launcher, NULL))
		fatal("cannot start: %s", strerror(errno));
}

int broker_main(void)
{
	prepare();
	int error = sandbox_enter(&self);
	if (error)
		fatal("the sandbox cannot be entered: %s", strerror(-error));
	error = msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0);
	if (!error)
		error = loop_run(broker.loop);
	if (broker.connections)
		connections_end_all(broker.connections);
	return error || launcher.error ? 1 : 0;
}
