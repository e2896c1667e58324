/* signed - keys, an authority's certificate, policies and lists of gateways, made for a test and signed. */
#ifndef TESTS_UNIT_SIGNED_H
#define TESTS_UNIT_SIGNED_H

#include <jansson.h>
#include <stdint.h>

#define SIGNED_NOW INT64_C(1795305600) /* 2026-11-22T00:00:00Z */

/* Three signers whose keys are roots (0, 1, 2), threshold 2, and a stranger (3). 0 or -1. */
int signed_setup(void);

const char *signed_roots_json(void);
const char *signed_authority_pem(void);
const char *signed_leaf_pem(void); /* by that authority; not one itself */

/* New trees, the caller's. */
json_t *signed_policy(int version);
json_t *signed_gateways(int version);

/* The item at "banks.0.hosts.1.name", borrowed; NULL if there is none. */
json_t *signed_at(json_t *tree, const char *path);
/* Put `value` (taken) there; NULL removes. */
void signed_put(json_t *tree, const char *path, json_t *value);

/* Sign `tree` (taken) as `type` by the keys named in `who`, "01". The caller's. */
char *signed_envelope(json_t *tree, const char *type, const char *who);

#endif
