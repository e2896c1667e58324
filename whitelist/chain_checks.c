#include "whitelist/chain_checks.h"

#include <ctype.h>
#include <mbedtls/asn1.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <string.h>
#include <time.h>

#include "whitelist/names.h"
#include "whitelist/suffix.h"
#include "whitelist/whitelist.h"

enum {
	SAN_DNS_NAME = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2,
	AKI_KEY_IDENTIFIER = MBEDTLS_ASN1_CONTEXT_SPECIFIC,
	RSA_LEAST_BITS = 2048,
	SERIAL_MOST_BYTES = 20,
	EMPTY_NAME_BYTES = 2, /* a SEQUENCE of nothing */
};

#define CONSTRUCTED_SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)

/* --- reading --- */

static const struct {
	const char *oid;
	size_t size;
} extensions[EXTENSION_COUNT] = {
#define OID(text) {text, sizeof(text) - 1}
    [EXTENSION_SKI] = OID(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER),
    [EXTENSION_KEY_USAGE] = OID(MBEDTLS_OID_KEY_USAGE),
    [EXTENSION_SAN] = OID(MBEDTLS_OID_SUBJECT_ALT_NAME),
    [EXTENSION_BASIC_CONSTRAINTS] = OID(MBEDTLS_OID_BASIC_CONSTRAINTS),
    [EXTENSION_NAME_CONSTRAINTS] = OID(MBEDTLS_OID_NAME_CONSTRAINTS),
    [EXTENSION_POLICY_MAPPINGS] = OID(MBEDTLS_OID_POLICY_MAPPINGS),
    [EXTENSION_AKI] = OID(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER),
    [EXTENSION_POLICY_CONSTRAINTS] = OID(MBEDTLS_OID_POLICY_CONSTRAINTS),
    [EXTENSION_EXTENDED_KEY_USAGE] = OID(MBEDTLS_OID_EXTENDED_KEY_USAGE),
    [EXTENSION_INHIBIT_ANY] = OID(MBEDTLS_OID_INIHIBIT_ANYPOLICY),
    [EXTENSION_AIA] = OID("\x2b\x06\x01\x05\x05\x07\x01\x01"),
#undef OID
};

static bool same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

/* The extensions in front of `end` that have this identifier already. */
static bool seen_before(unsigned char *at, const unsigned char *end, const mbedtls_x509_buf *oid)
{
	while (at < end) {
		size_t size, oid_size;
		if (mbedtls_asn1_get_tag(&at, end, &size, CONSTRUCTED_SEQUENCE))
			return false;
		unsigned char *inner = at;
		at += size;
		if (mbedtls_asn1_get_tag(&inner, at, &oid_size, MBEDTLS_ASN1_OID))
			return false;
		if (oid_size == oid->len && memcmp(inner, oid->p, oid_size) == 0)
			return true;
	}
	return false;
}

static bool is_oid(const mbedtls_x509_buf *oid, unsigned which)
{
	return oid->len == extensions[which].size && memcmp(oid->p, extensions[which].oid, oid->len) == 0;
}

static void note(struct chain_view *view, const mbedtls_x509_buf *oid, bool critical)
{
	for (unsigned i = 0; i < EXTENSION_COUNT; i++) {
		if (!is_oid(oid, i))
			continue;
		view->present |= 1U << i;
		view->critical |= critical ? 1U << i : 0;
	}
}

/* SEQUENCE OF SEQUENCE { OBJECT IDENTIFIER, GeneralName } (RFC 5280 section 4.2.2.1), which mbedTLS passes over. */
static bool is_information_access(unsigned char *at, const unsigned char *end)
{
	size_t size;
	if (mbedtls_asn1_get_tag(&at, end, &size, CONSTRUCTED_SEQUENCE) || at + size != end || size == 0)
		return false;
	while (at < end) {
		if (mbedtls_asn1_get_tag(&at, end, &size, CONSTRUCTED_SEQUENCE))
			return false;
		const unsigned char *stop = at + size;
		if (mbedtls_asn1_get_tag(&at, stop, &size, MBEDTLS_ASN1_OID))
			return false;
		at += size;
		if (at == stop || (*at & MBEDTLS_ASN1_CONTEXT_SPECIFIC) == 0 ||
		    mbedtls_asn1_get_tag(&at, stop, &size, *at) || at + size != stop)
			return false;
		at += size;
	}
	return true;
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }. Returns false where mbedTLS, which has read it
 * before, must have read something else. */
