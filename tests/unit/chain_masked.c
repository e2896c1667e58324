/* The verifier once more, with a switch for each check: for tests that a check is what stops its case. */
#define CHAIN_MASKABLE
#include "whitelist/chain.c"
#include "whitelist/chain_checks.c"

enum chain_fault chain_masked;
