#include "image/cli/device_clients.h"

#include <gnutls/pkcs12.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/boot/record.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/pkcs11uri.h"
#include "image/cli/cli.h"

enum {
	FILE_MAX_BYTES = 65536,
	TOKEN_URI_MAX = 768 /* as the key holder takes */,
	CHAIN_MAX = 4,
	RSA_LEAST_BITS = 2048,
	RSA_MOST_BITS = 4096
};

struct identity {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t *chain;
	unsigned chain_size;
};

static void identity_free(struct identity *identity)
{
	for (unsigned i = 0; i < identity->chain_size; i++)
		gnutls_x509_crt_deinit(identity->chain[i]);
	gnutls_free(identity->chain);
	if (identity->key)
		gnutls_x509_privkey_deinit(identity->key);
}

/* --- reading: each gives 0 or GnuTLS' error --- */

static int read_pkcs12(const gnutls_datum_t *file, const char *password, struct identity *identity)
{
	gnutls_pkcs12_t container;
	int error = gnutls_pkcs12_init(&container);
	if (error)
		return error;
	error = gnutls_pkcs12_import(container, file, GNUTLS_X509_FMT_DER, 0);
	if (!error)
		error = gnutls_pkcs12_verify_mac(container, password ? password : "");
	if (!error)
		error = gnutls_pkcs12_simple_parse(container, password ? password : "", &identity->key,
						   &identity->chain, &identity->chain_size, NULL, NULL, NULL, 0);
	gnutls_pkcs12_deinit(container);
	return error;
}

static int read_pem(const gnutls_datum_t *certificates, const gnutls_datum_t *key, const char *password,
		    struct identity *identity)
{
	int error =
	    gnutls_x509_crt_list_import2(&identity->chain, &identity->chain_size, certificates, GNUTLS_X509_FMT_PEM, 0);
	if (error >= 0)
		error = gnutls_x509_privkey_init(&identity->key);
	return error < 0 ? error : gnutls_x509_privkey_import2(identity->key, key, GNUTLS_X509_FMT_PEM, password, 0);
}

/* The certificates alone: the key is in a token, which need not be here. */
static int read_certificates(const char *path, struct identity *identity)
{
	size_t size = 0;
	char *text = file_read(path, FILE_MAX_BYTES, &size);
	if (!text)
		return CLI_REFUSED;
	const gnutls_datum_t file = {(unsigned char *)text, (unsigned)size};
	const int error =
	    gnutls_x509_crt_list_import2(&identity->chain, &identity->chain_size, &file, GNUTLS_X509_FMT_PEM, 0);
	free(text);
	return error < 0 ? refuse("%s: cannot be read (%s): the certificates in PEM are wanted, without a key", path,
				  gnutls_strerror(error))
			 : CLI_GOOD;
}

/* What names a key on a stick: no PIN is kept there, and the module is the image's. */
static int check_uri(const char *text)
{
	struct pkcs11_uri uri;
	const char *wrong;
	size_t size;
	const enum pkcs11_fault fault = pkcs11_uri_read(text, &uri, &wrong, &size);
	if (fault == PKCS11_PIN_INSIDE || uri.pin_source[0])
		return refuse("%s: a PIN has no place in a record: the customer types it on the stick", text);
	if (uri.module[0])
		return refuse("%s: the module is the image's: leave module-path out", text);
	if (fault || strlen(uri.token) > PKCS11_LABEL_BYTES || strlen(text) >= TOKEN_URI_MAX)
		return refuse("%s: must name the token and the key, as pkcs11:token=firm;object=login", text);
	return CLI_GOOD;
}

static int read_identity(const char *path, const char *key_path, const char *password, struct identity *identity)
{
	size_t size = 0, key_size = 0;
	int error = GNUTLS_E_FILE_ERROR;
	char *text = file_read(path, FILE_MAX_BYTES, &size);
	char *key_text = text && key_path ? file_read(key_path, FILE_MAX_BYTES, &key_size) : NULL;
	if (!text || (key_path && !key_text))
		goto out;
	const gnutls_datum_t file = {(unsigned char *)text, (unsigned)size};
	const gnutls_datum_t key = {(unsigned char *)key_text, (unsigned)key_size};
	error = !key_path && !strstr(text, "-----BEGIN ")
		    ? read_pkcs12(&file, password, identity)
		    : read_pem(&file, key_path ? &key : &file, password, identity);
	if (error < 0)
		refuse("%s: cannot be read (%s): PKCS #12 or PEM with certificate and key is wanted, and the right "
		       "password where it has one",
		       path, gnutls_strerror(error));
out:
	if (text)
		wipe(text, size);
	if (key_text)
		wipe(key_text, key_size);
	free(text);
	free(key_text);
	return error < 0 ? CLI_REFUSED : CLI_GOOD;
}

/* --- what is wrong with it, NULL nothing --- */

static bool is_pair(const struct identity *identity)
{
	uint8_t certificate[64], key[64];
	size_t certificate_size = sizeof certificate, key_size = sizeof key;
	return gnutls_x509_crt_get_key_id(identity->chain[0], GNUTLS_KEYID_USE_SHA256, certificate,
					  &certificate_size) == 0 &&
	       gnutls_x509_privkey_get_key_id(identity->key, GNUTLS_KEYID_USE_SHA256, key, &key_size) == 0 &&
	       certificate_size == key_size && memcmp(certificate, key, key_size) == 0;
}

