#include "firmware/lib/envelope.h"

#include <errno.h>
#include <jansson.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"

static const struct {
	const char *code, *text;
} errors[ENVELOPE_ERROR_COUNT] = {
    [ENVELOPE_OK] = {"ok", "the signatures are good"},
    [ENVELOPE_TOO_LARGE] = {"too_large", "the envelope is larger than 96 KiB; nothing of it was read"},
    [ENVELOPE_NOT_JSON] = {"not_json", "the envelope is not one complete JSON object (cut short, followed by "
				       "something, or a member given twice)"},
    [ENVELOPE_MALFORMED] = {"malformed", "the envelope lacks a member, has one it should not have, or one of "
					 "the wrong kind"},
    [ENVELOPE_BAD_BASE64] = {"bad_base64", "the payload or a signature of the envelope is not base64"},
    [ENVELOPE_WRONG_TYPE] = {"wrong_type", "the envelope holds another type of object than the one expected"},
    [ENVELOPE_UNSIGNED] = {"unsigned", "the envelope carries no signature"},
    [ENVELOPE_SIGNED_TWICE] = {"signed_twice", "one key signed the envelope more than once; each signature must be by "
					       "another person's key"},
    [ENVELOPE_BAD_SIGNATURE] = {"bad_signature", "a signature in the envelope is not well-formed, and the others are "
						 "too few"},
    [ENVELOPE_ALTERED] = {"altered", "a signature in the envelope does not match its content, which was altered "
				     "after signing, and the others are too few"},
    [ENVELOPE_UNDER_THRESHOLD] = {"under_threshold", "too few of the known keys signed the envelope; have another "
						     "key holder sign it"},
    [ENVELOPE_ONE_PERSON] = {"one_person", "the keys that signed the envelope are of too few different people; have "
					   "another person sign it"},
    [ENVELOPE_ROOTS_SKIPPED] = {"roots_skipped",
				"the chain of roots does not lead on from the roots in force one "
				"version after the other; put every link in, each of the next version"},
    [ENVELOPE_BAD_ROOTS] = {"bad_roots", "the roots file does not name 2 to 8 different P-256 public keys and a "
					 "threshold between 2 and the number of their holders"},
    [ENVELOPE_NO_MEMORY] = {"no_memory", "out of memory"},
};

const char *envelope_error_code(enum envelope_error error)
{
	return (unsigned)error < ENVELOPE_ERROR_COUNT ? errors[error].code : "unknown";
}

const char *envelope_error_text(enum envelope_error error)
{
	return (unsigned)error < ENVELOPE_ERROR_COUNT ? errors[error].text : "unknown error";
}

