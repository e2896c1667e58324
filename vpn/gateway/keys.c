#include "vpn/gateway/keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha256.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <wireguard.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"
#include "firmware/lib/envelope.h"

enum { PEM_MAX_BYTES = 4096, SERIAL_BYTES = 16, CERTIFICATE_YEARS = 20, TOKEN_BYTES = 24 };

static int say(int error, const char *path, char *why, size_t why_size)
{
	if (error)
		snprintf(why, why_size, "%s: %s", path, strerror(-error));
	return error;
}

/* A new file, whole or not at all; an old one is never touched. */
static int write_new(const char *path, const void *data, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	int error = write(fd, data, size) == (ssize_t)size ? 0 : errno ? -errno : -EIO;
	if (fsync(fd) < 0 && !error)
		error = -errno;
	close(fd);
	if (error)
		unlink(path);
	return error;
}

static bool exists(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0;
}

static int ensure_directory(const char *path)
{
	char copy[CONFIG_PATH_SIZE];
	snprintf(copy, sizeof copy, "%s", path);
	return mkdir(dirname(copy), 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int ensure_wireguard(const char *path)
{
	if (exists(path))
		return 0;
	wg_key key;
	wg_key_b64_string text;
	wg_generate_private_key(key);
	wg_key_to_base64(text, key);
	size_t size = strlen(text);
	text[size++] = '\n';
	int error = write_new(path, text, size, 0600);
	wipe(key, sizeof key);
	wipe(text, sizeof text);
	return error;
}

static int ensure_token(const char *path)
{
	if (exists(path))
		return 0;
	uint8_t random[TOKEN_BYTES];
	char text[BASE64_ENCODED_SIZE(TOKEN_BYTES) + 1];
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return -EIO;
	base64_encode(random, sizeof random, text);
	size_t size = strlen(text);
	text[size++] = '\n';
	return write_new(path, text, size, 0600);
}

struct maker {
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_pk_context key;
	mbedtls_x509write_cert certificate;
};

/* Five minutes back, for clocks that are not set yet. */
static int set_validity(struct maker *m)
{
	char from[16], to[16];
	time_t now = time(NULL) - 300;
	struct tm start, end;
	gmtime_r(&now, &start);
	end = start;
	end.tm_year += CERTIFICATE_YEARS;
	if (end.tm_mon == 1 && end.tm_mday == 29)
		end.tm_mday = 28;
	strftime(from, sizeof from, "%Y%m%d%H%M%S", &start);
	strftime(to, sizeof to, "%Y%m%d%H%M%S", &end);
	return mbedtls_x509write_crt_set_validity(&m->certificate, from, to);
}

static int set_usage(struct maker *m)
{
	static mbedtls_asn1_sequence server = {.buf = {.tag = MBEDTLS_ASN1_OID,
						       .len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH),
						       .p = (unsigned char *)(uintptr_t)MBEDTLS_OID_SERVER_AUTH}};
	int error = mbedtls_x509write_crt_set_basic_constraints(&m->certificate, 0, -1);
	if (!error)
		error = mbedtls_x509write_crt_set_key_usage(&m->certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	if (!error)
		error = mbedtls_x509write_crt_set_ext_key_usage(&m->certificate, &server);
	if (!error)
		error = mbedtls_x509write_crt_set_subject_key_identifier(&m->certificate);
	return error;
}

static int set_names(struct maker *m, const char *name, const struct config_listen *listen, size_t listen_count)
{
	char subject[80];
	snprintf(subject, sizeof subject, "CN=%s", name);
	int error = mbedtls_x509write_crt_set_subject_name(&m->certificate, subject);
	if (!error)
		error = mbedtls_x509write_crt_set_issuer_name(&m->certificate, subject);
	mbedtls_x509_san_list names[CONFIG_LISTEN_MAX + 1] = {0};
	size_t count = 0;
	names[count++].node = (mbedtls_x509_subject_alternative_name){
	    .type = MBEDTLS_X509_SAN_DNS_NAME,
	    .san.unstructured_name = {.p = (unsigned char *)(uintptr_t)name, .len = strlen(name)}};
	for (size_t i = 0; i < listen_count; i++) {
		const struct sockaddr_storage *a = &listen[i].address;
		bool v4 = a->ss_family == AF_INET;
		const void *bytes = v4 ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
				       : (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;
		names[count++].node = (mbedtls_x509_subject_alternative_name){
		    .type = MBEDTLS_X509_SAN_IP_ADDRESS,
		    .san.unstructured_name = {.p = (unsigned char *)(uintptr_t)bytes, .len = v4 ? 4 : 16}};
	}
	for (size_t i = 0; i + 1 < count; i++)
		names[i].next = &names[i + 1];
	return error ? error : mbedtls_x509write_crt_set_subject_alternative_name(&m->certificate, names);
}

static int make_pair(struct maker *m, const char *name, const struct config_listen *listen, size_t listen_count,
		     char *key_pem, char *certificate_pem)
{
	uint8_t serial[SERIAL_BYTES] = {0};
	int error = mbedtls_ctr_drbg_seed(&m->random, mbedtls_entropy_func, &m->entropy, NULL, 0);
	if (!error)
		error = mbedtls_pk_setup(&m->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
	if (!error)
		error = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(m->key), mbedtls_ctr_drbg_random,
					    &m->random);
	if (!error)
		error = mbedtls_ctr_drbg_random(&m->random, serial, sizeof serial);
	serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and of full length */
	mbedtls_x509write_crt_set_version(&m->certificate, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&m->certificate, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&m->certificate, &m->key);
	mbedtls_x509write_crt_set_issuer_key(&m->certificate, &m->key);
	if (!error)
		error = mbedtls_x509write_crt_set_serial_raw(&m->certificate, serial, sizeof serial);
	if (!error)
		error = set_names(m, name, listen, listen_count);
	if (!error)
		error = set_validity(m);
	if (!error)
		error = set_usage(m);
	if (!error)
		error = mbedtls_x509write_crt_pem(&m->certificate, (unsigned char *)certificate_pem, PEM_MAX_BYTES,
						  mbedtls_ctr_drbg_random, &m->random);
	if (!error)
		error = mbedtls_pk_write_key_pem(&m->key, (unsigned char *)key_pem, PEM_MAX_BYTES);
	return error ? -EIO : 0;
}

static int ensure_pair(const char *key_path, const char *certificate_path, const char *name,
		       const struct config_listen *listen, size_t listen_count)
{
	if (exists(key_path) && exists(certificate_path))
		return 0;
	if (exists(key_path) != exists(certificate_path))
		return -EEXIST; /* half a pair is somebody's mistake; making the other half would hide it */
	char key_pem[PEM_MAX_BYTES], certificate_pem[PEM_MAX_BYTES];
	struct maker m;
	mbedtls_entropy_init(&m.entropy);
	mbedtls_ctr_drbg_init(&m.random);
	mbedtls_pk_init(&m.key);
	mbedtls_x509write_crt_init(&m.certificate);
	int error = psa_crypto_init() == PSA_SUCCESS ? 0 : -EIO;
	if (!error)
		error = make_pair(&m, name, listen, listen_count, key_pem, certificate_pem);
	if (!error)
		error = write_new(key_path, key_pem, strlen(key_pem), 0600);
	if (!error)
		error = write_new(certificate_path, certificate_pem, strlen(certificate_pem), 0644);
	mbedtls_x509write_crt_free(&m.certificate);
	mbedtls_pk_free(&m.key);
	mbedtls_ctr_drbg_free(&m.random);
	mbedtls_entropy_free(&m.entropy);
	wipe(key_pem, sizeof key_pem);
	return error;
}

/* The key that signs the audit log's checkpoints, and its public half for whoever checks them. */
static int ensure_audit(const char *key_path, const char *public_path)
{
	if (exists(key_path) && exists(public_path))
		return 0;
	if (exists(key_path) != exists(public_path))
		return -EEXIST;
	char key_pem[ENVELOPE_PEM_MAX], public_pem[ENVELOPE_PEM_MAX];
	int error = envelope_key_generate(key_pem, public_pem);
	if (!error)
		error = write_new(key_path, key_pem, strlen(key_pem), 0600);
	if (!error)
		error = write_new(public_path, public_pem, strlen(public_pem), 0644);
	wipe(key_pem, sizeof key_pem);
	return error;
}

static int ensure_lookup(const struct config *config, char *why, size_t why_size)
{
	char name[STICK_ID_SIZE + 32];
	snprintf(name, sizeof name, KEYS_LOOKUP_NAME, config->id);
	int error = ensure_directory(config->lookup_key);
	if (!error)
		error = ensure_pair(config->lookup_key, config->lookup_certificate, name, config->lookup,
				    config->lookup_count);
	return say(error, config->lookup_key, why, why_size);
}

int keys_ensure(const struct config *config, char *why, size_t why_size)
{
	char name[STICK_ID_SIZE + 32];
	snprintf(name, sizeof name, KEYS_CONTROL_NAME, config->id);
	int error = ensure_directory(config->wireguard_key);
	if (!error)
		error = ensure_directory(config->control_key);
	if (!error)
		error = ensure_directory(config->web_key);
	if (!error)
		error = ensure_directory(config->metrics_token);
	if (!error)
		error = ensure_directory(config->audit_key);
	if (error)
		return say(error, config->wireguard_key, why, why_size);
	error = say(ensure_wireguard(config->wireguard_key), config->wireguard_key, why, why_size);
	if (!error)
		error = say(ensure_token(config->metrics_token), config->metrics_token, why, why_size);
	if (!error)
		error = say(ensure_pair(config->control_key, config->control_certificate, name, NULL, 0),
			    config->control_key, why, why_size);
	if (!error)
		error = say(
		    ensure_pair(config->web_key, config->web_certificate, "localhost", config->web, config->web_count),
		    config->web_key, why, why_size);
	if (!error && config->lookup_count > 0)
		error = ensure_lookup(config, why, why_size);
	if (!error)
		error = say(ensure_audit(config->audit_key, config->audit_public), config->audit_key, why, why_size);
	return error;
}

int keys_read_wireguard(int fd, uint8_t key[WG_KEY_BYTES])
{
	char text[64];
	size_t size = 0;
	ssize_t got = lseek(fd, 0, SEEK_SET) < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (got < 0)
		return -errno;
	while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == '\r'))
		got--;
	int error = base64_decode(text, (size_t)got, key, WG_KEY_BYTES, &size);
	wipe(text, sizeof text);
	return error ? error : size == WG_KEY_BYTES ? 0 : -EINVAL;
}

static int read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t got = read(fd, out, size - 1);
	int error = got < 0 ? -errno : (size_t)got == size - 1 ? -EFBIG : 0;
	close(fd);
	out[got > 0 ? got : 0] = '\0';
	return error;
}

