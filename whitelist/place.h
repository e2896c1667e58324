/*
 * place - a value in a JSON tree together with the way to it, so that whatever is wrong there can be told by its path.
 *
 * For parsers of this folder. A place points into its parent, which must outlive it. Every function that returns int
 * gives 0, or -EINVAL after telling the fault. A parser goes on after a fault, to find the next one, and asks at its
 * end place_verdict() whether there was any.
 */
#ifndef WHITELIST_PLACE_H
#define WHITELIST_PLACE_H

#include <jansson.h>
#include <stdbool.h>

#include "whitelist/whitelist.h"

/* Where the faults of one text go. */
struct complaints {
	struct whitelist_faults *faults;
	bool explain; /* advice as well */
	bool no_memory;
};

struct place {
	const struct place *up; /* NULL: the root */
	const char *name;       /* NULL: an array's item */
	size_t index;
	const json_t *json;       /* NULL: not there */
	const char *const *known; /* of a member that is not known: those that are */
	struct complaints *complaints;
};

struct place place_root(const json_t *json, struct complaints *complaints);
struct place place_member(const struct place *object, const char *name);
struct place place_item(const struct place *array, size_t index);

/* -EINVAL. The same fault at the same place is told once. */
int place_fail(const struct place *at, enum whitelist_error error);
/* 0, -EINVAL or -ENOMEM (with that as the first fault): what to answer at the end. */
int place_verdict(struct complaints *complaints);

/*
 * A text as a tree, the caller's; NULL: it is no JSON, which is told. With `explain` names that are given twice are
 * told too, each, and the tree is there all the same.
 */
json_t *place_load(const uint8_t *text, size_t size, struct complaints *complaints);
/* Lines and columns of what was told. */
void place_find_lines(const uint8_t *text, size_t size, struct complaints *complaints);

/* `at` is an object; what it lacks of the members `names` (ended by NULL) and has besides them is told. */
int place_object(const struct place *at, const char *const *names);
/* As this, but the first `optional` of the names may be missing. */
int place_object_but(const struct place *at, const char *const *names, size_t optional);
/* How many items to look at: none where it is no array, and never more than `most`. Too few and too many are told. */
size_t place_array(const struct place *at, size_t least, size_t most);
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
