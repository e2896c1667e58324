/* From lists of names to the file that is looked up in: indicators.h, indicators(5). */
#include <ctype.h>
#include <errno.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/indicators_format.h"
#include "whitelist/names.h"
#include "whitelist/suffix.h"

enum { WORDS_MAX = 3, WORD_BYTES = 300, CROWD_SOURCE = 255 };

struct row {
	uint64_t hash, site; /* of the name, and of what its bucket is chosen by */
	uint64_t name;       /* where it begins in `names` */
	uint8_t category, source;
	bool settled; /* its site is not crowded */
};

struct indicator_list {
	char *names; /* one after the other, each with its NUL */
	size_t names_size, names_capacity;
	struct row *rows;
	size_t count, capacity;
	char sources[INDICATOR_SOURCES_MAX][INDICATOR_SOURCE_BYTES];
	size_t source_count;
	uint64_t *crowds; /* hashes of crowded sites */
	size_t crowd_count;
};

/* What is being read. */
struct line {
	size_t number;
	indicator_fault_fn *fault;
	void *context;
	size_t *wrong;
};

struct indicator_list *indicator_list_new(void) { return calloc(1, sizeof(struct indicator_list)); }

void indicator_list_free(struct indicator_list *list)
{
	if (!list)
		return;
	free(list->names);
	free(list->rows);
	free(list->crowds);
	free(list);
}

/* --- reading --- */

static void fault(const struct line *line, const char *what, const char *wrong)
{
	char sentence[512], shown[128];
	size_t n = 0;
	for (; what[n] && n < sizeof shown - 1; n++)
		shown[n] = what[n] >= ' ' && what[n] <= '~' ? what[n] : '?';
	shown[n] = '\0';
	snprintf(sentence, sizeof sentence, "%s: %s", shown, wrong);
	(*line->wrong)++;
	line->fault(line->number, sentence, line->context);
}

/* The words of a line; their number, or WORDS_MAX + 1 if there are more. Without a comment. */
static size_t split(const char *text, size_t size, char words[WORDS_MAX][WORD_BYTES])
{
	size_t count = 0;
	for (size_t at = 0; at < size;) {
		size_t length = 0;
		while (at < size && (isspace((unsigned char)text[at]) || text[at] == ','))
			at++;
		if (at == size || text[at] == '#')
			break;
		if (count == WORDS_MAX)
			return WORDS_MAX + 1;
		for (; at < size && !isspace((unsigned char)text[at]) && text[at] != ','; at++)
			if (length < WORD_BYTES - 1)
				words[count][length++] = text[at];
		words[count++][length] = '\0';
	}
	return count;
}

/* The host in the policy's spelling, inside `word`; NULL after telling what is wrong with it. */
static const char *canonical(const struct line *line, char *word)
{
	char *host = strncmp(word, "*.", 2) == 0 ? word + 2 : word;
	size_t size = strlen(host);
	if (size > 0 && host[size - 1] == '.')
		host[--size] = '\0';
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)host[i] > '~') {
			fault(line, word, "not ASCII; write an international name by its A-labels (xn--...)");
			return NULL;
		}
		host[i] = (char)tolower((unsigned char)host[i]);
	}
	if (strstr(host, "//") || strchr(host, '/'))
		fault(line, word, "a URL or a path; write the host alone");
	else if (size > 0 && name_is_address(host))
		fault(line, word, "an address; only names are looked up, because sticks open no address at all");
	else if (size > 0 && !strchr(host, '.'))
		fault(line, word, "a single label would cover everything below it; write a whole host name");
	else if (!name_is_host(host))
		fault(line, word, "not a host name (letters, digits, hyphens, dots; at most 253 characters)");
	else if (suffix_is_public(host))
		fault(line, word, "everybody's names lie below it; write the host itself");
	else
		return host;
	return NULL;
}

static int find_source(struct indicator_list *list, const char *name)
{
	for (size_t i = 0; i < list->source_count; i++)
		if (strcmp(list->sources[i], name) == 0)
			return (int)i;
	if (list->source_count == INDICATOR_SOURCES_MAX)
		return -E2BIG;
	memcpy(list->sources[list->source_count], name, strlen(name) + 1); /* source_is_good() */
	return (int)list->source_count++;
}

static bool source_is_good(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return name[0] && strlen(name) < INDICATOR_SOURCE_BYTES && name[strspn(name, good)] == '\0';
}

static int grow(void **data, size_t *capacity, size_t wanted, size_t item)
{
	if (wanted <= *capacity)
		return 0;
	size_t larger = *capacity ? *capacity : 4096;
	while (larger < wanted)
		larger *= 2;
	void *grown = realloc(*data, larger * item);
	if (!grown)
		return -ENOMEM;
	*data = grown;
	*capacity = larger;
	return 0;
}

