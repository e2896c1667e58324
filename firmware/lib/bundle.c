#include "firmware/lib/bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An object with "signed" and "roots" alone; NULL: it is none, and most likely a plain envelope. */
static json_t *load(const char *json, size_t size, enum envelope_error *error)
{
	*error = size > ENVELOPE_MAX_BYTES ? ENVELOPE_TOO_LARGE : ENVELOPE_OK;
	json_t *tree = *error ? NULL : json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	if (!tree && !*error)
		*error = ENVELOPE_NOT_JSON;
	if (!json_object_get(tree, "signed")) {
		json_decref(tree);
		return NULL;
	}
	const json_t *roots = json_object_get(tree, "roots");
	if (json_is_object(roots) && json_object_size(tree) == 2 && json_object_size(roots) <= BUNDLE_LINKS_MAX)
		return tree;
	*error = ENVELOPE_MALFORMED;
	json_decref(tree);
	return NULL;
}

static enum envelope_error verify_member(const json_t *envelope, const char *type, const struct envelope_roots *roots,
					 uint8_t **payload, size_t *payload_size)
{
	char *text = json_dumps(envelope, JSON_COMPACT);
	*payload = NULL;
	if (!text)
		return json_is_object(envelope) ? ENVELOPE_NO_MEMORY : ENVELOPE_MALFORMED;
	enum envelope_error error = envelope_verify(text, strlen(text), type, roots, payload, payload_size);
	free(text);
	return error;
}

/* One step: by those before it, then by its own. */
static enum envelope_error follow_link(const json_t *link, struct envelope_roots *roots)
{
	struct envelope_roots next = {0};
	uint8_t *payload = NULL, *again = NULL;
	size_t size = 0;
	enum envelope_error error = verify_member(link, ENVELOPE_TYPE_ROOTS, roots, &payload, &size);
	if (!error)
		error = envelope_roots_parse((const char *)payload, size, &next);
	if (!error && next.version != roots->version + 1)
		error = ENVELOPE_ROOTS_SKIPPED;
	if (!error)
		error = verify_member(link, ENVELOPE_TYPE_ROOTS, &next, &again, &size);
	free(payload);
	free(again);
	if (!error)
		*roots = next;
	return error;
}

/* Names are versions in digits; those above the last one reached are links that nothing leads to. */
static bool has_more(const json_t *links, uint64_t reached)
{
	const char *name;
	json_t *link;
	json_object_foreach((json_t *)(uintptr_t)links, name, link)
	{
		char *end;
		uint64_t version = strtoull(name, &end, 10);
		if (*end || version > reached)
			return true;
	}
	return false;
}

static enum envelope_error follow(const json_t *links, struct envelope_roots *roots)
{
	for (;;) {
		char name[24];
		snprintf(name, sizeof name, "%" PRIu64, roots->version + 1);
		const json_t *link = json_object_get(links, name);
		if (!link)
			return has_more(links, roots->version) ? ENVELOPE_ROOTS_SKIPPED : ENVELOPE_OK;
		enum envelope_error error = follow_link(link, roots);
		if (error)
			return error;
	}
}

enum envelope_error bundle_verify(const char *json, size_t size, const char *type, struct envelope_roots *roots,
				  uint8_t **payload, size_t *payload_size)
{
	enum envelope_error error;
	struct envelope_roots reached = *roots;
	*payload = NULL;
	*payload_size = 0;
	json_t *tree = load(json, size, &error);
	if (!tree)
		return error ? error : envelope_verify(json, size, type, roots, payload, payload_size);
	error = follow(json_object_get(tree, "roots"), &reached);
	if (!error)
		error = verify_member(json_object_get(tree, "signed"), type, &reached, payload, payload_size);
	json_decref(tree);
	if (!error)
		*roots = reached;
	return error;
}

bool bundle_leads(const char *json, size_t size, const char *type, const struct envelope_roots *from,
		  const struct envelope_roots *to)
{
	struct envelope_roots reached = *from;
	uint8_t *payload = NULL;
	size_t payload_size;
	enum envelope_error error = bundle_verify(json, size, type, &reached, &payload, &payload_size);
	free(payload);
	return !error && reached.version == to->version && reached.threshold == to->threshold &&
	       reached.key_count == to->key_count && !memcmp(reached.keys, to->keys, sizeof reached.keys);
}

enum envelope_error bundle_open(const char *json, size_t size, char **envelope)
{
	enum envelope_error error;
	json_t *tree = load(json, size, &error);
	*envelope = tree    ? json_dumps(json_object_get(tree, "signed"), JSON_COMPACT)
		    : error ? NULL
			    : strndup(json, size);
	json_decref(tree);
	return error || *envelope ? error : ENVELOPE_MALFORMED;
}

int bundle_make(const char *envelope, const char *const *links, size_t link_count, uint64_t first, char **out)
{
	json_t *chain = json_object(), *tree = json_object();
	*out = NULL;
	int error = link_count > BUNDLE_LINKS_MAX ? -EFBIG : 0;
	for (size_t i = 0; i < link_count && !error; i++) {
		char name[24];
		snprintf(name, sizeof name, "%" PRIu64, first + i);
		if (json_object_set_new(chain, name, json_loads(links[i], JSON_REJECT_DUPLICATES, NULL)))
			error = -EBADMSG;
	}
	json_object_set_new(tree, "roots", chain);
	if (!error && json_object_set_new(tree, "signed", json_loads(envelope, JSON_REJECT_DUPLICATES, NULL)))
		error = -EBADMSG;
	char *text = error ? NULL : json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	if (!error && !text)
		error = -ENOMEM;
	if (!error && strlen(text) > ENVELOPE_MAX_BYTES)
		error = -EFBIG;
	if (error)
		free(text);
	else
		*out = text;
	return error;
}
