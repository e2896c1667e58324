#include "launcher/keyholder_transcript.h"

#include <errno.h>
#include <string.h>

#include "launcher/broker_hello.h"

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	ENCRYPTED_EXTENSIONS = 8,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CERTIFICATE_VERIFY = 15,
	CLIENT_KEY_EXCHANGE = 16,
	FINISHED = 20,
	CERTIFICATE_STATUS = 22,
	MESSAGE_HASH = 254,

	HEADER_BYTES = 4,
	RECORD_BYTES = 16384,
	RANDOM_AT = HEADER_BYTES + 2,
	RANDOM_BYTES = 32,
	SUPPORTED_VERSIONS = 43,
	TLS12 = 0x0303,
	TLS13 = 0x0304,
};

/* SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3). */
static const uint8_t retry_random[RANDOM_BYTES] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
						   0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
						   0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

static const struct {
	uint16_t suite;
	bool tls13;
	mbedtls_md_type_t hash;
} suites[] = {
    {0x1301, true, MBEDTLS_MD_SHA256},  {0x1302, true, MBEDTLS_MD_SHA384},  {0x1303, true, MBEDTLS_MD_SHA256},
    {0xc02b, false, MBEDTLS_MD_SHA256}, {0xc02c, false, MBEDTLS_MD_SHA384}, {0xc02f, false, MBEDTLS_MD_SHA256},
    {0xc030, false, MBEDTLS_MD_SHA384}, {0xcca8, false, MBEDTLS_MD_SHA256}, {0xcca9, false, MBEDTLS_MD_SHA256},
};

/* In the order they have; TLS 1.2 with one that a server may leave out. */
static const uint8_t order13[] = {ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST, CERTIFICATE, CERTIFICATE_VERIFY, FINISHED,
				  CERTIFICATE};
static const uint8_t order12[] = {CERTIFICATE,       SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST,
				  SERVER_HELLO_DONE, CERTIFICATE,         CLIENT_KEY_EXCHANGE};

static unsigned big16(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }
static size_t big24(const uint8_t *at) { return (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2]; }

static int split(const uint8_t *bytes, size_t size, struct transcript *t)
{
	for (size_t at = 0; at < size;) {
		if (t->count == TRANSCRIPT_MESSAGES_MAX || size - at < HEADER_BYTES)
			return -EBADMSG;
		const size_t length = HEADER_BYTES + big24(bytes + at + 1);
		if (length > size - at)
			return -EBADMSG;
		t->messages[t->count++] =
		    (struct transcript_message){.type = bytes[at], .data = bytes + at, .size = length};
		at += length;
	}
	return 0;
}

/* The one strict reader of a ClientHello there is takes it in a record. */
static int read_host(const struct transcript_message *m, char host[HOST_MAX_BYTES + 1])
{
	uint8_t record[5 + RECORD_BYTES];
	struct hello hello;
	if (m->type != CLIENT_HELLO || m->size > RECORD_BYTES)
		return -EBADMSG;
	record[0] = 22;
	record[1] = record[2] = 3;
	record[3] = (uint8_t)(m->size >> 8);
	record[4] = (uint8_t)m->size;
	memcpy(record + 5, m->data, m->size);
	if (hello_parse(record, 5 + m->size, &hello) != HELLO_OK)
		return -EBADMSG;
	memcpy(host, hello.host, sizeof hello.host);
	return 0;
}

/* The version that a ServerHello chose: its own word, or its extension's. 0: it cannot be read. */
static unsigned version_of(const uint8_t *extensions, size_t size)
{
	unsigned version = TLS12;
	for (size_t at = 0; at < size;) {
		if (size - at < 4 || big16(extensions + at + 2) > size - at - 4)
			return 0;
		const size_t length = big16(extensions + at + 2);
		if (big16(extensions + at) == SUPPORTED_VERSIONS) {
			if (length != 2)
				return 0;
			version = big16(extensions + at + 4);
		}
		at += 4 + length;
	}
	return version;
}