static int add_row(struct indicator_list *list, const char *host, enum indicator_category category, uint8_t source)
{
	const size_t size = strlen(host) + 1;
	int error = grow((void **)&list->names, &list->names_capacity, list->names_size + size, 1);
	if (!error)
		error = grow((void **)&list->rows, &list->capacity, list->count + 1, sizeof *list->rows);
	if (error)
		return error;
	memcpy(list->names + list->names_size, host, size);
	list->rows[list->count++] = (struct row){
	    .hash = indicator_hash(host), .name = list->names_size, .category = (uint8_t)category, .source = source};
	list->names_size += size;
	return 0;
}

static int add_line(struct indicator_list *list, const struct line *line, const char *text, size_t size,
		    enum indicator_category category, const char *source)
{
	char words[WORDS_MAX][WORD_BYTES] = {0};
	const size_t count = memchr(text, '\0', size) ? WORDS_MAX + 1 : split(text, size, words);
	if (count == 0)
		return 0;
	if (count > WORDS_MAX) {
		fault(line, "a line", "wants HOST, CATEGORY and SOURCE, and no more");
		return 0;
	}
	const char *host = canonical(line, words[0]);
	if (!host)
		return 0;
	if (count > 1)
		category = indicator_category(words[1]);
	if (category == INDICATOR_NONE) {
		if (count > 1)
			fault(line, words[1], "no such category; write phishing or malware");
		else
			fault(line, host, "has no category; write one after it, or give --category");
		return 0;
	}
	const char *from = count > 2 ? words[2] : source;
	if (!source_is_good(from)) {
		fault(line, from, "a source wants 1 to 31 letters, digits, '.', '_' or '-'");
		return 0;
	}
	int number = find_source(list, from);
	return number < 0 ? number : add_row(list, host, category, (uint8_t)number);
}

int indicator_list_add(struct indicator_list *list, const char *text, size_t size, enum indicator_category category,
		       const char *source, indicator_fault_fn *fault_fn, void *context, size_t *wrong)
{
	struct line line = {.fault = fault_fn, .context = context, .wrong = wrong};
	int error = 0;
	for (size_t at = 0; at < size && !error;) {
		const char *end = memchr(text + at, '\n', size - at);
		const size_t length = end ? (size_t)(end - text) - at : size - at;
		line.number++;
		error = add_line(list, &line, text + at, length, category, source);
		at += length + 1;
	}
	return error;
}

bool indicator_list_is_empty(const struct indicator_list *list) { return list->count == 0; }

/* --- building --- */

static int by_hash(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name); /* what was listed first */
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void drop_doubles(struct indicator_list *list)
{
	size_t kept = 0;
	if (list->count > 0)
		qsort(list->rows, list->count, sizeof *list->rows, by_hash);
	for (size_t i = 0; i < list->count; i++)
		if (kept == 0 ||
		    list->rows[kept - 1].hash >> INDICATORS_KEY_SHIFT != list->rows[i].hash >> INDICATORS_KEY_SHIFT)
			list->rows[kept++] = list->rows[i];
	list->count = kept;
}

/* Sites of `depth` labels for those whose sites were crowded so far; `sites` gets them sorted. Their number. */
static size_t take_sites(struct indicator_list *list, unsigned depth, uint64_t *sites)
{
	size_t count = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct row *row = &list->rows[i];
		const char *name = list->names + row->name;
		if (row->settled)
			continue;
		const unsigned labels = indicator_labels(name);
		row->site = labels > depth ? indicator_hash(indicator_suffix(name, depth)) : row->hash;
		sites[count++] = row->site;
	}
	if (count > 0)
		qsort(sites, count, sizeof *sites, by_value);
	return count;
}

static bool is_crowd(const uint64_t *crowds, size_t count, uint64_t site)
{
	return count > 0 && bsearch(&site, crowds, count, sizeof site, by_value);
}

/* The crowded ones among `sites`, moved to their front. Their number. */
static size_t find_crowds(uint64_t *sites, size_t count)
{
	size_t crowds = 0;
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && sites[next] == sites[i];)
			next++;
		if (next - i > INDICATOR_CROWD_MAX)
			sites[crowds++] = sites[i];
	}
	return crowds;
}

