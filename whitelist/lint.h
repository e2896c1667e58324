/*
 * lint - what is allowed in a policy and is still, most likely, a mistake: told to the people who write and sign it.
 */
#ifndef WHITELIST_LINT_H
#define WHITELIST_LINT_H

#include "whitelist/whitelist.h"

struct lint_finding {
	const char *code; /* stable, "long_life" */
	char where[WHITELIST_PATH_BYTES];
	char text[256]; /* a sentence, with what to do */
};

typedef void lint_fn(const struct lint_finding *finding, void *context);

/* Calls `fn` for each finding; returns their number. */
size_t whitelist_lint(const struct whitelist *whitelist, int64_t now, lint_fn *fn, void *context);

#endif
