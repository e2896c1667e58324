/*
 * statement - the one structure that a stick signs to be admitted, and that its gateway checks: who speaks to whom, the
 * gateway's nonce, the one-time token, what was started. Both ends use these functions and nothing else. Pure.
 *
 * Signed bytes, in buf.h's notation: the context string with its NUL; then gateway, device, boot id and image version
 * as strings; nonce, token and root hash as blobs of 32 bytes; the policy's version as u64. Whoever signs reads the
 * bytes as this structure first and writes them anew, so that nothing else can be made to look like it.
 *
 * Signatures are ECDSA with P-256 and SHA-256 (FIPS 186-5), r and s of 32 bytes each. The identity key signs the bytes;
 * the PIN's key (pin.h) signs them behind a context of its own, so that neither signature can stand in for the other.
 * Freshness is the nonce. There is no time in a statement: a PC's clock is never a reason to refuse one.
 */
#ifndef VPN_ADMISSION_STATEMENT_H
#define VPN_ADMISSION_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATEMENT_CONTEXT     "sekisho admission 1"
#define STATEMENT_PIN_CONTEXT "sekisho admission pin 1"

enum {
	STATEMENT_MAX_BYTES = 384,
	STATEMENT_NAME_SIZE = 33, /* with the NUL */
	STATEMENT_BOOT_SIZE = 65,
	STATEMENT_NONCE_BYTES = 32,
	STATEMENT_TOKEN_BYTES = 32,
	STATEMENT_HASH_BYTES = 32,
	STATEMENT_SIGNATURE_BYTES = 64,
	STATEMENT_PRIVATE_BYTES = 32,
	STATEMENT_PUBLIC_BYTES = 65, /* SEC 1 section 2.3.3, uncompressed: begins with 4; all zero is no key */
};

struct statement {
	char gateway[STATEMENT_NAME_SIZE], device[STATEMENT_NAME_SIZE];
	char boot[STATEMENT_BOOT_SIZE]; /* new at every start */
	char image_version[STATEMENT_NAME_SIZE];
	uint8_t nonce[STATEMENT_NONCE_BYTES];
	uint8_t token[STATEMENT_TOKEN_BYTES]; /* all zero before the first admission */
	uint8_t root_hash[STATEMENT_HASH_BYTES];
	uint64_t policy_version;
};

/* Whose signature it is. */
enum statement_signer { SIGNER_IDENTITY, SIGNER_PIN };

/* The signed bytes into `out`; their number, or -EMSGSIZE. */
int statement_encode(const struct statement *statement, uint8_t out[STATEMENT_MAX_BYTES]);

/* 0, or -EBADMSG: these are not the bytes of a statement, to the last one. */
int statement_decode(const void *bytes, size_t size, struct statement *statement);

/* Sign a statement with a private key. psa_crypto_init() first. 0 or -EIO (no such key, no randomness). */
int statement_sign(const struct statement *statement, enum statement_signer signer,
		   const uint8_t private_key[STATEMENT_PRIVATE_BYTES], uint8_t signature[STATEMENT_SIGNATURE_BYTES]);

/* Whether these bytes, a statement or not, were signed by the key. False for a signature of another size or no key. */
bool statement_verify(const void *bytes, size_t size, enum statement_signer signer,
		      const uint8_t public_key[STATEMENT_PUBLIC_BYTES], const void *signature, size_t signature_size);

/* The public half of a private key, or a new pair. 0 or -EIO. */
int statement_public(const uint8_t private_key[STATEMENT_PRIVATE_BYTES], uint8_t public_key[STATEMENT_PUBLIC_BYTES]);
int statement_new_key(uint8_t private_key[STATEMENT_PRIVATE_BYTES], uint8_t public_key[STATEMENT_PUBLIC_BYTES]);

/* Base64 of a public key's 65 bytes, as it is printed and registered. False: it is none. */
bool statement_read_public(const char *text, uint8_t public_key[STATEMENT_PUBLIC_BYTES]);

#endif
