#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
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
#include "vpn/device/failover.h"
#include "vpn/device/peers.h"
#include "vpn/device/probe.h"
#include "vpn/device/rtnl.h"
#include "vpn/device/tunnelwall.h"
#include "vpn/device/wg.h"

static const struct self self = {
    .name = "tunnel",
    .holds = "wg0's configuration; CAP_NET_ADMIN in the tunnel's namespace, which it cannot leave",
    .reads = "netlink, answers to its own probes",
    .speaks_to = "launcher",
    /* READ_FILE without a path: libnftables looks for names of its own and takes no for an answer */
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_NETLINK | PROMISE_PING | PROMISE_READ_FILE,
    .open_files_max = 32,
    .memory_max_bytes = 256 << 20,
    .locked = true,
};

static const char link_name[] = "wg0";

enum {
	MTU_BYTES = 1420,
	FIREWALL_MARK = 0x5eca, /* what the underlay's wall lets out (firmware/boot/wall) */
	KEEPALIVE_S = 25,
	HANDSHAKE_LOOK_MS = 100,
	REPORT_EVERY_PROBES = 5,
};

struct tunnel {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_watch *probe_watch;
	struct peers peers;
	struct tunnelwall wall;
	struct failover failover;
	uint8_t order[PEERS_ORDER_MAX]; /* the endpoints as failover.h goes through them */
	unsigned turn;                  /* this stick's own */
	int probe_fd;
	uint16_t probe_sequence;
	uint64_t received_bytes;
	unsigned probes_since_report;
};

static void tunnel_step(struct tunnel *t);

static const struct peer *current_peer(const struct tunnel *t, const union endpoint **endpoint)
{
	const struct peer *peer = NULL;
	*endpoint = peers_endpoint(&t->peers, t->order[t->failover.at], &peer);
	return peer;
}

static void start_over(struct tunnel *t) { failover_start(&t->failover, peers_order(&t->peers, t->order)); }

/* Elsewhere first from now on. */
static void turn_away(struct tunnel *t) { peers_order_after(&t->peers, t->order[t->failover.at], t->turn, t->order); }

static void report(struct tunnel *t, enum tunnel_state state, const char *reason)
{
	const union endpoint *endpoint = NULL;
	const struct peer *peer = current_peer(t, &endpoint);
	char text[ENDPOINT_TEXT_BYTES];
	uint8_t payload[512];
	struct writer w = writer_over(payload, sizeof payload);
	endpoint_format(endpoint, text);
	write_u8(&w, (uint8_t)state);
	write_str(&w, peer->id);
	write_str(&w, text);
	write_u32(&w, t->failover.handshake_ms);
	write_u32(&w, t->failover.rtt_ms);
	write_u32(&w, failover_loss_permille(&t->failover));
	write_str(&w, reason);
	int error = w.failed ? -EMSGSIZE : msg_send(CHILD_CHANNEL_FD, MSG_TUNNEL_STATE, 0, payload, w.size);
	if (error)
		fatal("cannot tell the launcher the tunnel's state: %s", strerror(-error));
	t->probes_since_report = 0;
}

/* Orders of failover.h */

static void try_endpoint(struct tunnel *t)
{
	const union endpoint *endpoint = NULL;
	const struct peer *peer = current_peer(t, &endpoint);
	char text[ENDPOINT_TEXT_BYTES];
	endpoint_format(endpoint, text);
	int error = wg_set_peer(link_name, peer->key, &endpoint->any, KEEPALIVE_S);
	if (error)
		log_warn("gateway %s at %s cannot be set: %s; the next is tried soon", peer->id, text,
			 strerror(-error));
	if (t->failover.rounds > 0 && t->failover.at == 0)
		/* A clock that is behind the last session's gets no handshake at all, and no refusal either. */
		report(t, TUNNEL_CONNECTING,
		       "no gateway answers at any address: the line may block UDP, the gateway may be down or not know "
		       "this stick, or the clock is behind the last session's");
	else
		report(t, TUNNEL_CONNECTING, "");
}

static void on_probe(uint32_t events, void *context)
{
	(void)events;
	struct tunnel *t = context;
	int64_t rtt;
	while ((rtt = probe_receive(t->probe_fd, now_ms())) != -EAGAIN) {
		if (rtt >= 0)
			failover_heard(&t->failover, rtt);
		else if (rtt != -EBADMSG)
			break; /* an ICMP error: no answer either */
	}
	tunnel_step(t);
}

static void close_probe(struct tunnel *t)
{
	loop_unwatch(t->probe_watch);
	t->probe_watch = NULL;
	if (t->probe_fd >= 0)
		close(t->probe_fd);
	t->probe_fd = -1;
}

