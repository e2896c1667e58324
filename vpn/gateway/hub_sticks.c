/* What sticks ask and what becomes of them: beacons, admission, sessions, state. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "vpn/gateway/admit.h"
#include "vpn/gateway/hub.h"

enum {
	TUNNEL_FRESH_S = 180,
	CHANGES_A_TICK = 500, /* states that are written in one: the others a second later */
};

const char *const hub_refusals[HUB_REFUSALS] = {
    "not_listed",
    "port",
    "expired_policy",
    "no_session",
    "ip_literal",
    "bad_hello",
    "no_address",
    "unreachable",
    "timeout",
    "tls",
    "frozen",
    "no_bank",
    "bad_question",
    "usb_storage",
    "usb_network",
    "usb_phone",
    "usb_reader",
    "usb_keyboard",
    "usb_pointer",
    "usb_other",
    "killed",
    "certificate_unnamed",
    "indicator_phishing",
    "indicator_malware",
#define CHAIN_FAULT(name, code, operator, ja, en) code,
#include "whitelist/chain.def"
#undef CHAIN_FAULT
    "other",
};

/* --- admission --- */

static void send_admit(struct hub *hub, const struct stick *stick, uint32_t seconds)
{
	uint8_t data[16];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, stick->row.address.s_addr);
	write_u32(&w, seconds);
	hub->send(hub, ROLE_EGRESS, GW_ADMIT, 0, &w);
}

static bool send_session(struct hub *hub, uint32_t id, const struct stick *stick, const char *bank, bool open)
{
	uint8_t data[64];
	struct writer w = writer_over(data, sizeof data);
	write_u32(&w, stick->row.address.s_addr);
	write_str(&w, bank);
	write_u8(&w, open);
	return hub->send(hub, ROLE_EGRESS, GW_SESSION, id, &w);
}

static void close_session(struct hub *hub, struct stick *stick, const char *bank)
{
	char id[BANK_ID_SIZE];
	snprintf(id, sizeof id, "%s", bank); /* it may be the very entry that is cleared */
	stick_close(stick, id);
	store_session(hub->store, stick->row.id, id, false, hub_now());
	send_session(hub, 0, stick, id, false);
}

static void close_sessions(struct hub *hub, struct stick *stick)
{
	for (int i = 0; i < FLEET_OPEN_MAX; i++)
		if (stick->open[i][0])
			close_session(hub, stick, stick->open[i]);
}

static void expel(struct hub *hub, struct stick *stick)
{
	stick->admitted_until_ms = 0;
	send_admit(hub, stick, 0);
}

/* What is to be let in again needs another statement. */
static void end_admission(struct hub *hub, struct stick *stick)
{
	close_sessions(hub, stick);
	if (stick->admitted_until_ms)
		expel(hub, stick);
	hub_lease_end(hub, stick);
}

/* --- state --- */

static void record_change(struct hub *hub, struct stick *stick, enum health from)
{
	int64_t now = hub_now();
	struct store_stick *row = &stick->row;
	row->since = now;
	row->last_beacon = stick->last_beacon;
	snprintf(row->state, sizeof row->state, "%s", health_name(stick->health.state));
	snprintf(row->cause, sizeof row->cause, "%s", health_cause_name(stick->health.cause));
	memcpy(row->boot, stick->health.boot, sizeof row->boot);
	hub->transitions[stick->health.state]++;
	store_state(hub->store, row, health_name(from), now);
	log_info("%s: %s -> %s (%s)", row->id, health_name(from), row->state, row->cause);
}

static bool tunnel_is_fresh(const struct stick *stick)
{
	return stick->handshake > 0 && hub_now() - stick->handshake <= TUNNEL_FRESH_S;
}

static void tick_stick(struct hub *hub, struct stick *stick, int64_t now, unsigned *changes)
{
	enum health from = stick->health.state;
	if (stick->admitted_until_ms && stick->admitted_until_ms <= now)
		expel(hub, stick);
	hub_peer_tick(hub, stick, now);
	if (*changes >= CHANGES_A_TICK || !health_tick(&stick->health, now, tunnel_is_fresh(stick)))
		return;
	++*changes;
	hub->revision++;
	record_change(hub, stick, from);
	if (stick->health.state == HEALTH_LOST)
		close_sessions(hub, stick);
}

/* Until the policy process has verified one there is none to be expired: a restart closes nobody's bank. */
static bool policy_is_expired(const struct hub *hub)
{
	return hub->policy.version != 0 && hub->policy.expires <= hub_now();
}