/* Each row's bucket: by its shortest site that is not crowded. */
static int choose_sites(struct indicator_list *list)
{
	int error = 0;
	uint64_t *sites = malloc((list->count + 1) * sizeof *sites);
	if (!sites)
		return -ENOMEM;
	for (unsigned depth = 2; depth <= INDICATOR_DEPTH_MAX && !error; depth++) {
		const size_t count = take_sites(list, depth, sites);
		const size_t crowds = depth < INDICATOR_DEPTH_MAX ? find_crowds(sites, count) : 0;
		for (size_t i = 0; i < list->count; i++) {
			struct row *row = &list->rows[i];
			row->settled = row->settled || row->site == row->hash || !is_crowd(sites, crowds, row->site);
		}
		if (crowds == 0)
			break;
		uint64_t *grown = realloc(list->crowds, (list->crowd_count + crowds) * sizeof *grown);
		if (!grown) {
			error = -ENOMEM;
			break;
		}
		list->crowds = grown;
		memcpy(grown + list->crowd_count, sites, crowds * sizeof *grown);
		list->crowd_count += crowds;
	}
	free(sites);
	return error;
}

struct entry {
	uint64_t value;
	uint16_t bucket;
	uint8_t source;
};

static int by_bucket(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static struct entry *make_entries(const struct indicator_list *list, size_t *count)
{
	*count = list->count + list->crowd_count;
	struct entry *entries = calloc(*count + 1, sizeof *entries);
	if (!entries)
		return NULL;
	struct entry *next = entries;
	for (size_t i = 0; i < list->count; i++) {
		const struct row *row = &list->rows[i];
		*next++ = (struct entry){.value = (row->hash & ~(uint64_t)15) | row->category,
					 .bucket = (uint16_t)(row->site >> INDICATORS_BUCKET_SHIFT),
					 .source = row->source};
	}
	for (size_t i = 0; i < list->crowd_count; i++)
		*next++ = (struct entry){.value = (list->crowds[i] & ~(uint64_t)15) | INDICATOR_CROWDED,
					 .bucket = (uint16_t)(list->crowds[i] >> INDICATORS_BUCKET_SHIFT),
					 .source = CROWD_SOURCE};
	qsort(entries, *count, sizeof *entries, by_bucket);
	return entries;
}

static void store(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static int write_starts(uint8_t *starts, const struct entry *entries, size_t count)
{
	size_t at = 0;
	for (size_t bucket = 0; bucket <= INDICATOR_BUCKETS; bucket++) {
		const size_t before = at;
		store(starts + 4 * bucket, at, 4);
		while (at < count && entries[at].bucket == bucket)
			at++;
		if (at - before > INDICATOR_BUCKET_MAX)
			return -E2BIG;
	}
	return 0;
}

static int write_file(const struct indicator_list *list, const struct entry *entries, size_t count, int64_t made,
		      uint8_t *data, size_t size)
{
	uint8_t *sources = data + INDICATORS_HEADER_BYTES;
	uint8_t *starts = sources + list->source_count * INDICATOR_SOURCE_BYTES;
	uint8_t *values = starts + INDICATORS_STARTS_BYTES;
	memcpy(data, INDICATORS_MAGIC, INDICATORS_COUNT_AT);
	store(data + INDICATORS_COUNT_AT, count, 8);
	store(data + INDICATORS_MADE_AT, (uint64_t)made, 8);
	store(data + INDICATORS_SOURCES_AT, list->source_count, 4);
	memcpy(sources, list->sources, list->source_count * INDICATOR_SOURCE_BYTES);
	int error = write_starts(starts, entries, count);
	for (size_t i = 0; i < count; i++) {
		store(values + i * INDICATOR_ENTRY_BYTES, entries[i].value, INDICATOR_ENTRY_BYTES);
		values[count * INDICATOR_ENTRY_BYTES + i] = entries[i].source;
	}
	(void)mbedtls_sha256(data + INDICATORS_HEADER_BYTES, size - INDICATORS_HEADER_BYTES,
			     data + INDICATORS_DIGEST_AT, 0);
	return error;
}

int indicator_list_build(struct indicator_list *list, int64_t made, uint8_t **data, size_t *size)
{
	size_t count = 0;
	*data = NULL;
	drop_doubles(list);
	int error = choose_sites(list);
	struct entry *entries = error ? NULL : make_entries(list, &count);
	if (!entries)
		return -ENOMEM;
	*size = INDICATORS_HEADER_BYTES + list->source_count * INDICATOR_SOURCE_BYTES + INDICATORS_STARTS_BYTES +
		count * (INDICATOR_ENTRY_BYTES + 1);
	*data = calloc(1, *size);
	error = *data ? write_file(list, entries, count, made, *data, *size) : -ENOMEM;
	free(entries);
	if (error) {
		free(*data);
		*data = NULL;
	}
	return error;
}
