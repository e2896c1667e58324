/*
 * keyholder_token - keys that are not in the device record but in a PKCS#11 token: the digest goes to the process that
 * has the module (launcher/token), and what comes back is checked against the certificate before it is believed.
 *
 * The key holder decides what is signed, as with keys of its own: the token's process sees a digest and a key's name.
 * It waits for an answer inside the call, TOKEN_WAIT_MS at most; a token that wants its PIN says so to the launcher
 * and is answered for with none, and the customer tries again when the PIN is in.
 */
#ifndef LAUNCHER_KEYHOLDER_TOKEN_H
#define LAUNCHER_KEYHOLDER_TOKEN_H

#include "launcher/keyholder_transcript.h"
#include "launcher/messages.h"

#define TOKEN_WAIT_MS   2500 /* less than the broker waits for us */
#define TOKEN_URI_BYTES 768

/* The channel to that process, from now on ours; an earlier one is closed. -1: none. */
void token_use(int channel);

/* The signature's size, as TLS wants it; 0: none. `public` is of the certificate. `*state`: TOKEN_OPEN where the
 * token's process answered and nothing is wrong with what it said (also where it said "none", and why to the launcher),
 * else TOKEN_OTHER_KEY, TOKEN_SILENT or TOKEN_NONE. */
size_t token_sign(const char *uri, uint16_t scheme, const struct transcript_digest *digest,
		  const mbedtls_pk_context *public, uint8_t *signature, size_t capacity, enum token_state *state);

#endif
