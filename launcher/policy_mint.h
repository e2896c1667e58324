/*
 * policy_mint - the certificate authority of this start: made in memory, gone with the process. The browser trusts it
 * and nothing else; it signs one leaf per asked host, with exactly that name (RFC 5280, RFC 6125), all of a session
 * with one key: a broker holds it, and what it holds dies with its session.
 */
#ifndef LAUNCHER_POLICY_MINT_H
#define LAUNCHER_POLICY_MINT_H

#include <stddef.h>
#include <stdint.h>

struct mint;

/* One certificate, inside the mint. */
struct mint_leaf {
	const uint8_t *der;
	size_t der_size;
};

/* 0 and *out (mint_free()), -EIO if the crypto library fails, or -ENOMEM. */
int mint_new(struct mint **out);
void mint_free(struct mint *mint); /* wipes; NULL is fine */

const char *mint_authority_pem(const struct mint *mint);

/* A session begins: leaves have another key from now on. 0, or -EIO with the old one. */
int mint_begin_session(struct mint *mint);

/* The leaves' key, SEC 1 DER. */
const uint8_t *mint_leaf_key(const struct mint *mint, size_t *size);

/*
 * The leaf for `host` (a name of the policy's spelling), valid from an hour before `now` to 26 hours after; minted
 * when first asked for or when its dates no longer fit. Valid until the next call. 0, -EIO or -ENOMEM.
 */
int mint_leaf(struct mint *mint, const char *host, int64_t now, struct mint_leaf *leaf);

#endif