static int public_key_of(const char *path, char out[BASE64_ENCODED_SIZE(WG_KEY_BYTES)])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	wg_key private_key, public_key;
	int error = keys_read_wireguard(fd, private_key);
	close(fd);
	if (error)
		return error;
	wg_generate_public_key(public_key, private_key);
	wipe(private_key, sizeof private_key);
	base64_encode(public_key, sizeof public_key, out);
	return 0;
}

static int pin_of(const char *pem, char out[BASE64_ENCODED_SIZE(32)])
{
	mbedtls_x509_crt certificate;
	uint8_t digest[32];
	mbedtls_x509_crt_init(&certificate);
	int error = psa_crypto_init() == PSA_SUCCESS ? 0 : -EIO;
	if (!error && mbedtls_x509_crt_parse(&certificate, (const unsigned char *)pem, strlen(pem) + 1) != 0)
		error = -EINVAL;
	if (!error && mbedtls_sha256(certificate.pk_raw.p, certificate.pk_raw.len, digest, 0) != 0)
		error = -EIO;
	mbedtls_x509_crt_free(&certificate);
	if (!error)
		base64_encode(digest, sizeof digest, out);
	return error;
}

int keys_entry(const struct config *config, const char *const *addresses, size_t count, char **json, char *why,
	       size_t why_size)
{
	char key[BASE64_ENCODED_SIZE(WG_KEY_BYTES)], pin[BASE64_ENCODED_SIZE(32)], pem[PEM_MAX_BYTES];
	char name[STICK_ID_SIZE + 32], inner[INET_ADDRSTRLEN];
	*json = NULL;
	int error = say(public_key_of(config->wireguard_key, key), config->wireguard_key, why, why_size);
	if (!error)
		error = say(read_text(config->control_certificate, pem, sizeof pem), config->control_certificate, why,
			    why_size);
	if (!error)
		error = say(pin_of(pem, pin), config->control_certificate, why, why_size);
	if (error)
		return error;
	snprintf(name, sizeof name, KEYS_CONTROL_NAME, config->id);
	inet_ntop(AF_INET, &config->inner, inner, sizeof inner);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(addresses[i]));
	json_t *entry = json_pack("{s:s, s:o, s:s, s:s, s:{s:i, s:s, s:s, s:s}}", "id", config->id, "addresses", list,
				  "key", key, "inner", inner, "control", "port", config->control_port, "name", name,
				  "certificate", pem, "pin", pin);
	if (entry)
		*json = json_dumps(entry, JSON_INDENT(2));
	json_decref(entry);
	return *json ? 0 : say(-ENOMEM, "entry", why, why_size);
}
