#include "tests/unit/chain_maker.h"

#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <string.h>

enum { DER_MAX = 4096, POINT_BYTES = 65, HASH_MAX = 32, KEY_ID_BYTES = 20 };

struct der {
	uint8_t data[DER_MAX];
	size_t size;
	bool full;
};

static psa_key_id_t keys[MAKER_SIGNERS];

/* --- DER --- */

static void put(struct der *d, const void *bytes, size_t size)
{
	if (size > sizeof d->data - d->size) {
		d->full = true;
		return;
	}
	memcpy(d->data + d->size, bytes, size);
	d->size += size;
}

/* Puts a tag and a length in front of what was written from `at` on. */
static void wrap(struct der *d, uint8_t tag, size_t at)
{
	uint8_t head[4] = {tag};
	size_t size = d->size - at, length = 2;
	if (size < 0x80) {
		head[1] = (uint8_t)size;
	} else {
		head[1] = 0x82;
		head[2] = (uint8_t)(size >> 8);
		head[3] = (uint8_t)size;
		length = 4;
	}
	if (length > sizeof d->data - d->size) {
		d->full = true;
		return;
	}
	memmove(d->data + at + length, d->data + at, size);
	memcpy(d->data + at, head, length);
	d->size += length;
}

static void put_value(struct der *d, uint8_t tag, const void *bytes, size_t size)
{
	size_t at = d->size;
	put(d, bytes, size);
	wrap(d, tag, at);
}

static void put_name(struct der *d, const char *common_name)
{
	size_t name = d->size;
	if (common_name[0]) {
		size_t set = d->size;
		put_value(d, 0x06, "\x55\x04\x03", 3);
		put_value(d, 0x0c, common_name, strlen(common_name));
		wrap(d, 0x30, set);
		wrap(d, 0x31, set);
	}
	wrap(d, 0x30, name);
}

static void put_algorithm(struct der *d, enum maker_hash hash)
{
	size_t at = d->size;
	if (hash == MAKER_SHA1)
		put_value(d, 0x06, "\x2a\x86\x48\xce\x3d\x04\x01", 7);
	else
		put_value(d, 0x06, "\x2a\x86\x48\xce\x3d\x04\x03\x02", 8);
	wrap(d, 0x30, at);
}

/* --- keys --- */

int maker_start(void)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	if (psa_crypto_init() != PSA_SUCCESS)
		return -1;
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, 256);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
	for (size_t i = 0; i < MAKER_SIGNERS; i++)
		if (psa_generate_key(&attributes, &keys[i]) != PSA_SUCCESS)
			return -1;
	return 0;
}

void maker_end(void)
{
	for (size_t i = 0; i < MAKER_SIGNERS; i++)
		psa_destroy_key(keys[i]);
}

static void put_point(struct der *d, enum maker_key key)
{
	uint8_t point[POINT_BYTES + 1] = {0};
	size_t size = 0, spki = d->size, algorithm = d->size;
	if (psa_export_public_key(keys[key], point + 1, POINT_BYTES, &size) != PSA_SUCCESS)
		d->full = true;
	put_value(d, 0x06, "\x2a\x86\x48\xce\x3d\x02\x01", 7);
	put_value(d, 0x06, "\x2a\x86\x48\xce\x3d\x03\x01\x07", 8);
	wrap(d, 0x30, algorithm);
	put_value(d, 0x03, point, size + 1);
	wrap(d, 0x30, spki);
}

/* Nobody has the private half: a number of that many bits. */
static void put_rsa(struct der *d, size_t bits)
{
	uint8_t modulus[257] = {0};
	size_t size = (bits + 7) / 8, spki = d->size, algorithm = d->size;
	memset(modulus + 1, 0x5b, size);
	modulus[1] = (uint8_t)(bits % 8 ? 1U << (bits % 8 - 1) : 0x80);
	modulus[size] = 1;
	put_value(d, 0x06, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9);
	put_value(d, 0x05, "", 0);
	wrap(d, 0x30, algorithm);
	size_t string = d->size;
	put(d, "\0", 1);
	size_t pair = d->size;
	bool high = modulus[1] & 0x80;
	put_value(d, 0x02, modulus + !high, size + high);
	put_value(d, 0x02, "\1\0\1", 3);
	wrap(d, 0x30, pair);
	wrap(d, 0x03, string);
	wrap(d, 0x30, spki);
}

static void put_x25519(struct der *d)
{
	static const uint8_t u[33] = {0, 9};
	size_t spki = d->size, algorithm = d->size;
	put_value(d, 0x06, "\x2b\x65\x6e", 3);
	wrap(d, 0x30, algorithm);
	put_value(d, 0x03, u, sizeof u);
	wrap(d, 0x30, spki);
}

