#include "vpn/gateway/fleet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_START = 1024 };

struct fleet {
	struct stick **all;
	size_t count, capacity;
	struct stick **by_id, **by_address, **by_key; /* one block of three tables */
	size_t buckets;
};

static size_t hash(const void *data, size_t size)
{
	uint64_t h = 14695981039346656037ULL;
	for (size_t i = 0; i < size; i++)
		h = (h ^ ((const uint8_t *)data)[i]) * 1099511628211ULL;
	return (size_t)(h ^ h >> 32);
}

static size_t bucket_id(const struct fleet *f, const char *id) { return hash(id, strlen(id)) & (f->buckets - 1); }

static size_t bucket_address(const struct fleet *f, struct in_addr a)
{
	return hash(&a.s_addr, sizeof a.s_addr) & (f->buckets - 1);
}

static size_t bucket_key(const struct fleet *f, const uint8_t *key)
{
	return hash(key, WG_KEY_BYTES) & (f->buckets - 1);
}

static void link_stick(struct fleet *f, struct stick *s)
{
	struct stick **id = &f->by_id[bucket_id(f, s->row.id)];
	struct stick **address = &f->by_address[bucket_address(f, s->row.address)];
	struct stick **key = &f->by_key[bucket_key(f, s->row.key)];
	s->next_by_id = *id;
	s->next_by_address = *address;
	s->next_by_key = *key;
	*id = *address = *key = s;
}

static int set_buckets(struct fleet *f, size_t buckets)
{
	if (buckets == 0)
		return -EINVAL;
	struct stick **block = calloc(buckets, 3 * sizeof *block);
	if (!block)
		return -ENOMEM;
	free(f->by_id);
	f->by_id = block;
	f->by_address = block + buckets;
	f->by_key = block + 2 * buckets;
	f->buckets = buckets;
	for (size_t i = 0; i < f->count; i++)
		link_stick(f, f->all[i]);
	return 0;
}

struct fleet *fleet_new(void)
{
	struct fleet *fleet = calloc(1, sizeof *fleet);
	if (fleet && set_buckets(fleet, BUCKETS_START)) {
		free(fleet);
		return NULL;
	}
	return fleet;
}

void fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	for (size_t i = 0; i < fleet->count; i++) {
		free(fleet->all[i]->refused);
		free(fleet->all[i]->attack);
		free(fleet->all[i]);
	}
	free(fleet->all);
	free(fleet->by_id);
	free(fleet);
}

static int make_room(struct fleet *f)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 64;
		struct stick **grown = realloc(f->all, capacity * sizeof(struct stick *));
		if (!grown)
			return -ENOMEM;
		f->all = grown;
		f->capacity = capacity;
	}
	return f->count >= f->buckets ? set_buckets(f, f->buckets * 2) : 0;
}

struct stick *fleet_add(struct fleet *fleet, const struct store_stick *row)
{
	if (fleet_by_id(fleet, row->id) || fleet_by_address(fleet, row->address) || fleet_by_key(fleet, row->key)) {
		errno = EEXIST;
		return NULL;
	}
	struct stick *stick = make_room(fleet) ? NULL : calloc(1, sizeof *stick);
	if (!stick) {
		errno = ENOMEM;
		return NULL;
	}
	stick->row = *row;
	fleet->all[fleet->count++] = stick;
	link_stick(fleet, stick);
	return stick;
}

struct stick *fleet_by_id(const struct fleet *fleet, const char *id)
{
	struct stick *s = fleet->by_id[bucket_id(fleet, id)];
	while (s && strcmp(s->row.id, id) != 0)
		s = s->next_by_id;
	return s;
}

struct stick *fleet_by_address(const struct fleet *fleet, struct in_addr address)
{
	struct stick *s = fleet->by_address[bucket_address(fleet, address)];
	while (s && s->row.address.s_addr != address.s_addr)
		s = s->next_by_address;
	return s;
}

struct stick *fleet_by_key(const struct fleet *fleet, const uint8_t key[WG_KEY_BYTES])
{
	struct stick *s = fleet->by_key[bucket_key(fleet, key)];
	while (s && memcmp(s->row.key, key, WG_KEY_BYTES) != 0)
		s = s->next_by_key;
	return s;
}

size_t fleet_count(const struct fleet *fleet) { return fleet->count; }

struct stick *fleet_at(const struct fleet *fleet, size_t index) { return fleet->all[index]; }

int fleet_free_address(const struct fleet *fleet, struct in_addr gateway, unsigned prefix, struct in_addr *address)
{
	uint32_t size = 1U << (32 - prefix);
	uint32_t network = ntohl(gateway.s_addr) & ~(size - 1);
	for (uint32_t host = 2; host < size - 1; host++) {
		struct in_addr candidate = {.s_addr = htonl(network + host)};
		if (candidate.s_addr != gateway.s_addr && !fleet_by_address(fleet, candidate)) {
			*address = candidate;
			return 0;
		}
	}
	return -ENOSPC;
}

bool stick_has_open(const struct stick *stick, const char *bank)
{
	for (int i = 0; i < FLEET_OPEN_MAX; i++)
		if (strcmp(stick->open[i], bank) == 0)
			return true;
	return false;
}

bool stick_open(struct stick *stick, const char *bank)
{
	if (stick_has_open(stick, bank))
		return true;
	for (int i = 0; i < FLEET_OPEN_MAX; i++) {
		if (stick->open[i][0])
			continue;
		snprintf(stick->open[i], BANK_ID_SIZE, "%s", bank);
		return true;
	}
	return false;
}

void stick_close(struct stick *stick, const char *bank)
{
	for (int i = 0; i < FLEET_OPEN_MAX; i++)
		if (strcmp(stick->open[i], bank) == 0)
			stick->open[i][0] = '\0';
}

static void hear_refused(struct stick *stick, const struct beacon *beacon)
{
	const size_t size = beacon->refused_count * sizeof *stick->refused;
	if (beacon->refused_count != stick->refused_count) {
		struct beacon_refused *fresh = size ? malloc(size) : NULL;
		if (size && !fresh)
			return;
		free(stick->refused);
		stick->refused = fresh;
		stick->refused_count = beacon->refused_count;
	}
	if (size)
		memcpy(stick->refused, beacon->refused, size);
}

static void hear_attack(struct stick *stick, const struct beacon *beacon)
{
	if (beacon->attack.count == 0) {
		free(stick->attack);
		stick->attack = NULL;
		return;
	}
	if (!stick->attack)
		stick->attack = malloc(sizeof *stick->attack);
	if (stick->attack)
		*stick->attack = beacon->attack;
}

void stick_hear(struct stick *stick, const struct beacon *beacon)
{
	hear_refused(stick, beacon);
	hear_attack(stick, beacon);
}
