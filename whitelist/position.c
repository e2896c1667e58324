#include "whitelist/position.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/whitelist.h"

enum { NAME_IN_PATH = 40 /* as place.c cuts it */, DEPTH_MOST = 16 };

/* --- characters --- */

static size_t skip_space(const char *text, size_t size, size_t at)
{
	while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
		at++;
	return at;
}

/* Behind the closing quote of the string that opens at `at`. */
static size_t skip_string(const char *text, size_t size, size_t at)
{
	for (at++; at < size && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at < size ? at + 1 : size;
}

static size_t skip_nested(const char *text, size_t size, size_t at)
{
	size_t depth = 0;
	while (at < size) {
		char c = text[at];
		if (c == '"') {
			at = skip_string(text, size, at);
			continue;
		}
		at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			break;
	}
	return at;
}

static size_t skip_value(const char *text, size_t size, size_t at)
{
	if (at >= size)
		return size;
	if (text[at] == '"')
		return skip_string(text, size, at);
	if (text[at] == '{' || text[at] == '[')
		return skip_nested(text, size, at);
	while (at < size && !strchr(" \t\r\n,]}", text[at])) /* strchr() ends at a NUL as well */
		at++;
	return at;
}

/* --- children --- */

struct children children_of(const char *text, size_t size, size_t offset)
{
	struct children c = {.text = text, .size = size, .at = offset + 1, .first = true};
	if (offset < size && (text[offset] == '{' || text[offset] == '['))
		c.close = text[offset] == '{' ? '}' : ']';
	return c;
}

static bool children_end(struct children *c)
{
	c->close = '\0';
	return false;
}

bool children_next(struct children *c, struct child *child)
{
	if (!c->close)
		return false;
	size_t at = skip_space(c->text, c->size, c->at);
	if (!c->first) {
		if (at >= c->size || c->text[at] != ',')
			return children_end(c);
		at = skip_space(c->text, c->size, at + 1);
	}
	c->first = false;
	if (at >= c->size || c->text[at] == c->close)
		return children_end(c);
	child->key = at;
	if (c->close == '}') {
		if (c->text[at] != '"')
			return children_end(c);
		at = skip_space(c->text, c->size, skip_string(c->text, c->size, at));
		if (at >= c->size || c->text[at] != ':')
			return children_end(c);
		at = skip_space(c->text, c->size, at + 1);
		if (at >= c->size)
			return children_end(c);
	}
	child->value = at;
	size_t end = skip_value(c->text, c->size, at);
	if (end == at) /* neither JSON nor a step forward */
		return children_end(c);
	c->at = end;
	return true;
}

/* --- names --- */

/* The name whose quote opens at `key`, the caller's; NULL: no memory, or no string. */
static char *name_at(const char *text, size_t size, size_t key)
{
	size_t end = skip_string(text, size, key);
	json_t *name = json_loadb(text + key, end - key, JSON_DECODE_ANY, NULL);
	char *copy = json_is_string(name) ? strdup(json_string_value(name)) : NULL;
	json_decref(name);
	return copy;
}

/* How much of `path` the name is: itself, cut as paths cut it, and then an end, a point or a bracket. 0: it is not. */
static size_t name_in_path(const char *name, const char *path)
{
	size_t size = strnlen(name, NAME_IN_PATH);
	if (size == 0 || strncmp(name, path, size) != 0)
		return 0;
	return path[size] == '\0' || path[size] == '.' || path[size] == '[' ? size : 0;
}

/* --- paths --- */

struct way {
	size_t name, value;
	const char *rest; /* of the path */
};

static bool step_into_object(const char *text, size_t size, struct way *way)
{
	struct children children = children_of(text, size, way->value);
	struct child child, best = {0};
	size_t longest = 0;
	while (children_next(&children, &child)) {
		char *name = name_at(text, size, child.key);
		size_t length = name ? name_in_path(name, way->rest) : 0;
		free(name);
		if (length > 0 && length >= longest) {
			longest = length;
			best = child;
		}
	}
	if (longest == 0)
		return false;
	*way = (struct way){.name = best.key, .value = best.value, .rest = way->rest + longest};
	return true;
}

static bool step_into_array(const char *text, size_t size, struct way *way)
{
	char *end;
	unsigned long index = strtoul(way->rest + 1, &end, 10);
	if (*end != ']')
		return false;
	struct children children = children_of(text, size, way->value);
	struct child child;
	do
		if (!children_next(&children, &child))
			return false;
	while (index-- > 0);
	*way = (struct way){.name = child.value, .value = child.value, .rest = end + 1};
	return true;
}

size_t position_of_path(const char *text, size_t size, const char *path)
{
	size_t root = skip_space(text, size, 0);
	struct way way = {.name = root, .value = root, .rest = path};
	while (*way.rest) {
		if (*way.rest == '.')
			way.rest++;
		char kind = way.value < size ? text[way.value] : '\0';
		bool found = *way.rest == '[' && kind == '[' ? step_into_array(text, size, &way)
			     : kind == '{'                   ? step_into_object(text, size, &way)
							     : false;
		if (!found)
			break;
	}
	return way.name;
}

void position_in_lines(const char *text, size_t size, size_t offset, size_t *line, size_t *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset && i < size; i++) {
		if (text[i] == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}

/* --- names given twice --- */

struct search {
	const char *text;
	size_t size;
	position_fn *fn;
	void *context;
};

static bool came_before(const struct search *s, size_t object, const struct child *child, const char *name)
{
	struct children earlier = children_of(s->text, s->size, object);
	struct child other;
	bool found = false;
	while (!found && children_next(&earlier, &other) && other.key < child->key) {
		char *theirs = name_at(s->text, s->size, other.key);
		found = theirs && strcmp(theirs, name) == 0;
		free(theirs);
	}
	return found;
}

static void search_in(const struct search *s, size_t offset, const char *path, int depth)
{
	struct children children = children_of(s->text, s->size, offset);
	struct child child;
	bool object = children.close == '}';
	for (size_t i = 0; depth < DEPTH_MOST && children_next(&children, &child); i++) {
		char below[WHITELIST_PATH_BYTES];
		char *name = object ? name_at(s->text, s->size, child.key) : NULL;
		if (name)
			snprintf(below, sizeof below, "%s%s%.*s", path, *path ? "." : "", NAME_IN_PATH, name);
		else
			snprintf(below, sizeof below, "%s[%zu]", path, i);
		if (name && came_before(s, offset, &child, name))
			s->fn(below, child.key, s->context);
		free(name);
		search_in(s, child.value, below, depth + 1);
	}
}

void position_duplicates(const char *text, size_t size, position_fn *fn, void *context)
{
	struct search search = {.text = text, .size = size, .fn = fn, .context = context};
	search_in(&search, skip_space(text, size, 0), "", 0);
}
