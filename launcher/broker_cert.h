/*
 * broker_cert - what the broker asks of a bank's certificate beyond the chain that mbedTLS builds.
 *
 * mbedTLS alone accepts a name from the subject where there is no SAN, a leaf that is an authority, and a missing
 * extended key usage. The name is matched here as well, exactly (RFC 6125 section 6.4, RFC 9525): subjectAltName only,
 * DNS names only, a wildcard only as the whole leftmost label and for one label. Pure.
 */
#ifndef LAUNCHER_BROKER_CERT_H
#define LAUNCHER_BROKER_CERT_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/messages.h"

#define PIN_BYTES 32
#define PINS_MAX  16

/* SHA-256 of a DER SubjectPublicKeyInfo, as in RFC 7469 section 2.4. */
struct pin {
	uint8_t sha256[PIN_BYTES];
};

/* True if `size` bytes of a SAN entry name `host` (lower case, as host_read() gives it). */
bool certificate_name_matches(const uint8_t *pattern, size_t size, const char *host);

/* REFUSAL_NONE, REFUSAL_NAME or REFUSAL_CHAIN, with *detail a sentence for the desk where it is refused. */
enum refusal certificate_check_leaf(const mbedtls_x509_crt *leaf, const char *host, const char **detail);

bool certificate_pinned(const mbedtls_x509_crt *certificate, const struct pin *pins, size_t count);

/* Gathers mbedTLS' walk over the chain it verified: from the anchor down, the leaf last. Zero-initialise, set the
 * first three. */
struct chain_check {
	const char *host;
	const struct pin *pins;
	size_t pin_count;
	uint32_t flags; /* MBEDTLS_X509_BADCERT_* of the whole chain */
	bool pinned;    /* a certificate of the chain has one of the pins */
	bool judged;    /* the leaf was seen: `refusal` is final */
	enum refusal refusal;
	const char *detail;
};

/* For mbedtls_ssl_conf_verify(), with a struct chain_check. Refuses through `flags`. */
int chain_check_certificate(void *check, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);

#endif
