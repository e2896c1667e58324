/*
 * checkpoint - a signed statement of how large the audit log is and what its root hash is, so that whoever holds one
 * can tell later whether the log still says what it said.
 *
 * A checkpoint is text, a signed note as transparency logs write them:
 *
 *     ORIGIN               whose log: "sekisho/TENANT/GATEWAY"
 *     SIZE                 number of entries, decimal
 *     ROOT                 base64 of the root hash (RFC 6962 section 2.1)
 *     time SECONDS         since 1970
 *     (an empty line)
 *     — ORIGIN BASE64      four bytes of the key's id (SHA-256 of its SubjectPublicKeyInfo), then the signature:
 *                          ECDSA P-256 with SHA-256 over the lines before the empty one, their newlines included
 */
#ifndef VPN_GATEWAY_CHECKPOINT_H
#define VPN_GATEWAY_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "vpn/gateway/merkle.h"

enum { CHECKPOINT_ORIGIN_SIZE = 96, CHECKPOINT_TEXT_SIZE = 512 };

struct checkpoint {
	char origin[CHECKPOINT_ORIGIN_SIZE];
	uint64_t size;
	struct merkle_hash root;
	int64_t time; /* unix seconds */
};

struct checkpoint_key;

/* The private key of `pem` (to sign and to check) or a public one (to check). Free with checkpoint_key_free(). 0;
 * -EKEYREJECTED: not a P-256 key in PEM format; -ENOMEM. */
int checkpoint_key_private(const char *pem, struct checkpoint_key **key);
int checkpoint_key_public(const char *pem, struct checkpoint_key **key);
void checkpoint_key_free(struct checkpoint_key *key);

/* 0, -EKEYREJECTED for a public key, or -EIO. */
int checkpoint_sign(const struct checkpoint_key *key, const struct checkpoint *checkpoint,
		    char text[CHECKPOINT_TEXT_SIZE]);

/* Nothing of `text` is looked at before its signature holds. 0; -EBADMSG: not such a text; -EKEYREJECTED: signed by
 * another key, or altered. */
int checkpoint_open(const struct checkpoint_key *key, const char *text, struct checkpoint *checkpoint);

#endif