static void come_up(struct tunnel *t)
{
	const union endpoint *endpoint = NULL;
	const struct peer *peer = current_peer(t, &endpoint);
	close_probe(t);
	t->probe_fd = probe_open(peer->inner);
	if (t->probe_fd < 0)
		fatal("no ping socket for %s: %s", peer->inner, strerror(-t->probe_fd));
	t->probe_watch = loop_watch(t->loop, t->probe_fd, EPOLLIN, on_probe, t);
	if (!t->probe_watch)
		fatal("cannot watch the probe: %s", strerror(errno));
	t->received_bytes = 0;
	report(t, TUNNEL_UP, "");
}

static void go_down(struct tunnel *t)
{
	close_probe(t);
	report(t, TUNNEL_DOWN, "three probes in a row were not answered");
	turn_away(t);
}

static void send_probe(struct tunnel *t)
{
	/* What came by WireGuard since the last probe shows life where the probe itself is late behind a full line. */
	struct wg_status status;
	if (wg_get_status(link_name, &status) == 0) {
		if (status.received_bytes > t->received_bytes && t->received_bytes > 0 && t->failover.misses > 0)
			failover_heard(&t->failover, -1);
		t->received_bytes = status.received_bytes;
	}
	int error = probe_send(t->probe_fd, t->probe_sequence++, now_ms());
	if (error && error != -EAGAIN)
		log_warn("probe not sent: %s", strerror(-error));
	if (++t->probes_since_report >= REPORT_EVERY_PROBES)
		report(t, TUNNEL_UP, "");
}

static bool has_handshake(void)
{
	struct wg_status status;
	return wg_get_status(link_name, &status) == 0 && status.handshake_ns > 0;
}

static void (*const orders[])(struct tunnel *t) = {
    [FAILOVER_TRY] = try_endpoint,
    [FAILOVER_UP] = come_up,
    [FAILOVER_PROBE] = send_probe,
    [FAILOVER_DOWN] = go_down,
};

static void tunnel_step(struct tunnel *t)
{
	for (;;) {
		bool trying = t->failover.phase == FAILOVER_TRYING;
		enum failover_order order = failover_step(&t->failover, now_ms(), trying && has_handshake());
		if (order == FAILOVER_WAIT)
			break;
		orders[order](t);
	}
	int64_t wait = failover_due_ms(&t->failover) - now_ms();
	if (t->failover.phase == FAILOVER_TRYING && wait > HANDSHAKE_LOOK_MS)
		wait = HANDSHAKE_LOOK_MS;
	loop_timer_set(t->timer, wait < 0 ? 0 : wait);
}

static void on_timer(void *context) { tunnel_step(context); }

/* Messages of the launcher */

static int read_peer(struct reader *r, struct peer *peer)
{
	size_t key_size = 0;
	read_str(r, peer->id, sizeof peer->id);
	const uint8_t *key = read_blob(r, &key_size);
	read_str(r, peer->inner, sizeof peer->inner);
	peer->endpoint_count = read_u8(r);
	if (r->failed || key_size != sizeof peer->key || peer->endpoint_count > PEER_ENDPOINTS_MAX)
		return -EINVAL;
	memcpy(peer->key, key, sizeof peer->key);
	for (size_t i = 0; i < peer->endpoint_count; i++) {
		char address[INET6_ADDRSTRLEN];
		read_str(r, address, sizeof address);
		uint16_t port = read_u16(r);
		if (r->failed || endpoint_parse(address, port, &peer->endpoints[i]) < 0)
			return -EINVAL;
	}
	return 0;
}

static int read_ports(struct reader *r, struct tunnelwall *wall)
{
	wall->port_count = read_u8(r);
	if (wall->port_count > TUNNELWALL_PORTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < wall->port_count; i++)
		wall->ports[i] = read_u16(r);
	return r->failed ? -EINVAL : 0;
}

struct config {
	uint8_t private_key[WG_KEY_BYTES];
	char address[INET6_ADDRSTRLEN + 4];
};

static int read_config(struct tunnel *t, const struct msg *m, struct config *config)
{
	struct reader r = reader_over(m->payload, m->size);
	size_t key_size = 0;
	const uint8_t *key = read_blob(&r, &key_size);
	read_str(&r, config->address, sizeof config->address);
	t->peers.count = read_u8(&r);
	if (r.failed || key_size != sizeof config->private_key || t->peers.count > PEERS_MAX)
		return -EINVAL;
	memcpy(config->private_key, key, key_size);
	for (size_t i = 0; i < t->peers.count; i++)
		if (read_peer(&r, &t->peers.items[i]) < 0)
			return -EINVAL;
	t->wall.link = link_name;
	t->wall.control_port = read_u16(&r);
	if (read_ports(&r, &t->wall) < 0 || !reader_done(&r))
		return -EINVAL;
	return peers_endpoint_count(&t->peers) > 0 ? 0 : -EDESTADDRREQ;
}