static bool read_extension(struct chain_view *view, unsigned char *first, unsigned char **at, const unsigned char *end)
{
	size_t size;
	int critical = 0;
	mbedtls_x509_buf oid = {.tag = MBEDTLS_ASN1_OID};
	unsigned char *start = *at;
	if (mbedtls_asn1_get_tag(at, end, &size, CONSTRUCTED_SEQUENCE))
		return false;
	const unsigned char *stop = *at + size;
	if (mbedtls_asn1_get_tag(at, stop, &oid.len, MBEDTLS_ASN1_OID))
		return false;
	oid.p = *at;
	*at += oid.len;
	if (*at < stop && **at == MBEDTLS_ASN1_BOOLEAN) {
		if (mbedtls_asn1_get_bool(at, stop, &critical))
			return false;
		view->odd |= (*at)[-1] != 0 && (*at)[-1] != 0xff; /* DER knows one true */
	}
	if (mbedtls_asn1_get_tag(at, stop, &size, MBEDTLS_ASN1_OCTET_STRING) || *at + size != stop)
		return false;
	*at += size;
	view->twice |= seen_before(first, start, &oid);
	note(view, &oid, critical != 0);
	if (is_oid(&oid, EXTENSION_AIA))
		view->odd |= !is_information_access(*at - size, stop);
	return true;
}

static bool read_extensions(struct chain_view *view)
{
	unsigned char *at = view->certificate->v3_ext.p;
	size_t size;
	if (!at)
		return true;
	const unsigned char *end = at + view->certificate->v3_ext.len;
	if (mbedtls_asn1_get_tag(&at, end, &size, CONSTRUCTED_SEQUENCE) || at + size != end)
		return false;
	for (unsigned char *first = at; at < end;)
		if (!read_extension(view, first, &at, end))
			return false;
	return true;
}

static bool has(const struct chain_view *view, enum chain_extension which) { return view->present & 1U << which; }
static bool is_critical(const struct chain_view *view, enum chain_extension which)
{
	return view->critical & 1U << which;
}

static int64_t seconds_of(const mbedtls_x509_time *t)
{
	struct tm date = {.tm_year = t->year - 1900,
			  .tm_mon = t->mon - 1,
			  .tm_mday = t->day,
			  .tm_hour = t->hour,
			  .tm_min = t->min,
			  .tm_sec = t->sec};
	return timegm(&date);
}

static bool is_authority(const struct chain_view *view)
{
	return mbedtls_x509_crt_get_ca_istrue(view->certificate) == 1;
}

static bool may(const struct chain_view *view, unsigned usage)
{
	return mbedtls_x509_crt_check_key_usage(view->certificate, usage) == 0;
}

/* --- of one certificate --- */

static bool wrong_form(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return !v->readable;
}

static bool wrong_dates(const struct chain_view *v, const struct chain_question *q)
{
	return q->now < v->from || q->now > v->until;
}

static bool wrong_hash(const struct chain_view *v, const struct chain_question *q)
{
	mbedtls_md_type_t hash = v->certificate->MBEDTLS_PRIVATE(sig_md);
	(void)q;
	return hash != MBEDTLS_MD_SHA256 && hash != MBEDTLS_MD_SHA384 && hash != MBEDTLS_MD_SHA512;
}

static bool wrong_version(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return v->certificate->version != 3;
}

static bool has_twice(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return v->twice;
}

/* RFC 5280 section 4.1.2.2: positive, 20 octets. The zero in front of a positive number's high bit is one of them. */
static bool wrong_serial(const struct chain_view *v, const struct chain_question *q)
{
	const mbedtls_x509_buf *serial = &v->certificate->serial;
	bool zero = true;
	(void)q;
	for (size_t i = 0; i < serial->len; i++)
		zero &= serial->p[i] == 0;
	return zero || serial->p[0] & 0x80 || serial->len > SERIAL_MOST_BYTES;
}

/* RFC 5280 sections 4.2.1.1, 4.2.1.2, 4.2.1.6 and 4.2.2.1; EKU: CA/Browser Forum 7.1.2.7.10. */
static bool wrong_criticality(const struct chain_view *v, const struct chain_question *q)
{
	bool no_subject = v->certificate->subject_raw.len <= EMPTY_NAME_BYTES;
	(void)q;
	return is_critical(v, EXTENSION_SKI) || is_critical(v, EXTENSION_AKI) || is_critical(v, EXTENSION_AIA) ||
	       is_critical(v, EXTENSION_EXTENDED_KEY_USAGE) ||
	       (has(v, EXTENSION_SAN) && is_critical(v, EXTENSION_SAN) != no_subject);
}

