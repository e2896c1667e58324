#include "firmware/boot/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <mbedtls/md.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/base64.h"
#include "firmware/lib/buf.h"

static const char magic[8] = {'S', 'E', 'K', 'I', 'S', 'H', 'O', 'R'};

enum { HEADER_FORMAT = 1, SIZE_AT = 24, TAG_AT = 32, TAG_BYTES = 32, NAME_MAX_CHARS = 32, BLOCK_BYTES = 4096 };
_Static_assert(TAG_AT + TAG_BYTES == RECORD_HEADER_BYTES, "the tag ends the header");
_Static_assert(3 * RECORD_HALF_BYTES <= RECORD_PARTITION_BYTES, "three halves fit the partition");
_Static_assert(3 * RECORD_OLD_HALF_BYTES + RECORD_TOKEN_SLOTS * RECORD_TOKEN_APART <= RECORD_OLD_PARTITION_BYTES,
	       "and the older one, with the token's slots");
_Static_assert(3 * RECORD_HALF_BYTES + RECORD_TOKEN_SLOTS * RECORD_TOKEN_APART <= RECORD_PARTITION_BYTES, "and these");

const char *record_error_text(enum record_error error)
{
	static const char *const texts[RECORD_ERROR_COUNT] = {
	    [RECORD_OK] = "good",
	    [RECORD_IO] = "the device record cannot be read or written",
	    [RECORD_SHORT] = "the device record is cut short, or its partition is too small for what is to be kept",
	    [RECORD_BLANK] = "nothing was ever written here",
	    [RECORD_MAGIC] = "this is not a device record",
	    [RECORD_FORMAT] = "the device record has a format this program does not know",
	    [RECORD_KIND] = "the device record's halves are in the wrong places",
	    [RECORD_SIZE] = "the device record claims an impossible size",
	    [RECORD_DIGEST] = "the device record is damaged (its checksum is wrong)",
	    [RECORD_NOT_JSON] = "the device record's content is not a JSON object",
	    [RECORD_UNKNOWN_MEMBER] = "the device record has a member this program does not know",
	    [RECORD_DEVICE] = "the device record's device id is missing or has characters other than A-Z 0-9 -",
	    [RECORD_TENANT] = "the device record's tenant is missing or has characters other than a-z 0-9 -",
	    [RECORD_WIREGUARD_KEY] = "the device record's WireGuard key is not 32 bytes in base64",
	    [RECORD_ADDRESS] = "the device record's address is not ADDRESS/PREFIX",
	    [RECORD_IDENTITY_KEY] = "the device record's identity key is not 32 bytes in base64",
	    [RECORD_PIN_SECRET] = "the device record's PIN secret is not 32 bytes in base64",
	    [RECORD_CLIENTS] = "the device record's customer certificates are not certificates and keys by bank",
	    [RECORD_GATEWAYS] = "the device record names no gateways",
	    [RECORD_MUTABLE_KEY] = "the device record's mutable key is not 32 bytes in base64",
	    [RECORD_NO_MEMORY] = "out of memory",
	};
	return error < RECORD_ERROR_COUNT ? texts[error] : "unknown error";
}

/* Header's first 32 bytes and the JSON, under SHA-256 or, with a key, HMAC-SHA256 (RFC 2104). */
static enum record_error compute_tag(const uint8_t *half, size_t json_size, const uint8_t *key, uint8_t tag[TAG_BYTES])
{
	const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	mbedtls_md_context_t md;
	mbedtls_md_init(&md);
	int error = mbedtls_md_setup(&md, sha256, key != NULL);
	if (!error)
		error = key ? mbedtls_md_hmac_starts(&md, key, RECORD_KEY_BYTES) : mbedtls_md_starts(&md);
	int (*update)(mbedtls_md_context_t *, const unsigned char *, size_t) =
	    key ? mbedtls_md_hmac_update : mbedtls_md_update;
	if (!error)
		error = update(&md, half, TAG_AT);
	if (!error)
		error = update(&md, half + RECORD_HEADER_BYTES, json_size);
	if (!error)
		error = key ? mbedtls_md_hmac_finish(&md, tag) : mbedtls_md_finish(&md, tag);
	mbedtls_md_free(&md);
	return error ? RECORD_NO_MEMORY : RECORD_OK;
}

