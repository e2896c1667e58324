#include "launcher/broker_cert.h"

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <psa/crypto.h>
#include <string.h>

#include "launcher/broker_host.h"
#include "whitelist/names.h"

enum { SAN_DNS_NAME = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2 };

#define BAD_DATES ((uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE))
#define BAD_NAME  ((uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH)

/* "*.bank.example" stands for one label, and has two or more to its right. */
bool certificate_name_matches(const uint8_t *pattern, size_t size, const char *host)
{
	char name[2 + HOST_MAX_BYTES + 1] = "*.";
	bool wildcard = size > 2 && pattern[0] == '*' && pattern[1] == '.';
	size_t skip = wildcard ? 2 : 0;
	if (host_read(pattern + skip, size - skip, name + 2) != HOST_NAME)
		return false;
	return name_matches(wildcard ? name : name + 2, host);
}

static bool names_host(const mbedtls_x509_crt *leaf, const char *host)
{
	for (const mbedtls_x509_sequence *san = &leaf->subject_alt_names; san; san = san->next)
		if (san->buf.tag == SAN_DNS_NAME && certificate_name_matches(san->buf.p, san->buf.len, host))
			return true;
	return false;
}

/* mbedtls_x509_crt_check_extended_key_usage() takes no extension, and anyExtendedKeyUsage, for a yes. */
static bool for_servers(const mbedtls_x509_crt *leaf)
{
	if (!mbedtls_x509_crt_has_ext_type(leaf, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE))
		return false;
	for (const mbedtls_x509_sequence *use = &leaf->ext_key_usage; use; use = use->next)
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_SERVER_AUTH, &use->buf) == 0)
			return true;
	return false;
}

enum refusal certificate_check_leaf(const mbedtls_x509_crt *leaf, const char *host, const char **detail)
{
	if (!mbedtls_x509_crt_has_ext_type(leaf, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) {
		*detail = "the certificate has no subjectAltName";
		return REFUSAL_NAME;
	}
	if (!names_host(leaf, host)) {
		*detail = "no DNS name of the certificate is the host's";
		return REFUSAL_NAME;
	}
	if (mbedtls_x509_crt_get_ca_istrue(leaf) != 0) {
		*detail = "the host's certificate is an authority's";
		return REFUSAL_CHAIN;
	}
	if (!for_servers(leaf)) {
		*detail = "the host's certificate does not list server authentication";
		return REFUSAL_CHAIN;
	}
	return REFUSAL_NONE;
}

bool certificate_pinned(const mbedtls_x509_crt *certificate, const struct pin *pins, size_t count)
{
	uint8_t hash[PIN_BYTES];
	size_t size = 0;
	if (psa_hash_compute(PSA_ALG_SHA_256, certificate->pk_raw.p, certificate->pk_raw.len, hash, sizeof hash,
			     &size) != PSA_SUCCESS ||
	    size != sizeof hash)
		return false;
	for (size_t i = 0; i < count; i++)
		if (memcmp(hash, pins[i].sha256, sizeof hash) == 0)
			return true;
	return false;
}

static enum refusal judge(const struct chain_check *check, const mbedtls_x509_crt *leaf, const char **detail)
{
	if (check->flags & ~(BAD_DATES | BAD_NAME)) {
		*detail = check->flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED
			      ? "the certificates lead to none of the host's anchors"
			      : "a certificate of the chain breaks the rules for keys, signatures or use";
		return REFUSAL_CHAIN;
	}
	if (check->flags & BAD_DATES) {
		*detail = check->flags & MBEDTLS_X509_BADCERT_EXPIRED ? "a certificate of the chain has expired"
								      : "a certificate of the chain is not valid yet";
		return REFUSAL_DATES;
	}
	if (check->flags & BAD_NAME) {
		*detail = "the certificate is for another name";
		return REFUSAL_NAME;
	}
	enum refusal refusal = certificate_check_leaf(leaf, check->host, detail);
	if (refusal == REFUSAL_NONE && !check->pinned) {
		*detail = "no key of the chain has one of the policy's pins";
		return REFUSAL_PIN;
	}
	return refusal;
}

int chain_check_certificate(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	struct chain_check *check = context;
	check->flags |= *flags;
	check->pinned |= certificate_pinned(certificate, check->pins, check->pin_count);
	if (depth > 0)
		return 0;
	check->judged = true;
	check->refusal = judge(check, certificate, &check->detail);
	if (check->refusal != REFUSAL_NONE)
		*flags |= MBEDTLS_X509_BADCERT_OTHER;
	return 0;
}