static void put_key(struct der *d, enum maker_key key)
{
	if (key < MAKER_SIGNERS)
		put_point(d, key);
	else if (key == MAKER_X25519)
		put_x25519(d);
	else
		put_rsa(d, key == MAKER_RSA_1024 ? 1024 : 2047);
}

/* Any bytes that are the key's alone will do (RFC 5280 section 4.2.1.2). */
static void key_identifier(enum maker_key key, uint8_t id[KEY_ID_BYTES])
{
	struct der d = {.size = 0};
	uint8_t hash[HASH_MAX] = {0};
	size_t size;
	put_key(&d, key);
	psa_hash_compute(PSA_ALG_SHA_256, d.data, d.size, hash, sizeof hash, &size);
	memcpy(id, hash, KEY_ID_BYTES);
}

/* --- extensions --- */

/* What was written from `at` on becomes the value of an extension. */
static void wrap_extension(struct der *d, size_t at, const char *oid, size_t oid_size, bool critical, bool odd)
{
	struct der value = {.size = 0};
	put(&value, d->data + at, d->size - at);
	d->size = at;
	put_value(d, 0x06, oid, oid_size);
	if (critical)
		put_value(d, 0x01, odd ? "\x01" : "\xff", 1);
	put_value(d, 0x04, value.data, value.size);
	wrap(d, 0x30, at);
}

static void put_constraints(struct der *d, const struct recipe *r)
{
	size_t at = d->size;
	uint8_t length = (uint8_t)r->path_length;
	if (r->authority)
		put_value(d, 0x01, "\xff", 1);
	if (r->path_length >= 0)
		put_value(d, 0x02, &length, 1);
	wrap(d, 0x30, at);
	wrap_extension(d, at, "\x55\x1d\x13", 3, r->constraints_critical, r->twist == MAKER_ODD_BOOLEAN);
}

static void put_usage(struct der *d, unsigned usage)
{
	size_t at = d->size;
	const uint8_t bits[2] = {0, (uint8_t)usage};
	put_value(d, 0x03, bits, sizeof bits);
	wrap_extension(d, at, "\x55\x1d\x0f", 3, true, false);
}

static void put_uses(struct der *d, const struct recipe *r)
{
	size_t at = d->size;
	if (r->uses & MAKER_SERVER)
		put_value(d, 0x06, "\x2b\x06\x01\x05\x05\x07\x03\x01", 8);
	if (r->uses & MAKER_EMAIL)
		put_value(d, 0x06, "\x2b\x06\x01\x05\x05\x07\x03\x04", 8);
	if (r->uses & MAKER_ANY)
		put_value(d, 0x06, "\x55\x1d\x25\x00", 4);
	wrap(d, 0x30, at);
	wrap_extension(d, at, "\x55\x1d\x25", 3, r->uses_critical, false);
}

static void put_ski(struct der *d, const struct recipe *r)
{
	uint8_t id[KEY_ID_BYTES];
	size_t at = d->size;
	key_identifier(r->ski_of, id);
	put_value(d, 0x04, id, sizeof id);
	wrap_extension(d, at, "\x55\x1d\x0e", 3, r->ski_critical, false);
}

static void put_aki(struct der *d, const struct recipe *r)
{
	uint8_t id[KEY_ID_BYTES];
	size_t at = d->size;
	key_identifier(r->aki_of, id);
	put_value(d, 0x80, id, sizeof id);
	wrap(d, 0x30, at);
	wrap_extension(d, at, "\x55\x1d\x23", 3, r->aki_critical, false);
}

static void put_san(struct der *d, const struct recipe *r)
{
	size_t at = d->size;
	for (size_t i = 0; i < sizeof r->names / sizeof r->names[0] && r->names[i]; i++)
		put_value(d, 0x82, r->names[i], strlen(r->names[i]));
	if (r->email)
		put_value(d, 0x81, r->email, strlen(r->email));
	wrap(d, 0x30, at);
	wrap_extension(d, at, "\x55\x1d\x11", 3, r->san_critical, false);
}

static void put_extra(struct der *d, const struct maker_extra *extra)
{
	size_t at = d->size;
	put(d, extra->value, extra->value_size);
	wrap_extension(d, at, extra->oid, extra->oid_size, extra->critical, false);
}

