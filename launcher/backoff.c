#include "launcher/backoff.h"

/* FNV-1a: it spreads, and keeps nothing secret. */
static uint32_t mix(uint32_t hash, unsigned byte) { return (hash ^ byte) * UINT32_C(16777619); }

int64_t backoff_ms(unsigned failures, const char *seed)
{
	uint32_t hash = UINT32_C(2166136261);
	int64_t middle = BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < failures && middle < BACKOFF_LONGEST_MS; i++)
		middle *= 2;
	if (middle > BACKOFF_LONGEST_MS)
		middle = BACKOFF_LONGEST_MS;
	for (; *seed; seed++)
		hash = mix(hash, (unsigned char)*seed);
	for (int i = 0; i < 4; i++)
		hash = mix(hash, failures >> (8 * i) & 0xff);
	hash ^= hash >> 15;
	hash *= UINT32_C(0x2c1b3c6d);
	hash ^= hash >> 12;
	return middle / 2 + (int64_t)((uint64_t)middle * hash >> 32);
}
