#include "vpn/gateway/peers_seen.h"

#include <stdlib.h>
#include <string.h>

enum { START = 1024 };

struct row {
	uint8_t key[WG_KEY_BYTES];
	int64_t handshake;
	uint64_t received_bytes, sent_bytes, place;
	bool taken, changed;
};

struct peers_seen {
	struct row *rows; /* open addressing, a power of two, at most half full */
	size_t size, count;
};

/* A public key is as good as random, but not one that somebody chose: a row more to look at is all that he gets. */
static size_t first_row(const struct peers_seen *seen, const uint8_t key[WG_KEY_BYTES])
{
	uint64_t hash;
	memcpy(&hash, key, sizeof hash);
	return (size_t)(hash ^ hash >> 29) & (seen->size - 1);
}

static struct row *find(const struct peers_seen *seen, const uint8_t key[WG_KEY_BYTES])
{
	size_t at = first_row(seen, key);
	while (seen->rows[at].taken && memcmp(seen->rows[at].key, key, WG_KEY_BYTES) != 0)
		at = (at + 1) & (seen->size - 1);
	return &seen->rows[at];
}

static bool grow(struct peers_seen *seen)
{
	struct peers_seen larger = {.size = seen->size * 2, .count = seen->count};
	larger.rows = calloc(larger.size, sizeof *larger.rows);
	if (!larger.rows)
		return false;
	for (size_t i = 0; i < seen->size; i++)
		if (seen->rows[i].taken)
			*find(&larger, seen->rows[i].key) = seen->rows[i];
	free(seen->rows);
	*seen = larger;
	return true;
}

struct peers_seen *peers_seen_new(void)
{
	struct peers_seen *seen = calloc(1, sizeof *seen);
	if (!seen)
		return NULL;
	seen->size = START;
	seen->rows = calloc(START, sizeof *seen->rows);
	if (!seen->rows) {
		free(seen);
		return NULL;
	}
	return seen;
}

void peers_seen_free(struct peers_seen *seen)
{
	if (seen)
		free(seen->rows);
	free(seen);
}

void peers_seen_clear(struct peers_seen *seen)
{
	memset(seen->rows, 0, seen->size * sizeof *seen->rows);
	seen->count = 0;
}

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)data)[i]) * 1099511628211ULL;
	return hash;
}

static uint64_t place_of(const struct backend_status *status)
{
	uint64_t hash = mix(14695981039346656037ULL, status->endpoint, strlen(status->endpoint));
	return status->address.any.sa_family ? mix(hash, &status->address, sizeof status->address) : hash;
}

bool peers_seen_tell(struct peers_seen *seen, const struct backend_status *status)
{
	if (seen->count * 2 >= seen->size && !grow(seen))
		return true;
	struct row *row = find(seen, status->key);
	struct row now = {.handshake = status->handshake,
			  .received_bytes = status->received_bytes,
			  .sent_bytes = status->sent_bytes,
			  .place = place_of(status),
			  .taken = true};
	memcpy(now.key, status->key, sizeof now.key);
	bool before = row->changed;
	now.changed = !row->taken || row->handshake != now.handshake || row->received_bytes != now.received_bytes ||
		      row->sent_bytes != now.sent_bytes || row->place != now.place;
	seen->count += !row->taken;
	*row = now;
	return now.changed || before;
}
