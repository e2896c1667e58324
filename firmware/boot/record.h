/*
 * record - the device record: what makes one stick different from another. See record(5) for the format.
 *
 * It lies raw on a GPT partition of its own that the kernel never mounts: an immutable half, written once by
 * `sekisho device new`, and two copies of a mutable half, written in turn so that a stick pulled in the middle of a
 * write still has the copy before it. Keys inside are handed to their holders; nothing here verifies a PIN.
 *
 * Pure library: works on a descriptor (block device or file) or on bytes in memory; never opens a path.
 */
#ifndef FIRMWARE_BOOT_RECORD_H
#define FIRMWARE_BOOT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_PARTITION_TYPE  "6b5d6a0e-9f52-4f1c-8a53-5e6b7c0d51f1"
#define RECORD_PARTITION_NAME  "sekisho-record"
#define RECORD_PARTITION_BYTES (16 << 20)

/* The mutable half holds the largest policy (4 MiB) as a JSON string, in which what is quoted takes more room. */
#define RECORD_IMMUTABLE_MAX_BYTES 32768
#define RECORD_MUTABLE_MAX_BYTES   (RECORD_HALF_BYTES - RECORD_HEADER_BYTES)

#define RECORD_HALF_BYTES                                                                                              \
	(5 << 20) /* room for each of: immutable half, mutable copy 0, mutable copy 1, in this order */
/* A stick made before policies were that large has a partition of 1 MiB in four quarters: read and written as it is. */
#define RECORD_OLD_PARTITION_BYTES (1 << 20)
#define RECORD_OLD_HALF_BYTES      (1 << 18)

/* The one-time token lies behind the halves, in one of two slots of a block each, so far from each other that one block
 * of a stick's flash holds one of them: it changes every few minutes, and the megabytes beside it once in a while. */
#define RECORD_TOKEN_SLOTS 2
#define RECORD_TOKEN_BYTES 4096
#define RECORD_TOKEN_APART (128 << 10)

#define RECORD_HEADER_BYTES 64
#define RECORD_KEY_BYTES    32
#define RECORD_COPIES       2
#define RECORD_CLIENTS_MAX  8
#define RECORD_BANK_MAX     32 /* letters of a bank's id */

enum record_error {
	RECORD_OK = 0,
	RECORD_IO,             /* the device could not be read or written */
	RECORD_SHORT,          /* fewer bytes than a record has, or than what is to be written takes */
	RECORD_BLANK,          /* only zeros: never written */
	RECORD_MAGIC,          /* something else is there */
	RECORD_FORMAT,         /* a format version this program does not know */
	RECORD_KIND,           /* the other half is where this one should be */
	RECORD_SIZE,           /* the size it claims cannot be */
	RECORD_DIGEST,         /* bytes and checksum disagree: damaged or half-written */
	RECORD_NOT_JSON,       /* not one JSON object, or a member twice */
	RECORD_UNKNOWN_MEMBER, /* a member this program does not know */
	RECORD_DEVICE,         /* device: 1 to 32 of A-Z 0-9 - */
	RECORD_TENANT,         /* tenant: 1 to 32 of a-z 0-9 - */
	RECORD_WIREGUARD_KEY,  /* wireguard_key: base64 of 32 bytes */
	RECORD_ADDRESS,        /* address: IPv4 or IPv6 address / prefix */
	RECORD_IDENTITY_KEY,   /* identity_key: base64 of 32 bytes, may be absent */
	RECORD_PIN_SECRET,     /* pin_secret: base64 of 32 bytes, may be absent */
	RECORD_CLIENTS,        /* client_certificates: by bank, certificates and key in PEM, may be absent */
	RECORD_GATEWAYS,       /* gateways: signed envelope as text */
	RECORD_MUTABLE_KEY,    /* mutable_key: base64 of 32 bytes */
	RECORD_NO_MEMORY,
	RECORD_ERROR_COUNT
};

/* One sentence: what is wrong. */
const char *record_error_text(enum record_error error);

enum record_kind { RECORD_IMMUTABLE = 1, RECORD_MUTABLE = 2, RECORD_TOKEN = 3 };

struct record {
	char *immutable; /* JSON with a NUL after immutable_size bytes; checked member by member */
	size_t immutable_size;
	char *changing; /* newest valid mutable half, JSON object, NUL after it; NULL if neither copy is valid */
	size_t changing_size;
	uint64_t sequence; /* of `changing`; 0 if none */
	int newest;        /* copy it came from; -1 */
	char *token; /* newest valid token, JSON object, NUL after it; NULL: a stick that keeps it in `changing` */
	size_t token_size;
	uint64_t token_sequence; /* 0 if none */
	int token_slot;          /* it came from; -1 */
	size_t half_bytes;       /* RECORD_HALF_BYTES, or those of an older, smaller partition */
	enum record_error copies[RECORD_COPIES];
	uint8_t mutable_key[RECORD_KEY_BYTES];
};

/*
 * Read and check a whole record from the start of `fd`. RECORD_OK means the immutable half is good; the mutable one
 * may be missing (`changing` NULL, the reasons in `copies`): the stick then starts from its built-in policy. On any
 * other answer `record` is empty. Free with record_free() in every case.
 */
enum record_error record_load(int fd, struct record *record);

/*
 * Write `json` as the next mutable half over the copy that is not the newest, and wait until it is on the medium. On
 * success `record` describes the new state; on failure the newest copy is untouched. RECORD_SIZE: larger than a mutable
 * half may be; RECORD_SHORT: than it may be in this stick's smaller partition.
 */
enum record_error record_store(int fd, struct record *record, const char *json, size_t size);

/* As the two above, of the token alone: the mutable half is neither read nor written, and not in `record`. */
enum record_error record_load_token(int fd, struct record *record);
enum record_error record_store_token(int fd, struct record *record, const char *json, size_t size);

/* Write a new record, both mutable copies blank, to the start of `fd`. The JSON is checked first. */
enum record_error record_create(int fd, const char *immutable_json, size_t size);

/* Wipes. */
void record_free(struct record *record);

/* Check the immutable half's JSON; `mutable_key` may be NULL. */
enum record_error record_immutable_check(const char *json, size_t size, uint8_t mutable_key[RECORD_KEY_BYTES]);

/*
 * One half as bytes. Decoding: *json points into `half`, is not NUL-terminated. `key` is the mutable key, NULL for the
 * immutable half. Encoding fills `half` to its end; half_size is at least the header and the JSON.
 */
enum record_error record_half_decode(const uint8_t *half, size_t half_size, enum record_kind kind, const uint8_t *key,
				     const char **json, size_t *size, uint64_t *sequence);
enum record_error record_half_encode(uint8_t *half, size_t half_size, enum record_kind kind, const uint8_t *key,
				     const char *json, size_t size, uint64_t sequence);

#endif