static int raise_wall(const struct tunnel *t)
{
	char *text = tunnelwall_text(&t->wall, &t->peers);
	if (!text)
		return -ENOMEM;
	int error = tunnelwall_apply(text);
	free(text);
	return error;
}

static int tolerate(int error, int expected) { return error == expected ? 0 : error; }

/* After a restart of this process most of it stands already. */
static int configure(const struct tunnel *t, const struct config *config)
{
	int error = raise_wall(t);
	if (!error)
		error = wg_open(link_name);
	if (!error)
		error = wg_set_key(link_name, config->private_key, FIREWALL_MARK);
	if (!error)
		error = tolerate(rtnl_address_add(link_name, config->address), -EEXIST);
	if (!error)
		error = rtnl_link_mtu(link_name, MTU_BYTES);
	if (!error)
		error = rtnl_link_up(link_name);
	return error ? error : rtnl_route_default(link_name, AF_INET);
}

static void take_config(struct tunnel *t)
{
	struct config config;
	struct msg m = {0};
	int got = msg_wait(CHILD_CHANNEL_FD, &m, -1);
	if (got == 0)
		exit(0);
	if (got < 0 || m.type != MSG_TUNNEL_CONFIG)
		fatal("the launcher sent no configuration");
	int error = read_config(t, &m, &config);
	if (error)
		fatal("the configuration is not well-formed: %s", strerror(-error));
	error = configure(t, &config);
	wipe(&config, sizeof config);
	msg_free(&m);
	if (error)
		fatal("%s cannot be set up: %s", link_name, strerror(-error));
}

static int take_ports(struct msg *m, void *context)
{
	struct tunnel *t = context;
	struct reader r = reader_over(m->payload, m->size);
	int error = read_ports(&r, &t->wall);
	if (!error && !reader_done(&r))
		error = -EBADMSG;
	return error ? error : raise_wall(t);
}

static int take_retry(struct msg *m, void *context)
{
	(void)m;
	struct tunnel *t = context;
	if (t->failover.phase == FAILOVER_STANDING)
		return 0; /* the probes will tell */
	start_over(t);
	tunnel_step(t);
	return 0;
}

static int take_renew(struct msg *m, void *context)
{
	(void)m;
	struct tunnel *t = context;
	if (t->failover.phase == FAILOVER_STANDING) {
		close_probe(t);
		report(t, TUNNEL_DOWN, "the clock was set back, hands are shaken anew");
	}
	start_over(t);
	tunnel_step(t);
	return 0;
}

static int take_leave(struct msg *m, void *context)
{
	(void)m;
	struct tunnel *t = context;
	if (t->failover.phase != FAILOVER_STANDING)
		return 0; /* it is on its way elsewhere */
	close_probe(t);
	report(t, TUNNEL_DOWN, "this gateway is being emptied");
	turn_away(t);
	failover_leave(&t->failover);
	tunnel_step(t);
	return 0;
}

static const struct channel_row launcher_rows[] = {
    {MSG_TUNNEL_RETRY, 0, 0, take_retry},
    {MSG_TUNNEL_RENEW, 0, 0, take_renew},
    {MSG_TUNNEL_LEAVE, 0, 0, take_leave},
    {MSG_TUNNEL_PORTS, 1, CHANNEL_ANY_BYTES, take_ports},
};

static struct channel launcher = CHANNEL("the launcher", launcher_rows);

int tunnel_main(void)
{
	static struct tunnel t = {.probe_fd = -1};
	t.loop = loop_new();
	if (!t.loop)
		fatal("no event loop: %s", strerror(errno));
	t.timer = loop_timer(t.loop, on_timer, &t);
	if (!t.timer || channel_watch(t.loop, CHILD_CHANNEL_FD, &launcher, &t))
		fatal("no event loop: %s", strerror(errno));
	take_config(&t);
	if (getrandom(&t.turn, sizeof t.turn, 0) != sizeof t.turn)
		fatal("no random number: %s", strerror(errno));
	if (sandbox_enter(&self) < 0)
		return 1;
	int error = msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0);
	if (error)
		fatal("the launcher is gone: %s", strerror(-error));
	/* No link, no gateways to try yet: the launcher says MSG_TUNNEL_RETRY when there is one. */
	error = loop_run(t.loop);
	return error || launcher.error ? 1 : 0;
}
