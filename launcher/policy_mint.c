#include "launcher/policy_mint.h"

#include <errno.h>
#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/buf.h"
#include "whitelist/date.h"
#include "whitelist/whitelist.h"

enum {
	HOUR = 3600,
	LEAF_BEFORE = HOUR,
	LEAF_AFTER = 26 * HOUR,
	LEAF_MARGIN = 15 * 60, /* minted again this much before it would end, or if the clock went back this far */
	LEAVES = 128,
	CERTIFICATE_MAX_BYTES = 1536,
	KEY_MAX_BYTES = 256,
	PEM_MAX_BYTES = 2048,
	SERIAL_BYTES = 16,
};

/*
 * The authority's dates do not limit it, its life in memory does. They are wide because it is made before the clock is
 * confirmed, and the browser that was given it must believe it after the clock moved either way.
 */
static const char authority_from[] = "20200101000000", authority_to[] = "99991231235959";
static const char authority_name[] = "CN=Sekisho this start only";
static const char leaf_name[] = "CN=Sekisho"; /* a CN holds 64 characters, a host name 253: the SAN alone counts */

struct leaf {
	char host[WHITELIST_HOST_BYTES]; /* "": free */
	int64_t minted;
	uint8_t der[CERTIFICATE_MAX_BYTES];
	size_t der_size;
};

struct mint {
	mbedtls_pk_context authority_key, leaf_key;
	char authority_pem[PEM_MAX_BYTES];
	uint8_t leaf_key_der[KEY_MAX_BYTES];
	size_t leaf_key_size;
	struct leaf leaves[LEAVES]; /* a ring: a wildcard has more names than a page needs at once */
	size_t next;
};

static int key_make(mbedtls_pk_context *key)
{
	if (mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) ||
	    mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), mbedtls_psa_get_random,
				MBEDTLS_PSA_RANDOM_STATE))
		return -EIO;
	return 0;
}

static int set_serial(mbedtls_x509write_cert *c)
{
	uint8_t serial[SERIAL_BYTES];
	if (psa_generate_random(serial, sizeof serial) != PSA_SUCCESS)
		return -EIO;
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive and of full length (RFC 5280 4.1.2.2) */
	return mbedtls_x509write_crt_set_serial_raw(c, serial, sizeof serial) ? -EIO : 0;
}