static bool short_rsa(const struct chain_view *v, const struct chain_question *q)
{
	const mbedtls_pk_context *key = &v->certificate->pk;
	size_t bits = mbedtls_pk_get_bitlen(key);
	(void)q;
	return mbedtls_pk_can_do(key, MBEDTLS_PK_RSA) && (bits < RSA_LEAST_BITS || bits % 8 != 0);
}

static bool wrong_key(const struct chain_view *v, const struct chain_question *q)
{
	const mbedtls_pk_context *key = &v->certificate->pk;
	(void)q;
	if (mbedtls_pk_can_do(key, MBEDTLS_PK_RSA))
		return false;
	if (!mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA))
		return true;
	mbedtls_ecp_group_id curve = mbedtls_pk_ec(*key)->MBEDTLS_PRIVATE(grp).id;
	return curve != MBEDTLS_ECP_DP_SECP256R1 && curve != MBEDTLS_ECP_DP_SECP384R1 &&
	       curve != MBEDTLS_ECP_DP_SECP521R1;
}

#define HAS(name, which)                                                                                               \
	static bool name(const struct chain_view *v, const struct chain_question *q)                                   \
	{                                                                                                              \
		(void)q;                                                                                               \
		return has(v, which);                                                                                  \
	}
HAS(has_name_constraints, EXTENSION_NAME_CONSTRAINTS)
HAS(has_policy_constraints, EXTENSION_POLICY_CONSTRAINTS)
HAS(has_policy_mappings, EXTENSION_POLICY_MAPPINGS)
HAS(has_inhibit_any, EXTENSION_INHIBIT_ANY)

static bool no_authority(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return !is_authority(v);
}

static bool uncritical_constraints(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return has(v, EXTENSION_BASIC_CONSTRAINTS) && !is_critical(v, EXTENSION_BASIC_CONSTRAINTS);
}

static bool may_not_sign(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return !has(v, EXTENSION_KEY_USAGE) || !may(v, MBEDTLS_X509_KU_KEY_CERT_SIGN);
}

static bool lists(const struct chain_view *v, const char *oid, size_t size)
{
	for (const mbedtls_x509_sequence *use = &v->certificate->ext_key_usage; use; use = use->next)
		if (use->buf.len == size && memcmp(use->buf.p, oid, size) == 0)
			return true;
	return false;
}
#define LISTS(view, oid) lists(view, oid, sizeof(oid) - 1)

/* A root has none at all (CA/Browser Forum 7.1.2.1.2). */
static bool wrong_issuer_purpose(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return has(v, EXTENSION_EXTENDED_KEY_USAGE) && (v->role == ROLE_ANCHOR || !LISTS(v, MBEDTLS_OID_SERVER_AUTH));
}

static bool no_ski(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return !has(v, EXTENSION_SKI) || v->certificate->subject_key_id.len == 0;
}

/* A root that is its own issuer needs none (RFC 5280 section 4.2.1.1); one signed by another does. */
static bool no_aki(const struct chain_view *v, const struct chain_question *q)
{
	const mbedtls_x509_crt *c = v->certificate;
	(void)q;
	if (v->role == ROLE_ANCHOR && !has(v, EXTENSION_AKI) && same(&c->issuer_raw, &c->subject_raw))
		return false;
	return !has(v, EXTENSION_AKI) || c->authority_key_id.keyIdentifier.len == 0;
}

/* A root's own names its own key, and nothing else (CA/Browser Forum 7.1.2.1.3). */
static bool wrong_root_aki(const struct chain_view *v, const struct chain_question *q)
{
	const mbedtls_x509_crt *c = v->certificate;
	(void)q;
	if (!has(v, EXTENSION_AKI) || !same(&c->issuer_raw, &c->subject_raw))
		return false;
	return c->authority_key_id.authorityCertSerialNumber.len > 0 ||
	       c->authority_key_id.authorityCertIssuer.buf.len > 0 ||
	       !same(&c->authority_key_id.keyIdentifier, &c->subject_key_id);
}

static bool leaf_is_authority(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return is_authority(v);
}

static bool leaf_signs(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return has(v, EXTENSION_KEY_USAGE) && may(v, MBEDTLS_X509_KU_KEY_CERT_SIGN);
}

