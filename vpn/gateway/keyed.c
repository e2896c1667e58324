#include "vpn/gateway/keyed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t keyed_of(struct in_addr stick, uint32_t part) { return (uint64_t)ntohl(stick.s_addr) << 32 | part; }

struct in_addr keyed_stick(uint64_t key) { return (struct in_addr){.s_addr = htonl((uint32_t)(key >> 32))}; }

uint32_t keyed_part(uint64_t key) { return (uint32_t)key; }

size_t keyed_from(const struct keyed *table, uint64_t key)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (table->rows[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct keyed_row *keyed_find(const struct keyed *table, uint64_t key)
{
	size_t at = keyed_from(table, key);
	return at < table->count && table->rows[at].key == key ? &table->rows[at] : NULL;
}

bool keyed_has_stick(const struct keyed *table, struct in_addr stick)
{
	size_t at = keyed_from(table, keyed_of(stick, 0));
	return at < table->count && keyed_stick(table->rows[at].key).s_addr == stick.s_addr;
}

static int make_room(struct keyed *table)
{
	if (table->count < table->capacity)
		return 0;
	size_t capacity = table->capacity ? table->capacity * 2 : 64;
	struct keyed_row *grown = realloc(table->rows, capacity * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	table->rows = grown;
	table->capacity = capacity;
	return 0;
}

int keyed_set(struct keyed *table, uint64_t key, int64_t value)
{
	size_t at = keyed_from(table, key);
	if (at == table->count || table->rows[at].key != key) {
		if (make_room(table))
			return -ENOMEM;
		memmove(table->rows + at + 1, table->rows + at, (table->count - at) * sizeof *table->rows);
		table->count++;
	}
	table->rows[at] = (struct keyed_row){key, value};
	return 0;
}

bool keyed_remove(struct keyed *table, uint64_t key)
{
	size_t at = keyed_from(table, key);
	if (at == table->count || table->rows[at].key != key)
		return false;
	table->count--;
	memmove(table->rows + at, table->rows + at + 1, (table->count - at) * sizeof *table->rows);
	return true;
}

void keyed_clear(struct keyed *table) { table->count = 0; }

void keyed_free(struct keyed *table)
{
	free(table->rows);
	*table = (struct keyed){0};
}
