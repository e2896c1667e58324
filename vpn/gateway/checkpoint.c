#include "vpn/gateway/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"

enum { SPKI_BYTES = 91, HINT_BYTES = 4, SIGNED_MAX = HINT_BYTES + MBEDTLS_PK_SIGNATURE_MAX_SIZE, HASH_BYTES = 32 };

#define DASH "\xe2\x80\x94 " /* an em dash begins a line with a signature */

struct checkpoint_key {
	mbedtls_pk_context pk;
	uint8_t hint[HINT_BYTES];
	bool is_private;
};

static int sha256(const void *data, size_t size, uint8_t out[HASH_BYTES])
{
	size_t made;
	return psa_hash_compute(PSA_ALG_SHA_256, data, size, out, HASH_BYTES, &made) == PSA_SUCCESS ? 0 : -EIO;
}

static int key_finish(struct checkpoint_key *key)
{
	uint8_t spki[SPKI_BYTES], digest[HASH_BYTES];
	if (!mbedtls_pk_can_do(&key->pk, MBEDTLS_PK_ECKEY) || mbedtls_pk_get_bitlen(&key->pk) != 256 ||
	    mbedtls_pk_write_pubkey_der(&key->pk, spki, sizeof spki) != SPKI_BYTES)
		return -EKEYREJECTED;
	int error = sha256(spki, sizeof spki, digest);
	memcpy(key->hint, digest, sizeof key->hint);
	return error;
}

static int key_new(const char *pem, bool is_private, struct checkpoint_key **out)
{
	const uint8_t *bytes = (const uint8_t *)pem;
	*out = NULL;
	struct checkpoint_key *key = calloc(1, sizeof *key);
	if (!key)
		return -ENOMEM;
	mbedtls_pk_init(&key->pk);
	key->is_private = is_private;
	int error = psa_crypto_init() == PSA_SUCCESS ? 0 : -EIO;
	if (!error && is_private)
		error = mbedtls_pk_parse_key(&key->pk, bytes, strlen(pem) + 1, NULL, 0, mbedtls_psa_get_random,
					     MBEDTLS_PSA_RANDOM_STATE)
			    ? -EKEYREJECTED
			    : 0;
	else if (!error)
		error = mbedtls_pk_parse_public_key(&key->pk, bytes, strlen(pem) + 1) ? -EKEYREJECTED : 0;
	if (!error)
		error = key_finish(key);
	if (error) {
		checkpoint_key_free(key);
		return error;
	}
	*out = key;
	return 0;
}

int checkpoint_key_private(const char *pem, struct checkpoint_key **key) { return key_new(pem, true, key); }
int checkpoint_key_public(const char *pem, struct checkpoint_key **key) { return key_new(pem, false, key); }

void checkpoint_key_free(struct checkpoint_key *key)
{
	if (!key)
		return;
	mbedtls_pk_free(&key->pk);
	free(key);
}

int checkpoint_sign(const struct checkpoint_key *key, const struct checkpoint *checkpoint,
		    char text[CHECKPOINT_TEXT_SIZE])
{
	char root[BASE64_ENCODED_SIZE(MERKLE_BYTES)], encoded[BASE64_ENCODED_SIZE(SIGNED_MAX)];
	uint8_t digest[HASH_BYTES], bytes[SIGNED_MAX];
	size_t made = 0;
	if (!key->is_private)
		return -EKEYREJECTED;
	base64_encode(checkpoint->root.bytes, sizeof checkpoint->root.bytes, root);
	int size = snprintf(text, CHECKPOINT_TEXT_SIZE, "%s\n%" PRIu64 "\n%s\ntime %" PRId64 "\n", checkpoint->origin,
			    checkpoint->size, root, checkpoint->time);
	if (size < 0 || size >= CHECKPOINT_TEXT_SIZE || sha256(text, (size_t)size, digest))
		return -EIO;
	memcpy(bytes, key->hint, HINT_BYTES);
	/* Signing changes nothing in the key; the library's type does not say so. */
	if (mbedtls_pk_sign((mbedtls_pk_context *)(uintptr_t)&key->pk, MBEDTLS_MD_SHA256, digest, sizeof digest,
			    bytes + HINT_BYTES, sizeof bytes - HINT_BYTES, &made, mbedtls_psa_get_random,
			    MBEDTLS_PSA_RANDOM_STATE))
		return -EIO;
	base64_encode(bytes, HINT_BYTES + made, encoded);
	int more = snprintf(text + size, (size_t)(CHECKPOINT_TEXT_SIZE - size), "\n" DASH "%s %s\n", checkpoint->origin,
			    encoded);
	return more < 0 || size + more >= CHECKPOINT_TEXT_SIZE ? -EIO : 0;
}