void hub_tick(struct hub *hub)
{
	int64_t now = now_ms();
	bool closed = policy_is_expired(hub), batch = hub_batch(hub);
	unsigned changes = 0;
	hub->peers_renewed_now = 0;
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		struct stick *stick = fleet_at(hub->fleet, i);
		tick_stick(hub, stick, now, &changes);
		if (closed)
			close_sessions(hub, stick);
	}
	hub_batch_end(hub, batch);
}

/* --- beacons --- */

struct answer {
	const char *state, *reason;
	enum hub_count count;
	enum health_cause hold; /* what the desk sees it held back for; CAUSE_COUNT: it is not */
};

static const struct answer unknown = {"unknown", "not_registered", COUNT_UNKNOWN, CAUSE_COUNT};
static const struct answer revoked = {"revoked", "revoked", COUNT_REVOKED, CAUSE_COUNT};
static const struct answer mismatch = {"refused", "device_mismatch", COUNT_DEVICE_MISMATCH, CAUSE_COUNT};
static const struct answer old_beacon = {"refused", "old_beacon", COUNT_OLD_BEACON, CAUSE_COUNT};
static const struct answer goodbye = {"admitted", "goodbye", COUNT_GOODBYE, CAUSE_COUNT};

/* By what admission says of it; the others need no more than a statement, and nothing is wrong with the stick. */
static const struct answer standings[REASON_COUNT] = {
    [REASON_NONE] = {"admitted", "", COUNT_ADMITTED, CAUSE_COUNT},
    [REASON_IMAGE_OLD] = {"refused", "image_old", COUNT_IMAGE_OLD, CAUSE_IMAGE_OLD},
    [REASON_IMAGE_UNKNOWN] = {"refused", "image_unknown", COUNT_IMAGE_UNKNOWN, CAUSE_IMAGE_UNKNOWN},
    [REASON_NO_STATEMENT] = {"refused", "no_statement", COUNT_NO_STATEMENT, CAUSE_COUNT},
    [REASON_NO_IDENTITY] = {"refused", "no_identity", COUNT_HELD, CAUSE_NO_IDENTITY},
    [REASON_COPIED] = {"refused", "copied", COUNT_HELD, CAUSE_COPIED},
    [REASON_PIN_NONE] = {"refused", "pin_none", COUNT_HELD, CAUSE_PIN_NONE},
    [REASON_PIN_LOCKED] = {"refused", "pin_locked", COUNT_HELD, CAUSE_PIN_LOCKED},
};

static enum admission_reason check_image(const struct hub *hub, const char *version, const char *root_hash)
{
	static const enum admission_reason reasons[] = {
	    [IMAGE_GOOD] = REASON_NONE, [IMAGE_OLD] = REASON_IMAGE_OLD, [IMAGE_UNKNOWN] = REASON_IMAGE_UNKNOWN};
	return reasons[images_judge(&hub->images, version, root_hash)];
}

static const struct answer *check_beacon(const struct hub *hub, const struct stick *stick, const struct beacon *beacon)
{
	if (!stick)
		return &unknown;
	if (stick->row.revoked)
		return &revoked;
	if (strcmp(stick->row.id, beacon->device) != 0)
		return &mismatch;
	if (strcmp(stick->health.boot, beacon->boot) == 0 && beacon->sequence < stick->sequence)
		return &old_beacon;
	if (beacon->goodbye)
		return &goodbye;
	enum admission_reason image = check_image(hub, beacon->image_version, beacon->root_hash);
	return &standings[image ? image : hub_standing(hub, stick, beacon->boot)];
}

/* A stick counts from its boot on; what is new since its last beacon is added to the desk's count. */
static void count_refusals(struct hub *hub, struct stick *stick, const struct beacon *beacon, bool new_boot)
{
	for (size_t i = 0; i < beacon->refused_count; i++) {
		uint32_t before = 0;
		for (size_t j = 0; j < stick->refused_count && !new_boot; j++)
			if (strcmp(stick->refused[j].code, beacon->refused[i].code) == 0)
				before = stick->refused[j].count;
		size_t known = 0;
		while (known < HUB_REFUSALS - 1 && strcmp(hub_refusals[known], beacon->refused[i].code) != 0)
			known++;
		if (beacon->refused[i].count <= before)
			continue;
		hub->refusals[known] += beacon->refused[i].count - before;
		if (strcmp(beacon->refused[i].code, "killed") == 0)
			stick->killed_at = hub_now();
	}
}

