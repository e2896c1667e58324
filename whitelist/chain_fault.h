/*
 * chain_fault - what can be wrong with a server's certificates (chain.h), in words: one row of chain.def for each
 * check.
 */
#ifndef WHITELIST_CHAIN_FAULT_H
#define WHITELIST_CHAIN_FAULT_H

enum chain_fault {
	CHAIN_GOOD,
#define CHAIN_FAULT(name, code, operator, ja, en) CHAIN_##name,
#include "whitelist/chain.def"
#undef CHAIN_FAULT
	CHAIN_FAULT_COUNT
};

/* "good", "chain", ...: stable. The customer's words are chain.def's too, for the kiosk. */
const char *chain_fault_code(enum chain_fault fault); /* "good", "chain", ... */
const char *chain_fault_text(enum chain_fault fault); /* English, for the operator */
const char *chain_fault_customer_ja(enum chain_fault fault);
const char *chain_fault_customer_en(enum chain_fault fault);

#endif
