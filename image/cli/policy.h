/* policy - what the files of `sekisho policy` share: a signed object, or one still to be signed, read from a file. */
#ifndef IMAGE_CLI_POLICY_H
#define IMAGE_CLI_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "firmware/lib/bundle.h"
#include "whitelist/gateways.h"
#include "whitelist/lint.h"
#include "whitelist/whitelist.h"

struct document {
	const char *path;
	char *text; /* the file, or the envelope in it */
	size_t text_size;
	char *bundle; /* the file, if it is one (bundle.h); NULL */
	bool is_envelope;
	struct envelope envelope; /* if is_envelope; not verified */
	const char *type;         /* ENVELOPE_TYPE_POLICY, _GATEWAYS or _ROOTS */
	const uint8_t *payload;   /* inside envelope or text */
	size_t payload_size;
	struct whitelist *whitelist; /* one of these three, by type */
	struct gateways *gateways;
	struct envelope_roots *roots;
};

/* "policy", "gateways" or "roots" to the payload type; NULL if it is none of them. */
const char *type_of_word(const char *word);
const char *word_of_type(const char *type);

/*
 * Read a file: an envelope of `type` (NULL: whichever it is), or a bare payload of `type` (NULL: a policy), and parse
 * the payload. With `roots` it must be an envelope, and its signatures are checked before the payload is parsed.
 * CLI_GOOD, or CLI_REFUSED with the reason said. document_close() in either case.
 */
int document_open(struct document *document, const char *path, const char *type, const struct envelope_roots *roots);
/* The same without the parsing: `whitelist` and `gateways` stay NULL. */
int document_read(struct document *document, const char *path, const char *type, const struct envelope_roots *roots);
void document_close(struct document *document);

uint64_t document_version(const struct document *document);

#define FAULTS_SHOWN 200

/*
 * Every fault of the payload, with its line: to standard error, or as "faults" into `json` if that is not NULL.
 * CLI_GOOD if there is none.
 */
int document_check(const struct document *document, json_t *json);

/*
 * Would it lock out everybody who gets it? Then CLI_REFUSED with the reason said, unless `force`, which only says it.
 */
int document_locks_out(const struct document *document, int64_t now, bool force);

/* Print and release. */
void print_json(json_t *json);

/* Read a roots file. CLI_GOOD or CLI_REFUSED. */
int roots_open(const char *path, struct envelope_roots *roots);

/* "2026-11-22T00:00:00Z", or now if `text` is NULL. CLI_GOOD or CLI_REFUSED. */
int time_of(const char *text, int64_t *seconds);

/* The options of all of them, the same letters everywhere. */
struct policy_options {
	const char *key, *output, *roots, *type /* payload type */, *at;
	long threshold, version;
	bool json, force, resolve;
	int count;
	char **files;
};

/*
 * `letters`: the options this command takes. -1: go on; else the exit code, the usage having been shown. Between
 * `least` and `most` files must be given.
 */
#define PEM_FILE_MAX_BYTES 65536

int policy_options_read(int argc, char **argv, const char *letters, const char *usage, int least, int most,
			struct policy_options *o);

/* What the resolver of this machine says of the hosts of a policy; the number of findings (policy_lint_names.c). */
size_t policy_lint_names(const struct whitelist *whitelist, lint_fn *fn, void *context);

int policy_add(int argc, char **argv);
int policy_bundle(int argc, char **argv);
int policy_diff(int argc, char **argv);
int policy_init(int argc, char **argv);
int policy_lint(int argc, char **argv);
int policy_pin(int argc, char **argv);
int policy_remove(int argc, char **argv);
int policy_roots(int argc, char **argv);
int policy_show(int argc, char **argv);

#endif
