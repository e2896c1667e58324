/*
 * chain - is this server the host? The certificates it sent are judged as strictly as a bank's can be.
 *
 * A path is built from the server's certificate (the first sent) to one of the anchors over the other certificates
 * sent, in whatever order they came, trying another way where one fails (RFC 4158): an extra, a cross-signed or an
 * expired certificate beside a good chain does no harm. On the path that was built every row of chain.def holds: RFC
 * 5280 section 6.1 without policies and name constraints, which are refused; RFC 9525 for the name; the CA/Browser
 * Forum's profile of keys, signatures and extensions; RFC 7469 section 2.6 for the pins. Revocation is the policy's
 * (`revoked`): no CRL and no OCSP.
 *
 * Pure: no clock, no file, no memory kept, nothing written outside the answer. The work is bounded by the limits below,
 * whatever was sent. psa_crypto_init() comes first. Programs that use it link mbedx509.
 */
#ifndef WHITELIST_CHAIN_H
#define WHITELIST_CHAIN_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "whitelist/chain_fault.h"

#define CHAIN_SENT_MAX          16 /* more than that were sent: CHAIN_LIMITS */
#define CHAIN_ANCHORS_MAX       16 /* those behind are not looked at */
#define CHAIN_INTERMEDIATES_MAX 6
#define CHAIN_PATH_MAX          (CHAIN_INTERMEDIATES_MAX + 2)
#define CHAIN_SIGNATURES_MAX    24  /* verified, of one question */
#define CHAIN_STEPS_MAX         256 /* certificates put on a path, of one question */
#define PIN_BYTES               32

/* SHA-256 of a DER SubjectPublicKeyInfo, as in RFC 7469 section 2.4. */
struct pin {
	uint8_t sha256[PIN_BYTES];
};

struct chain_question {
	const mbedtls_x509_crt *sent; /* the server's own first; NULL: none came */
	const mbedtls_x509_crt *anchors;
	const char *host;          /* lower-case A-labels */
	int64_t now;               /* seconds since 1970 */
	const struct pin *pins;    /* of the host; one must be in the path */
	size_t pin_count;          /* 0: none matches, unless `unpinned` */
	const struct pin *revoked; /* go before the pins */
	size_t revoked_count;
	bool unpinned;               /* the pins are not asked for: for who looks for keys to pin */
	uint8_t fewer_intermediates; /* than CHAIN_INTERMEDIATES_MAX, by so many */
};

struct chain_answer {
	enum chain_fault fault;
	/* the path, the server's own first: of CHAIN_GOOD the good one, else the one the fault was found on, which may
	 * end before an anchor; parts of `sent` and `anchors` */
	const mbedtls_x509_crt *path[CHAIN_PATH_MAX];
	struct pin keys[CHAIN_PATH_MAX];
	size_t count;
	int64_t from, until; /* of CHAIN_GOOD: all certificates of the path are valid, both included */
	unsigned signatures; /* that were verified */
};

void chain_verify(const struct chain_question *question, struct chain_answer *answer);

/* 0 and the hash of a certificate's key, or -EINVAL. */
int chain_key(const mbedtls_x509_crt *certificate, struct pin *key);

/* SHA-256 over all certificates sent, in their order: the name under which a good answer may be kept. 0 or -EINVAL. */
int chain_digest(const mbedtls_x509_crt *sent, struct pin *digest);

#endif