/* What is new since the stick's last beacon becomes an event with the host and the keys that were presented. */
static void note_attack(struct hub *hub, struct stick *stick, const struct beacon_attack *attack, bool new_boot)
{
	uint32_t before = new_boot || !stick->attack ? 0 : stick->attack->count;
	char detail[HOST_SIZE + CODE_SIZE + BEACON_KEYS_MAX * (BEACON_KEY_SIZE + 1)];
	if (attack->count <= before)
		return;
	hub->attacks += attack->count - before;
	stick->attack_at = hub_now();
	int at = snprintf(detail, sizeof detail, "%s %s", attack->host, attack->reason);
	for (size_t i = 0; i < attack->key_count; i++)
		at += snprintf(detail + at, sizeof detail - (size_t)at, " %s", attack->keys[i]);
	log_warn("%s: possibly an attack: %s", stick->row.id, detail);
	hub_note(hub, "possible_attack", stick->row.id, "", detail);
}

static void take_beacon(struct hub *hub, struct stick *stick, const struct beacon *beacon, const struct answer *answer)
{
	const struct health_record before = stick->health;
	bool new_boot = strcmp(stick->health.boot, beacon->boot) != 0;
	count_refusals(hub, stick, beacon, new_boot);
	note_attack(hub, stick, &beacon->attack, new_boot);
	if (new_boot) {
		close_sessions(hub, stick);
		memset(stick->tried, 0, sizeof stick->tried);
		stick->renewed = false;
	}
	hub_peer_clock(hub, stick, beacon->clock_back_s);
	health_beacon(&stick->health, now_ms(), beacon->boot, beacon->goodbye);
	if (answer->hold != CAUSE_COUNT)
		health_quarantine(&stick->health, answer->hold);
	stick->last_beacon = hub_now();
	stick->heard = true;
	stick->sequence = beacon->sequence;
	stick->uptime_s = beacon->uptime_s;
	stick->handshake_ms = beacon->handshake_ms;
	stick->rtt_ms = beacon->rtt_ms;
	stick->loss_permille = beacon->loss_permille;
	samples_add(&stick->samples, stick->last_beacon, beacon->rtt_ms, beacon->loss_permille);
	stick->session = beacon->session;
	memcpy(stick->link, beacon->link, sizeof stick->link);
	stick_hear(stick, beacon);
	memcpy(stick->root_hash, beacon->root_hash, sizeof stick->root_hash);
	memcpy(stick->row.image_version, beacon->image_version, sizeof stick->row.image_version);
	stick->row.policy_version = beacon->policy_version;
	/* What it was for a moment in between is no news. */
	bool new_cause = answer->hold != CAUSE_COUNT && stick->health.cause != before.cause;
	if (stick->health.state != before.state || new_cause)
		record_change(hub, stick, before.state);
	hub->revision++;
}

void hub_admit(struct hub *hub, struct stick *stick)
{
	uint32_t lease_s = hub_lease_s(stick), seconds = lease_s < HUB_VALID_S ? lease_s : HUB_VALID_S;
	stick->admitted_until_ms = now_ms() + (int64_t)seconds * 1000;
	send_admit(hub, stick, seconds);
	hub->revision++;
}

/* A renewal that is refused for the moment leaves what stands until it runs out; whatever else is wrong ends it. */
void hub_refuse(struct hub *hub, struct stick *stick, enum admission_reason reason)
{
	const struct answer *answer = &standings[reason];
	enum health from = stick->health.state;
	bool passing = reason == REASON_TRY_AGAIN || reason == REASON_NONCE || reason == REASON_SIGNATURE ||
		       reason == REASON_DEVICE_MISMATCH;
	if (passing)
		return;
	end_admission(hub, stick);
	stick->health.last_beacon_ms = now_ms(); /* it was heard */
	if (answer->state && answer->hold != CAUSE_COUNT && health_quarantine(&stick->health, answer->hold))
		record_change(hub, stick, from);
	hub->revision++;
}

static void reply_beacon(struct hub *hub, uint32_t id, const struct answer *answer, const struct stick *stick)
{
	uint8_t data[256];
	struct writer w = writer_over(data, sizeof data);
	uint32_t lease_s = answer->count == COUNT_ADMITTED ? hub_lease_s(stick) : 0;
	write_str(&w, answer->state);
	write_str(&w, answer->reason);
	write_u32(&w, lease_s < HUB_VALID_S ? lease_s : HUB_VALID_S);
	write_u64(&w, hub->policy.version);
	write_u64(&w, hub->gateways.version);
	write_u32(&w, lease_s);
	write_blob(&w, NULL, 0);
	write_u8(&w, 255);
	write_u32(&w, stick && answer != &goodbye ? hub_drain_s(hub, stick) : 0);
	hub->send(hub, ROLE_API, GW_BEACON_REPLY, id, &w);
}

static struct in_addr read_address(struct reader *r) { return (struct in_addr){.s_addr = read_u32(r)}; }

