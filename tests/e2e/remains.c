/*
 * remains - look for secrets in a picture of a PC's memory (QEMU's pmemsave).
 *
 * usage: remains authority DUMP
 *            print, in hexadecimal, the private key of the certificate authority that a running stick made for this
 *            start: its certificate lies in memory as PEM, and of what a heap holds that looks like a key, one fits.
 *        remains count DUMP text:WORD|key:HEX ...
 *            print for each how often it is there: a word as bytes and as UTF-16, a key as it is, from its end (a big
 *            number in a PC's memory) and in base64.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <mbedtls/base64.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES = 32, PATTERN_MAX = 128, PEM_MAX = 4096, DISTINCT_LEAST = 20 };

static const char authority_name[] = "CN=Sekisho this start only";

struct dump {
	const uint8_t *data;
	size_t size;
};

static _Noreturn void fatal(const char *what, const char *why)
{
	fprintf(stderr, "remains: %s: %s\n", what, why);
	exit(2);
}

static struct dump dump_open(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || status.st_size == 0)
		fatal(path, "cannot be read, or is empty");
	void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		fatal(path, strerror(errno));
	close(fd);
	return (struct dump){.data = data, .size = (size_t)status.st_size};
}

/* --- how often --- */

static size_t count_of(const struct dump *dump, const uint8_t *pattern, size_t size)
{
	size_t count = 0;
	const uint8_t *at = dump->data, *end = dump->data + dump->size;
	while ((at = memmem(at, (size_t)(end - at), pattern, size))) {
		count++;
		at++;
	}
	return count;
}

static size_t count_text(const struct dump *dump, const char *text)
{
	uint8_t wide[2 * PATTERN_MAX] = {0};
	size_t size = strlen(text);
	if (size == 0 || size > PATTERN_MAX)
		fatal(text, "too short or too long");
	for (size_t i = 0; i < size; i++)
		wide[2 * i] = (uint8_t)text[i];
	return count_of(dump, (const uint8_t *)text, size) + count_of(dump, wide, 2 * size);
}