static const char *find_fault(const struct identity *identity, bool in_token)
{
	unsigned bits = 0, usage = 0;
	if ((!identity->key && !in_token) || identity->chain_size == 0)
		return "it lacks the certificate or its key";
	if (identity->chain_size > CHAIN_MAX)
		return "it has more than four certificates; leave the bank's root out";
	/* of a token's key what its certificate says; whether it is its own the key holder sees by what it signs */
	const int kind = in_token ? gnutls_x509_crt_get_pk_algorithm(identity->chain[0], &bits)
				  : gnutls_x509_privkey_get_pk_algorithm2(identity->key, &bits);
	const bool rsa = kind == GNUTLS_PK_RSA && bits >= RSA_LEAST_BITS && bits <= RSA_MOST_BITS;
	if (!rsa && !(kind == GNUTLS_PK_ECDSA && (bits == 256 || bits == 384)))
		return "its key is neither RSA of 2048 to 4096 bits nor P-256 nor P-384";
	if (!in_token && !is_pair(identity))
		return "its first certificate and its key do not belong together";
	if (gnutls_x509_crt_get_expiration_time(identity->chain[0]) <= time(NULL))
		return "its certificate has expired; ask the bank for a new one";
	if (gnutls_x509_crt_get_key_usage(identity->chain[0], &usage, NULL) == 0 &&
	    !(usage & GNUTLS_KEY_DIGITAL_SIGNATURE))
		return "its certificate is not one for logging in (no digitalSignature)";
	return NULL;
}

/* --- writing --- */

static json_t *chain_json(const struct identity *identity)
{
	struct buf all = {0};
	json_t *text = NULL;
	int error = 0;
	for (unsigned i = 0; i < identity->chain_size && !error; i++) {
		gnutls_datum_t pem = {0};
		error = gnutls_x509_crt_export2(identity->chain[i], GNUTLS_X509_FMT_PEM, &pem);
		if (!error)
			error = buf_append(&all, pem.data, pem.size, FILE_MAX_BYTES);
		gnutls_free(pem.data);
	}
	if (!error)
		text = json_stringn((const char *)all.data, all.size);
	buf_free(&all);
	return text;
}

static json_t *key_json(const struct identity *identity)
{
	gnutls_datum_t pem = {0};
	json_t *text = NULL;
	if (gnutls_x509_privkey_export2_pkcs8(identity->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem) == 0)
		text = json_stringn((const char *)pem.data, pem.size);
	if (pem.data)
		wipe(pem.data, pem.size);
	gnutls_free(pem.data);
	return text;
}

int device_add_client(json_t *clients, const char *argument, const char *password)
{
	char words[3][4096] = {"", "", ""};
	struct identity identity = {0};
	int status = CLI_REFUSED;
	if (sscanf(argument, "%32[a-z0-9-]:%4095[^:]:%4095[^\n]", words[0], words[1], words[2]) < 2)
		return refuse("--client-certificate %s: wants BANK:FILE or BANK:FILE:KEY, the bank by its id in the "
			      "policy",
			      argument);
	if (json_object_get(clients, words[0]) || json_object_size(clients) == RECORD_CLIENTS_MAX)
		return refuse("--client-certificate %s: one for each bank, and at most %d", argument,
			      RECORD_CLIENTS_MAX);
	const bool in_token = pkcs11_is_uri(words[2]);
	if (in_token ? check_uri(words[2]) || read_certificates(words[1], &identity)
		     : read_identity(words[1], words[2][0] ? words[2] : NULL, password, &identity))
		goto out;
	const char *fault = find_fault(&identity, in_token);
	if (fault) {
		refuse("%s: %s", words[1], fault);
		goto out;
	}
	json_t *client = json_pack("{s:o, s:o}", "certificates", chain_json(&identity), "key",
				   in_token ? json_string(words[2]) : key_json(&identity));
	status = client && json_object_set_new(clients, words[0], client) == 0 ? CLI_GOOD : refuse("out of memory");
out:
	identity_free(&identity);
	return status;
}

void device_print_client(const char *bank, const json_t *client)
{
	const char *text = json_string_value(json_object_get(client, "certificates"));
	const char *key = json_string_value(json_object_get(client, "key"));
	struct identity identity = {0};
	const gnutls_datum_t pem = {(unsigned char *)(uintptr_t)(text ? text : ""), text ? (unsigned)strlen(text) : 0};
	gnutls_datum_t name = {0};
	char until[16] = "";
	if (gnutls_x509_crt_list_import2(&identity.chain, &identity.chain_size, &pem, GNUTLS_X509_FMT_PEM, 0) >= 0 &&
	    identity.chain_size > 0) {
		const time_t end = gnutls_x509_crt_get_expiration_time(identity.chain[0]);
		struct tm broken;
		if (gmtime_r(&end, &broken))
			strftime(until, sizeof until, "%Y-%m-%d", &broken);
		(void)gnutls_x509_crt_get_dn3(identity.chain[0], &name, 0);
	}
	printf("%-10s for %s: %s, until %s, key %s\n", "customer", bank,
	       name.data ? (const char *)name.data : "unreadable", until[0] ? until : "unknown",
	       pkcs11_is_uri(key) ? key : "in the record");
	gnutls_free(name.data);
	identity_free(&identity);
}
