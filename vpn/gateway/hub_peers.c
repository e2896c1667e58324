/* Sticks as peers of WireGuard: what is set, what is read, and which are made anew. */
#include <string.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "vpn/gateway/hub.h"

/*
 * WireGuard takes no handshake whose time is not later than the last one's of that key, which is its guard against
 * replays, and a stick's time is its PC's. One that was ahead once is shut out for as long as it was ahead, and cannot
 * say so. A peer that is made anew knows of no earlier time. It is done where nothing is lost by it: no session is on.
 * What it costs: of the handshakes made before, the newest or any other can be replayed once more. Whoever does it gets
 * one answer that he cannot read, and is forgotten again.
 */
enum {
	PEERS_PER_MESSAGE = 512,
	PEER_WIRE_BYTES = 1 + 4 + WG_KEY_BYTES + 4,
	SESSION_S = 180,       /* no key of WireGuard's is older */
	IDLE_MS = 20000,       /* a handshake is over by then, or has failed */
	RENEWED_AT_ONCE = 200, /* in one tick: a region that comes back is no reason to stop the tunnel of the others */
};

static void write_peer(struct writer *w, const struct stick *stick, bool remove)
{
	write_u8(w, remove);
	write_blob(w, stick->row.key, sizeof stick->row.key);
	write_u32(w, stick->row.address.s_addr);
}

void hub_peer_set(struct hub *hub, const struct stick *stick, bool remove)
{
	uint8_t data[4 + PEER_WIRE_BYTES];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, 1);
	write_peer(&w, stick, remove);
	hub->send(hub, ROLE_PEERS, GW_PEERS, 0, &w);
}

static void renew(struct hub *hub, struct stick *stick)
{
	hub_peer_set(hub, stick, true);
	hub_peer_set(hub, stick, false);
	stick->peer_bytes = 0;
	stick->peer_idle_ms = 0;
	hub->peers_renewed++;
}

/* Once in a boot: there is a session, and it has to shake hands anew. */
void hub_peer_clock(struct hub *hub, struct stick *stick, uint64_t back_s)
{
	if (back_s == 0 || stick->renewed)
		return;
	log_info("%s has set its clock back by %llu s: its peer is made anew", stick->row.id,
		 (unsigned long long)back_s);
	stick->renewed = true;
	renew(hub, stick);
}

/* Heard of since it was made, and no session: it has gone, or it cannot come in. */
static bool is_idle(const struct stick *stick)
{
	bool left = stick->health.state == HEALTH_OFFLINE && stick->handshake <= stick->last_beacon;
	bool session = !left && hub_now() - stick->handshake <= SESSION_S;
	return stick->peer_bytes > 0 && !session && !stick->row.revoked;
}

void hub_peer_tick(struct hub *hub, struct stick *stick, int64_t now)
{
	if (!is_idle(stick)) {
		stick->peer_idle_ms = 0;
		return;
	}
	if (stick->peer_idle_ms == 0)
		stick->peer_idle_ms = now;
	if (now - stick->peer_idle_ms < IDLE_MS || hub->peers_renewed_now == RENEWED_AT_ONCE)
		return;
	hub->peers_renewed_now++;
	renew(hub, stick);
}

void hub_peer_status(struct hub *hub, struct reader *r)
{
	size_t size;
	char endpoint[ENDPOINT_SIZE];
	const uint8_t *key = read_blob(r, &size);
	read_str(r, endpoint, sizeof endpoint);
	int64_t handshake = (int64_t)read_u64(r);
	uint64_t received = read_u64(r), sent = read_u64(r);
	/* the kernel's time, handed on: there is none before 1970 */
	if (!reader_done(r) || size != WG_KEY_BYTES || handshake < 0)
		return;
	struct stick *stick = fleet_by_key(hub->fleet, key);
	if (!stick)
		return;
	stick->peer_bytes = received;
	/* One that has just been made anew has no last handshake: its stick has. */
	if (handshake == 0)
		handshake = stick->handshake;
	if (strcmp(stick->endpoint, endpoint) != 0 || stick->handshake != handshake)
		hub->revision++;
	memcpy(stick->endpoint, endpoint, sizeof stick->endpoint);
	stick->handshake = handshake;
	stick->received_bytes = received;
	stick->sent_bytes = sent;
	hub_place(hub, stick);
}

void hub_brief_peers(struct hub *hub)
{
	static uint8_t data[4 + PEERS_PER_MESSAGE * PEER_WIRE_BYTES];
	size_t at = 0, total = fleet_count(hub->fleet);
	while (at < total) {
		size_t end = at + PEERS_PER_MESSAGE < total ? at + PEERS_PER_MESSAGE : total;
		struct writer w = writer_over(data, sizeof data);
		write_u32(&w, (uint32_t)(end - at));
		for (; at < end; at++)
			write_peer(&w, fleet_at(hub->fleet, at), fleet_at(hub->fleet, at)->row.revoked != 0);
		hub->send(hub, ROLE_PEERS, GW_PEERS, 0, &w);
	}
	struct writer none = writer_over(data, sizeof data);
	hub->send(hub, ROLE_PEERS, GW_PEERS_WHOLE, 0, &none);
}
