#include <jansson.h>
#include <stdio.h>
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
    {"roots", ENVELOPE_TYPE_ROOTS, ENVELOPE_ROOTS_MAX_BYTES},
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
	size_t i = 0;
	while (strcmp(types[i].type, type) != 0)
		i++;
	return types[i].envelope_max_bytes;
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
		return refuse("%s: holds an object of type %s, which is neither policy nor gateways nor roots",
			      document->path, document->envelope.type);
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

static bool is_policy(const struct document *document) { return !strcmp(document->type, ENVELOPE_TYPE_POLICY); }

static bool is_roots(const struct document *document) { return !strcmp(document->type, ENVELOPE_TYPE_ROOTS); }

static int parse_roots(struct document *document)
{
	document->roots = calloc(1, sizeof *document->roots);
	enum envelope_error error = document->roots ? envelope_roots_parse((const char *)document->payload,
									   document->payload_size, document->roots)
						    : ENVELOPE_NO_MEMORY;
	return error ? refuse("%s: %s", document->path, envelope_error_text(error)) : CLI_GOOD;
}

static int parse_payload(struct document *document)
{
	struct whitelist_fault fault;
	if (is_roots(document))
		return parse_roots(document);
	int error = is_policy(document)
			? whitelist_parse(document->payload, document->payload_size, &document->whitelist, &fault)
			: gateways_parse(document->payload, document->payload_size, &document->gateways, &fault);
	return error ? document_check(document, NULL) : CLI_GOOD;
}

static void say_fault(const struct document *document, const struct whitelist_fault *fault)
{
	char sentence[WHITELIST_FAULT_BYTES];
	fprintf(stderr, "sekisho: %s:%zu:%zu: %s%s%s\n", document->path, fault->line, fault->column,
		whitelist_fault_text(fault, sentence), fault->advice[0] ? "; " : "", fault->advice);
}

static json_t *fault_json(const struct whitelist_fault *fault)
{
	char sentence[WHITELIST_FAULT_BYTES];
	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "code", whitelist_error_code(fault->error), "line",
			 (json_int_t)fault->line, "column", (json_int_t)fault->column, "where", fault->path, "text",
			 whitelist_fault_text(fault, sentence), "instead", fault->advice);
}

int document_check(const struct document *document, json_t *json)
{
	static struct whitelist_fault list[FAULTS_SHOWN];
	struct whitelist_faults faults = {.list = list, .capacity = FAULTS_SHOWN};
	if (is_roots(document)) {
		struct envelope_roots roots;
		enum envelope_error bad =
		    envelope_roots_parse((const char *)document->payload, document->payload_size, &roots);
		return bad ? refuse("%s: %s", document->path, envelope_error_text(bad)) : CLI_GOOD;
	}
	int error = is_policy(document) ? whitelist_check(document->payload, document->payload_size, &faults)
					: gateways_check(document->payload, document->payload_size, &faults);
	json_t *shown = json_array();
	for (size_t i = 0; i < faults.count && i < FAULTS_SHOWN; i++) {
		json_array_append_new(shown, fault_json(&list[i]));
		if (!json)
			say_fault(document, &list[i]);
	}
	if (json)
		json_object_set(json, "faults", shown);
	json_decref(shown);
	if (!error)
		return CLI_GOOD;
	if (json)
		return CLI_REFUSED;
	return refuse("%s: %zu fault%s%s", document->path, faults.count, faults.count == 1 ? "" : "s",
		      document->is_envelope ? ", by the lines of the payload (`sekisho policy show --json')" : "");
}

static int check_signatures(const struct document *document, const struct envelope_roots *roots)
{
	uint8_t *payload;
	size_t size;
	struct envelope_roots reached = *roots;
	if (!document->is_envelope)
		return refuse("%s: is not signed", document->path);
	const char *text = document->bundle ? document->bundle : document->text;
	enum envelope_error error = bundle_verify(text, strlen(text), document->type, &reached, &payload, &size);
	free(payload);
	return error ? refuse("%s: %s", document->path, envelope_error_text(error)) : CLI_GOOD;
}

/* What is signed in a bundle is looked at as if it were alone; its chain counts where signatures are checked. */
static int open_bundle(struct document *document)
{
	json_t *tree = json_loadb(document->text, document->text_size, 0, NULL);
	bool bundle = json_object_get(tree, "signed") != NULL;
	json_decref(tree);
	char *envelope;
	enum envelope_error error = bundle ? bundle_open(document->text, document->text_size, &envelope) : ENVELOPE_OK;
	if (error)
		return refuse("%s: %s", document->path, envelope_error_text(error));
	if (bundle) {
		document->bundle = document->text;
		document->text = envelope;
		document->text_size = strlen(envelope);
	}
	return CLI_GOOD;
}

int document_read(struct document *document, const char *path, const char *type, const struct envelope_roots *roots)
{
	*document = (struct document){.path = path};
	document->text = file_read(path, ENVELOPE_MAX_BYTES, &document->text_size);
	if (!document->text)
		return CLI_REFUSED;
	if (open_bundle(document))
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
	return roots ? check_signatures(document, roots) : CLI_GOOD;
}

int document_open(struct document *document, const char *path, const char *type, const struct envelope_roots *roots)
{
	int code = document_read(document, path, type, roots);
	return code ? code : parse_payload(document);
}

/* --- nobody is to be locked out by a slip --- */

/* A bank none of whose pages' anchors is still valid opens for nobody. */
static bool bank_is_dead(const struct whitelist_bank *bank, int64_t now)
{
	for (size_t h = 0; h < bank->host_count; h++)
		for (size_t a = 0; bank->hosts[h].role == ROLE_PAGE && a < bank->hosts[h].anchor_count; a++)
			if (bank->hosts[h].anchors[a]->not_after > now)
				return false;
	return true;
}

static const char *lock_out(const struct whitelist *w, int64_t now)
{
	if (!w)
		return NULL; /* a list of gateways always has one */
	if (w->expires <= now)
		return "it has expired: every stick that takes it closes all its banks; give \"expires\" a later date";
	if (w->issued > now + INT64_C(86400))
		return "it is issued in the future: sticks would set their clocks to that date, and the banks' "
		       "certificates and the gateway's answers would be past; give \"issued\" today's date";
	size_t dead = 0;
	for (size_t b = 0; b < w->bank_count; b++)
		dead += bank_is_dead(&w->banks[b], now);
	return dead == w->bank_count ? "no bank can be reached by it: every authority of every page has expired" : NULL;
}

int document_locks_out(const struct document *document, int64_t now, bool force)
{
	const char *why = lock_out(document->whitelist, now);
	if (!why)
		return CLI_GOOD;
	if (!force)
		return refuse("%s would lock everybody out: %s; --force does it all the same", document->path, why);
	fprintf(stderr, "sekisho: %s locks everybody out: %s\n", document->path, why);
	return CLI_GOOD;
}

void document_close(struct document *document)
{
	whitelist_free(document->whitelist);
	gateways_free(document->gateways);
	free(document->roots);
	free(document->bundle);
	envelope_close(&document->envelope);
	free(document->text);
	*document = (struct document){0};
}

uint64_t document_version(const struct document *document)
{
	return document->whitelist  ? document->whitelist->version
	       : document->gateways ? document->gateways->version
				    : document->roots->version;
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

void print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}

int time_of(const char *text, int64_t *seconds)
{
	*seconds = time(NULL);
	if (text && date_parse(text, seconds))
		return refuse("%s: not a date like 2026-11-22T00:00:00Z", text);
	return CLI_GOOD;
}