/* True if it is a HelloRetryRequest, which is a ServerHello by its shape. */
static int read_server_hello(const struct transcript_message *m, struct transcript *t, bool *retry)
{
	const size_t session_at = RANDOM_AT + RANDOM_BYTES;
	if (m->type != SERVER_HELLO || m->size < session_at + 1 || big16(m->data + HEADER_BYTES) != TLS12)
		return -EBADMSG;
	const size_t suite_at = session_at + 1 + m->data[session_at];
	if (m->size < suite_at + 3)
		return -EBADMSG;
	const size_t extensions_at = suite_at + 3 + 2;
	if (m->size > suite_at + 3 &&
	    (m->size < extensions_at || big16(m->data + suite_at + 3) != m->size - extensions_at))
		return -EBADMSG;
	const unsigned suite = big16(m->data + suite_at);
	const unsigned version =
	    m->size > suite_at + 3 ? version_of(m->data + extensions_at, m->size - extensions_at) : TLS12;
	if (version != TLS12 && version != TLS13)
		return -EBADMSG;
	t->tls13 = version == TLS13;
	t->hash = MBEDTLS_MD_NONE;
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
		if (suites[i].suite == suite && suites[i].tls13 == t->tls13)
			t->hash = suites[i].hash;
	*retry = t->tls13 && memcmp(m->data + RANDOM_AT, retry_random, RANDOM_BYTES) == 0;
	return t->hash == MBEDTLS_MD_NONE ? -EBADMSG : 0;
}

/* The first certificate of the client's own Certificate message. */
static int read_certificate(const struct transcript_message *m, struct transcript *t)
{
	/* TLS 1.3 has a context in front, empty in a handshake's own */
	size_t at = HEADER_BYTES + (t->tls13 ? 1 : 0);
	if (m->size < at + 6 || (t->tls13 && m->data[HEADER_BYTES] != 0) || big24(m->data + at) != m->size - at - 3)
		return -EBADMSG;
	at += 3;
	t->certificate_size = big24(m->data + at);
	t->certificate = m->data + at + 3;
	return t->certificate_size > 0 && t->certificate_size <= m->size - at - 3 ? 0 : -EBADMSG;
}

/* Both hellos of each side, where there are two. The number of messages read, or -EBADMSG. */
static int read_hellos(struct transcript *t)
{
	char again[HOST_MAX_BYTES + 1];
	bool retry;
	if (t->count < 2 || read_host(&t->messages[0], t->host) || read_server_hello(&t->messages[1], t, &t->retried))
		return -EBADMSG;
	if (!t->retried)
		return 2;
	if (t->count < 4 || read_host(&t->messages[2], again) || strcmp(again, t->host) != 0 ||
	    read_server_hello(&t->messages[3], t, &retry) || retry || !t->tls13)
		return -EBADMSG;
	return 4;
}

int transcript_read(const uint8_t *bytes, size_t size, struct transcript *t)
{
	*t = (struct transcript){0};
	if (size > TRANSCRIPT_MAX_BYTES || split(bytes, size, t))
		return -EBADMSG;
	const int hellos = read_hellos(t);
	if (hellos < 0)
		return hellos;
	const uint8_t *order = t->tls13 ? order13 : order12;
	const size_t wanted = t->tls13 ? sizeof order13 : sizeof order12;
	const struct transcript_message *own = NULL;
	size_t nth = 0;
	for (size_t i = (size_t)hellos; i < t->count; i++) {
		const struct transcript_message *m = &t->messages[i];
		if (!t->tls13 && m->type == CERTIFICATE_STATUS && nth == 1 && t->messages[i - 1].type == CERTIFICATE)
			continue;
		if (nth == wanted || m->type != order[nth])
			return -EBADMSG;
		if (m->type == CERTIFICATE)
			own = m; /* the last one is the client's */
		nth++;
	}
	return nth == wanted && own ? read_certificate(own, t) : -EBADMSG;
}

/* --- what is signed --- */

