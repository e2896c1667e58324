/*
 * token - signing with a key that stays in a PKCS#11 token (OASIS PKCS #11 2.40), named by a URI of RFC 7512:
 *
 *   pkcs11:token=bank;object=aoki?pin-source=file:/run/user/1000/pin
 *
 * `token` and `object` (or `id`) name the key; the PIN stays out of arguments: pin-source names its file. The module is
 * `module-path` of the URI, or PKCS11_MODULE, or else p11-kit's, which knows every token of the machine. P-256 keys
 * only.
 */
#ifndef IMAGE_CLI_TOKEN_H
#define IMAGE_CLI_TOKEN_H

#include <stdbool.h>

#include "firmware/lib/envelope.h"

bool token_is_uri(const char *key); /* "pkcs11:..." */

/* The public key in PEM. CLI_GOOD, or CLI_REFUSED with the reason said. */
int token_public(const char *uri, char pem[ENVELOPE_PEM_MAX]);

/* Sign a SHA-256 digest; `signature` has the key's id. As above. */
int token_sign(const char *uri, const uint8_t digest[32], struct envelope_signature *signature);

#endif
