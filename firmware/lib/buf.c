#include "firmware/lib/buf.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

struct writer writer_over(void *data, size_t capacity) { return (struct writer){.data = data, .capacity = capacity}; }

static void write_bytes(struct writer *w, const void *data, size_t size)
{
	if (w->failed || size > w->capacity - w->size) {
		w->failed = true;
		return;
	}
	if (size > 0)
		memcpy(w->data + w->size, data, size);
	w->size += size;
}

static void write_integer(struct writer *w, uint64_t value, size_t bytes)
{
	uint8_t le[8];
	for (size_t i = 0; i < bytes; i++)
		le[i] = (uint8_t)(value >> (8 * i));
	write_bytes(w, le, bytes);
}

void write_u8(struct writer *w, uint8_t value) { write_integer(w, value, 1); }
void write_u16(struct writer *w, uint16_t value) { write_integer(w, value, 2); }
void write_u32(struct writer *w, uint32_t value) { write_integer(w, value, 4); }
void write_u64(struct writer *w, uint64_t value) { write_integer(w, value, 8); }

void write_blob(struct writer *w, const void *data, size_t size)
{
	if (size > UINT32_MAX) {
		w->failed = true;
		return;
	}
	write_u32(w, (uint32_t)size);
	write_bytes(w, data, size);
}

void write_str(struct writer *w, const char *text)
{
	if (!text)
		text = "";
	write_blob(w, text, strlen(text));
}

struct reader reader_over(const void *data, size_t size) { return (struct reader){.data = data, .size = size}; }

static const uint8_t *read_bytes(struct reader *r, size_t size)
{
	if (r->failed || size > r->size - r->at) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *at = r->data + r->at;
	r->at += size;
	return at;
}

static uint64_t read_integer(struct reader *r, size_t bytes)
{
	const uint8_t *le = read_bytes(r, bytes);
	uint64_t value = 0;
	for (size_t i = 0; le && i < bytes; i++)
		value |= (uint64_t)le[i] << (8 * i);
	return value;
}

uint8_t read_u8(struct reader *r) { return (uint8_t)read_integer(r, 1); }
uint16_t read_u16(struct reader *r) { return (uint16_t)read_integer(r, 2); }
uint32_t read_u32(struct reader *r) { return (uint32_t)read_integer(r, 4); }
uint64_t read_u64(struct reader *r) { return read_integer(r, 8); }

const uint8_t *read_blob(struct reader *r, size_t *size)
{
	*size = read_u32(r);
	const uint8_t *at = read_bytes(r, *size);
	if (!at)
		*size = 0;
	return at;
}

void read_str(struct reader *r, char *out, size_t capacity)
{
	size_t size;
	const uint8_t *at = read_blob(r, &size);
	out[0] = '\0';
	if (!at)
		return;
	if (size >= capacity || memchr(at, '\0', size)) {
		r->failed = true;
		return;
	}
	memcpy(out, at, size);
	out[size] = '\0';
}

bool reader_done(const struct reader *r) { return !r->failed && r->at == r->size; }

int buf_append(struct buf *b, const void *data, size_t size, size_t limit)
{
	if (size > limit || b->size > limit - size)
		return -EFBIG;
	if (b->size + size > b->capacity) {
		size_t capacity = b->capacity ? b->capacity : 4096;
		while (capacity < b->size + size)
			capacity *= 2;
		uint8_t *grown = malloc(capacity);
		if (!grown)
			return -ENOMEM;
		if (b->size > 0)
			memcpy(grown, b->data, b->size);
		size_t used = b->size;
		buf_free(b);
		*b = (struct buf){.data = grown, .size = used, .capacity = capacity};
	}
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	return 0;
}

void buf_consume(struct buf *b, size_t size)
{
	if (size >= b->size) {
		b->size = 0;
		return;
	}
	memmove(b->data, b->data + size, b->size - size);
	b->size -= size;
}

void buf_free(struct buf *b)
{
	if (b->data)
		wipe(b->data, b->capacity);
	free(b->data);
	*b = (struct buf){0};
}

void wipe(void *data, size_t size) { explicit_bzero(data, size); }

void wipe_free(void *data)
{
	if (data)
		wipe(data, malloc_usable_size(data));
	free(data);
}
