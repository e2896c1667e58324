#include "whitelist/certificate.h"

#include <errno.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/date.h"

enum { PEM_MAX_BYTES = 8192, RSA_LEAST_BITS = 2048 };

/* mbedTLS skips whatever stands around a PEM block; nothing may hide there. */
static bool is_one_block(const char *pem)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n", end[] = "\n-----END CERTIFICATE-----";
	const char *last = strstr(pem, end);
	if (strlen(pem) > PEM_MAX_BYTES || strncmp(pem, begin, strlen(begin)) != 0 || !last)
		return false;
	last += strlen(end);
	return *last == '\0' || !strcmp(last, "\n");
}

static bool key_is_strong(const mbedtls_pk_context *key)
{
	if (mbedtls_pk_can_do(key, MBEDTLS_PK_RSA))
		return mbedtls_pk_get_bitlen(key) >= RSA_LEAST_BITS;
	if (!mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA))
		return false;
	mbedtls_ecp_group_id curve = mbedtls_pk_ec(*key)->MBEDTLS_PRIVATE(grp).id;
	return curve == MBEDTLS_ECP_DP_SECP256R1 || curve == MBEDTLS_ECP_DP_SECP384R1 ||
	       curve == MBEDTLS_ECP_DP_SECP521R1;
}

static int64_t seconds_of(const mbedtls_x509_time *t)
{
	char text[96];
	int64_t seconds;
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", t->year, t->mon, t->day, t->hour, t->min, t->sec);
	return date_parse(text, &seconds) ? 0 : seconds;
}

static int certificate_take(const mbedtls_x509_crt *parsed, struct certificate *certificate)
{
	size_t size;
	certificate->der = malloc(parsed->raw.len);
	if (!certificate->der)
		return -ENOMEM;
	memcpy(certificate->der, parsed->raw.p, parsed->raw.len);
	certificate->der_size = parsed->raw.len;
	certificate->not_after = seconds_of(&parsed->valid_to);
	certificate->authority = parsed->version == 3 && mbedtls_x509_crt_get_ca_istrue(parsed) == 1 &&
				 mbedtls_x509_crt_has_ext_type(parsed, MBEDTLS_X509_EXT_KEY_USAGE) &&
				 mbedtls_x509_crt_check_key_usage(parsed, MBEDTLS_X509_KU_KEY_CERT_SIGN) == 0;
	psa_status_t status = psa_hash_compute(PSA_ALG_SHA_256, parsed->pk_raw.p, parsed->pk_raw.len,
					       certificate->spki_sha256, sizeof certificate->spki_sha256, &size);
	return status == PSA_SUCCESS ? 0 : -ENOMEM;
}

int certificate_parse(const struct place *at, struct certificate *certificate)
{
	const char *pem;
	*certificate = (struct certificate){0};
	if (place_string(at, &pem))
		return -EINVAL;
	mbedtls_x509_crt parsed;
	mbedtls_x509_crt_init(&parsed);
	int error;
	if (psa_crypto_init() != PSA_SUCCESS)
		error = place_fail(at, WHITELIST_NO_MEMORY);
	else if (!is_one_block(pem) || mbedtls_x509_crt_parse(&parsed, (const uint8_t *)pem, strlen(pem) + 1) ||
		 parsed.next || !key_is_strong(&parsed.pk))
		error = place_fail(at, WHITELIST_BAD_CERTIFICATE);
	else
		error = certificate_take(&parsed, certificate) ? place_fail(at, WHITELIST_NO_MEMORY) : 0;
	mbedtls_x509_crt_free(&parsed);
	return error;
}
