/* envelope.h: the keys that may sign, and signing with one of them. */
#include <errno.h>
#include <jansson.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/envelope.h"

enum { SPKI_BYTES = 91, POINT_BYTES = 65 };

/* The SubjectPublicKeyInfo of a P-256 key is always a fixed prefix of 26 bytes and the point. */
static int key_from_pk(mbedtls_pk_context *pk, struct envelope_key *key)
{
	uint8_t spki[SPKI_BYTES];
	size_t digest_size;
	if (!mbedtls_pk_can_do(pk, MBEDTLS_PK_ECKEY) || mbedtls_pk_get_bitlen(pk) != 256 ||
	    mbedtls_pk_write_pubkey_der(pk, spki, sizeof spki) != SPKI_BYTES)
		return -EKEYREJECTED;
	/* 06 08: prime256v1; other 256-bit curves have other identifiers. */
	static const uint8_t prime256v1[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	if (memcmp(spki + 13, prime256v1, sizeof prime256v1) != 0)
		return -EKEYREJECTED;
	memcpy(key->point, spki + SPKI_BYTES - POINT_BYTES, POINT_BYTES);
	if (psa_hash_compute(PSA_ALG_SHA_256, spki, sizeof spki, key->keyid, sizeof key->keyid, &digest_size) !=
	    PSA_SUCCESS)
		return -EIO;
	return 0;
}

int envelope_key_parse(const char *pem, struct envelope_key *key)
{
	mbedtls_pk_context pk;
	mbedtls_pk_init(&pk);
	int error = -EKEYREJECTED;
	if (psa_crypto_init() == PSA_SUCCESS &&
	    mbedtls_pk_parse_public_key(&pk, (const uint8_t *)pem, strlen(pem) + 1) == 0)
		error = key_from_pk(&pk, key);
	mbedtls_pk_free(&pk);
	return error;
}

/* 1 to 32 lower-case letters, digits and hyphens, as every identifier in what is signed. */
static bool holder_take(const json_t *name, struct envelope_key *key)
{
	const char *text = json_string_value(name);
	size_t size = json_string_length(name);
	if (!text || size == 0 || size >= sizeof key->holder || text[0] == '-' ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != size)
		return false;
	memcpy(key->holder, text, size + 1);
	return true;
}

/* PEM, or { "holder": name, "key": PEM }. */
static bool roots_add(struct envelope_roots *roots, const json_t *item)
{
	struct envelope_key *key = &roots->keys[roots->key_count];
	const json_t *pem = json_is_object(item) ? json_object_get(item, "key") : item;
	if (!json_is_string(pem) || envelope_key_parse(json_string_value(pem), key))
		return false;
	if (json_is_object(item) && (json_object_size(item) != 2 || !holder_take(json_object_get(item, "holder"), key)))
		return false;
	for (size_t i = 0; i < roots->key_count; i++)
		if (!memcmp(roots->keys[i].keyid, key->keyid, ENVELOPE_KEYID_BYTES))
			return false;
	roots->key_count++;
	return true;
}

static size_t roots_people(const struct envelope_roots *roots)
{
	size_t people = 0;
	for (size_t i = 0; i < roots->key_count; i++) {
		bool before = false;
		for (size_t k = 0; k < i; k++)
			before |= roots->keys[i].holder[0] && !strcmp(roots->keys[i].holder, roots->keys[k].holder);
		people += !before;
	}
	return people;
}

static bool roots_version(const json_t *version, struct envelope_roots *roots)
{
	roots->version = version ? (uint64_t)json_integer_value(version) : 1;
	return !version || (json_is_integer(version) && json_integer_value(version) >= 1);
}

static enum envelope_error roots_from(const json_t *tree, struct envelope_roots *roots)
{
	const json_t *threshold = json_object_get(tree, "threshold"), *keys = json_object_get(tree, "keys");
	if (!json_is_object(tree))
		return ENVELOPE_NOT_JSON;
	const json_t *version = json_object_get(tree, "version");
	if (json_object_size(tree) != (version ? 3 : 2) || !roots_version(version, roots) ||
	    !json_is_integer(threshold) || json_array_size(keys) < 2 || json_array_size(keys) > ENVELOPE_KEYS_MAX)
		return ENVELOPE_BAD_ROOTS;
	for (size_t i = 0; i < json_array_size(keys); i++)
		if (!roots_add(roots, json_array_get(keys, i)))
			return ENVELOPE_BAD_ROOTS;
	json_int_t wanted = json_integer_value(threshold);
	if (wanted < 2 || wanted > (json_int_t)roots_people(roots))
		return ENVELOPE_BAD_ROOTS;
	roots->threshold = (size_t)wanted;
	return ENVELOPE_OK;
}

enum envelope_error envelope_roots_parse(const char *json, size_t size, struct envelope_roots *roots)
{
	*roots = (struct envelope_roots){0};
	if (size > ENVELOPE_ROOTS_MAX_BYTES)
		return ENVELOPE_TOO_LARGE;
	json_t *tree = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	enum envelope_error error = roots_from(tree, roots);
	json_decref(tree);
	if (error)
		*roots = (struct envelope_roots){0};
	return error;
}

int envelope_key_generate(char private_pem[ENVELOPE_PEM_MAX], char public_pem[ENVELOPE_PEM_MAX])
{
	mbedtls_pk_context pk;
	mbedtls_pk_init(&pk);
	int error = -EIO;
	if (psa_crypto_init() == PSA_SUCCESS &&
	    mbedtls_pk_setup(&pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0 &&
	    mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk), mbedtls_psa_get_random,
				MBEDTLS_PSA_RANDOM_STATE) == 0 &&
	    mbedtls_pk_write_key_pem(&pk, (uint8_t *)private_pem, ENVELOPE_PEM_MAX) == 0 &&
	    mbedtls_pk_write_pubkey_pem(&pk, (uint8_t *)public_pem, ENVELOPE_PEM_MAX) == 0)
		error = 0;
	mbedtls_pk_free(&pk);
	return error;
}

