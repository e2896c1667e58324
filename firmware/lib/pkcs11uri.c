#include "firmware/lib/pkcs11uri.h"

#include <ctype.h>
#include <string.h>

bool pkcs11_is_uri(const char *text) { return text && !strncmp(text, "pkcs11:", 7); }

static int hex(char c) { return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10; }

/* Percent-decoding (RFC 3986 section 2.1). The number of bytes, or -1. */
static int decode(const char *text, size_t size, char out[PKCS11_FIELD_BYTES])
{
	size_t used = 0;
	for (size_t i = 0; i < size; i++) {
		if (used + 1 >= PKCS11_FIELD_BYTES)
			return -1;
		if (text[i] == '%' && i + 2 < size && isxdigit((unsigned char)text[i + 1]) &&
		    isxdigit((unsigned char)text[i + 2])) {
			out[used++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
			i += 2;
		} else {
			out[used++] = text[i];
		}
	}
	out[used] = '\0';
	return (int)used;
}

static enum pkcs11_fault take_attribute(struct pkcs11_uri *uri, const char *text, size_t size)
{
	const struct {
		const char *name;
		char *value;
	} known[] = {{"token", uri->token},
		     {"object", uri->object},
		     {"id", uri->id},
		     {"pin-source", uri->pin_source},
		     {"module-path", uri->module}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t length = strlen(known[i].name);
		if (size <= length || strncmp(text, known[i].name, length) != 0 || text[length] != '=')
			continue;
		int got = decode(text + length + 1, size - length - 1, known[i].value);
		if (got < 0)
			return PKCS11_TOO_LONG;
		if (known[i].value == uri->id)
			uri->id_size = (size_t)got;
		else if (strlen(known[i].value) != (size_t)got)
			return PKCS11_UNKNOWN; /* a NUL inside: only an id is bytes */
		return PKCS11_GOOD;
	}
	if (size > 10 && !strncmp(text, "pin-value=", 10))
		return PKCS11_PIN_INSIDE;
	return size == 12 && !strncmp(text, "type=private", size) ? PKCS11_GOOD : PKCS11_UNKNOWN;
}

enum pkcs11_fault pkcs11_uri_read(const char *text, struct pkcs11_uri *uri, const char **wrong, size_t *wrong_size)
{
	*uri = (struct pkcs11_uri){0};
	*wrong = text;
	*wrong_size = strlen(text);
	if (!pkcs11_is_uri(text))
		return PKCS11_INCOMPLETE;
	for (const char *at = text + strlen("pkcs11:"); *at;) {
		size_t size = strcspn(at, ";?&");
		enum pkcs11_fault fault = size > 0 ? take_attribute(uri, at, size) : PKCS11_GOOD;
		if (fault) {
			*wrong = at;
			*wrong_size = size;
			return fault;
		}
		at += size + (at[size] != '\0');
	}
	return uri->token[0] && (uri->object[0] || uri->id_size) ? PKCS11_GOOD : PKCS11_INCOMPLETE;
}

bool pkcs11_is_label(const unsigned char label[PKCS11_LABEL_BYTES], const char *name)
{
	size_t size = strlen(name);
	if (size > PKCS11_LABEL_BYTES || memcmp(label, name, size) != 0)
		return false;
	for (size_t i = size; i < PKCS11_LABEL_BYTES; i++)
		if (label[i] != ' ')
			return false;
	return true;
}
