#include "whitelist/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "whitelist/advice.h"
#include "whitelist/position.h"

struct place place_root(const json_t *json, struct complaints *complaints)
{
	return (struct place){.json = json, .complaints = complaints};
}

struct place place_member(const struct place *object, const char *name)
{
	return (struct place){
	    .up = object, .name = name, .json = json_object_get(object->json, name), .complaints = object->complaints};
}

struct place place_item(const struct place *array, size_t index)
{
	return (struct place){
	    .up = array, .index = index, .json = json_array_get(array->json, index), .complaints = array->complaints};
}

/* A long foreign member name is cut, the path before it is not. */
static size_t path_write(const struct place *at, char *path, size_t capacity)
{
	if (!at->up)
		return 0;
	size_t used = path_write(at->up, path, capacity);
	int more = at->name ? snprintf(path + used, capacity - used, "%s%.40s", used > 0 ? "." : "", at->name)
			    : snprintf(path + used, capacity - used, "[%zu]", at->index);
	used += more > 0 ? (size_t)more : 0;
	return used < capacity ? used : capacity - 1;
}

/* --- telling --- */

/* Room for one more fault; NULL: told already, or no room left. */
static struct whitelist_fault *fault_new(struct whitelist_faults *faults, enum whitelist_error error, const char *path)
{
	size_t kept = faults->count < faults->capacity ? faults->count : faults->capacity;
	for (size_t i = 0; i < kept; i++)
		if (faults->list[i].error == error && strcmp(faults->list[i].path, path) == 0)
			return NULL;
	if (faults->count++ >= faults->capacity)
		return NULL;
	struct whitelist_fault *fault = &faults->list[kept];
	*fault = (struct whitelist_fault){.error = error};
	memcpy(fault->path, path, strlen(path) + 1);
	return fault;
}

int place_fail(const struct place *at, enum whitelist_error error)
{
	char path[WHITELIST_PATH_BYTES] = "";
	path_write(at, path, sizeof path);
	at->complaints->no_memory |= error == WHITELIST_NO_MEMORY;
	struct whitelist_fault *fault = fault_new(at->complaints->faults, error, path);
	if (fault && at->complaints->explain)
		advice_write(at, error, fault->advice);
	return -EINVAL;
}

int place_verdict(struct complaints *complaints)
{
	struct whitelist_faults *faults = complaints->faults;
	if (complaints->no_memory)
		faults->list[0] = (struct whitelist_fault){.error = WHITELIST_NO_MEMORY};
	return complaints->no_memory ? -ENOMEM : faults->count > 0 ? -EINVAL : 0;
}

/* --- the text --- */

static void tell_duplicate(const char *path, size_t offset, void *context)
{
	(void)offset; /* the last of its name is what the path leads to */
	struct complaints *complaints = context;
	struct whitelist_fault *fault = fault_new(complaints->faults, WHITELIST_DUPLICATE, path);
	if (fault)
		snprintf(fault->advice, sizeof fault->advice, "keep one of the two and take the other out");
}

static void tell_no_json(struct complaints *complaints, const json_error_t *error)
{
	struct whitelist_fault *fault = fault_new(complaints->faults, WHITELIST_NOT_JSON, "");
	if (!fault || !complaints->explain)
		return;
	snprintf(fault->advice, sizeof fault->advice, "%s", error->text);
	fault->line = error->line > 0 ? (size_t)error->line : 1;
	fault->column = error->column > 0 ? (size_t)error->column : 1;
}

json_t *place_load(const uint8_t *text, size_t size, struct complaints *complaints)
{
	json_error_t error;
	json_t *tree = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, &error);
	if (!tree && complaints->explain && json_error_code(&error) == json_error_duplicate_key) {
		tree = json_loadb((const char *)text, size, 0, &error);
		if (tree)
			position_duplicates((const char *)text, size, tell_duplicate, complaints);
	}
	if (!tree)
		tell_no_json(complaints, &error);
	return tree;
}

void place_find_lines(const uint8_t *text, size_t size, struct complaints *complaints)
{
	struct whitelist_faults *faults = complaints->faults;
	for (size_t i = 0; i < faults->count && i < faults->capacity; i++) {
		struct whitelist_fault *fault = &faults->list[i];
		if (fault->line > 0)
			continue;
		size_t offset = position_of_path((const char *)text, size, fault->path);
		position_in_lines((const char *)text, size, offset, &fault->line, &fault->column);
	}
}