static int hash_messages(const struct transcript *t, mbedtls_md_context_t *md, uint8_t *hash)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(t->hash);
	size_t from = 0;
	int error = mbedtls_md_setup(md, info, 0);
	if (!error)
		error = mbedtls_md_starts(md);
	if (!error && t->retried) {
		/* the first ClientHello is stood in for by its hash (RFC 8446 section 4.4.1) */
		uint8_t first[HEADER_BYTES + 48] = {MESSAGE_HASH, 0, 0, mbedtls_md_get_size(info)};
		error = mbedtls_md(info, t->messages[0].data, t->messages[0].size, first + HEADER_BYTES);
		if (!error)
			error = mbedtls_md_update(md, first, HEADER_BYTES + (size_t)mbedtls_md_get_size(info));
		from = 1;
	}
	for (size_t i = from; i < t->count && !error; i++)
		error = mbedtls_md_update(md, t->messages[i].data, t->messages[i].size);
	if (!error)
		error = mbedtls_md_finish(md, hash);
	return error ? -EIO : 0;
}

static const struct {
	uint16_t scheme;
	bool tls13;
	mbedtls_md_type_t hash;
	mbedtls_pk_type_t kind;
} schemes[] = {
    {0x0403, true, MBEDTLS_MD_SHA256, MBEDTLS_PK_ECDSA},      {0x0503, true, MBEDTLS_MD_SHA384, MBEDTLS_PK_ECDSA},
    {0x0804, true, MBEDTLS_MD_SHA256, MBEDTLS_PK_RSASSA_PSS}, {0x0805, true, MBEDTLS_MD_SHA384, MBEDTLS_PK_RSASSA_PSS},
    {0x0806, true, MBEDTLS_MD_SHA512, MBEDTLS_PK_RSASSA_PSS}, {0x0403, false, MBEDTLS_MD_SHA256, MBEDTLS_PK_ECDSA},
    {0x0503, false, MBEDTLS_MD_SHA384, MBEDTLS_PK_ECDSA},     {0x0401, false, MBEDTLS_MD_SHA256, MBEDTLS_PK_RSA},
    {0x0501, false, MBEDTLS_MD_SHA384, MBEDTLS_PK_RSA},
};

/* TLS 1.3 signs a text of its own around the hash; TLS 1.2 the messages themselves, hashed as the suite does. */
static int digest13(const uint8_t *hash, size_t hash_size, struct transcript_digest *digest)
{
	uint8_t content[TRANSCRIPT_CONTENT_BYTES];
	memset(content, ' ', 64);
	memcpy(content + 64, TRANSCRIPT_CONTEXT, sizeof TRANSCRIPT_CONTEXT);
	memcpy(content + 64 + sizeof TRANSCRIPT_CONTEXT, hash, hash_size);
	return mbedtls_md(mbedtls_md_info_from_type(digest->hash), content, 64 + sizeof TRANSCRIPT_CONTEXT + hash_size,
			  digest->bytes)
		   ? -EIO
		   : 0;
}

int transcript_digest(const struct transcript *t, uint16_t scheme, struct transcript_digest *digest)
{
	uint8_t hash[MBEDTLS_MD_MAX_SIZE];
	mbedtls_md_context_t md;
	*digest = (struct transcript_digest){0};
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (schemes[i].scheme == scheme && schemes[i].tls13 == t->tls13) {
			digest->hash = schemes[i].hash;
			digest->kind = schemes[i].kind;
		}
	if (digest->hash == MBEDTLS_MD_NONE || (!t->tls13 && digest->hash != t->hash))
		return -EINVAL;
	mbedtls_md_init(&md);
	int error = hash_messages(t, &md, hash);
	mbedtls_md_free(&md);
	const size_t hash_size = mbedtls_md_get_size(mbedtls_md_info_from_type(t->hash));
	digest->size = mbedtls_md_get_size(mbedtls_md_info_from_type(digest->hash));
	if (!error && t->tls13)
		error = digest13(hash, hash_size, digest);
	else if (!error)
		memcpy(digest->bytes, hash, hash_size);
	return error;
}
