/* The peers process: the WireGuard interface, its key and its peers. */
#include <errno.h>
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
#include "vpn/gateway/backend.h"
#include "vpn/gateway/children.h"
#include "vpn/gateway/keys.h"
#include "vpn/gateway/messages.h"
#include "vpn/gateway/peers_seen.h"

enum { KEY_FD = GATEWAY_OWN_FD, UAPI_FD = GATEWAY_OWN_FD + 1, READ_EVERY_MS = 3000 };

static const struct self self = {
    .name = "peers",
    .holds = "CAP_NET_ADMIN; WireGuard's private key until it is set",
    .reads = "netlink, or the user-space WireGuard's socket",
    .speaks_to = "store",
    .promises = PROMISE_BASE | PROMISE_SEND | PROMISE_NETLINK,
    .open_files_max = 32,
};

/* What the store said so far, to find out which peers of the interface nobody knows. */
struct known {
	uint8_t (*keys)[WG_KEY_BYTES];
	size_t count, capacity;
};

static struct config config;
static struct loop *loop;
static struct loop_timer *timer;
static struct backend *backend;
static struct known known;
static struct backend_peer *unknown;
static size_t unknown_count;
static struct peers_seen *seen;

static void remember(const uint8_t key[WG_KEY_BYTES])
{
	if (known.count == known.capacity) {
		size_t capacity = known.capacity ? known.capacity * 2 : 256;
		void *grown = realloc(known.keys, capacity * sizeof *known.keys);
		if (!grown)
			fatal("out of memory for the peers");
		known.keys = grown;
		known.capacity = capacity;
	}
	memcpy(known.keys[known.count++], key, WG_KEY_BYTES);
}

static int compare_keys(const void *a, const void *b) { return memcmp(a, b, WG_KEY_BYTES); }

static void collect_unknown(const struct backend_status *status, void *context)
{
	(void)context;
	if (bsearch(status->key, known.keys, known.count, WG_KEY_BYTES, compare_keys))
		return;
	struct backend_peer *grown = realloc(unknown, (unknown_count + 1) * sizeof *unknown);
	if (!grown)
		fatal("out of memory for the peers");
	unknown = grown;
	unknown[unknown_count] = (struct backend_peer){.remove = true};
	memcpy(unknown[unknown_count++].key, status->key, WG_KEY_BYTES);
}

/* The interface outlives this process: what was revoked meanwhile, or never registered, must go. */
static int take_whole(struct msg *m, void *context)
{
	(void)m, (void)context;
	if (known.count > 0)
		qsort(known.keys, known.count, WG_KEY_BYTES, compare_keys);
	int error = backend_each(backend, collect_unknown, NULL);
	if (!error)
		error = backend_set_peers(backend, unknown, unknown_count);
	if (error)
		fatal("peers that are not registered cannot be removed: %s", strerror(-error));
	if (unknown_count > 0)
		log_warn("removed %zu peers that are not registered", unknown_count);
	free(unknown);
	free(known.keys);
	unknown = NULL;
	unknown_count = 0;
	known = (struct known){0};
	peers_seen_clear(seen); /* this store knows nothing yet */
	return 0;
}

static int take_peers(struct msg *m, void *context)
{
	struct reader reader = reader_over(m->payload, m->size), *r = &reader;
	uint32_t count = read_u32(r);
	(void)context;
	struct backend_peer *peers = count <= MSG_PAYLOAD_MAX_BYTES ? calloc(count ? count : 1, sizeof *peers) : NULL;
	for (uint32_t i = 0; i < count && peers && !r->failed; i++) {
		size_t size;
		peers[i].remove = read_u8(r);
		const uint8_t *key = read_blob(r, &size);
		peers[i].address.s_addr = read_u32(r);
		if (r->failed || size != WG_KEY_BYTES)
			break;
		memcpy(peers[i].key, key, WG_KEY_BYTES);
		if (!peers[i].remove)
			remember(peers[i].key);
	}
	if (!peers || !reader_done(r))
		fatal("the store's list of peers cannot be read");
	int error = backend_set_peers(backend, peers, count);
	free(peers);
	/* Ending is louder than a stick that silently has no tunnel: the parent starts this process again. */
	if (error)
		fatal("WireGuard does not take the peers: %s", strerror(-error));
	return 0;
}

static void send_status(const struct backend_status *status, void *context)
{
	(void)context;
	uint8_t data[256];
	char endpoint[ENDPOINT_SIZE];
	if (!peers_seen_tell(seen, status))
		return;
	backend_status_endpoint(status, endpoint);
	struct writer w = writer_over(data, sizeof data);
	write_blob(&w, status->key, sizeof status->key);
	write_str(&w, endpoint);
	write_u64(&w, (uint64_t)status->handshake);
	write_u64(&w, status->received_bytes);
	write_u64(&w, status->sent_bytes);
	if (status->handshake || endpoint[0])
		msg_send(GATEWAY_STORE_FD, GW_PEER_STATUS, 0, w.data, w.size);
}

static void on_timer(void *context)
{
	(void)context;
	int error = backend_each(backend, send_status, NULL);
	if (error)
		fatal("WireGuard cannot be read: %s", strerror(-error));
	loop_timer_set(timer, READ_EVERY_MS);
}

static const struct channel_row orders[] = {
    {GW_PEERS, sizeof(uint32_t), CHANNEL_ANY_BYTES, take_peers},
    {GW_PEERS_WHOLE, 0, 0, take_whole},
};

static struct channel store = CHANNEL("the store", orders), parent = {.peer = "the parent"};

static void open_interface(void)
{
	uint8_t key[WG_KEY_BYTES];
	bool kernel = strcmp(config.wireguard, "kernel") == 0;
	int error = keys_read_wireguard(KEY_FD, key);
	if (error)
		fatal("%s is not a WireGuard private key (32 bytes in base64): %s", config.wireguard_key,
		      strerror(-error));
	close(KEY_FD);
	backend = kernel ? backend_kernel(config.interface) : backend_uapi(UAPI_FD);
	if (!backend)
		fatal("out of memory");
	error = backend_set_device(backend, key, config.listen_port);
	wipe(key, sizeof key);
	if (error)
		fatal("%s does not take its key and port %u: %s", config.interface, config.listen_port,
		      strerror(-error));
}

int peers_main(void)
{
	signal(SIGPIPE, SIG_IGN);
	child_begin("gatewayd peers", UAPI_FD, &config);
	loop = loop_new();
	timer = loop ? loop_timer(loop, on_timer, NULL) : NULL;
	seen = peers_seen_new();
	if (!timer || !seen || channel_watch(loop, CHILD_CHANNEL_FD, &parent, NULL) ||
	    channel_watch(loop, GATEWAY_STORE_FD, &store, NULL))
		fatal("the event loop cannot be made: %s", strerror(errno));
	if (sandbox_enter(&self))
		return 1;
	open_interface();
	loop_timer_set(timer, READ_EVERY_MS);
	if (msg_send(CHILD_CHANNEL_FD, GW_READY, 0, NULL, 0))
		return 1;
	loop_run(loop);
	backend_free(backend);
	peers_seen_free(seen);
	return store.error || parent.error ? 1 : 0;
}