void hub_beacon(struct hub *hub, uint32_t id, struct reader *r)
{
	struct beacon beacon;
	struct in_addr address = read_address(r);
	beacon_read(r, &beacon);
	if (!reader_done(r))
		return;
	struct stick *stick = fleet_by_address(hub->fleet, address);
	const struct answer *answer = check_beacon(hub, stick, &beacon);
	bool in = answer->count == COUNT_ADMITTED,
	     is_standing = answer >= standings && answer < standings + REASON_COUNT;
	hub->beacons[answer->count]++;
	if (answer == &goodbye || is_standing)
		take_beacon(hub, stick, &beacon, answer);
	if (in)
		hub_admit(hub, stick);
	else if (answer == &goodbye || is_standing)
		end_admission(hub, stick);
	reply_beacon(hub, id, answer, stick);
}

void hub_hold_back(struct hub *hub)
{
	bool batch = hub_batch(hub);
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		struct stick *stick = fleet_at(hub->fleet, i);
		enum admission_reason reason = check_image(hub, stick->row.image_version, stick->root_hash);
		if (!stick->heard || !stick->admitted_until_ms || !reason)
			continue;
		end_admission(hub, stick);
		/* from this moment, and not from its next beacon: the desk is asked why its bank is gone */
		enum health before = stick->health.state;
		if (health_quarantine(&stick->health, standings[reason].hold))
			record_change(hub, stick, before);
	}
	hub_batch_end(hub, batch);
}

void hub_count(struct hub *hub, const char *code)
{
	hub->beacons[strcmp(code, "malformed") == 0 ? COUNT_MALFORMED : COUNT_OTHER]++;
}

/* --- sessions --- */

static void reply_open(struct hub *hub, uint32_t id, const char *reason)
{
	uint8_t data[128];
	struct writer w = writer_over(data, sizeof data);
	write_u8(&w, reason[0] == '\0');
	write_str(&w, reason);
	hub->send(hub, ROLE_API, GW_OPEN_REPLY, id, &w);
}

static const char *why_not_open(const struct hub *hub, const struct stick *stick, const char *bank)
{
	if (!stick || stick->row.revoked || stick->admitted_until_ms <= now_ms())
		return "not_admitted";
	if (!plan_bank(&hub->plan, bank))
		return "no_such_bank";
	if (policy_is_expired(hub))
		return "policy_expired";
	if (!config_egress_of(&hub->config, bank))
		return "no_egress_address";
	/* one that is open goes on after a moment's loss */
	if (hub->drain_until && !stick_has_open(stick, bank))
		return "draining";
	return NULL;
}

void hub_open_request(struct hub *hub, uint32_t id, struct reader *r)
{
	char bank[BANK_ID_SIZE];
	struct in_addr address = read_address(r);
	read_str(r, bank, sizeof bank);
	bool open = read_u8(r);
	if (!reader_done(r))
		return;
	struct stick *stick = fleet_by_address(hub->fleet, address);
	const char *reason = open ? why_not_open(hub, stick, bank) : stick ? NULL : "not_admitted";
	if (!reason && open && !stick_open(stick, bank))
		reason = "too_many_banks";
	if (!reason && store_session(hub->store, stick->row.id, bank, open, hub_now())) {
		if (open) {
			stick_close(stick, bank);
			reason = "try_again";
		} else {
			log_error("%s: the end of %s is not in the database", stick->row.id,
				  bank); /* closed all the same */
		}
	}
	if (reason) {
		reply_open(hub, id, reason);
		return;
	}
	if (!open)
		stick_close(stick, bank);
	/* The answer goes out when the packet filter has it: GW_SESSION_DONE comes back with the same id. */
	if (!send_session(hub, id, stick, bank, open))
		reply_open(hub, id, "try_again");
	hub->revision++;
}

void hub_session_done(struct hub *hub, uint32_t id, struct reader *r)
{
	char reason[64];
	bool good = read_u8(r);
	read_str(r, reason, sizeof reason);
	if (reader_done(r) && id != 0)
		reply_open(hub, id, good ? "" : reason);
}

