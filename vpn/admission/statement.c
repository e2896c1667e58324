#include "vpn/admission/statement.h"

#include <errno.h>
#include <psa/crypto.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"

int statement_encode(const struct statement *statement, uint8_t out[STATEMENT_MAX_BYTES])
{
	static const char context[] = STATEMENT_CONTEXT;
	memcpy(out, context, sizeof context);
	struct writer w = writer_over(out + sizeof context, STATEMENT_MAX_BYTES - sizeof context);
	write_str(&w, statement->gateway);
	write_str(&w, statement->device);
	write_str(&w, statement->boot);
	write_str(&w, statement->image_version);
	write_blob(&w, statement->nonce, sizeof statement->nonce);
	write_blob(&w, statement->token, sizeof statement->token);
	write_blob(&w, statement->root_hash, sizeof statement->root_hash);
	write_u64(&w, statement->policy_version);
	return w.failed ? -EMSGSIZE : (int)(sizeof context + w.size);
}

static void read_fixed(struct reader *r, uint8_t *out, size_t wanted)
{
	size_t size;
	const uint8_t *data = read_blob(r, &size);
	if (!data || size != wanted)
		r->failed = true;
	else
		memcpy(out, data, wanted);
}

int statement_decode(const void *bytes, size_t size, struct statement *statement)
{
	static const char context[] = STATEMENT_CONTEXT;
	*statement = (struct statement){0};
	if (size < sizeof context || size > STATEMENT_MAX_BYTES || memcmp(bytes, context, sizeof context) != 0)
		return -EBADMSG;
	struct reader r = reader_over((const uint8_t *)bytes + sizeof context, size - sizeof context);
	read_str(&r, statement->gateway, sizeof statement->gateway);
	read_str(&r, statement->device, sizeof statement->device);
	read_str(&r, statement->boot, sizeof statement->boot);
	read_str(&r, statement->image_version, sizeof statement->image_version);
	read_fixed(&r, statement->nonce, sizeof statement->nonce);
	read_fixed(&r, statement->token, sizeof statement->token);
	read_fixed(&r, statement->root_hash, sizeof statement->root_hash);
	statement->policy_version = read_u64(&r);
	return reader_done(&r) && statement->gateway[0] && statement->device[0] && statement->boot[0] ? 0 : -EBADMSG;
}

/* --- keys and signatures --- */

#define ECDSA PSA_ALG_ECDSA(PSA_ALG_SHA_256)

static int digest_of(const void *bytes, size_t size, enum statement_signer signer, uint8_t digest[32])
{
	static const char context[] = STATEMENT_PIN_CONTEXT;
	psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
	size_t digest_size = 0;
	psa_status_t status = psa_hash_setup(&hash, PSA_ALG_SHA_256);
	if (status == PSA_SUCCESS && signer == SIGNER_PIN)
		status = psa_hash_update(&hash, (const uint8_t *)context, sizeof context);
	if (status == PSA_SUCCESS)
		status = psa_hash_update(&hash, bytes, size);
	if (status == PSA_SUCCESS)
		status = psa_hash_finish(&hash, digest, 32, &digest_size);
	psa_hash_abort(&hash);
	return status == PSA_SUCCESS ? 0 : -EIO;
}

static psa_status_t import_private(const uint8_t *private_key, psa_key_id_t *key)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
	psa_set_key_algorithm(&attributes, ECDSA);
	return psa_import_key(&attributes, private_key, STATEMENT_PRIVATE_BYTES, key);
}

int statement_sign(const struct statement *statement, enum statement_signer signer,
		   const uint8_t private_key[STATEMENT_PRIVATE_BYTES], uint8_t signature[STATEMENT_SIGNATURE_BYTES])
{
	uint8_t bytes[STATEMENT_MAX_BYTES], digest[32];
	psa_key_id_t key = 0;
	size_t signature_size = 0;
	int count = statement_encode(statement, bytes);
	int error = count < 0 ? count : digest_of(bytes, (size_t)count, signer, digest);
	if (!error && import_private(private_key, &key) != PSA_SUCCESS)
		error = -EIO;
	if (!error && psa_sign_hash(key, ECDSA, digest, sizeof digest, signature, STATEMENT_SIGNATURE_BYTES,
				    &signature_size) != PSA_SUCCESS)
		error = -EIO;
	psa_destroy_key(key);
	wipe(bytes, sizeof bytes); /* the token is in it */
	return error ? error : signature_size == STATEMENT_SIGNATURE_BYTES ? 0 : -EIO;
}

bool statement_verify(const void *bytes, size_t size, enum statement_signer signer,
		      const uint8_t public_key[STATEMENT_PUBLIC_BYTES], const void *signature, size_t signature_size)
{
	uint8_t digest[32];
	psa_key_id_t key = 0;
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	if (signature_size != STATEMENT_SIGNATURE_BYTES || digest_of(bytes, size, signer, digest))
		return false;
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&attributes, ECDSA);
	bool good = psa_import_key(&attributes, public_key, STATEMENT_PUBLIC_BYTES, &key) == PSA_SUCCESS &&
		    psa_verify_hash(key, ECDSA, digest, sizeof digest, signature, signature_size) == PSA_SUCCESS;
	psa_destroy_key(key);
	return good;
}

int statement_public(const uint8_t private_key[STATEMENT_PRIVATE_BYTES], uint8_t public_key[STATEMENT_PUBLIC_BYTES])
{
	psa_key_id_t key = 0;
	size_t size = 0;
	bool good = import_private(private_key, &key) == PSA_SUCCESS &&
		    psa_export_public_key(key, public_key, STATEMENT_PUBLIC_BYTES, &size) == PSA_SUCCESS;
	psa_destroy_key(key);
	return good && size == STATEMENT_PUBLIC_BYTES ? 0 : -EIO;
}

int statement_new_key(uint8_t private_key[STATEMENT_PRIVATE_BYTES], uint8_t public_key[STATEMENT_PUBLIC_BYTES])
{
	psa_key_id_t key = 0;
	size_t size = 0;
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, 256);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);
	bool good = psa_generate_key(&attributes, &key) == PSA_SUCCESS &&
		    psa_export_key(key, private_key, STATEMENT_PRIVATE_BYTES, &size) == PSA_SUCCESS &&
		    psa_export_public_key(key, public_key, STATEMENT_PUBLIC_BYTES, &size) == PSA_SUCCESS;
	psa_destroy_key(key);
	return good ? 0 : -EIO;
}

bool statement_read_public(const char *text, uint8_t public_key[STATEMENT_PUBLIC_BYTES])
{
	size_t size = 0;
	return base64_decode(text, strlen(text), public_key, STATEMENT_PUBLIC_BYTES, &size) == 0 &&
	       size == STATEMENT_PUBLIC_BYTES && public_key[0] == 4;
}