static bool wrong_leaf_usage(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return has(v, EXTENSION_KEY_USAGE) && !may(v, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
}

/* mbedtls_x509_crt_check_extended_key_usage() takes no extension, and anyExtendedKeyUsage, for a yes. */
static bool wrong_leaf_purpose(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return !has(v, EXTENSION_EXTENDED_KEY_USAGE) || !LISTS(v, MBEDTLS_OID_SERVER_AUTH) ||
	       LISTS(v, MBEDTLS_OID_ANY_EXTENDED_KEY_USAGE);
}

static bool no_san(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	return !has(v, EXTENSION_SAN);
}

/* An entry of the SAN as a host name or a wildcard of one, lower-cased; false if it is neither. */
static bool read_name(const mbedtls_x509_buf *entry, char name[WHITELIST_HOST_BYTES])
{
	if (entry->len == 0 || entry->len >= WHITELIST_HOST_BYTES || memchr(entry->p, '\0', entry->len))
		return false;
	for (size_t i = 0; i < entry->len; i++)
		name[i] = (char)tolower(entry->p[i]);
	name[entry->len] = '\0';
	return name_is_host(name) || name_is_wildcard(name);
}

static bool is_wide(const char *name) { return name[0] == '*' && suffix_is_public(name + 2); }

/* Of the names in the certificate that match the host: those that are not a wildcard right under a public suffix, or
 * all. */
static bool matched(const struct chain_view *v, const struct chain_question *q, bool wide)
{
	char name[WHITELIST_HOST_BYTES];
	for (const mbedtls_x509_sequence *san = &v->certificate->subject_alt_names; san; san = san->next)
		if (san->buf.tag == SAN_DNS_NAME && read_name(&san->buf, name) && name_matches(name, q->host) &&
		    (wide || !is_wide(name)))
			return true;
	return false;
}

static bool other_name(const struct chain_view *v, const struct chain_question *q)
{
	return !q->host || !name_is_host(q->host) || !matched(v, q, true);
}

static bool only_wide(const struct chain_view *v, const struct chain_question *q)
{
	return q->host && matched(v, q, true) && !matched(v, q, false);
}

static bool bad_names(const struct chain_view *v, const struct chain_question *q)
{
	char name[WHITELIST_HOST_BYTES];
	(void)q;
	for (const mbedtls_x509_sequence *san = &v->certificate->subject_alt_names; san; san = san->next)
		if (san->buf.tag == SAN_DNS_NAME && !read_name(&san->buf, name))
			return true;
	return false;
}

static bool in_san(const struct chain_view *v, const mbedtls_x509_buf *name)
{
	char pattern[WHITELIST_HOST_BYTES], host[WHITELIST_HOST_BYTES] = "";
	if (name->len > 0 && name->len < sizeof host)
		memcpy(host, name->p, name->len);
	for (const mbedtls_x509_sequence *san = &v->certificate->subject_alt_names; san; san = san->next)
		if (san->buf.tag == SAN_DNS_NAME &&
		    (same(&san->buf, name) || (read_name(&san->buf, pattern) && pattern[0] == '*' &&
					       (strcmp(pattern + 2, host) == 0 || name_matches(pattern, host)))))
			return true;
	return false;
}

/* What looks like a host is one of the SAN's, byte for byte (CA/Browser Forum 7.1.4.3), or is under or right above a
 * wildcard there; words are no host. */
static bool other_common_name(const struct chain_view *v, const struct chain_question *q)
{
	(void)q;
	for (const mbedtls_x509_name *part = &v->certificate->subject; part; part = part->next) {
		const mbedtls_x509_buf *name = &part->val;
		if (part->oid.p && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0 && name->len > 0 &&
		    memchr(name->p, '.', name->len) && !memchr(name->p, ' ', name->len) && !in_san(v, name))
			return true;
	}
	return false;
}

enum { ISSUERS = ROLE_INTERMEDIATE | ROLE_ANCHOR, BELOW = ROLE_LEAF | ROLE_INTERMEDIATE, ALL = ISSUERS | ROLE_LEAF };

/* A root's own signature and serial number say nothing: it is believed because the policy holds it. */
static const struct {
	enum chain_fault fault;
	unsigned roles;
	bool (*wrong)(const struct chain_view *view, const struct chain_question *question);
} checks[] = {
    {CHAIN_UNREADABLE, ALL, wrong_form},
    {CHAIN_DATES, ALL, wrong_dates},
    {CHAIN_HASH, BELOW, wrong_hash},
    {CHAIN_VERSION, ALL, wrong_version},
    {CHAIN_DUPLICATE, ALL, has_twice},
    {CHAIN_SERIAL, BELOW, wrong_serial},
    {CHAIN_CRITICALITY, ALL, wrong_criticality},
    {CHAIN_RSA_BITS, ALL, short_rsa},
    {CHAIN_KEY_KIND, ALL, wrong_key},
    {CHAIN_NAME_CONSTRAINTS, ALL, has_name_constraints},
    {CHAIN_POLICY_CONSTRAINTS, ALL, has_policy_constraints},
    {CHAIN_POLICY_MAPPINGS, ALL, has_policy_mappings},
    {CHAIN_INHIBIT_ANY, ALL, has_inhibit_any},
    {CHAIN_NOT_AUTHORITY, ISSUERS, no_authority},
    {CHAIN_BASIC_CONSTRAINTS, ISSUERS, uncritical_constraints},
    {CHAIN_ISSUER_KEY_USAGE, ISSUERS, may_not_sign},
    {CHAIN_ISSUER_PURPOSE, ISSUERS, wrong_issuer_purpose},
    {CHAIN_NO_KEY_IDENTIFIER, ISSUERS, no_ski},
    {CHAIN_NO_ISSUER_IDENTIFIER, ALL, no_aki},
    {CHAIN_ISSUER_IDENTIFIER, ROLE_ANCHOR, wrong_root_aki},
    {CHAIN_LEAF_AUTHORITY, ROLE_LEAF, leaf_is_authority},
    {CHAIN_LEAF_SIGNS, ROLE_LEAF, leaf_signs},
    {CHAIN_LEAF_KEY_USAGE, ROLE_LEAF, wrong_leaf_usage},
    {CHAIN_LEAF_PURPOSE, ROLE_LEAF, wrong_leaf_purpose},
    {CHAIN_NO_SAN, ROLE_LEAF, no_san},
    {CHAIN_NAME, ROLE_LEAF, other_name},
    {CHAIN_WIDE_WILDCARD, ROLE_LEAF, only_wide},
    {CHAIN_BAD_NAMES, ROLE_LEAF, bad_names},
    {CHAIN_COMMON_NAME, ROLE_LEAF, other_common_name},
};

void chain_view(struct chain_view *view, const mbedtls_x509_crt *certificate, enum chain_role role,
		const struct chain_question *question)
{
	*view = (struct chain_view){.certificate = certificate,
				    .role = role,
				    .from = seconds_of(&certificate->valid_from),
				    .until = seconds_of(&certificate->valid_to)};
	view->readable = read_extensions(view) && !view->odd;
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (checks[i].roles & role && checks[i].wrong(view, question))
			view->faults |= CHAIN_BIT(checks[i].fault);
	/* without any there is no name to be another */
	if (view->faults & CHAIN_BIT(CHAIN_NO_SAN))
		view->faults &= ~CHAIN_BIT(CHAIN_NAME);
}

/* --- of one certificate and its issuer --- */

bool chain_names_link(const struct chain_view *child, const struct chain_view *issuer)
{
	return same(&child->certificate->issuer_raw, &issuer->certificate->subject_raw);
}

chain_faults chain_link_faults(const struct chain_view *child, const struct chain_view *issuer)
{
	const mbedtls_x509_buf *named = &child->certificate->authority_key_id.keyIdentifier;
	const mbedtls_x509_buf *key = &issuer->certificate->subject_key_id;
	return named->len > 0 && key->len > 0 && !same(named, key) ? CHAIN_BIT(CHAIN_ISSUER_IDENTIFIER) : 0;
}

bool chain_signature_good(const struct chain_view *child, const struct chain_view *issuer)
{
	const mbedtls_x509_crt *c = child->certificate;
	mbedtls_pk_context *key = (mbedtls_pk_context *)(uintptr_t)&issuer->certificate->pk;
	const mbedtls_md_info_t *hash = mbedtls_md_info_from_type(c->MBEDTLS_PRIVATE(sig_md));
	unsigned char digest[MBEDTLS_MD_MAX_SIZE];
	if (!hash || !mbedtls_pk_can_do(key, c->MBEDTLS_PRIVATE(sig_pk)) ||
	    mbedtls_md(hash, c->tbs.p, c->tbs.len, digest))
		return false;
	return mbedtls_pk_verify_ext(c->MBEDTLS_PRIVATE(sig_pk), c->MBEDTLS_PRIVATE(sig_opts), key,
				     c->MBEDTLS_PRIVATE(sig_md), digest, mbedtls_md_get_size(hash),
				     c->MBEDTLS_PRIVATE(sig).p, c->MBEDTLS_PRIVATE(sig).len) == 0;
}
