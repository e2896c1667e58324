/*
 * indicators - known phishing and malware hosts: how a stick asks the gateway about one name without naming it.
 *
 * A name's hash is the first 64 bits of its SHA-256 (FIPS 180-4), plain: a key would have to be known to every stick
 * and to the gateway, and would hide nothing from either. Entries are kept in 4096 buckets by the first 12 bits of the
 * hash of their site, the name's last two labels; an entry is the first 60 bits of the listed name's hash and its
 * category in the last 4. A listed name stands for itself and for everything below it.
 *
 * The stick sends the 12 bits of a name's site, gets the whole bucket, and looks for the name and each of its parent
 * domains itself: one question, because the prefixes of a name and of its parents together would tell it. A site under
 * which more than INDICATOR_CROWD_MAX names are listed (a shared host, a suffix such as co.uk) is marked crowded: its
 * names lie one label deeper, and the stick asks once more with that. A crowded site that is itself listed stands for
 * itself alone, because its neighbours belong to somebody else.
 *
 * What the gateway learns, and what it could still guess, is said in indicators(5).
 */
#ifndef WHITELIST_INDICATORS_H
#define WHITELIST_INDICATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "whitelist/whitelist.h"

#define INDICATOR_PREFIX_BITS  12
#define INDICATOR_BUCKETS      (1u << INDICATOR_PREFIX_BITS)
#define INDICATOR_ENTRY_BYTES  8
#define INDICATOR_BUCKET_MAX   32768 /* entries */
#define INDICATOR_CROWD_MAX    512
#define INDICATOR_DEPTH_MAX    8 /* labels of a site */
#define INDICATOR_SOURCE_BYTES 32
#define INDICATOR_SOURCES_MAX  255

/* Numbers go over the wire and into files: they never change meaning. */
enum indicator_category {
	INDICATOR_NONE = 0,
	INDICATOR_PHISHING = 1,
	INDICATOR_MALWARE = 2,
	INDICATOR_CATEGORIES,
	INDICATOR_CROWDED = 15, /* no category: the mark of a crowded site */
};

const char *indicator_word(enum indicator_category category); /* "phishing", ""; never NULL */
enum indicator_category indicator_category(const char *word); /* INDICATOR_NONE: there is no such */

/* --- the stick's side --- */

struct indicator_question {
	char host[WHITELIST_HOST_BYTES];
	unsigned labels, depth; /* the site asked about is the last `depth` labels */
};

/* 0, or -EINVAL: not a host name in the policy's spelling (names.h), there is nothing to ask. */
int indicator_ask(struct indicator_question *question, const char *host);

/* What to send, 0 to INDICATOR_BUCKETS - 1. */
unsigned indicator_prefix(const struct indicator_question *question);

/*
 * Read an answer: `size` bytes of entries, in any order. 1: settled, *category is the name's (INDICATOR_NONE: not
 * known). 0: the site is crowded, ask again with the new indicator_prefix(). -EBADMSG: not an answer.
 */
int indicator_take(struct indicator_question *question, const uint8_t *entries, size_t size,
		   enum indicator_category *category);

/* --- the gateway's side: a file, indicators(5) --- */

struct indicators {
	const uint8_t *data; /* NULL: nothing is mapped */
	size_t size;
	uint64_t count; /* entries, marks of crowded sites among them */
	int64_t made;
	size_t source_count;
	const uint8_t *sources, *starts, *entries, *entry_sources; /* inside data */
};

/*
 * Read a file's bytes, which must outlive `indicators` and stay as they are. 0 or -EBADMSG. What is inside a bucket is
 * believed in so far as no look-up reads outside `data`.
 */
int indicators_read(const void *data, size_t size, struct indicators *indicators);
/* The same for a file, mapped read-only; fd may be closed afterwards. An empty file, or a descriptor that is none, is
 * -ENODATA. 0 or -errno. */
int indicators_map(int fd, struct indicators *indicators);
void indicators_unmap(struct indicators *indicators);
/* The digest in the file is that of its bytes: reads them all. */
bool indicators_intact(const struct indicators *indicators);

/* A bucket as it is sent; `size` in bytes. */
const uint8_t *indicators_bucket(const struct indicators *indicators, unsigned prefix, size_t *size);
/* Look a host up; *source points into the file and has a NUL, "" if none. */
enum indicator_category indicators_find(const struct indicators *indicators, const char *host, const char **source);

/* --- making the file --- */

struct indicator_list; /* names read so far */

/* A line that is wrong: its number, and a sentence that says what to write instead. */
typedef void indicator_fault_fn(size_t line, const char *what, void *context);

struct indicator_list *indicator_list_new(void);
void indicator_list_free(struct indicator_list *list);

/*
 * Add a list's text: `HOST [CATEGORY [SOURCE]]` on each line, separated by blanks or commas, '#' begins a comment.
 * `category` (INDICATOR_NONE: none) and `source` stand in for what a line leaves out. Every wrong line is told and
 * left out; *wrong counts them. 0, -ENOMEM or -E2BIG: more than 255 sources.
 */
int indicator_list_add(struct indicator_list *list, const char *text, size_t size, enum indicator_category category,
		       const char *source, indicator_fault_fn *fault, void *context, size_t *wrong);

bool indicator_list_is_empty(const struct indicator_list *list);

/*
 * The file's bytes, the caller's. A name that is listed twice is taken as it was listed first. 0, -ENOMEM, or -E2BIG:
 * too many names below one site, even at the deepest.
 */
int indicator_list_build(struct indicator_list *list, int64_t made, uint8_t **data, size_t *size);

#endif
