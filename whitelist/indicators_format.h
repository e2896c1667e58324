/*
 * indicators_format - the file's layout, for its reader and its writer: indicators(5). Little-endian.
 *
 * magic[8], u64 entries, u64 made (seconds since 1970), u32 sources, u32 zero, SHA-256 of all that follows[32],
 * sources x 32 bytes of text with NUL, 4097 x u32 starts of buckets, u32 zero, entries x u64, entries x u8 source.
 */
#ifndef WHITELIST_INDICATORS_FORMAT_H
#define WHITELIST_INDICATORS_FORMAT_H

#include "whitelist/indicators.h"

#define INDICATORS_MAGIC "SKSIND1\n"

enum {
	INDICATORS_COUNT_AT = 8,
	INDICATORS_MADE_AT = 16,
	INDICATORS_SOURCES_AT = 24,
	INDICATORS_DIGEST_AT = 32,
	INDICATORS_HEADER_BYTES = 64,
	INDICATORS_STARTS_BYTES = (INDICATOR_BUCKETS + 2) * 4,
	INDICATORS_KEY_SHIFT = 4, /* category in the low bits of an entry */
	INDICATORS_BUCKET_SHIFT = 64 - INDICATOR_PREFIX_BITS,
};

/* 64 bits of a name's SHA-256. */
uint64_t indicator_hash(const char *name);
/* The last `labels` labels of a host that has at least so many. */
const char *indicator_suffix(const char *host, unsigned labels);
unsigned indicator_labels(const char *host);

#endif
