#include "launcher/pem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/lib/base64.h"

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

enum { LINE_BYTES = 64 };

int pem_decode(const char *pem, size_t size, uint8_t *der, size_t capacity, size_t *der_size)
{
	const char *from = memmem(pem, size, begin, sizeof begin - 1);
	if (!from)
		return -EINVAL;
	from += sizeof begin - 1;
	const char *to = memmem(from, size - (size_t)(from - pem), end, sizeof end - 1);
	char *text = to ? malloc((size_t)(to - from) + 1) : NULL;
	if (!text)
		return to ? -ENOMEM : -EINVAL;
	size_t count = 0;
	for (const char *c = from; c < to; c++)
		if (*c != '\n' && *c != '\r')
			text[count++] = *c;
	int error = base64_decode(text, count, der, capacity, der_size);
	free(text);
	return error;
}

char *pem_encode(const uint8_t *der, size_t size)
{
	size_t text_size = BASE64_ENCODED_SIZE(size);
	char *text = malloc(text_size);
	char *pem = malloc(sizeof begin + sizeof end + text_size + text_size / LINE_BYTES + 4);
	if (!text || !pem) {
		free(text);
		free(pem);
		return NULL;
	}
	base64_encode(der, size, text);
	char *out = stpcpy(stpcpy(pem, begin), "\n");
	for (size_t at = 0, left = strlen(text); left > 0;) {
		size_t line = left < LINE_BYTES ? left : LINE_BYTES;
		memcpy(out, text + at, line);
		out += line;
		*out++ = '\n';
		at += line;
		left -= line;
	}
	stpcpy(stpcpy(out, end), "\n");
	free(text);
	return pem;
}