static bool same_tag(const uint8_t *a, const uint8_t *b)
{
	uint8_t difference = 0;
	for (size_t i = 0; i < TAG_BYTES; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

static bool all_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i])
			return false;
	return true;
}

static size_t max_json(enum record_kind kind)
{
	static const size_t most[] = {[RECORD_IMMUTABLE] = RECORD_IMMUTABLE_MAX_BYTES,
				      [RECORD_MUTABLE] = RECORD_MUTABLE_MAX_BYTES,
				      [RECORD_TOKEN] = RECORD_TOKEN_BYTES - RECORD_HEADER_BYTES};
	return most[kind];
}

enum record_error record_half_decode(const uint8_t *half, size_t half_size, enum record_kind kind, const uint8_t *key,
				     const char **json, size_t *size, uint64_t *sequence)
{
	if (half_size < RECORD_HEADER_BYTES)
		return RECORD_SHORT;
	if (all_zero(half, RECORD_HEADER_BYTES))
		return RECORD_BLANK;
	if (memcmp(half, magic, sizeof magic) != 0)
		return RECORD_MAGIC;
	struct reader r = reader_over(half + sizeof magic, TAG_AT - sizeof magic);
	uint32_t format = read_u32(&r);
	uint32_t found_kind = read_u32(&r);
	uint64_t found_sequence = read_u64(&r);
	uint32_t json_size = read_u32(&r);
	uint32_t reserved = read_u32(&r);
	if (format != HEADER_FORMAT || reserved != 0)
		return RECORD_FORMAT;
	if (found_kind != kind)
		return RECORD_KIND;
	if (json_size == 0 || json_size > max_json(kind))
		return RECORD_SIZE;
	if (json_size > half_size - RECORD_HEADER_BYTES)
		return RECORD_SHORT;
	uint8_t tag[TAG_BYTES];
	enum record_error error = compute_tag(half, json_size, key, tag);
	if (error)
		return error;
	if (!same_tag(tag, half + TAG_AT))
		return RECORD_DIGEST;
	*json = (const char *)half + RECORD_HEADER_BYTES;
	*size = json_size;
	*sequence = found_sequence;
	return RECORD_OK;
}

enum record_error record_half_encode(uint8_t *half, size_t half_size, enum record_kind kind, const uint8_t *key,
				     const char *json, size_t size, uint64_t sequence)
{
	if (size == 0 || size > max_json(kind) || half_size < RECORD_HEADER_BYTES + size)
		return RECORD_SIZE;
	memset(half, 0, half_size);
	memcpy(half, magic, sizeof magic);
	struct writer w = writer_over(half + sizeof magic, TAG_AT - sizeof magic);
	write_u32(&w, HEADER_FORMAT);
	write_u32(&w, kind);
	write_u64(&w, sequence);
	write_u32(&w, (uint32_t)size);
	write_u32(&w, 0);
	memcpy(half + RECORD_HEADER_BYTES, json, size);
	return compute_tag(half, size, key, half + TAG_AT);
}

static bool is_name(const json_t *value, const char *alphabet)
{
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);
	return text && size > 0 && size <= NAME_MAX_CHARS && strspn(text, alphabet) == size;
}

static bool is_key(const json_t *value, uint8_t key[RECORD_KEY_BYTES])
{
	const char *text = json_string_value(value);
	size_t size;
	return text && !base64_decode(text, json_string_length(value), key, RECORD_KEY_BYTES, &size) &&
	       size == RECORD_KEY_BYTES;
}

static bool is_address(const json_t *value)
{
	const char *text = json_string_value(value);
	const char *slash = text ? strchr(text, '/') : NULL;
	char address[INET6_ADDRSTRLEN];
	uint8_t raw[16];
	if (!slash || (size_t)(slash - text) >= sizeof address || json_string_length(value) != strlen(text))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	long most = inet_pton(AF_INET, address, raw) == 1 ? 32 : inet_pton(AF_INET6, address, raw) == 1 ? 128 : -1;
	size_t digits = strspn(slash + 1, "0123456789");
	if (digits == 0 || digits > 3 || slash[1 + digits] != '\0')
		return false;
	return strtol(slash + 1, NULL, 10) <= most;
}

/* One that the record may do without. */
static bool is_secret_or_absent(const json_t *value)
{
	uint8_t secret[RECORD_KEY_BYTES];
	bool good = !value || is_key(value, secret);
	wipe(secret, sizeof secret);
	return good;
}