/* What both kinds have: names, keys, dates, identifiers. */
static int certificate_begin(mbedtls_x509write_cert *c, struct mint *m, mbedtls_pk_context *subject_key,
			     const char *subject, const char *from, const char *to)
{
	mbedtls_x509write_crt_init(c);
	mbedtls_x509write_crt_set_version(c, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(c, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(c, subject_key);
	mbedtls_x509write_crt_set_issuer_key(c, &m->authority_key);
	if (mbedtls_x509write_crt_set_subject_name(c, subject) ||
	    mbedtls_x509write_crt_set_issuer_name(c, authority_name) ||
	    mbedtls_x509write_crt_set_validity(c, from, to) || mbedtls_x509write_crt_set_subject_key_identifier(c) ||
	    mbedtls_x509write_crt_set_authority_key_identifier(c))
		return -EIO;
	return set_serial(c);
}

static int make_authority(struct mint *m)
{
	mbedtls_x509write_cert c;
	int error = certificate_begin(&c, m, &m->authority_key, authority_name, authority_from, authority_to);
	if (!error && (mbedtls_x509write_crt_set_basic_constraints(&c, 1, 0) ||
		       mbedtls_x509write_crt_set_key_usage(&c, MBEDTLS_X509_KU_KEY_CERT_SIGN) ||
		       mbedtls_x509write_crt_pem(&c, (uint8_t *)m->authority_pem, sizeof m->authority_pem,
						 mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE)))
		error = -EIO;
	mbedtls_x509write_crt_free(&c);
	return error;
}

/* In the place of the one before, whose leaves go with it. */
static int make_leaf_key(struct mint *m)
{
	uint8_t der[KEY_MAX_BYTES];
	mbedtls_pk_context key;
	mbedtls_pk_init(&key);
	int size = key_make(&key) ? 0 : mbedtls_pk_write_key_der(&key, der, sizeof der);
	if (size > 0) {
		mbedtls_pk_free(&m->leaf_key);
		m->leaf_key = key;
		wipe(m->leaf_key_der, sizeof m->leaf_key_der);
		memcpy(m->leaf_key_der, der + sizeof der - (size_t)size, (size_t)size); /* mbedTLS writes to the end */
		m->leaf_key_size = (size_t)size;
		memset(m->leaves, 0, sizeof m->leaves);
	} else {
		mbedtls_pk_free(&key);
	}
	wipe(der, sizeof der);
	return size > 0 ? 0 : -EIO;
}

int mint_begin_session(struct mint *m) { return make_leaf_key(m); }

int mint_new(struct mint **out)
{
	*out = NULL;
	struct mint *m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	mbedtls_pk_init(&m->authority_key);
	mbedtls_pk_init(&m->leaf_key);
	int error = psa_crypto_init() == PSA_SUCCESS ? 0 : -EIO;
	if (!error)
		error = key_make(&m->authority_key);
	if (!error)
		error = make_authority(m);
	if (!error)
		error = make_leaf_key(m);
	if (error)
		mint_free(m);
	else
		*out = m;
	return error;
}

void mint_free(struct mint *m)
{
	if (!m)
		return;
	mbedtls_pk_free(&m->authority_key);
	mbedtls_pk_free(&m->leaf_key);
	wipe(m, sizeof *m);
	free(m);
}

const char *mint_authority_pem(const struct mint *m) { return m->authority_pem; }

const uint8_t *mint_leaf_key(const struct mint *m, size_t *size)
{
	*size = m->leaf_key_size;
	return m->leaf_key_der;
}

/* "20261122000000", as mbedTLS wants dates. */
static void compact_date(int64_t seconds, char out[15])
{
	char text[DATE_BYTES];
	date_format(seconds, text);
	memset(out, 0, 15);
	for (const char *c = text; *c && strlen(out) < 14; c++)
		if (*c >= '0' && *c <= '9')
			out[strlen(out)] = *c;
}

/* ExtKeyUsage and SubjectAltName as mbedTLS takes them: lists of its own kind over our bytes. */
static int set_leaf_extensions(mbedtls_x509write_cert *c, const char *host)
{
	static const char server_auth[] = MBEDTLS_OID_SERVER_AUTH;
	mbedtls_asn1_sequence usage = {.buf = {.tag = MBEDTLS_ASN1_OID,
					       .p = (uint8_t *)(uintptr_t)server_auth,
					       .len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)}};
	mbedtls_x509_san_list name = {
	    .node = {.type = MBEDTLS_X509_SAN_DNS_NAME,
		     .san.unstructured_name = {.p = (uint8_t *)(uintptr_t)host, .len = strlen(host)}}};
	if (mbedtls_x509write_crt_set_basic_constraints(c, 0, -1) ||
	    mbedtls_x509write_crt_set_key_usage(c, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) ||
	    mbedtls_x509write_crt_set_ext_key_usage(c, &usage) ||
	    mbedtls_x509write_crt_set_subject_alternative_name(c, &name))
		return -EIO;
	return 0;
}

static int make_leaf(struct mint *m, struct leaf *leaf, const char *host, int64_t now)
{
	char from[15], to[15];
	uint8_t der[CERTIFICATE_MAX_BYTES];
	mbedtls_x509write_cert c;
	compact_date(now - LEAF_BEFORE, from);
	compact_date(now + LEAF_AFTER, to);
	int error = certificate_begin(&c, m, &m->leaf_key, leaf_name, from, to);
	if (!error)
		error = set_leaf_extensions(&c, host);
	int size =
	    error ? 0
		  : mbedtls_x509write_crt_der(&c, der, sizeof der, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	mbedtls_x509write_crt_free(&c);
	if (size <= 0)
		return -EIO;
	memcpy(leaf->der, der + sizeof der - (size_t)size, (size_t)size);
	leaf->der_size = (size_t)size;
	leaf->minted = now;
	snprintf(leaf->host, sizeof leaf->host, "%s", host);
	return 0;
}

static struct leaf *find_leaf(struct mint *m, const char *host)
{
	for (size_t i = 0; i < LEAVES; i++)
		if (!strcmp(m->leaves[i].host, host))
			return &m->leaves[i];
	return NULL;
}

static int fits(const struct leaf *leaf, int64_t now)
{
	return now >= leaf->minted - LEAF_BEFORE + LEAF_MARGIN && now <= leaf->minted + LEAF_AFTER - LEAF_MARGIN;
}

int mint_leaf(struct mint *m, const char *host, int64_t now, struct mint_leaf *out)
{
	struct leaf *leaf = find_leaf(m, host);
	if (!leaf) {
		leaf = &m->leaves[m->next];
		m->next = (m->next + 1) % LEAVES;
		leaf->host[0] = '\0';
	}
	int error = leaf->host[0] && fits(leaf, now) ? 0 : make_leaf(m, leaf, host, now);
	if (error)
		leaf->host[0] = '\0';
	*out = (struct mint_leaf){.der = leaf->der, .der_size = leaf->der_size};
	return error;
}
