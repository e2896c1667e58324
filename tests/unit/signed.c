#include "tests/unit/signed.h"

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/envelope.h"

enum { SIGNERS = 4, PEM_BYTES = 4096 };

static char private_pem[SIGNERS][ENVELOPE_PEM_MAX], public_pem[SIGNERS][ENVELOPE_PEM_MAX];
static char roots_json[4 * ENVELOPE_PEM_MAX], authority_pem[PEM_BYTES], leaf_pem[PEM_BYTES];

static int make_certificate(mbedtls_pk_context *key, int authority, char *pem)
{
	mbedtls_x509write_cert c;
	mbedtls_x509write_crt_init(&c);
	uint8_t serial[] = {1, (uint8_t)authority};
	mbedtls_x509write_crt_set_version(&c, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&c, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&c, key);
	mbedtls_x509write_crt_set_issuer_key(&c, key);
	int bad =
	    mbedtls_x509write_crt_set_subject_name(&c, "CN=Test Root") ||
	    mbedtls_x509write_crt_set_issuer_name(&c, "CN=Test Root") ||
	    mbedtls_x509write_crt_set_serial_raw(&c, serial, sizeof serial) ||
	    mbedtls_x509write_crt_set_validity(&c, "20260101000000", "20360101000000") ||
	    mbedtls_x509write_crt_set_basic_constraints(&c, authority, -1) ||
	    mbedtls_x509write_crt_set_key_usage(&c, authority ? MBEDTLS_X509_KU_KEY_CERT_SIGN
							      : MBEDTLS_X509_KU_DIGITAL_SIGNATURE) ||
	    mbedtls_x509write_crt_set_subject_key_identifier(&c) ||
	    mbedtls_x509write_crt_pem(&c, (uint8_t *)pem, PEM_BYTES, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	mbedtls_x509write_crt_free(&c);
	return bad ? -1 : 0;
}

static int make_certificates(void)
{
	mbedtls_pk_context key;
	mbedtls_pk_init(&key);
	int bad = mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) ||
		  mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), mbedtls_psa_get_random,
				      MBEDTLS_PSA_RANDOM_STATE) ||
		  make_certificate(&key, 1, authority_pem) || make_certificate(&key, 0, leaf_pem);
	mbedtls_pk_free(&key);
	return bad ? -1 : 0;
}

int signed_setup(void)
{
	if (psa_crypto_init() != PSA_SUCCESS)
		return -1;
	for (int i = 0; i < SIGNERS; i++)
		if (envelope_key_generate(private_pem[i], public_pem[i]))
			return -1;
	json_t *tree =
	    json_pack("{s:i, s:[s, s, s]}", "threshold", 2, "keys", public_pem[0], public_pem[1], public_pem[2]);
	size_t size = json_dumpb(tree, roots_json, sizeof roots_json - 1, 0);
	json_decref(tree);
	return size == 0 || size >= sizeof roots_json ? -1 : make_certificates();
}

const char *signed_roots_json(void) { return roots_json; }
const char *signed_authority_pem(void) { return authority_pem; }
const char *signed_leaf_pem(void) { return leaf_pem; }

static json_t *pins(void)
{
	return json_pack(
	    "[s, s]", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=");
}

static json_t *host(const char *name, const char *role)
{
	return json_pack("{s:s, s:s, s:[i], s:[s], s:o}", "name", name, "role", role, "ports", 443, "anchors", "root",
			 "pins", pins());
}

static json_t *bank(const char *id, const char *start, json_t *hosts)
{
	return json_pack("{s:s, s:{s:s, s:s}, s:s, s:s, s:o}", "id", id, "name", "ja", "見本銀行", "en", "Sample Bank",
			 "start", start, "support", "+81-3-0000-0000", "hosts", hosts);
}

json_t *signed_policy(int version)
{
	return json_pack("{s:i, s:s, s:i, s:s, s:s, s:b, s:{s:s}, s:[o, o]}", "format", 1, "tenant", "demo", "version",
			 version, "issued", "2026-11-01T00:00:00Z", "expires", "2027-11-01T00:00:00Z", "pin", 0,
			 "authorities", "root", authority_pem, "banks",
			 bank("alpha", "https://www.alpha.example/",
			      json_pack("[o, o, o]", host("www.alpha.example", "page"),
					host("*.cdn.alpha.example", "asset"), host("otp.alpha.example", "page"))),
			 bank("beta", "https://beta.example/login", json_pack("[o]", host("beta.example", "page"))));
}

json_t *signed_gateways(int version)
{
	return json_pack("{s:i, s:i, s:[{s:s, s:[s, s], s:s, s:s, s:{s:i, s:s, s:s, s:s}}]}", "format", 1, "version",
			 version, "gateways", "id", "gw1", "addresses", "203.0.113.11:51820", "[2001:db8::11]:51820",
			 "key", "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=", "inner", "10.77.0.1", "control", "port",
			 8444, "name", "gw1.gateway.sekisho", "certificate", leaf_pem, "pin",
			 "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=");
}

/* One step of a path: a member's name, or an array's index. */
static json_t *step(json_t *tree, const char *name)
{
	return json_is_array(tree) ? json_array_get(tree, strtoul(name, NULL, 10)) : json_object_get(tree, name);
}

json_t *signed_at(json_t *tree, const char *path)
{
	char copy[128], *rest = NULL;
	strncpy(copy, path, sizeof copy - 1);
	copy[sizeof copy - 1] = '\0';
	for (char *name = strtok_r(copy, ".", &rest); name && tree; name = strtok_r(NULL, ".", &rest))
		tree = step(tree, name);
	return tree;
}

void signed_put(json_t *tree, const char *path, json_t *value)
{
	char parent[128];
	const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
	size_t size = dot ? (size_t)(dot - path) : 0;
	memcpy(parent, path, size);
	parent[size] = '\0';
	json_t *at = signed_at(tree, parent);
	if (!at)
		abort();
	if (json_is_array(at)) {
		size_t index = strtoul(name, NULL, 10);
		if (index < json_array_size(at) ? json_array_set_new(at, index, value)
						: json_array_append_new(at, value))
			abort();
	} else if (value) {
		json_object_set_new(at, name, value);
	} else {
		json_object_del(at, name);
	}
}

char *signed_envelope(json_t *tree, const char *type, const char *who)
{
	char *payload = json_dumps(tree, JSON_COMPACT), *text = NULL;
	json_decref(tree);
	for (; *who; who++) {
		char *more;
		if (envelope_sign(text, type, (const uint8_t *)payload, strlen(payload), private_pem[*who - '0'],
				  &more))
			abort();
		free(text);
		text = more;
	}
	free(payload);
	return text;
}