static size_t count_key(const struct dump *dump, const char *hex)
{
	uint8_t key[KEY_BYTES], reversed[KEY_BYTES], text[PATTERN_MAX];
	size_t text_size = 0;
	if (strlen(hex) != sizeof key * 2)
		fatal(hex, "is not 32 bytes in hexadecimal");
	for (size_t i = 0; i < sizeof key; i++) {
		const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
		key[i] = reversed[sizeof key - 1 - i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	if (mbedtls_base64_encode(text, sizeof text, &text_size, key, sizeof key))
		fatal(hex, "has no base64");
	return count_of(dump, key, sizeof key) + count_of(dump, reversed, sizeof reversed) +
	       count_of(dump, text, text_size);
}

static int do_count(const struct dump *dump, char **patterns)
{
	for (; *patterns; patterns++) {
		char *value = strchr(*patterns, ':');
		if (!value)
			fatal(*patterns, "is neither text: nor key:");
		bool is_key = strncmp(*patterns, "key:", 4) == 0;
		printf("%zu %.*s\n", is_key ? count_key(dump, value + 1) : count_text(dump, value + 1),
		       is_key ? 12 : PATTERN_MAX, *patterns);
	}
	return 0;
}

/* --- the authority's key --- */

static bool is_authority(const mbedtls_x509_crt *certificate)
{
	char name[256];
	return mbedtls_x509_dn_gets(name, sizeof name, &certificate->subject) > 0 && strcmp(name, authority_name) == 0;
}

static bool find_certificate(const struct dump *dump, mbedtls_x509_crt *certificate)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", last[] = "-----END CERTIFICATE-----\n";
	const uint8_t *at = dump->data, *end = dump->data + dump->size;
	while ((at = memmem(at, (size_t)(end - at), begin, sizeof begin - 1))) {
		char pem[PEM_MAX + 1] = "";
		size_t room = (size_t)(end - at) < PEM_MAX ? (size_t)(end - at) : PEM_MAX;
		const uint8_t *stop = memmem(at, room, last, sizeof last - 1);
		if (stop) {
			size_t size = (size_t)(stop - at) + sizeof last - 1;
			memcpy(pem, at, size);
			mbedtls_x509_crt_init(certificate);
			if (mbedtls_x509_crt_parse(certificate, (const uint8_t *)pem, size + 1) == 0 &&
			    is_authority(certificate))
				return true;
			mbedtls_x509_crt_free(certificate);
		}
		at++;
	}
	return false;
}

static bool looks_like_a_key(const uint8_t *data)
{
	bool seen[256] = {false};
	int distinct = 0;
	for (int i = 0; i < KEY_BYTES; i++) {
		distinct += !seen[data[i]];
		seen[data[i]] = true;
	}
	return distinct >= DISTINCT_LEAST;
}

static int random_bytes(void *unused, unsigned char *out, size_t size)
{
	(void)unused;
	return psa_generate_random(out, size) == PSA_SUCCESS ? 0 : -1;
}

static bool is_private_key(const uint8_t *number, bool from_end, const mbedtls_ecp_keypair *public)
{
	mbedtls_mpi d;
	mbedtls_ecp_point q;
	mbedtls_ecp_group group;
	mbedtls_mpi_init(&d);
	mbedtls_ecp_point_init(&q);
	mbedtls_ecp_group_init(&group);
	int error = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
	if (!error)
		error = from_end ? mbedtls_mpi_read_binary_le(&d, number, KEY_BYTES)
				 : mbedtls_mpi_read_binary(&d, number, KEY_BYTES);
	if (!error)
		error = mbedtls_ecp_check_privkey(&group, &d);
	if (!error)
		error = mbedtls_ecp_mul(&group, &q, &d, &group.G, random_bytes, NULL);
	mbedtls_ecp_point expected;
	mbedtls_ecp_point_init(&expected);
	if (!error)
		error = mbedtls_ecp_export(public, NULL, NULL, &expected);
	bool same = !error && mbedtls_ecp_point_cmp(&q, &expected) == 0;
	mbedtls_ecp_point_free(&expected);
	mbedtls_ecp_group_free(&group);
	mbedtls_ecp_point_free(&q);
	mbedtls_mpi_free(&d);
	return same;
}

/*
 * Before what calloc(4, 8) gives lies its size with the flag "the piece before is in use" (glibc): 0x31. The flag is
 * missing where the piece before is free, and the size is 0x40 where a piece of that size was not worth splitting.
 */
static bool begins_a_piece(const uint8_t *data)
{
	static const uint8_t rest[7];
	const uint8_t *size = data - 8;
	return ((size[0] & 0xfe) == 0x30 || (size[0] & 0xfe) == 0x40) && memcmp(size + 1, rest, sizeof rest) == 0;
}

static bool find_key(const struct dump *dump, const mbedtls_ecp_keypair *public, uint8_t key[KEY_BYTES])
{
	for (size_t at = 16; at + KEY_BYTES <= dump->size; at += 16) {
		const uint8_t *data = dump->data + at;
		if (!begins_a_piece(data) || !looks_like_a_key(data))
			continue;
		for (int from_end = 0; from_end <= 1; from_end++) {
			if (!is_private_key(data, from_end, public))
				continue;
			for (int i = 0; i < KEY_BYTES; i++)
				key[i] = data[from_end ? KEY_BYTES - 1 - i : i];
			return true;
		}
	}
	return false;
}

static int do_authority(const struct dump *dump, char **unused)
{
	(void)unused;
	mbedtls_x509_crt certificate;
	uint8_t key[KEY_BYTES];
	if (psa_crypto_init() != PSA_SUCCESS)
		fatal("PSA", "does not start");
	if (!find_certificate(dump, &certificate))
		fatal("the authority's certificate", "is not in this memory");
	if (!find_key(dump, mbedtls_pk_ec(certificate.pk), key))
		fatal("the authority's key", "is not in this memory");
	for (int i = 0; i < KEY_BYTES; i++)
		printf("%02x", key[i]);
	putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct dump *dump, char **arguments);
	} commands[] = {{"authority", do_authority}, {"count", do_count}};
	for (size_t i = 0; argc > 2 && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0) {
			struct dump dump = dump_open(argv[2]);
			return commands[i].run(&dump, argv + 3);
		}
	fputs("usage: remains authority DUMP\n       remains count DUMP text:WORD|key:HEX ...\n", stderr);
	return 2;
}
