/*
 * chain_checks - the checks of chain.def that look at one certificate, or at one and its issuer. For chain.c.
 *
 * A test compiles both with CHAIN_MASKABLE and switches one check off at a time, to see that something passes then.
 */
#ifndef WHITELIST_CHAIN_CHECKS_H
#define WHITELIST_CHAIN_CHECKS_H

#include "whitelist/chain.h"

enum chain_role { ROLE_LEAF = 1, ROLE_INTERMEDIATE = 2, ROLE_ANCHOR = 4 };

enum chain_extension {
	EXTENSION_SKI,
	EXTENSION_KEY_USAGE,
	EXTENSION_SAN,
	EXTENSION_BASIC_CONSTRAINTS,
	EXTENSION_NAME_CONSTRAINTS,
	EXTENSION_POLICY_MAPPINGS,
	EXTENSION_AKI,
	EXTENSION_POLICY_CONSTRAINTS,
	EXTENSION_EXTENDED_KEY_USAGE,
	EXTENSION_INHIBIT_ANY,
	EXTENSION_AIA,
	EXTENSION_COUNT
};

/* A set of faults: bit 1 << fault. */
typedef uint64_t chain_faults;
_Static_assert(CHAIN_FAULT_COUNT <= 64, "a chain_faults has a bit for each");

/* One certificate, read once. */
struct chain_view {
	const mbedtls_x509_crt *certificate;
	enum chain_role role;
	unsigned present, critical; /* sets of enum chain_extension */
	bool readable, twice, odd;
	int64_t from, until;
	chain_faults faults; /* its own, whatever path it is on */
};

void chain_view(struct chain_view *view, const mbedtls_x509_crt *certificate, enum chain_role role,
		const struct chain_question *question);

/* What is wrong between a certificate and its issuer, its signature aside. */
chain_faults chain_link_faults(const struct chain_view *child, const struct chain_view *issuer);
bool chain_names_link(const struct chain_view *child, const struct chain_view *issuer);
bool chain_signature_good(const struct chain_view *child, const struct chain_view *issuer);

#ifdef CHAIN_MASKABLE
extern enum chain_fault chain_masked;
#define CHAIN_BIT(fault) ((fault) == chain_masked ? (chain_faults)0 : (chain_faults)1 << (fault))
#else
#define CHAIN_BIT(fault) ((chain_faults)1 << (fault))
#endif

#endif
