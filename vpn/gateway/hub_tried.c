/* What sticks let out and the packet filter, the proxy or the resolver refused: counts, and the alarm when it means
 * something. */
#include <inttypes.h>
#include <stdio.h>

#include "firmware/lib/log.h"
#include "vpn/gateway/hub.h"

/* A single address may have run out of its set at the wrong moment; three in one boot have not. An alarm is news for a
 * day, and its event is written once an hour at most. */
enum { HELD_UP_MIN = 3, NEWS_S = 86400, EVENT_EVERY_S = 3600 };

static const char *const meanings[] = {[TRIED_MEANS_NOTHING] = "",
				       [TRIED_MEANS_LET_OUT] = "let_out",
				       [TRIED_MEANS_HELD_UP] = "held_up",
				       [TRIED_MEANS_ASKED] = "asked"};

const char *hub_difference(const struct stick *stick)
{
	/* one that is revoked was looked at */
	return stick->differs_at && !stick->row.revoked && hub_now() - stick->differs_at < NEWS_S
		   ? meanings[stick->differs]
		   : "";
}

static void note_difference(struct hub *hub, struct stick *stick, enum tried kind)
{
	int64_t now = hub_now();
	bool was_news = hub_difference(stick)[0] != '\0';
	bool worse = tried_means(kind) == TRIED_MEANS_LET_OUT && stick->differs != TRIED_MEANS_LET_OUT;
	if (!was_news || worse)
		stick->differs = tried_means(kind);
	if (!was_news || worse || now - stick->differs_at >= EVENT_EVERY_S) {
		char detail[64];
		snprintf(detail, sizeof detail, "%s %" PRIu32, tried_name(kind), stick->tried[kind]);
		store_event(hub->store, now, "enforcers_differ", stick->row.id, meanings[stick->differs], detail);
		log_warn("%s and this gateway disagree: %s", stick->row.id, detail);
	}
	stick->differs_at = now;
}

void hub_tried(struct hub *hub, struct reader *r)
{
	struct in_addr address = {.s_addr = read_u32(r)};
	uint8_t kind = read_u8(r);
	uint32_t more = read_u32(r);
	if (!reader_done(r) || kind >= TRIED_COUNT)
		return;
	hub->tried[kind] += more;
	struct stick *stick = fleet_by_address(hub->fleet, address);
	if (!stick)
		return;
	stick->tried[kind] = more > UINT32_MAX - stick->tried[kind] ? UINT32_MAX : stick->tried[kind] + more;
	hub->revision++;
	enum tried_meaning means = tried_means((enum tried)kind);
	const uint32_t from = means == TRIED_MEANS_HELD_UP ? HELD_UP_MIN : 1;
	if (means != TRIED_MEANS_NOTHING && stick->tried[kind] >= from)
		note_difference(hub, stick, (enum tried)kind);
}
