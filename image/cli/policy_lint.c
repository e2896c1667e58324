/* sekisho policy lint: every fault and every doubt, with its line. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "image/cli/cli.h"
#include "image/cli/policy.h"
#include "whitelist/lint.h"
#include "whitelist/position.h"

struct lint_out {
	const struct document *document;
	json_t *list; /* NULL: print */
};

static void lint_finding(const struct lint_finding *finding, void *context)
{
	const struct lint_out *out = context;
	const char *text = (const char *)out->document->payload;
	size_t size = out->document->payload_size, line, column;
	position_in_lines(text, size, position_of_path(text, size, finding->where), &line, &column);
	if (out->list)
		json_array_append_new(out->list, json_pack("{s:s, s:I, s:I, s:s, s:s}", "code", finding->code, "line",
							   (json_int_t)line, "column", (json_int_t)column, "where",
							   finding->where, "text", finding->text));
	else
		printf("%s:%zu:%zu: warning: %s: %s\n", out->document->path, line, column, finding->where,
		       finding->text);
}

static size_t lint_all(struct document *document, int64_t now, bool resolve, struct lint_out *out)
{
	size_t found = document->whitelist ? whitelist_lint(document->whitelist, now, lint_finding, out) : 0;
	if (document->whitelist && resolve)
		found += policy_lint_names(document->whitelist, lint_finding, out);
	return found;
}

static int lint_in_words(struct document *document, int64_t now, bool resolve)
{
	struct lint_out out = {.document = document};
	int code = document_check(document, NULL);
	if (code)
		return code;
	size_t found = lint_all(document, now, resolve, &out);
	printf("%s: well-formed, %zu warning%s\n", document->path, found, found == 1 ? "" : "s");
	return CLI_GOOD;
}

static int lint_in_json(struct document *document, int64_t now, bool resolve)
{
	json_t *answer = json_pack("{s:s, s:s}", "file", document->path, "type", word_of_type(document->type));
	struct lint_out out = {.document = document, .list = json_array()};
	int code = document_check(document, answer);
	if (!code)
		lint_all(document, now, resolve, &out);
	json_object_set_new(answer, "warnings", out.list);
	print_json(answer);
	return code;
}

/* What has faults is not parsed into structs, and is told all the same. */
static void parse_if_good(struct document *document)
{
	struct whitelist_fault fault;
	if (!strcmp(document->type, ENVELOPE_TYPE_POLICY))
		whitelist_parse(document->payload, document->payload_size, &document->whitelist, &fault);
}

int policy_lint(int argc, char **argv)
{
	struct policy_options o;
	int code = policy_options_read(
	    argc, argv, "tajR", "lint [--type policy|gateways|roots] [--at DATE] [--resolve] [--json] FILE", 1, 1, &o);
	if (code >= 0)
		return code;
	struct document document = {0};
	int64_t now;
	code = time_of(o.at, &now);
	if (!code)
		code = document_read(&document, o.files[0], o.type, NULL);
	if (!code) {
		parse_if_good(&document);
		code = o.json ? lint_in_json(&document, now, o.resolve) : lint_in_words(&document, now, o.resolve);
	}
	document_close(&document);
	return code;
}
