/*
 * envelope - DSSE v1 signed envelopes (https://github.com/secure-systems-lab/dsse): ECDSA P-256 with SHA-256, several
 * signers, verified before anything of the payload is looked at.
 *
 * { "payloadType": T, "payload": base64, "signatures": [ { "keyid": hex SHA-256 of the SPKI, "sig": base64 DER } ] }
 * signed bytes: PAE("DSSEv1", T, payload). Signatures by DER ECDSA-Sig-Value (RFC 3279 section 2.2.3).
 */
#ifndef FIRMWARE_LIB_ENVELOPE_H
#define FIRMWARE_LIB_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#define ENVELOPE_MAX_BYTES   98304
#define ENVELOPE_KEYS_MAX    8
#define ENVELOPE_KEYID_BYTES 32

#define ENVELOPE_TYPE_POLICY   "application/vnd.sekisho.policy+json"
#define ENVELOPE_TYPE_GATEWAYS "application/vnd.sekisho.gateways+json"
#define ENVELOPE_TYPE_ROOTS    "application/vnd.sekisho.roots+json"

struct envelope_key {
	uint8_t keyid[ENVELOPE_KEYID_BYTES]; /* SHA-256 of the DER SubjectPublicKeyInfo */
	uint8_t point[65];                   /* uncompressed P-256 point */
};

/* The keys whose signatures count, and how many different ones must be there. */
struct envelope_roots {
	struct envelope_key keys[ENVELOPE_KEYS_MAX];
	size_t key_count;
	size_t threshold;
};

enum envelope_error {
	ENVELOPE_OK = 0,
	ENVELOPE_TOO_LARGE,
	ENVELOPE_NOT_JSON,        /* not a JSON object, cut short, or with duplicate or unknown members */
	ENVELOPE_MALFORMED,       /* a member is missing, of another kind, or not base64 */
	ENVELOPE_WRONG_TYPE,      /* payloadType is not the one asked for */
	ENVELOPE_UNSIGNED,        /* no signature at all */
	ENVELOPE_UNDER_THRESHOLD, /* fewer valid signatures by different known keys than the threshold */
	ENVELOPE_NO_MEMORY,
};

/* One sentence for each, for a log or an operator. */
const char *envelope_error_text(enum envelope_error error);

/*
 * Roots file: { "threshold": 2, "keys": [ PEM public key, ... ] }. Trusted: it lies in the verified root, or in the
 * gateway's configuration. ENVELOPE_OK or the reason.
 */
enum envelope_error envelope_roots_parse(const char *json, size_t size, struct envelope_roots *roots);

/* Verify; on ENVELOPE_OK *payload is a new buffer (the caller's, free()) with a NUL after *payload_size bytes. */
enum envelope_error envelope_verify(const char *json, size_t size, const char *type, const struct envelope_roots *roots,
				    uint8_t **payload, size_t *payload_size);

/*
 * Add a signature by the PEM private key to an envelope, or make one: `envelope` NULL or an existing envelope over the
 * same payload. *out is a new NUL-terminated JSON text, the caller's. 0 or -errno (-EEXIST: this key signed already).
 */
int envelope_sign(const char *envelope, const char *type, const uint8_t *payload, size_t payload_size,
		  const char *private_key_pem, char **out);

#endif
