/*
 * place - a value in a JSON tree together with the way to it, so that whatever is wrong there can be told by its path.
 *
 * For parsers of this folder. A place points into its parent, which must outlive it. Every function that returns int
 * gives 0, or -EINVAL after filling the fault the root place was made with.
 */
#ifndef WHITELIST_PLACE_H
#define WHITELIST_PLACE_H

#include <jansson.h>

#include "whitelist/whitelist.h"

struct place {
	const struct place *up; /* NULL: the root */
	const char *name;       /* NULL: an array's item */
	size_t index;
	const json_t *json; /* NULL: not there */
	struct whitelist_fault *fault;
};

struct place place_root(const json_t *json, struct whitelist_fault *fault);
struct place place_member(const struct place *object, const char *name);
struct place place_item(const struct place *array, size_t index);

int place_fail(const struct place *at, enum whitelist_error error);

/* `at` is an object that has the members `names` (ended by NULL) and no other. */
int place_object(const struct place *at, const char *const *names);
int place_array(const struct place *at, size_t least, size_t most, size_t *count);
int place_integer(const struct place *at, int64_t least, int64_t most, enum whitelist_error error, int64_t *value);
int place_boolean(const struct place *at, bool *value);

/* The string itself, valid as long as the tree. */
int place_string(const struct place *at, const char **text);
/* [a-z0-9][a-z0-9-]*, at most 32 */
int place_id(const struct place *at, char id[WHITELIST_ID_BYTES]);
bool id_is_good(const char *id);
/* Words for a person: not empty, no control characters, nothing that turns or hides its neighbours. */
int place_words(const struct place *at, char *words, size_t capacity);
int place_base64(const struct place *at, uint8_t *out, size_t exactly, enum whitelist_error error);

#endif
