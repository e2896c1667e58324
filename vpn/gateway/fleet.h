/*
 * fleet - the registered sticks in memory, found by id, inner address or WireGuard key. Pure.
 */
#ifndef VPN_GATEWAY_FLEET_H
#define VPN_GATEWAY_FLEET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vpn/gateway/beacon.h"
#include "vpn/gateway/health.h"
#include "vpn/gateway/names.h"
#include "vpn/gateway/samples.h"
#include "vpn/gateway/store.h"
#include "vpn/gateway/tried.h"

enum { FLEET_OPEN_MAX = 4 };

struct stick {
	struct store_stick row; /* registry, and the state as it is on disk */
	struct health_record health;
	int64_t last_beacon;       /* unix seconds, 0 none */
	int64_t admitted_until_ms; /* now_ms(); 0: not admitted */

	struct store_admission admission; /* as it is on disk */
	uint8_t nonce[STATEMENT_NONCE_BYTES];
	int64_t nonce_ms;  /* when it was given out, 0 never */
	bool nonce_stands; /* and not used */
	int64_t copy_seen,
	    copy_seen_ms; /* unix seconds, now_ms(): when a used token came, until the desk was told; 0 */

	/* from the last beacon; meaningless until this gateway's process has heard one */
	bool heard;
	bool renewed; /* its peer was made anew in this boot, after its clock was set back */
	uint64_t sequence, uptime_s;
	uint32_t handshake_ms, rtt_ms, loss_permille;
	char link[CODE_SIZE], root_hash[ROOT_HASH_SIZE];
	bool session;
	struct beacon_refused *refused; /* the stick's own, as many as it said */
	size_t refused_count;
	struct beacon_attack *attack; /* NULL: never since its boot */
	int64_t attack_at, killed_at; /* unix seconds: when that grew last, as far as this process has heard */
	struct samples samples;

	/* what it let out and the packet filter or the proxy refused, in this boot; and when that was last a difference
	 * between its enforcer and ours (unix seconds, 0 never), by the worse of its meanings */
	uint32_t tried[TRIED_COUNT];
	enum tried_meaning differs;
	int64_t differs_at;

	/* from WireGuard */
	char endpoint[ENDPOINT_SIZE];
	int64_t handshake; /* unix seconds, 0 never */
	uint64_t received_bytes, sent_bytes;
	uint64_t peer_bytes;  /* received since its peer was made, 0 nothing */
	int64_t peer_idle_ms; /* now_ms(): since when without a session, 0 it has one or was not heard of */

	/* banks this stick has open, "" where free */
	char open[FLEET_OPEN_MAX][BANK_ID_SIZE];

	struct stick *next_by_id, *next_by_address, *next_by_key;
};

struct fleet;

struct fleet *fleet_new(void);
void fleet_free(struct fleet *fleet);

/* The new stick, the fleet's; NULL with errno EEXIST (id, address or key is taken) or ENOMEM. */
struct stick *fleet_add(struct fleet *fleet, const struct store_stick *row);
struct stick *fleet_by_id(const struct fleet *fleet, const char *id);
struct stick *fleet_by_address(const struct fleet *fleet, struct in_addr address);
struct stick *fleet_by_key(const struct fleet *fleet, const uint8_t key[WG_KEY_BYTES]);

size_t fleet_count(const struct fleet *fleet);
struct stick *fleet_at(const struct fleet *fleet, size_t index); /* in the order added */

/* The lowest free address after the gateway's own. 0, or -ENOSPC. */
int fleet_free_address(const struct fleet *fleet, struct in_addr gateway, unsigned prefix, struct in_addr *address);

/* Open or close a bank in the stick's list. open: false if it has too many open. */
bool stick_has_open(const struct stick *stick, const char *bank);
bool stick_open(struct stick *stick, const char *bank);
void stick_close(struct stick *stick, const char *bank);

/* What it said of refusals and of a possible attack. Most sticks say nothing of the kind, and there are many. Without
 * memory what it said before stays. */
void stick_hear(struct stick *stick, const struct beacon *beacon);

#endif