/* --- kinds --- */

static int place_kind(const struct place *at, json_type kind)
{
	if (!at->json)
		return place_fail(at, WHITELIST_MISSING);
	return json_typeof(at->json) == kind ? 0 : place_fail(at, WHITELIST_WRONG_KIND);
}

static bool is_listed(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

int place_object(const struct place *at, const char *const *names) { return place_object_but(at, names, 0); }

int place_object_but(const struct place *at, const char *const *names, size_t optional)
{
	int error = place_kind(at, JSON_OBJECT);
	if (error)
		return error;
	for (size_t i = optional; names[i]; i++) {
		struct place member = place_member(at, names[i]);
		if (!member.json)
			place_fail(&member, WHITELIST_MISSING);
	}
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)at->json, name, value)
	{
		struct place member = place_member(at, name);
		member.known = names;
		if (!is_listed(name, names))
			place_fail(&member, WHITELIST_UNKNOWN_MEMBER);
	}
	return 0;
}

size_t place_array(const struct place *at, size_t least, size_t most)
{
	if (place_kind(at, JSON_ARRAY))
		return 0;
	size_t count = json_array_size(at->json);
	if (count < least)
		place_fail(at, WHITELIST_TOO_FEW);
	if (count > most)
		place_fail(at, WHITELIST_TOO_MANY);
	return count < most ? count : most;
}

int place_integer(const struct place *at, int64_t least, int64_t most, enum whitelist_error error, int64_t *value)
{
	if (place_kind(at, JSON_INTEGER))
		return -EINVAL;
	*value = json_integer_value(at->json);
	return *value < least || *value > most ? place_fail(at, error) : 0;
}

int place_boolean(const struct place *at, bool *value)
{
	if (!at->json)
		return place_fail(at, WHITELIST_MISSING);
	if (!json_is_boolean(at->json))
		return place_fail(at, WHITELIST_WRONG_KIND);
	*value = json_is_true(at->json);
	return 0;
}

int place_string(const struct place *at, const char **text)
{
	if (place_kind(at, JSON_STRING))
		return -EINVAL;
	*text = json_string_value(at->json);
	return 0;
}

bool id_is_good(const char *id)
{
	size_t size = strlen(id);
	return size > 0 && size < WHITELIST_ID_BYTES && id[0] != '-' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

int place_id(const struct place *at, char id[WHITELIST_ID_BYTES])
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	if (!id_is_good(text))
		return place_fail(at, WHITELIST_BAD_ID);
	memcpy(id, text, strlen(text) + 1);
	return 0;
}

/* One character of text that jansson has checked to be UTF-8. */
static uint32_t next_character(const char **text)
{
	const unsigned char *c = (const unsigned char *)*text;
	size_t more = c[0] < 0x80 ? 0 : c[0] < 0xe0 ? 1 : c[0] < 0xf0 ? 2 : 3;
	uint32_t character = more ? c[0] & (0x3fU >> more) : c[0];
	for (size_t i = 1; i <= more; i++)
		character = character << 6 | (c[i] & 0x3fU);
	*text += more + 1;
	return character;
}

/* Controls, zero-width and direction marks, line separators, byte order mark, private use, tags. */
static bool is_unreadable(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xfff0 && c <= 0xfffd) || c >= 0xe0000;
}

int place_words(const struct place *at, char *words, size_t capacity)
{
	const char *text;
	if (place_string(at, &text))
		return -EINVAL;
	size_t size = strlen(text);
	if (size == 0 || size >= capacity || text[0] == ' ' || text[size - 1] == ' ')
		return place_fail(at, WHITELIST_BAD_TEXT);
	for (const char *c = text; *c;)
		if (is_unreadable(next_character(&c)))
			return place_fail(at, WHITELIST_BAD_TEXT);
	memcpy(words, text, size + 1);
	return 0;
}

int place_base64(const struct place *at, uint8_t *out, size_t exactly, enum whitelist_error error)
{
	const char *text;
	size_t size;
	if (place_string(at, &text))
		return -EINVAL;
	if (base64_decode(text, strlen(text), out, exactly, &size) || size != exactly)
		return place_fail(at, error);
	return 0;
}
