/*
 * position - where in a JSON text a value stands: a second pass over a text that jansson has accepted already, because
 * jansson keeps no lines.
 *
 * Bounded and safe over any bytes, but exact only where the text is JSON. Pure; links jansson for escaped names.
 */
#ifndef WHITELIST_POSITION_H
#define WHITELIST_POSITION_H

#include <stdbool.h>
#include <stddef.h>

/* The children of the object or array that begins at an offset, one after the other. */
struct children {
	const char *text;
	size_t size, at;
	char close; /* what ends it; '\0' it is neither, or has ended */
	bool first;
};

struct child {
	size_t key;   /* offset of the opening quote; of an array's item the same as `value` */
	size_t value; /* offset of its first character */
};

struct children children_of(const char *text, size_t size, size_t offset);
bool children_next(struct children *children, struct child *child);

/*
 * The offset of what `path` ("banks[0].hosts[2].pins[1]") names: of a member, that of its name. Where the way ends
 * early, that of the last value on it. Of names given twice the last one, as jansson reads it.
 */
size_t position_of_path(const char *text, size_t size, const char *path);

/* Line and column of an offset, both from 1; columns in characters of UTF-8. */
void position_in_lines(const char *text, size_t size, size_t offset, size_t *line, size_t *column);

/* Calls `fn` with the path and the offset of each name that its object has had before. */
typedef void position_fn(const char *path, size_t offset, void *context);
void position_duplicates(const char *text, size_t size, position_fn *fn, void *context);

#endif
