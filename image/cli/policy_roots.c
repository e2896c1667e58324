/* sekisho policy roots, bundle: whose signatures count, and how others come to count after them. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/cli/cli.h"
#include "image/cli/policy.h"

/* --- roots --- */

/* PUBLIC-KEY, or HOLDER=PUBLIC-KEY. */
static int read_key(const char *word, json_t *keys)
{
	struct envelope_key key;
	size_t size;
	const char *equals = strchr(word, '='), *path = equals ? equals + 1 : word;
	char *pem = file_read(path, PEM_FILE_MAX_BYTES, &size);
	if (!pem)
		return CLI_REFUSED;
	int code = CLI_GOOD;
	if (envelope_key_parse(pem, &key))
		code = refuse("%s: not a P-256 public key in PEM (NAME.pub of `sekisho policy keygen')", path);
	else if (equals)
		json_array_append_new(keys,
				      json_pack("{s:s%, s:s}", "holder", word, (size_t)(equals - word), "key", pem));
	else
		json_array_append_new(keys, json_string(pem));
	free(pem);
	return code;
}

int policy_roots(int argc, char **argv)
{
	struct policy_options o;
	int code = policy_options_read(
	    argc, argv, "novj",
	    "roots --threshold N [--version V] [-o FILE] [HOLDER=]PUBLIC-KEY [HOLDER=]PUBLIC-KEY ...", 2,
	    ENVELOPE_KEYS_MAX, &o);
	if (code >= 0)
		return code;
	code = CLI_GOOD;
	json_t *keys = json_array();
	for (int i = 0; i < o.count && !code; i++)
		code = read_key(o.files[i], keys);
	json_t *tree = json_pack("{s:I, s:I, s:o}", "version", (json_int_t)(o.version ? o.version : 1), "threshold",
				 (json_int_t)o.threshold, "keys", keys);
	char *text = json_dumps(tree, JSON_INDENT(2));
	json_decref(tree);
	struct envelope_roots roots;
	enum envelope_error error = text ? envelope_roots_parse(text, strlen(text), &roots) : ENVELOPE_NO_MEMORY;
	if (!code && error)
		code = refuse("%s", envelope_error_text(error));
	if (!code)
		code = file_replace(o.output, text, strlen(text));
	free(text);
	return code;
}

/* --- bundle --- */

static int check_bundle(const char *text, const char *type, const struct envelope_roots *roots)
{
	struct envelope_roots reached = *roots;
	uint8_t *payload;
	size_t size;
	enum envelope_error error = bundle_verify(text, strlen(text), type, &reached, &payload, &size);
	free(payload);
	if (error)
		return refuse("the bundle would be refused: %s", envelope_error_text(error));
	fprintf(stderr,
		"sekisho: the chain leads from version %llu of the roots to %llu, by which the object is good\n",
		(unsigned long long)roots->version, (unsigned long long)reached.version);
	return CLI_GOOD;
}

/* What every link and the object say of themselves is not believed before check_bundle(). */
static int make_bundle(const struct policy_options *o, const struct envelope_roots *roots, struct document *documents)
{
	const char *links[BUNDLE_LINKS_MAX];
	char *text;
	size_t count = (size_t)o->count - 1;
	for (size_t i = 0; i < count; i++)
		links[i] = documents[i + 1].text;
	int error = bundle_make(documents[0].text, links, count, document_version(&documents[1]), &text);
	if (error)
		return refuse("%s: %s", o->files[0], strerror(-error));
	int code =
	    strlen(text) > WHITELIST_ENVELOPE_MAX_BYTES
		? refuse("%s: with its chain larger than what a stick takes (%d bytes); leave out links that every "
			 "image in use has built in",
			 o->files[0], WHITELIST_ENVELOPE_MAX_BYTES)
		: check_bundle(text, documents[0].type, roots);
	if (!code)
		code = file_replace(o->output, text, strlen(text));
	free(text);
	return code;
}

int policy_bundle(int argc, char **argv)
{
	struct policy_options o;
	int code = policy_options_read(argc, argv, "roj", "bundle --roots ROOTS [-o FILE] [--json] ENVELOPE LINK ...",
				       2, BUNDLE_LINKS_MAX + 1, &o);
	if (code >= 0)
		return code;
	if (!o.roots) {
		fputs("sekisho: bundle needs --roots, the file that the image has\n", stderr);
		return CLI_USAGE;
	}
	struct document documents[BUNDLE_LINKS_MAX + 1] = {0};
	struct envelope_roots roots;
	code = roots_open(o.roots, &roots);
	for (int i = 0; i < o.count && !code; i++) {
		code = document_open(&documents[i], o.files[i], i > 0 ? ENVELOPE_TYPE_ROOTS : NULL, NULL);
		if (!code && !documents[i].is_envelope)
			code = refuse("%s: is not signed", o.files[i]);
	}
	if (!code)
		code = make_bundle(&o, &roots, documents);
	for (int i = 0; i < o.count; i++)
		document_close(&documents[i]);
	return code;
}