/* Does one of the lines after the empty one hold this key's signature over `text` up to there? */
static int check_signature(const struct checkpoint_key *key, const char *text, size_t size, const char *lines)
{
	uint8_t digest[HASH_BYTES], bytes[SIGNED_MAX];
	if (sha256(text, size, digest))
		return -EIO;
	for (const char *at = lines, *end; (end = strchr(at, '\n')); at = end + 1) {
		const char *blank = memrchr(at, ' ', (size_t)(end - at));
		size_t made = 0;
		if (strncmp(at, DASH, strlen(DASH)) != 0 || !blank)
			return -EBADMSG;
		if (base64_decode(blank + 1, (size_t)(end - blank - 1), bytes, sizeof bytes, &made) ||
		    made <= HINT_BYTES || memcmp(bytes, key->hint, HINT_BYTES) != 0)
			continue; /* somebody else's */
		if (mbedtls_pk_verify((mbedtls_pk_context *)(uintptr_t)&key->pk, MBEDTLS_MD_SHA256, digest,
				      sizeof digest, bytes + HINT_BYTES, made - HINT_BYTES) == 0)
			return 0;
	}
	return -EKEYREJECTED;
}

/* A decimal number and the newline behind it, in its one spelling. NULL if it is none. */
static const char *take_number(const char *at, uint64_t *value)
{
	char *end;
	if (*at < '0' || *at > '9' || (at[0] == '0' && at[1] != '\n'))
		return NULL;
	errno = 0;
	*value = strtoull(at, &end, 10);
	return errno || *end != '\n' ? NULL : end + 1;
}

static int read_lines(const char *text, struct checkpoint *checkpoint)
{
	const char *end = strchr(text, '\n');
	size_t length = end ? (size_t)(end - text) : 0, made = 0;
	uint64_t time = 0;
	if (length == 0 || length >= sizeof checkpoint->origin)
		return -EBADMSG;
	memcpy(checkpoint->origin, text, length);
	checkpoint->origin[length] = '\0';
	const char *at = take_number(end + 1, &checkpoint->size);
	end = at ? strchr(at, '\n') : NULL;
	if (!end ||
	    base64_decode(at, (size_t)(end - at), checkpoint->root.bytes, sizeof checkpoint->root.bytes, &made) ||
	    made != sizeof checkpoint->root.bytes || strncmp(end + 1, "time ", 5) != 0)
		return -EBADMSG;
	at = take_number(end + 6, &time);
	checkpoint->time = (int64_t)time;
	return at && *at == '\n' ? 0 : -EBADMSG;
}

int checkpoint_open(const struct checkpoint_key *key, const char *text, struct checkpoint *checkpoint)
{
	const char *empty = strstr(text, "\n\n");
	*checkpoint = (struct checkpoint){0};
	if (!empty || strlen(text) >= CHECKPOINT_TEXT_SIZE)
		return -EBADMSG;
	int error = check_signature(key, text, (size_t)(empty + 1 - text), empty + 2);
	if (!error)
		error = read_lines(text, checkpoint);
	if (error)
		*checkpoint = (struct checkpoint){0};
	return error;
}
