/*
 * buf - bounded writing and reading of message payloads, and growing byte buffers.
 *
 * Writers and readers never fail loudly half-way: an overrun sets `failed`, later calls do nothing, and the caller
 * checks once at the end. Integers are little-endian; a string or blob is a 32-bit size and its bytes.
 */
#ifndef FIRMWARE_LIB_BUF_H
#define FIRMWARE_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
	uint8_t *data;
	size_t size, capacity;
	bool failed;
};

/* A writer over the caller's `data`. */
struct writer writer_over(void *data, size_t capacity);
void write_u8(struct writer *w, uint8_t value);
void write_u16(struct writer *w, uint16_t value);
void write_u32(struct writer *w, uint32_t value);
void write_u64(struct writer *w, uint64_t value);
void write_blob(struct writer *w, const void *data, size_t size);
void write_str(struct writer *w, const char *text); /* NULL is written as "" */

struct reader {
	const uint8_t *data;
	size_t size, at;
	bool failed;
};

struct reader reader_over(const void *data, size_t size);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
/* The blob's bytes inside the reader's data, NULL on overrun. */
const uint8_t *read_blob(struct reader *r, size_t *size);
/* Copy a string of at most capacity - 1 bytes, without NUL inside; else fails and gives "". */
void read_str(struct reader *r, char *out, size_t capacity);
/* True if everything was read, nothing is left over and nothing failed. */
bool reader_done(const struct reader *r);

/* Growing buffer. Wiped when freed. Zero-initialise. */
struct buf {
	uint8_t *data;
	size_t size, capacity;
};

/* 0 or -ENOMEM; the buffer never grows past `limit` bytes (-EFBIG). */
int buf_append(struct buf *b, const void *data, size_t size, size_t limit);
void buf_consume(struct buf *b, size_t size);
void buf_free(struct buf *b);

/* Overwrite memory so that the compiler keeps it. */
void wipe(void *data, size_t size);

/* free() for libraries that free secrets without wiping them (json_set_alloc_funcs() takes it). NULL is fine. */
void wipe_free(void *data);

#endif
