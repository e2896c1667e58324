/*
 * keyed - a sorted table of 64-bit keys with a number each: who is admitted until when, which bank is open for whom,
 * what was counted last. The upper half of a key is a stick's inner address, so that one stick's rows lie together.
 */
#ifndef VPN_GATEWAY_KEYED_H
#define VPN_GATEWAY_KEYED_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyed_row {
	uint64_t key;
	int64_t value;
};

/* Zero-initialise. The rows are in the order of their keys; changing the table moves them. */
struct keyed {
	struct keyed_row *rows;
	size_t count, capacity;
};

uint64_t keyed_of(struct in_addr stick, uint32_t part);
struct in_addr keyed_stick(uint64_t key);
uint32_t keyed_part(uint64_t key);

/* Put in or change. 0 or -ENOMEM. */
int keyed_set(struct keyed *table, uint64_t key, int64_t value);
/* True if it was there. */
bool keyed_remove(struct keyed *table, uint64_t key);
/* NULL if it is not there. */
const struct keyed_row *keyed_find(const struct keyed *table, uint64_t key);
/* The first row of that key or a later one; `count` if there is none. */
size_t keyed_from(const struct keyed *table, uint64_t key);
bool keyed_has_stick(const struct keyed *table, struct in_addr stick);
void keyed_clear(struct keyed *table);
void keyed_free(struct keyed *table);

#endif
