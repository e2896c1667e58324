#include "whitelist/indicators.h"

#include <errno.h>
#include <mbedtls/sha256.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "whitelist/indicators_format.h"
#include "whitelist/names.h"

/* --- names --- */

uint64_t indicator_hash(const char *name)
{
	uint8_t digest[32] = {0};
	uint64_t hash = 0;
	(void)mbedtls_sha256((const uint8_t *)name, strlen(name), digest, 0); /* fails for no input */
	for (size_t i = 0; i < sizeof hash; i++)
		hash = hash << 8 | digest[i];
	return hash;
}

unsigned indicator_labels(const char *host)
{
	unsigned labels = 1;
	for (; *host; host++)
		labels += *host == '.';
	return labels;
}

const char *indicator_suffix(const char *host, unsigned labels)
{
	for (unsigned skip = indicator_labels(host) - labels; skip > 0; skip--)
		host = strchr(host, '.') + 1;
	return host;
}

static uint32_t load_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t load_u64(const uint8_t *at) { return (uint64_t)load_u32(at + 4) << 32 | load_u32(at); }

static uint64_t key_of(uint64_t entry) { return entry >> INDICATORS_KEY_SHIFT; }

/* --- the stick's side --- */

int indicator_ask(struct indicator_question *question, const char *host)
{
	if (!name_is_host(host))
		return -EINVAL;
	memcpy(question->host, host, strlen(host) + 1);
	question->labels = indicator_labels(host);
	question->depth = 2;
	return 0;
}

unsigned indicator_prefix(const struct indicator_question *question)
{
	return (unsigned)(indicator_hash(indicator_suffix(question->host, question->depth)) >> INDICATORS_BUCKET_SHIFT);
}

/* The entry of exactly this name; INDICATOR_NONE if there is none of a category this program knows. */
static enum indicator_category scan(const uint8_t *entries, size_t size, const char *name, bool crowded)
{
	const uint64_t key = key_of(indicator_hash(name));
	for (size_t at = 0; at < size; at += INDICATOR_ENTRY_BYTES) {
		const uint64_t entry = load_u64(entries + at);
		const unsigned category = entry & 15;
		if (key_of(entry) == key && (crowded ? category == INDICATOR_CROWDED
						     : category > INDICATOR_NONE && category < INDICATOR_CATEGORIES))
			return (enum indicator_category)category;
	}
	return INDICATOR_NONE;
}

int indicator_take(struct indicator_question *question, const uint8_t *entries, size_t size,
		   enum indicator_category *category)
{
	*category = INDICATOR_NONE;
	if (size % INDICATOR_ENTRY_BYTES != 0 || size > (size_t)INDICATOR_BUCKET_MAX * INDICATOR_ENTRY_BYTES)
		return -EBADMSG;
	const unsigned depth = question->depth;
	if (scan(entries, size, indicator_suffix(question->host, depth), true) && question->labels > depth) {
		if (depth == INDICATOR_DEPTH_MAX)
			return -EBADMSG; /* no site is deeper */
		question->depth++;
		return 0;
	}
	/* the name itself first: what is listed for it is nearer than what is listed for a parent */
	for (unsigned labels = question->labels; labels >= depth && *category == INDICATOR_NONE; labels--)
		*category = scan(entries, size, indicator_suffix(question->host, labels), false);
	return 1;
}

/* --- the gateway's side --- */

/* Every bucket lies inside, after the one before, and is not larger than a stick takes. */
static bool starts_are_good(const struct indicators *indicators)
{
	uint32_t before = 0;
	for (size_t i = 0; i <= INDICATOR_BUCKETS; i++) {
		uint32_t start = load_u32(indicators->starts + 4 * i);
		if (start < before || start - before > INDICATOR_BUCKET_MAX || (i == 0 && start != 0))
			return false;
		before = start;
	}
	return before == indicators->count;
}

static bool sources_are_good(const struct indicators *indicators)
{
	for (size_t i = 0; i < indicators->source_count; i++)
		if (indicators->sources[(i + 1) * INDICATOR_SOURCE_BYTES - 1] != '\0')
			return false;
	return true;
}

