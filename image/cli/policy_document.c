#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/cli/cli.h"
#include "image/cli/policy.h"
#include "whitelist/date.h"

static const struct {
	const char *word, *type;
	size_t envelope_max_bytes;
} types[] = {
    {"policy", ENVELOPE_TYPE_POLICY, WHITELIST_ENVELOPE_MAX_BYTES},
    {"gateways", ENVELOPE_TYPE_GATEWAYS, GATEWAYS_ENVELOPE_MAX_BYTES},
};

enum { TYPES = sizeof types / sizeof *types };

const char *type_of_word(const char *word)
{
	for (size_t i = 0; i < TYPES; i++)
		if (!strcmp(types[i].word, word))
			return types[i].type;
	return NULL;
}

const char *word_of_type(const char *type)
{
	for (size_t i = 0; i < TYPES; i++)
		if (!strcmp(types[i].type, type))
			return types[i].word;
	return NULL;
}

static size_t envelope_most(const char *type)
{
	return types[!strcmp(type, ENVELOPE_TYPE_GATEWAYS)].envelope_max_bytes;
}

/*
 * A file with a payloadType is meant to be an envelope, and what is wrong with it is said as of an envelope. So is what
 * is not JSON at all where a signed object is `expected`.
 */
static bool is_meant_as_envelope(const struct document *document, bool expected)
{
	json_t *tree = json_loadb(document->text, document->text_size, 0, NULL);
	bool meant = tree ? json_object_get(tree, "payloadType") != NULL : expected;
	json_decref(tree);
	return meant;
}

static int open_envelope(struct document *document, const char *type)
{
	enum envelope_error error = envelope_open(document->text, document->text_size, &document->envelope);
	if (error)
		return refuse("%s: %s", document->path, envelope_error_text(error));
	const char *word = word_of_type(document->envelope.type);
	if (!word)
		return refuse("%s: holds an object of type %s, which is neither policy nor gateways", document->path,
			      document->envelope.type);
	document->type = type_of_word(word);
	if (type && strcmp(type, document->type) != 0)
		return refuse("%s: holds a signed object of type %s, not %s (see --type)", document->path, word,
			      word_of_type(type));
	if (document->text_size > envelope_most(document->type))
		return refuse("%s: %zu bytes, and a stick takes a signed object of this type up to %zu bytes only",
			      document->path, document->text_size, envelope_most(document->type));
	document->payload = document->envelope.payload;
	document->payload_size = document->envelope.payload_size;
	return CLI_GOOD;
}

static int parse_payload(struct document *document)
{
	struct whitelist_fault fault;
	char sentence[WHITELIST_FAULT_BYTES];
	int error = strcmp(document->type, ENVELOPE_TYPE_POLICY)
			? gateways_parse(document->payload, document->payload_size, &document->gateways, &fault)
			: whitelist_parse(document->payload, document->payload_size, &document->whitelist, &fault);
	return error ? refuse("%s: %s", document->path, whitelist_fault_text(&fault, sentence)) : CLI_GOOD;
}

static int check_signatures(const struct document *document, const struct envelope_roots *roots)
{
	uint8_t *payload;
	size_t size;
	if (!document->is_envelope)
		return refuse("%s: is not signed", document->path);
	enum envelope_error error =
	    envelope_verify(document->text, document->text_size, document->type, roots, &payload, &size);
	free(payload);
	return error ? refuse("%s: %s", document->path, envelope_error_text(error)) : CLI_GOOD;
}

int document_open(struct document *document, const char *path, const char *type, const struct envelope_roots *roots)
{
	*document = (struct document){.path = path};
	document->text = file_read(path, ENVELOPE_MAX_BYTES, &document->text_size);
	if (!document->text)
		return CLI_REFUSED;
	document->is_envelope = is_meant_as_envelope(document, roots != NULL);
	if (document->is_envelope) {
		if (open_envelope(document, type))
			return CLI_REFUSED;
	} else {
		document->type = type ? type : ENVELOPE_TYPE_POLICY;
		document->payload = (const uint8_t *)document->text;
		document->payload_size = document->text_size;
	}
	if (roots && check_signatures(document, roots))
		return CLI_REFUSED;
	return parse_payload(document);
}

void document_close(struct document *document)
{
	whitelist_free(document->whitelist);
	gateways_free(document->gateways);
	envelope_close(&document->envelope);
	free(document->text);
	*document = (struct document){0};
}

uint64_t document_version(const struct document *document)
{
	return document->whitelist ? document->whitelist->version : document->gateways->version;
}

int roots_open(const char *path, struct envelope_roots *roots)
{
	size_t size;
	char *text = file_read(path, ENVELOPE_ROOTS_MAX_BYTES, &size);
	if (!text)
		return CLI_REFUSED;
	enum envelope_error error = envelope_roots_parse(text, size, roots);
	free(text);
	return error ? refuse("%s: %s", path, envelope_error_text(error)) : CLI_GOOD;
}

int time_of(const char *text, int64_t *seconds)
{
	*seconds = time(NULL);
	if (text && date_parse(text, seconds))
		return refuse("%s: not a date like 2026-11-22T00:00:00Z", text);
	return CLI_GOOD;
}