void envelope_keyid_text(const uint8_t keyid[ENVELOPE_KEYID_BYTES], char text[ENVELOPE_KEYID_TEXT])
{
	for (size_t i = 0; i < ENVELOPE_KEYID_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", keyid[i]);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool keyid_parse(const char *text, size_t size, uint8_t keyid[ENVELOPE_KEYID_BYTES])
{
	if (size != 2 * (size_t)ENVELOPE_KEYID_BYTES)
		return false;
	for (size_t i = 0; i < ENVELOPE_KEYID_BYTES; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		keyid[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* --- the envelope's own JSON --- */

static enum envelope_error open_payload(const json_t *text, struct envelope *envelope)
{
	size_t text_size = json_string_length(text);
	size_t capacity = BASE64_DECODED_MAX(text_size);
	envelope->payload = calloc(1, capacity + 1);
	if (!envelope->payload)
		return ENVELOPE_NO_MEMORY;
	if (base64_decode(json_string_value(text), text_size, envelope->payload, capacity, &envelope->payload_size))
		return ENVELOPE_BAD_BASE64;
	envelope->payload[envelope->payload_size] = '\0';
	return ENVELOPE_OK;
}

static enum envelope_error open_signature(const json_t *item, struct envelope_signature *signature)
{
	const json_t *keyid = json_object_get(item, "keyid"), *sig = json_object_get(item, "sig");
	if (!json_is_object(item) || json_object_size(item) != 2 || !json_is_string(keyid) || !json_is_string(sig))
		return ENVELOPE_MALFORMED;
	if (!keyid_parse(json_string_value(keyid), json_string_length(keyid), signature->keyid))
		return ENVELOPE_MALFORMED;
	int error = base64_decode(json_string_value(sig), json_string_length(sig), signature->der,
				  sizeof signature->der, &signature->der_size);
	return error == -EINVAL ? ENVELOPE_BAD_BASE64 : ENVELOPE_OK;
}

static enum envelope_error open_signatures(const json_t *list, struct envelope *envelope)
{
	size_t count = json_array_size(list);
	if (count == 0)
		return ENVELOPE_UNSIGNED;
	if (count > ENVELOPE_SIGNATURES_MAX)
		return ENVELOPE_MALFORMED;
	for (size_t i = 0; i < count; i++) {
		enum envelope_error error = open_signature(json_array_get(list, i), &envelope->signatures[i]);
		if (error)
			return error;
		for (size_t earlier = 0; earlier < i; earlier++)
			if (!memcmp(envelope->signatures[earlier].keyid, envelope->signatures[i].keyid,
				    ENVELOPE_KEYID_BYTES))
				return ENVELOPE_SIGNED_TWICE;
	}
	envelope->signature_count = count;
	return ENVELOPE_OK;
}

static enum envelope_error open_members(const json_t *json, struct envelope *envelope)
{
	const json_t *type = json_object_get(json, "payloadType"), *payload = json_object_get(json, "payload"),
		     *signatures = json_object_get(json, "signatures");
	if (!json_is_string(type) || !json_is_string(payload))
		return ENVELOPE_MALFORMED;
	if (!signatures && json_object_size(json) == 2)
		return ENVELOPE_UNSIGNED;
	if (!json_is_array(signatures) || json_object_size(json) != 3)
		return ENVELOPE_MALFORMED;
	envelope->type = strdup(json_string_value(type));
	if (!envelope->type)
		return ENVELOPE_NO_MEMORY;
	enum envelope_error error = open_payload(payload, envelope);
	return error ? error : open_signatures(signatures, envelope);
}

enum envelope_error envelope_open(const char *json, size_t size, struct envelope *envelope)
{
	*envelope = (struct envelope){0};
	if (size > ENVELOPE_MAX_BYTES)
		return ENVELOPE_TOO_LARGE;
	json_t *tree = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(tree)) {
		json_decref(tree);
		return ENVELOPE_NOT_JSON;
	}
	enum envelope_error error = open_members(tree, envelope);
	json_decref(tree);
	if (error)
		envelope_close(envelope);
	return error;
}

void envelope_close(struct envelope *envelope)
{
	free(envelope->type);
	free(envelope->payload);
	*envelope = (struct envelope){0};
}

/* --- signatures --- */

int envelope_digest(const char *type, const uint8_t *payload, size_t payload_size, uint8_t digest[32])
{
	char lengths[2][32];
	snprintf(lengths[0], sizeof lengths[0], "DSSEv1 %zu ", strlen(type));
	snprintf(lengths[1], sizeof lengths[1], " %zu ", payload_size);
	psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
	size_t written;
	int ok = psa_crypto_init() == PSA_SUCCESS && psa_hash_setup(&hash, PSA_ALG_SHA_256) == PSA_SUCCESS &&
		 psa_hash_update(&hash, (const uint8_t *)lengths[0], strlen(lengths[0])) == PSA_SUCCESS &&
		 psa_hash_update(&hash, (const uint8_t *)type, strlen(type)) == PSA_SUCCESS &&
		 psa_hash_update(&hash, (const uint8_t *)lengths[1], strlen(lengths[1])) == PSA_SUCCESS &&
		 psa_hash_update(&hash, payload, payload_size) == PSA_SUCCESS &&
		 psa_hash_finish(&hash, digest, 32, &written) == PSA_SUCCESS;
	psa_hash_abort(&hash);
	return ok ? 0 : -EIO;
}

/* One INTEGER of ECDSA-Sig-Value: positive, shortest form, at most 32 significant bytes; right-aligned into `out`. */
static bool der_integer(const uint8_t **at, const uint8_t *end, uint8_t out[32])
{
	if (end - *at < 2 || (*at)[0] != 0x02)
		return false;
	size_t size = (*at)[1];
	const uint8_t *value = *at + 2;
	if (size == 0 || size > 33 || size > (size_t)(end - value))
		return false;
	*at = value + size;
	if (value[0] & 0x80)
		return false;
	if (value[0] == 0 && (size == 1 || !(value[1] & 0x80)))
		return false;
	if (value[0] == 0) {
		value++;
		size--;
	}
	if (size > 32)
		return false;
	memset(out, 0, 32);
	memcpy(out + 32 - size, value, size);
	return true;
}

static bool der_signature(const uint8_t *der, size_t size, uint8_t raw[64])
{
	const uint8_t *at = der + 2, *end = der + size;
	return size >= 8 && der[0] == 0x30 && der[1] == size - 2 && der_integer(&at, end, raw) &&
	       der_integer(&at, end, raw + 32) && at == end;
}

static bool verify_digest(const struct envelope_key *key, const uint8_t digest[32], const uint8_t raw[64])
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, 256);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
	psa_key_id_t id;
	if (psa_import_key(&attributes, key->point, sizeof key->point, &id) != PSA_SUCCESS)
		return false;
	psa_status_t status = psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, raw, 64);
	psa_destroy_key(id);
	return status == PSA_SUCCESS;
}

static enum envelope_error check_signature(const struct envelope_signature *signature, const uint8_t digest[32],
					   const struct envelope_key *key)
{
	uint8_t raw[64];
	if (!der_signature(signature->der, signature->der_size, raw))
		return ENVELOPE_BAD_SIGNATURE;
	return verify_digest(key, digest, raw) ? ENVELOPE_OK : ENVELOPE_ALTERED;
}

enum envelope_error envelope_check_signature(const struct envelope *envelope, size_t nth,
					     const struct envelope_key *key)
{
	uint8_t digest[32];
	if (envelope_digest(envelope->type, envelope->payload, envelope->payload_size, digest))
		return ENVELOPE_NO_MEMORY;
	return check_signature(&envelope->signatures[nth], digest, key);
}

static const struct envelope_key *find_key(const struct envelope_roots *roots, const uint8_t *keyid)
{
	for (size_t i = 0; i < roots->key_count; i++)
		if (!memcmp(roots->keys[i].keyid, keyid, ENVELOPE_KEYID_BYTES))
			return &roots->keys[i];
	return NULL;
}

/* A key that is its holder's only one is a person of its own. */
static bool is_of_one_before(const struct envelope_key *key, const struct envelope_key *const *before, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (key->holder[0] && !strcmp(key->holder, before[i]->holder))
			return true;
	return false;
}

/* At most one check per known key: envelope_open() let no key id through twice. */
static enum envelope_error count_signatures(const struct envelope *envelope, const struct envelope_roots *roots)
{
	uint8_t digest[32];
	if (envelope_digest(envelope->type, envelope->payload, envelope->payload_size, digest))
		return ENVELOPE_NO_MEMORY;
	enum envelope_error reason = ENVELOPE_UNDER_THRESHOLD;
	const struct envelope_key *good[ENVELOPE_SIGNATURES_MAX];
	size_t people = 0;
	for (size_t i = 0; i < envelope->signature_count; i++) {
		const struct envelope_key *key = find_key(roots, envelope->signatures[i].keyid);
		if (!key)
			continue;
		enum envelope_error error = check_signature(&envelope->signatures[i], digest, key);
		if (error) {
			reason = error;
		} else if (is_of_one_before(key, good, people)) {
			reason = reason == ENVELOPE_UNDER_THRESHOLD ? ENVELOPE_ONE_PERSON : reason;
		} else {
			good[people++] = key;
			if (people >= roots->threshold)
				return ENVELOPE_OK;
		}
	}
	return reason;
}

enum envelope_error envelope_verify(const char *json, size_t size, const char *type, const struct envelope_roots *roots,
				    uint8_t **payload, size_t *payload_size)
{
	*payload = NULL;
	*payload_size = 0;
	if (roots->threshold < 2 || roots->key_count > ENVELOPE_KEYS_MAX)
		return ENVELOPE_BAD_ROOTS;
	struct envelope envelope;
	enum envelope_error error = envelope_open(json, size, &envelope);
	if (error)
		return error;
	error = strcmp(envelope.type, type) ? ENVELOPE_WRONG_TYPE : count_signatures(&envelope, roots);
	if (!error) {
		*payload = envelope.payload;
		*payload_size = envelope.payload_size;
		envelope.payload = NULL;
	}
	envelope_close(&envelope);
	return error;
}
