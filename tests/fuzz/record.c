#include "firmware/boot/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[RECORD_KEY_BYTES] = {1, 2, 3};

static void decode(const uint8_t *half, size_t size, enum record_kind kind)
{
	const char *json;
	size_t json_size;
	uint64_t sequence;
	if (record_half_decode(half, size, kind, kind == RECORD_MUTABLE ? key : NULL, &json, &json_size, &sequence))
		return;
	if ((const uint8_t *)json < half || json_size > size || (const uint8_t *)json + json_size > half + size)
		abort();
	if (kind == RECORD_IMMUTABLE)
		(void)record_immutable_check(json, json_size, NULL);
}

/* With a good checksum over whatever the input is, so that the parsers behind it are reached. */
static void decode_sealed(const uint8_t *data, size_t size, enum record_kind kind)
{
	uint8_t *half = malloc(RECORD_HALF_BYTES);
	if (!half)
		return;
	if (!record_half_encode(half, RECORD_HALF_BYTES, kind, kind == RECORD_MUTABLE ? key : NULL, (const char *)data,
				size, 1))
		decode(half, RECORD_HALF_BYTES, kind);
	free(half);
}

/* First byte: bit 0 the kind of half, bit 1 whether it is raw bytes or JSON to seal. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	enum record_kind kind = data[0] & 1 ? RECORD_MUTABLE : RECORD_IMMUTABLE;
	if (data[0] & 2)
		decode_sealed(data + 1, size - 1, kind);
	else
		decode(data + 1, size - 1, kind);
	return 0;
}