static bool is_text(const json_t *value) { return json_string_length(value) > 0; }

/* { bank: { "certificates": PEM, "key": PEM }, ... } */
static bool are_clients(const json_t *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *bank;
	json_t *client;
	if (json_object_size(value) == 0 || json_object_size(value) > RECORD_CLIENTS_MAX)
		return false;
	json_object_foreach((json_t *)(uintptr_t)value, bank, client)
	{
		const size_t size = strlen(bank);
		if (size == 0 || size > RECORD_BANK_MAX || bank[strspn(bank, letters)] != '\0' ||
		    json_object_size(client) != 2 || !is_text(json_object_get(client, "certificates")) ||
		    !is_text(json_object_get(client, "key")))
			return false;
	}
	return true;
}

static enum record_error check_members(const json_t *root, uint8_t mutable_key[RECORD_KEY_BYTES])
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const json_t *identity = json_object_get(root, "identity_key"), *pin = json_object_get(root, "pin_secret");
	const json_t *clients = json_object_get(root, "client_certificates");
	uint8_t private_key[RECORD_KEY_BYTES];
	bool wireguard = is_key(json_object_get(root, "wireguard_key"), private_key);
	wipe(private_key, sizeof private_key);
	if (json_integer_value(json_object_get(root, "format")) != 1)
		return RECORD_FORMAT;
	if (!is_name(json_object_get(root, "device"), upper))
		return RECORD_DEVICE;
	if (!is_name(json_object_get(root, "tenant"), lower))
		return RECORD_TENANT;
	if (!wireguard)
		return RECORD_WIREGUARD_KEY;
	if (!is_address(json_object_get(root, "address")))
		return RECORD_ADDRESS;
	if (!is_secret_or_absent(identity))
		return RECORD_IDENTITY_KEY;
	if (clients && !are_clients(clients))
		return RECORD_CLIENTS;
	if (!is_secret_or_absent(pin))
		return RECORD_PIN_SECRET;
	if (!is_text(json_object_get(root, "gateways")))
		return RECORD_GATEWAYS;
	if (!is_key(json_object_get(root, "mutable_key"), mutable_key))
		return RECORD_MUTABLE_KEY;
	size_t known = 7 + (identity != NULL) + (pin != NULL) + (clients != NULL);
	return json_object_size(root) == known ? RECORD_OK : RECORD_UNKNOWN_MEMBER;
}

enum record_error record_immutable_check(const char *json, size_t size, uint8_t mutable_key[RECORD_KEY_BYTES])
{
	uint8_t key[RECORD_KEY_BYTES] = {0};
	json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	enum record_error error = json_is_object(root) ? check_members(root, key) : RECORD_NOT_JSON;
	json_decref(root);
	if (!error && mutable_key)
		memcpy(mutable_key, key, sizeof key);
	wipe(key, sizeof key);
	return error;
}

/* What is in the mutable half is checked by those who use it; here it only has to be an object. */
static enum record_error check_mutable(const char *json, size_t size)
{
	json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	enum record_error error = json_is_object(root) ? RECORD_OK : RECORD_NOT_JSON;
	json_decref(root);
	return error;
}

