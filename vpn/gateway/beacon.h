/*
 * beacon - what a stick says of itself every 30 s (POST /v1/beacon, see control-api.yaml).
 *
 * Bytes from a stick: bounded, strictly typed. A member this version does not know is passed over, so that a newer
 * stick can talk to an older gateway; a known one that is wrong refuses the whole beacon.
 */
#ifndef VPN_GATEWAY_BEACON_H
#define VPN_GATEWAY_BEACON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/buf.h"
#include "vpn/gateway/names.h"

enum { BEACON_MAX_BYTES = 4096, BEACON_REFUSED_MAX = 64, BEACON_KEYS_MAX = 8, BEACON_KEY_SIZE = 45 };

struct beacon_refused {
	char code[CODE_SIZE];
	uint32_t count;
};

/* The last time that somebody may have been between a stick and its bank; `count` 0: never since its boot. */
struct beacon_attack {
	uint32_t count;
	char host[HOST_SIZE], reason[CODE_SIZE];
	char keys[BEACON_KEYS_MAX][BEACON_KEY_SIZE]; /* presented: base64 of the SHA-256 of each SubjectPublicKeyInfo */
	size_t key_count;
};

struct beacon {
	char device[STICK_ID_SIZE];
	char boot[BOOT_SIZE]; /* hex, new at every boot */
	uint64_t sequence;    /* goes up within one boot */
	char image_version[VERSION_SIZE];
	char root_hash[65]; /* hex SHA-256, "" if not given */
	uint64_t policy_version;
	uint64_t uptime_s;
	char link[CODE_SIZE];
	char gateway[STICK_ID_SIZE];
	uint32_t handshake_ms, rtt_ms, loss_permille;
	uint64_t clock_back_s; /* by how much the stick set its clock back to our time since its last answered beacon */
	bool session, goodbye;
	struct beacon_refused refused[BEACON_REFUSED_MAX];
	size_t refused_count;
	struct beacon_attack attack;
};

/* 0, or -EINVAL with a sentence for the log and for the stick's reply in `why`. */
int beacon_parse(const void *json, size_t size, struct beacon *beacon, char *why, size_t why_size);

/* Between our own processes. */
void beacon_write(struct writer *w, const struct beacon *beacon);
void beacon_read(struct reader *r, struct beacon *beacon);

#endif
