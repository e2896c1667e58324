/*
 * envelope - DSSE v1 signed envelopes (https://github.com/secure-systems-lab/dsse): ECDSA P-256 with SHA-256, several
 * signers, verified before anything of the payload is looked at.
 *
 * { "payloadType": T, "payload": base64, "signatures": [ { "keyid": hex SHA-256 of the SPKI, "sig": base64 DER } ] }
 * signed bytes: PAE("DSSEv1", T, payload). Signatures by DER ECDSA-Sig-Value (RFC 3279 section 2.2.3).
 *
 * Stricter than DSSE on purpose: keyid is required, an unknown member is refused (it would be unsigned bytes that
 * somebody may read), base64 and DER have one spelling. Programs that use it link jansson and mbedcrypto.
 */
#ifndef FIRMWARE_LIB_ENVELOPE_H
#define FIRMWARE_LIB_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENVELOPE_MAX_BYTES       4194304
#define ENVELOPE_ROOTS_MAX_BYTES 16384
#define ENVELOPE_KEYS_MAX        8
#define ENVELOPE_SIGNATURES_MAX  16
#define ENVELOPE_KEYID_BYTES     32
#define ENVELOPE_KEYID_TEXT      65 /* lower-case hex with NUL */
#define ENVELOPE_HOLDER_BYTES    33 /* with NUL */
#define ENVELOPE_SIGNATURE_MAX   72 /* bytes of a DER ECDSA-Sig-Value for P-256 */

#define ENVELOPE_TYPE_POLICY   "application/vnd.sekisho.policy+json"
#define ENVELOPE_TYPE_GATEWAYS "application/vnd.sekisho.gateways+json"
#define ENVELOPE_TYPE_ROOTS    "application/vnd.sekisho.roots+json"

struct envelope_key {
	uint8_t keyid[ENVELOPE_KEYID_BYTES]; /* SHA-256 of the DER SubjectPublicKeyInfo */
	uint8_t point[65];                   /* uncompressed P-256 point */
	char holder[ENVELOPE_HOLDER_BYTES];  /* the person; "": known by this key alone */
};

/*
 * The keys whose signatures count, and of how many different people they must be (never fewer than two). A person may
 * have several keys (a token and its spare), which count once.
 */
struct envelope_roots {
	uint64_t version;
	struct envelope_key keys[ENVELOPE_KEYS_MAX];
	size_t key_count;
	size_t threshold;
};

enum envelope_error {
	ENVELOPE_OK = 0,
	ENVELOPE_TOO_LARGE,
	ENVELOPE_NOT_JSON,        /* not a JSON object, cut short, something after it, or a member given twice */
	ENVELOPE_MALFORMED,       /* a member is missing, unknown, or of another kind */
	ENVELOPE_BAD_BASE64,      /* payload or sig */
	ENVELOPE_WRONG_TYPE,      /* payloadType is not the one asked for */
	ENVELOPE_UNSIGNED,        /* no signature at all */
	ENVELOPE_SIGNED_TWICE,    /* one key signed more than once */
	ENVELOPE_BAD_SIGNATURE,   /* under the threshold, and a known key's signature is not DER or out of range */
	ENVELOPE_ALTERED,         /* under the threshold, and a known key's signature is over something else */
	ENVELOPE_UNDER_THRESHOLD, /* fewer signatures by different known keys than the threshold */
	ENVELOPE_ONE_PERSON,      /* enough keys, of too few people */
	ENVELOPE_ROOTS_SKIPPED,   /* a chain of roots (bundle.h) does not go up by one */
	ENVELOPE_BAD_ROOTS,       /* roots file: keys or threshold */
	ENVELOPE_NO_MEMORY,
	ENVELOPE_ERROR_COUNT
};

/* A stable word ("under_threshold") for messages and metrics, and one sentence for a log or an operator. */
const char *envelope_error_code(enum envelope_error error);
const char *envelope_error_text(enum envelope_error error);

/*
 * Roots: { "version": 1, "threshold": 2, "keys": [ { "holder": "aoki", "key": PEM public key }, ... ] }, where a key
 * may be its PEM alone (its holder has no other), and the version may be left out of the first. Trusted: the file lies
 * in the verified root, or in the gateway's configuration, or was verified as a link of a chain. ENVELOPE_OK or the
 * reason.
 */
enum envelope_error envelope_roots_parse(const char *json, size_t size, struct envelope_roots *roots);

/* Verify; on ENVELOPE_OK *payload is a new buffer (the caller's, free()) with a NUL after *payload_size bytes. */
enum envelope_error envelope_verify(const char *json, size_t size, const char *type, const struct envelope_roots *roots,
				    uint8_t **payload, size_t *payload_size);

/*
 * Add a signature by the PEM private key to an envelope, or make one: `envelope` NULL or an existing envelope over the
 * same payload. *out is a new NUL-terminated JSON text, the caller's. 0 or -errno (-EEXIST: this key signed already;
 * -EBADMSG: `envelope` is none, or is over another payload or type; -EKEYREJECTED: not a P-256 private key; -EFBIG).
 */
int envelope_sign(const char *envelope, const char *type, const uint8_t *payload, size_t payload_size,
		  const char *private_key_pem, char **out);

struct envelope_signature;
/*
 * The same with a signature that was made elsewhere (in a token) over envelope_digest(); whether it is good is the
 * verifier's to say.
 */
int envelope_attach(const char *envelope, const char *type, const uint8_t *payload, size_t payload_size,
		    const struct envelope_signature *signature, char **out);

#define ENVELOPE_PEM_MAX 512 /* room for either PEM of a P-256 key */

/* A new P-256 key pair in PEM (SEC 1 and SubjectPublicKeyInfo); the caller wipes private_pem. 0, or -EIO. */
int envelope_key_generate(char private_pem[ENVELOPE_PEM_MAX], char public_pem[ENVELOPE_PEM_MAX]);

/* For tools, which show what they do not trust: */

struct envelope_signature {
	uint8_t keyid[ENVELOPE_KEYID_BYTES];
	uint8_t der[ENVELOPE_SIGNATURE_MAX];
	size_t der_size; /* 0: longer than any P-256 signature */
};

/* The parts of an envelope, not verified. */
struct envelope {
	char *type;
	uint8_t *payload; /* a NUL follows */
	size_t payload_size;
	struct envelope_signature signatures[ENVELOPE_SIGNATURES_MAX];
	size_t signature_count; /* at least one */
};

enum envelope_error envelope_open(const char *json, size_t size, struct envelope *envelope);
void envelope_close(struct envelope *envelope);

/* ENVELOPE_OK, ENVELOPE_BAD_SIGNATURE or ENVELOPE_ALTERED; the key ids are not compared. */
enum envelope_error envelope_check_signature(const struct envelope *envelope, size_t nth,
					     const struct envelope_key *key);

/* A P-256 public key in PEM (SubjectPublicKeyInfo). 0, or -EKEYREJECTED. */
int envelope_key_parse(const char *pem, struct envelope_key *key);
void envelope_keyid_text(const uint8_t keyid[ENVELOPE_KEYID_BYTES], char text[ENVELOPE_KEYID_TEXT]);

/* SHA-256 of the DSSE pre-authentication encoding. 0, or -EIO when the crypto library fails. */
int envelope_digest(const char *type, const uint8_t *payload, size_t payload_size, uint8_t digest[32]);

#endif
