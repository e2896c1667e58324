/*
 * statement - the one fixed structure that the device's identity key signs: which stick, which start, the how many-th
 * statement of it, which image. Pure.
 *
 * Signed bytes: the context string with its NUL, then device, boot id and image version as strings and the sequence as
 * u64, in buf.h's notation. Nothing that comes from outside can be made to look like another structure.
 */
#ifndef LAUNCHER_STATEMENT_H
#define LAUNCHER_STATEMENT_H

#include <stddef.h>
#include <stdint.h>

#define STATEMENT_CONTEXT   "sekisho statement 1"
#define STATEMENT_MAX_BYTES 256

struct statement {
	char device[33];
	char boot_id[33];
	uint64_t sequence;
	char image_version[33];
};

/* The payload of MSG_KEY_SIGN. 0 or -EINVAL. */
int statement_read(const void *payload, size_t size, struct statement *statement);

/* The bytes to sign into `out`; their number, or -EMSGSIZE. */
int statement_encode(const struct statement *statement, uint8_t out[STATEMENT_MAX_BYTES]);

#endif