int indicators_read(const void *data, size_t size, struct indicators *indicators)
{
	const uint8_t *bytes = data;
	*indicators = (struct indicators){0};
	if (size < INDICATORS_HEADER_BYTES || memcmp(bytes, INDICATORS_MAGIC, INDICATORS_COUNT_AT) != 0)
		return -EBADMSG;
	struct indicators read = {.data = bytes,
				  .size = size,
				  .count = load_u64(bytes + INDICATORS_COUNT_AT),
				  .made = (int64_t)load_u64(bytes + INDICATORS_MADE_AT),
				  .source_count = load_u32(bytes + INDICATORS_SOURCES_AT)};
	if (read.count > UINT32_MAX || read.source_count > INDICATOR_SOURCES_MAX)
		return -EBADMSG;
	const uint64_t wanted = (uint64_t)INDICATORS_HEADER_BYTES + read.source_count * INDICATOR_SOURCE_BYTES +
				INDICATORS_STARTS_BYTES + read.count * (INDICATOR_ENTRY_BYTES + 1);
	if (wanted != size)
		return -EBADMSG;
	read.sources = bytes + INDICATORS_HEADER_BYTES;
	read.starts = read.sources + read.source_count * INDICATOR_SOURCE_BYTES;
	read.entries = read.starts + INDICATORS_STARTS_BYTES;
	read.entry_sources = read.entries + read.count * INDICATOR_ENTRY_BYTES;
	if (!starts_are_good(&read) || !sources_are_good(&read))
		return -EBADMSG;
	*indicators = read;
	return 0;
}

int indicators_map(int fd, struct indicators *indicators)
{
	struct stat status;
	*indicators = (struct indicators){0};
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size == 0)
		return -ENODATA;
	void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	int error = indicators_read(data, (size_t)status.st_size, indicators);
	if (error)
		munmap(data, (size_t)status.st_size);
	return error;
}

void indicators_unmap(struct indicators *indicators)
{
	if (indicators->data)
		munmap((void *)indicators->data, indicators->size);
	*indicators = (struct indicators){0};
}

bool indicators_intact(const struct indicators *indicators)
{
	uint8_t digest[32];
	return mbedtls_sha256(indicators->data + INDICATORS_HEADER_BYTES, indicators->size - INDICATORS_HEADER_BYTES,
			      digest, 0) == 0 &&
	       memcmp(digest, indicators->data + INDICATORS_DIGEST_AT, sizeof digest) == 0;
}

const uint8_t *indicators_bucket(const struct indicators *indicators, unsigned prefix, size_t *size)
{
	prefix %= INDICATOR_BUCKETS;
	const uint32_t start = load_u32(indicators->starts + 4 * (size_t)prefix);
	const uint32_t end = load_u32(indicators->starts + 4 * ((size_t)prefix + 1));
	*size = (size_t)(end - start) * INDICATOR_ENTRY_BYTES;
	return indicators->entries + (size_t)start * INDICATOR_ENTRY_BYTES;
}

/* The first entry of the bucket whose key is not below `key`. */
static const uint8_t *lower_bound(const uint8_t *entries, size_t count, uint64_t key)
{
	while (count > 0) {
		const size_t half = count / 2;
		if (key_of(load_u64(entries + half * INDICATOR_ENTRY_BYTES)) < key) {
			entries += (half + 1) * INDICATOR_ENTRY_BYTES;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return entries;
}

/* A name has at most two entries, its category before the mark. NULL: it has no such one. */
static const uint8_t *look_up(const uint8_t *bucket, size_t size, uint64_t hash, bool crowded)
{
	const uint64_t key = key_of(hash);
	for (const uint8_t *at = lower_bound(bucket, size / INDICATOR_ENTRY_BYTES, key);
	     at < bucket + size && key_of(load_u64(at)) == key; at += INDICATOR_ENTRY_BYTES)
		if (((load_u64(at) & 15) == INDICATOR_CROWDED) == crowded)
			return at;
	return NULL;
}

enum indicator_category indicators_find(const struct indicators *indicators, const char *host, const char **source)
{
	struct indicator_question question;
	const uint8_t *bucket, *found = NULL;
	uint64_t hash;
	size_t size;
	*source = "";
	if (!indicators->data || indicator_ask(&question, host))
		return INDICATOR_NONE;
	for (;; question.depth++) {
		hash = indicator_hash(indicator_suffix(host, question.depth));
		bucket = indicators_bucket(indicators, (unsigned)(hash >> INDICATORS_BUCKET_SHIFT), &size);
		if (question.depth == question.labels || question.depth == INDICATOR_DEPTH_MAX ||
		    !look_up(bucket, size, hash, true))
			break;
	}
	for (unsigned labels = question.labels; labels > question.depth && !found; labels--)
		found = look_up(bucket, size, indicator_hash(indicator_suffix(host, labels)), false);
	if (!found)
		found = look_up(bucket, size, hash, false);
	if (!found)
		return INDICATOR_NONE;
	const size_t nth = (size_t)(found - indicators->entries) / INDICATOR_ENTRY_BYTES;
	const size_t from = indicators->entry_sources[nth];
	if (from < indicators->source_count)
		*source = (const char *)indicators->sources + from * INDICATOR_SOURCE_BYTES;
	const unsigned category = load_u64(found) & 15;
	return category < INDICATOR_CATEGORIES ? (enum indicator_category)category : INDICATOR_NONE;
}
