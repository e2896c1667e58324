/*
 * card - one PKCS#11 module and the one token in it that is in use (OASIS PKCS #11 2.40): found by its label, opened,
 * logged in to with the customer's PIN, asked for signatures. Without a loop.
 *
 * The PIN is tried once for each time it is given, is kept nowhere, and never tried where the token says that it is
 * locked. A token that was pulled out is forgotten with its log-in: when it is back, the PIN is asked for again.
 */
#ifndef LAUNCHER_TOKEN_CARD_H
#define LAUNCHER_TOKEN_CARD_H

#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/pkcs11uri.h"
#include "launcher/messages.h"

enum { CARD_SIGNATURE_MAX = 512, CARD_DIGEST_MAX = 64 };

/* What is to be signed: a digest, as TLS' SignatureScheme says (RFC 8446 section 4.2.3). */
struct card_question {
	struct pkcs11_uri key;
	uint16_t scheme;
	uint8_t digest[CARD_DIGEST_MAX];
	size_t digest_size;
};

/* Load and start the module. 0 or -errno, logged. Once, and inside the walls: its first instruction is a stranger's. */
int card_open(const char *module);

/*
 * Sign: a bare r and s for ECDSA, for RSA what TLS wants. TOKEN_OPEN, or why there is none; then `size` is 0. What it
 * wanted is remembered, for card_unlock().
 */
enum token_state card_sign(const struct card_question *question, uint8_t signature[CARD_SIGNATURE_MAX], size_t *size);

/* Log in to the token that was wanted last. TOKEN_OPEN, TOKEN_WRONG_PIN, TOKEN_LOCKED or TOKEN_ABSENT. */
enum token_state card_unlock(const char *pin, size_t size);

/* What the token that was wanted last says of the tries left. */
enum token_tries card_tries(void);

#endif