/* Whole blocks, so that the kernel need not read before it writes. */
static size_t whole_blocks(size_t size) { return (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES; }

static enum record_error read_on(int fd, uint8_t *half, size_t have, size_t size)
{
	while (have < size) {
		ssize_t got = read(fd, half + have, size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return RECORD_IO;
		if (got == 0)
			return RECORD_SHORT;
		have += (size_t)got;
	}
	return RECORD_OK;
}

/* How much of a half its header speaks of. Nothing of it is believed yet: this only says how far to read. */
static size_t size_spoken_of(const uint8_t *header, size_t half_bytes)
{
	struct reader r = reader_over(header + SIZE_AT, sizeof(uint32_t));
	size_t json_size = read_u32(&r);
	return json_size < half_bytes - RECORD_HEADER_BYTES ? whole_blocks(RECORD_HEADER_BYTES + json_size)
							    : half_bytes;
}

/* By the size of the partition; 0 where it is too small for any record. */
static enum record_error find_half_bytes(int fd, size_t *half_bytes)
{
	off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return RECORD_IO;
	if (size < RECORD_OLD_PARTITION_BYTES)
		return RECORD_SHORT;
	*half_bytes = size < RECORD_PARTITION_BYTES ? RECORD_OLD_HALF_BYTES : RECORD_HALF_BYTES;
	return RECORD_OK;
}

/* As much of a half as its header speaks of, the caller's to free: most records are small, and every start waits for
 * this one. */
static enum record_error read_half(int fd, size_t half_bytes, size_t nth, uint8_t **half, size_t *size)
{
	uint8_t block[BLOCK_BYTES];
	*half = NULL;
	*size = 0;
	if (lseek(fd, (off_t)(nth * half_bytes), SEEK_SET) < 0)
		return RECORD_IO;
	enum record_error error = read_on(fd, block, 0, BLOCK_BYTES);
	if (error)
		return error;
	*size = size_spoken_of(block, half_bytes);
	*half = malloc(*size);
	if (*half)
		memcpy(*half, block, BLOCK_BYTES);
	wipe(block, BLOCK_BYTES);
	return *half ? read_on(fd, *half, BLOCK_BYTES, *size) : RECORD_NO_MEMORY;
}

static void free_half(uint8_t *half, size_t size)
{
	if (half)
		wipe(half, size);
	free(half);
}

static enum record_error write_at(int fd, size_t at, const uint8_t *half, size_t size)
{
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return RECORD_IO;
	for (size_t done = 0; done < size;) {
		ssize_t put = write(fd, half + done, size - done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return RECORD_IO;
		done += (size_t)put;
	}
	return fdatasync(fd) < 0 ? RECORD_IO : RECORD_OK;
}

static char *copy_text(const char *text, size_t size)
{
	char *copy = malloc(size + 1);
	if (copy) {
		memcpy(copy, text, size);
		copy[size] = '\0';
	}
	return copy;
}

static void free_text(char *text, size_t size)
{
	if (text)
		wipe(text, size);
	free(text);
}

static enum record_error take_immutable(const uint8_t *half, size_t half_size, struct record *record)
{
	const char *json;
	size_t size;
	uint64_t sequence;
	enum record_error error = record_half_decode(half, half_size, RECORD_IMMUTABLE, NULL, &json, &size, &sequence);
	if (!error)
		error = record_immutable_check(json, size, record->mutable_key);
	if (error)
		return error;
	record->immutable = copy_text(json, size);
	record->immutable_size = size;
	return record->immutable ? RECORD_OK : RECORD_NO_MEMORY;
}

static enum record_error take_changing(const uint8_t *half, size_t half_size, int nth, struct record *record)
{
	const char *json;
	size_t size;
	uint64_t sequence;
	enum record_error error =
	    record_half_decode(half, half_size, RECORD_MUTABLE, record->mutable_key, &json, &size, &sequence);
	if (!error)
		error = check_mutable(json, size);
	if (error || (record->changing && sequence <= record->sequence))
		return error;
	char *copy = copy_text(json, size);
	if (!copy)
		return RECORD_NO_MEMORY;
	free_text(record->changing, record->changing_size);
	record->changing = copy;
	record->changing_size = size;
	record->sequence = sequence;
	record->newest = nth;
	return RECORD_OK;
}

static size_t token_at(const struct record *record, int slot)
{
	return 3 * record->half_bytes + (size_t)slot * RECORD_TOKEN_APART;
}

static enum record_error take_token(const uint8_t *block, int slot, struct record *record)
{
	const char *json;
	size_t size;
	uint64_t sequence;
	enum record_error error =
	    record_half_decode(block, RECORD_TOKEN_BYTES, RECORD_TOKEN, record->mutable_key, &json, &size, &sequence);
	if (!error)
		error = check_mutable(json, size);
	if (error || (record->token && sequence <= record->token_sequence))
		return error;
	char *copy = copy_text(json, size);
	if (!copy)
		return RECORD_NO_MEMORY;
	free_text(record->token, record->token_size);
	record->token = copy;
	record->token_size = size;
	record->token_sequence = sequence;
	record->token_slot = slot;
	return RECORD_OK;
}

/* A slot that cannot be read, or was torn, is none: the other one counts. */
static void read_token(int fd, struct record *record)
{
	uint8_t block[RECORD_TOKEN_BYTES];
	for (int slot = 0; slot < RECORD_TOKEN_SLOTS; slot++)
		if (lseek(fd, (off_t)token_at(record, slot), SEEK_SET) >= 0 && !read_on(fd, block, 0, sizeof block))
			(void)take_token(block, slot, record);
	wipe(block, sizeof block);
}

enum record_error record_load_token(int fd, struct record *record)
{
	*record = (struct record){.newest = -1, .token_slot = -1};
	uint8_t *half = NULL;
	size_t size = 0;
	enum record_error error = find_half_bytes(fd, &record->half_bytes);
	if (!error)
		error = read_half(fd, record->half_bytes, 0, &half, &size);
	if (!error)
		error = take_immutable(half, size, record);
	free_half(half, size);
	if (!error)
		read_token(fd, record);
	else
		record_free(record);
	return error;
}

enum record_error record_load(int fd, struct record *record)
{
	uint8_t *half;
	size_t size;
	enum record_error error = record_load_token(fd, record);
	for (int nth = 0; nth < RECORD_COPIES && !error; nth++) {
		record->copies[nth] = read_half(fd, record->half_bytes, (size_t)nth + 1, &half, &size);
		if (!record->copies[nth])
			record->copies[nth] = take_changing(half, size, nth, record);
		free_half(half, size);
	}
	return error;
}

enum record_error record_store_token(int fd, struct record *record, const char *json, size_t size)
{
	uint8_t block[RECORD_TOKEN_BYTES];
	int slot = record->token_slot == 0 ? 1 : 0;
	enum record_error error = check_mutable(json, size);
	if (!error && record->token_sequence == UINT64_MAX)
		error = RECORD_SIZE;
	if (!error)
		error = record_half_encode(block, sizeof block, RECORD_TOKEN, record->mutable_key, json, size,
					   record->token_sequence + 1);
	if (!error)
		error = write_at(fd, token_at(record, slot), block, sizeof block);
	if (!error)
		error = take_token(block, slot, record);
	wipe(block, sizeof block);
	return error;
}

enum record_error record_store(int fd, struct record *record, const char *json, size_t size)
{
	enum record_error error = check_mutable(json, size);
	if (error)
		return error;
	/* A sequence that cannot grow can only come from the holder of the key: refuse rather than wrap. */
	if (record->sequence == UINT64_MAX)
		return RECORD_SIZE;
	int target = record->newest == 0 ? 1 : 0;
	if (size > RECORD_MUTABLE_MAX_BYTES)
		return RECORD_SIZE;
	const size_t half_size = whole_blocks(RECORD_HEADER_BYTES + size);
	if (half_size > record->half_bytes)
		return RECORD_SHORT;
	char *copy = copy_text(json, size);
	uint8_t *half = malloc(half_size);
	if (!copy || !half) {
		error = RECORD_NO_MEMORY;
		goto out;
	}
	error =
	    record_half_encode(half, half_size, RECORD_MUTABLE, record->mutable_key, json, size, record->sequence + 1);
	if (!error)
		error = write_at(fd, ((size_t)target + 1) * record->half_bytes, half, half_size);
	if (error)
		goto out;
	free_text(record->changing, record->changing_size);
	record->changing = copy;
	record->changing_size = size;
	copy = NULL;
	record->sequence++;
	record->newest = target;
	record->copies[target] = RECORD_OK;
out:
	free_half(half, half_size);
	free_text(copy, size);
	return error;
}

enum record_error record_create(int fd, const char *immutable_json, size_t size)
{
	enum record_error error = record_immutable_check(immutable_json, size, NULL);
	if (error)
		return error;
	uint8_t *half = calloc(1, RECORD_HALF_BYTES);
	if (!half)
		return RECORD_NO_MEMORY;
	for (size_t at = RECORD_HALF_BYTES; at < RECORD_PARTITION_BYTES && !error; at += RECORD_HALF_BYTES) {
		size_t rest = RECORD_PARTITION_BYTES - at;
		error = write_at(fd, at, half, rest < RECORD_HALF_BYTES ? rest : RECORD_HALF_BYTES);
	}
	if (!error)
		error = record_half_encode(half, RECORD_HALF_BYTES, RECORD_IMMUTABLE, NULL, immutable_json, size, 0);
	if (!error)
		error = write_at(fd, 0, half, RECORD_HALF_BYTES);
	free_half(half, RECORD_HALF_BYTES);
	return error;
}

void record_free(struct record *record)
{
	free_text(record->immutable, record->immutable_size);
	free_text(record->changing, record->changing_size);
	free_text(record->token, record->token_size);
	wipe(record, sizeof *record);
	record->newest = record->token_slot = -1;
}
