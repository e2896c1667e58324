/*
 * keyholder_transcript - the handshake of a TLS client that is about to prove its certificate: read message by message,
 * and made into exactly what its CertificateVerify signs (RFC 8446 section 4.4.3, RFC 5246 section 7.4.8).
 *
 * The key holder is given the messages and not their hash, so that it sees what it signs: a handshake of TLS 1.2 or 1.3
 * with the one host that the ClientHello names, in which the server asks for a certificate and the client has sent
 * this one. Nothing else can be made to look like that. Who the server is, its certificate's chain, is the broker's to
 * check; the key holder does not believe the broker's word for the host, and needs none. Pure.
 */
#ifndef LAUNCHER_KEYHOLDER_TRANSCRIPT_H
#define LAUNCHER_KEYHOLDER_TRANSCRIPT_H

#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/broker_host.h"

#define TRANSCRIPT_MAX_BYTES     65536
#define TRANSCRIPT_MESSAGES_MAX  16
#define TRANSCRIPT_CONTEXT       "TLS 1.3, client CertificateVerify"
#define TRANSCRIPT_CONTENT_BYTES (64 + sizeof TRANSCRIPT_CONTEXT + 48) /* at most */

struct transcript_message {
	uint8_t type;
	const uint8_t *data; /* with its header of four bytes */
	size_t size;
};

struct transcript {
	struct transcript_message messages[TRANSCRIPT_MESSAGES_MAX]; /* inside the bytes it was read from */
	size_t count;
	bool tls13;
	bool retried;           /* TLS 1.3, and the server asked for another ClientHello first */
	mbedtls_md_type_t hash; /* of the cipher suite */
	char host[HOST_MAX_BYTES + 1];
	const uint8_t *certificate; /* the client's own: DER */
	size_t certificate_size;
};

/* 0, or -EBADMSG: it is not such a handshake, from its first byte to its last. */
int transcript_read(const uint8_t *bytes, size_t size, struct transcript *transcript);

/*
 * What is signed with SignatureScheme `scheme` (RFC 8446 section 4.2.3): the digest, its algorithm, and how. 0;
 * -EINVAL: the scheme is not one for this version of TLS; -EIO.
 */
struct transcript_digest {
	uint8_t bytes[64];
	size_t size;
	mbedtls_md_type_t hash;
	mbedtls_pk_type_t kind; /* MBEDTLS_PK_ECDSA, MBEDTLS_PK_RSA (PKCS #1 v1.5) or MBEDTLS_PK_RSASSA_PSS */
};
int transcript_digest(const struct transcript *transcript, uint16_t scheme, struct transcript_digest *digest);

#endif