static void put_extensions(struct der *d, const struct recipe *r)
{
	size_t at = d->size;
	if (r->constraints)
		put_constraints(d, r);
	if (r->usage)
		put_usage(d, r->usage);
	if (r->uses)
		put_uses(d, r);
	if (r->ski)
		put_ski(d, r);
	if (r->aki)
		put_aki(d, r);
	if (r->names[0] || r->email)
		put_san(d, r);
	if (r->extra.oid)
		put_extra(d, &r->extra);
	if (r->extra.oid && r->twist == MAKER_TWICE)
		put_extra(d, &r->extra);
	wrap(d, 0x30, at);
	wrap(d, 0xa3, at);
}

/* --- the whole --- */

static void put_body(struct der *d, const struct recipe *r)
{
	uint8_t version = (uint8_t)(r->version - 1);
	size_t body = d->size, at = d->size;
	put_value(d, 0x02, &version, 1);
	wrap(d, 0xa0, at);
	put_value(d, 0x02, r->serial, r->serial_size);
	put_algorithm(d, r->hash);
	put_name(d, r->issuer);
	at = d->size;
	put_value(d, 0x18, r->from, strlen(r->from));
	put_value(d, 0x18, r->until, strlen(r->until));
	wrap(d, 0x30, at);
	put_name(d, r->subject);
	put_key(d, r->key);
	if (!r->no_v3)
		put_extensions(d, r);
	wrap(d, 0x30, body);
}

static void put_signature(struct der *d, const struct recipe *r, const struct der *body)
{
	psa_algorithm_t hash = r->hash == MAKER_SHA1 ? PSA_ALG_SHA_1 : PSA_ALG_SHA_256;
	uint8_t digest[HASH_MAX], raw[64], signature[80] = {0};
	size_t size = 0, raw_size = 0, signature_size = 0;
	if (psa_hash_compute(hash, body->data, body->size, digest, sizeof digest, &size) != PSA_SUCCESS)
		d->full = true;
	digest[0] ^= r->broken;
	if (psa_sign_hash(keys[r->signer], PSA_ALG_ECDSA(hash), digest, size, raw, sizeof raw, &raw_size) !=
		PSA_SUCCESS ||
	    mbedtls_ecdsa_raw_to_der(256, raw, raw_size, signature + 1, sizeof signature - 1, &signature_size))
		d->full = true;
	put_value(d, 0x03, signature, signature_size + 1);
}

size_t maker_der(const struct recipe *recipe, uint8_t *der, size_t capacity)
{
	struct der body = {.size = 0}, whole = {.size = 0};
	put_body(&body, recipe);
	put(&whole, body.data, body.size);
	put_algorithm(&whole, recipe->hash);
	put_signature(&whole, recipe, &body);
	wrap(&whole, 0x30, 0);
	if (body.full || whole.full || whole.size > capacity)
		return 0;
	memcpy(der, whole.data, whole.size);
	return whole.size;
}

int maker_add(mbedtls_x509_crt *chain, const struct recipe *recipe)
{
	uint8_t der[DER_MAX];
	size_t size = maker_der(recipe, der, sizeof der);
	return size ? mbedtls_x509_crt_parse_der(chain, der, size) : -1;
}

/* --- what is good --- */

static struct recipe anybody(void)
{
	return (struct recipe){.version = 3,
			       .serial = {1, 2, 3, 4},
			       .serial_size = 4,
			       .from = "20250101000000Z",
			       .until = "20450101000000Z",
			       .path_length = -1,
			       .ski = true};
}

static struct recipe authority(void)
{
	struct recipe r = anybody();
	r.constraints = r.constraints_critical = r.authority = true;
	r.usage = MAKER_CERT_SIGN;
	return r;
}

struct recipe maker_root(void)
{
	struct recipe r = authority();
	r.subject = r.issuer = "Root";
	r.key = r.signer = r.ski_of = MAKER_ROOT;
	return r;
}

struct recipe maker_issuer(void)
{
	struct recipe r = authority();
	r.subject = "Issuer";
	r.issuer = "Root";
	r.key = r.ski_of = MAKER_ISSUER;
	r.signer = r.aki_of = MAKER_ROOT;
	r.aki = true;
	r.uses = MAKER_SERVER;
	return r;
}

struct recipe maker_leaf(void)
{
	struct recipe r = anybody();
	r.subject = "www.bank.example";
	r.issuer = "Issuer";
	r.key = r.ski_of = MAKER_LEAF;
	r.signer = r.aki_of = MAKER_ISSUER;
	r.aki = true;
	r.usage = MAKER_DIGITAL_SIGNATURE;
	r.uses = MAKER_SERVER;
	r.names[0] = "www.bank.example";
	return r;
}