void hub_fetch(struct hub *hub, uint32_t id, struct reader *r)
{
	struct in_addr address = read_address(r);
	const uint8_t what = read_u8(r);
	const uint64_t held = read_u64(r);
	const struct hub_document *document = what ? &hub->gateways : &hub->policy;
	const struct stick *stick = fleet_by_address(hub->fleet, address);
	bool known = stick && !stick->row.revoked, there = known && document->version && document->envelope;
	if (!reader_done(r))
		return;
	/* Megabytes go to the api once, not for each stick that asks. */
	const size_t size = there && held != document->serial && held != GW_FETCH_COMING ? document->size : 0;
	uint8_t *data = malloc(size + 32);
	struct writer w = writer_over(data, data ? size + 32 : 0);
	write_u8(&w, what);
	write_u8(&w, known);
	write_u64(&w, there ? document->serial : 0);
	write_u64(&w, there ? document->version : 0);
	write_blob(&w, size ? document->envelope : "", size);
	hub->send(hub, ROLE_API, GW_FETCH_REPLY, id, &w);
	free(data);
}

/* --- what the packet filter is told anew --- */

void hub_brief_egress(struct hub *hub)
{
	const size_t capacity = plan_size(&hub->plan);
	uint8_t *data = malloc(capacity), nothing;
	struct writer w = writer_over(data, data ? capacity : 0);
	plan_write(&w, &hub->plan);
	hub->send(hub, ROLE_EGRESS, GW_PLAN, 0, &w);
	free(data);
	int64_t now = now_ms();
	for (size_t i = 0; i < fleet_count(hub->fleet); i++) {
		const struct stick *stick = fleet_at(hub->fleet, i);
		int64_t left_s = (stick->admitted_until_ms - now) / 1000;
		if (left_s > 0)
			send_admit(hub, stick, (uint32_t)left_s);
		for (int j = 0; j < FLEET_OPEN_MAX; j++)
			if (stick->open[j][0])
				send_session(hub, 0, stick, stick->open[j], true);
	}
	struct writer none = writer_over(&nothing, 0);
	hub->send(hub, ROLE_EGRESS, GW_BRIEFED, 0, &none);
}

/* --- registry --- */

int hub_stick_add(struct hub *hub, struct store_stick *row, const char *who, char *why, size_t why_size)
{
	char detail[INET_ADDRSTRLEN];
	row->created = row->since = hub_now();
	if (row->address.s_addr == 0 &&
	    fleet_free_address(hub->fleet, hub->config.inner, hub->config.inner_prefix, &row->address)) {
		snprintf(why, why_size, "no inner address is free: enlarge `inner' in gateway.conf");
		return -ENOSPC;
	}
	struct stick *stick = fleet_by_id(hub->fleet, row->id);
	if (!stick)
		stick = fleet_by_key(hub->fleet, row->key);
	if (!stick)
		stick = fleet_by_address(hub->fleet, row->address);
	if (stick) {
		snprintf(why, why_size, "%s is registered already with this id, key or address", stick->row.id);
		return -EEXIST;
	}
	inet_ntop(AF_INET, &row->address, detail, sizeof detail);
	int error = hub_begin(hub);
	if (!error)
		error = hub_end(hub, store_stick_add(hub->store, row), "stick_added", row->id, who, detail);
	if (error) {
		snprintf(why, why_size, "the database did not take it: %s", strerror(-error));
		return error;
	}
	stick = fleet_add(hub->fleet, row);
	if (stick)
		admit_new(&stick->admission);
	if (!stick) {
		snprintf(why, why_size, "out of memory; it is registered and will work after a restart");
		return -ENOMEM;
	}
	hub_peer_set(hub, stick, false);
	hub->revision++;
	return 0;
}

int hub_stick_revoke(struct hub *hub, const char *id, const char *who, char *why, size_t why_size)
{
	struct stick *stick = fleet_by_id(hub->fleet, id);
	if (!stick || stick->row.revoked) {
		snprintf(why, why_size, stick ? "%s is revoked already" : "%s is not registered", id);
		return stick ? -EALREADY : -ENOENT;
	}
	int error = hub_begin(hub);
	if (!error)
		error = hub_settle(hub, hub_revoke_keep(hub, stick, who));
	if (error) {
		snprintf(why, why_size, "the database did not take it: %s", strerror(-error));
		return error;
	}
	hub_revoked(hub, stick);
	return 0;
}

int hub_revoke_keep(struct hub *hub, const struct stick *stick, const char *who)
{
	const char *id = stick->row.id;
	int64_t now = hub_now();
	int error = store_stick_revoke(hub->store, id, now);
	if (!error)
		error = store_event(hub->store, now, "stick_revoked", id, who, "");
	return error ? error : audit_add(hub->audit, now, who, "stick_revoked", id, "");
}

void hub_revoked(struct hub *hub, struct stick *stick)
{
	enum health from = stick->health.state;
	stick->row.revoked = hub_now();
	close_sessions(hub, stick);
	expel(hub, stick);
	hub_peer_set(hub, stick, true);
	if (health_revoke(&stick->health))
		record_change(hub, stick, from);
	hub->revision++;
}