/* --- signing --- */

static int digest_sign(mbedtls_pk_context *pk, const uint8_t digest[32], struct envelope_signature *signature)
{
	uint8_t der[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	size_t size;
	if (mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, der, sizeof der, &size, mbedtls_psa_get_random,
			    MBEDTLS_PSA_RANDOM_STATE) ||
	    size > sizeof signature->der)
		return -EIO;
	memcpy(signature->der, der, size);
	signature->der_size = size;
	return 0;
}

static int payload_sign(const char *type, const uint8_t *payload, size_t payload_size, const char *pem,
			struct envelope_signature *signature)
{
	uint8_t digest[32];
	struct envelope_key key;
	mbedtls_pk_context pk;
	mbedtls_pk_init(&pk);
	int error = envelope_digest(type, payload, payload_size, digest);
	if (!error && mbedtls_pk_parse_key(&pk, (const uint8_t *)pem, strlen(pem) + 1, NULL, 0, mbedtls_psa_get_random,
					   MBEDTLS_PSA_RANDOM_STATE))
		error = -EKEYREJECTED;
	if (!error)
		error = key_from_pk(&pk, &key);
	if (!error) {
		memcpy(signature->keyid, key.keyid, sizeof key.keyid);
		error = digest_sign(&pk, digest, signature);
	}
	mbedtls_pk_free(&pk);
	return error;
}

static json_t *base64_json(const uint8_t *data, size_t size)
{
	char *text = malloc(BASE64_ENCODED_SIZE(size));
	if (!text)
		return NULL;
	base64_encode(data, size, text);
	json_t *json = json_string(text);
	free(text);
	return json;
}

static json_t *signatures_json(const struct envelope *envelope)
{
	json_t *list = json_array();
	for (size_t i = 0; i < envelope->signature_count; i++) {
		const struct envelope_signature *signature = &envelope->signatures[i];
		char keyid[ENVELOPE_KEYID_TEXT];
		envelope_keyid_text(signature->keyid, keyid);
		json_array_append_new(list, json_pack("{s:s, s:o}", "keyid", keyid, "sig",
						      base64_json(signature->der, signature->der_size)));
	}
	return list;
}

static int envelope_text(const char *type, const uint8_t *payload, size_t payload_size,
			 const struct envelope *signatures, char **out)
{
	json_t *tree = json_pack("{s:s, s:o, s:o}", "payloadType", type, "payload", base64_json(payload, payload_size),
				 "signatures", signatures_json(signatures));
	char *text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
	json_decref(tree);
	if (!text)
		return -ENOMEM;
	if (strlen(text) > ENVELOPE_MAX_BYTES) {
		free(text);
		return -EFBIG;
	}
	*out = text;
	return 0;
}

/* `earlier` holds the signatures to keep; it must be over the same bytes. */
static int open_earlier(const char *text, const char *type, const uint8_t *payload, size_t payload_size,
			struct envelope *earlier)
{
	if (envelope_open(text, strlen(text), earlier))
		return -EBADMSG;
	if (strcmp(earlier->type, type) != 0 || earlier->payload_size != payload_size ||
	    memcmp(earlier->payload, payload, payload_size) != 0)
		return -EBADMSG;
	return earlier->signature_count < ENVELOPE_SIGNATURES_MAX ? 0 : -EFBIG;
}

int envelope_attach(const char *envelope, const char *type, const uint8_t *payload, size_t payload_size,
		    const struct envelope_signature *signature, char **out)
{
	struct envelope signatures = {0};
	*out = NULL;
	int error = envelope ? open_earlier(envelope, type, payload, payload_size, &signatures) : 0;
	for (size_t i = 0; !error && i < signatures.signature_count; i++)
		if (!memcmp(signatures.signatures[i].keyid, signature->keyid, sizeof signature->keyid))
			error = -EEXIST;
	if (!error) {
		signatures.signatures[signatures.signature_count++] = *signature;
		error = envelope_text(type, payload, payload_size, &signatures, out);
	}
	envelope_close(&signatures);
	return error;
}

int envelope_sign(const char *envelope, const char *type, const uint8_t *payload, size_t payload_size,
		  const char *private_key_pem, char **out)
{
	struct envelope_signature mine = {0};
	*out = NULL;
	int error = payload_sign(type, payload, payload_size, private_key_pem, &mine);
	return error ? error : envelope_attach(envelope, type, payload, payload_size, &mine, out);
}
