#include "launcher/broker_hello.h"

#include <string.h>

enum {
	RECORD_HEADER = 5,
	RECORD_HANDSHAKE = 22,
	MESSAGE_HEADER = 4,
	MESSAGE_CLIENT_HELLO = 1,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43,
	EXTENSIONS_MAX = 64,
	NAME_TYPE_HOST = 0,
	TLS_1_2 = 0x0303,
	TLS_1_3 = 0x0304,
};

/* A run of bytes that is only ever cut from the front; a cut too long marks it bad and gives nothing. */
struct span {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static struct span cut(struct span *s, size_t size)
{
	if (s->bad || size > s->left) {
		s->bad = true;
		return (struct span){.bad = true};
	}
	struct span piece = {.at = s->at, .left = size};
	s->at += size;
	s->left -= size;
	return piece;
}

static unsigned integer(struct span *s, size_t bytes)
{
	struct span piece = cut(s, bytes);
	unsigned value = 0;
	for (size_t i = 0; i < piece.left; i++)
		value = value << 8 | piece.at[i];
	return value;
}

/* A vector behind its own length. */
static struct span vector(struct span *s, size_t length_bytes) { return cut(s, integer(s, length_bytes)); }

static enum hello_result read_host(struct span name, struct hello *hello)
{
	switch (host_read(name.at, name.left, hello->host)) {
	case HOST_NAME:
		return HELLO_OK;
	case HOST_ADDRESS:
		return HELLO_ADDRESS;
	default:
		return HELLO_BAD_NAME;
	}
}

/* RFC 6066 section 3 allows one name of each type, and host_name is the only type there is. */
static enum hello_result read_server_name(struct span body, struct hello *hello)
{
	struct span list = vector(&body, 2);
	if (list.bad || body.left > 0)
		return HELLO_MALFORMED;
	unsigned type = integer(&list, 1);
	struct span name = vector(&list, 2);
	if (name.bad)
		return HELLO_MALFORMED;
	if (list.left > 0 || type != NAME_TYPE_HOST)
		return HELLO_SEVERAL_NAMES;
	return read_host(name, hello);
}

/* RFC 7301 section 3.1. mbedTLS takes protocol names as C strings, so a NUL inside cannot be offered on. */
static enum hello_result read_protocols(struct span body, struct hello *hello)
{
	struct span list = vector(&body, 2);
	if (list.bad || body.left > 0 || list.left == 0)
		return HELLO_MALFORMED;
	while (list.left > 0) {
		struct span name = vector(&list, 1);
		if (name.bad)
			return HELLO_MALFORMED;
		if (name.left == 0 || name.left > HELLO_PROTOCOL_MAX || memchr(name.at, '\0', name.left) ||
		    hello->protocol_count == HELLO_PROTOCOLS_MAX)
			return HELLO_BAD_PROTOCOLS;
		char *out = hello->protocols[hello->protocol_count++];
		memcpy(out, name.at, name.left);
		out[name.left] = '\0';
	}
	return HELLO_OK;
}

static void note_version(struct hello *hello, unsigned version)
{
	hello->tls12 |= version == TLS_1_2;
	hello->tls13 |= version == TLS_1_3;
}

/* RFC 8446 section 4.2.1: where the extension is there, it alone counts. */
static enum hello_result read_versions(struct span body, struct hello *hello)
{
	struct span list = vector(&body, 1);
	if (list.bad || body.left > 0 || list.left == 0 || list.left % 2 != 0)
		return HELLO_MALFORMED;
	hello->tls12 = false;
	while (list.left > 0)
		note_version(hello, integer(&list, 2));
	return HELLO_OK;
}

static enum hello_result read_extension(unsigned type, struct span body, struct hello *hello)
{
	switch (type) {
	case EXTENSION_SERVER_NAME:
		return read_server_name(body, hello);
	case EXTENSION_ALPN:
		return read_protocols(body, hello);
	case EXTENSION_VERSIONS:
		return read_versions(body, hello);
	default:
		return HELLO_OK;
	}
}

static bool seen_before(const unsigned *types, size_t count, unsigned type)
{
	for (size_t i = 0; i < count; i++)
		if (types[i] == type)
			return true;
	return false;
}

static enum hello_result read_extensions(struct span list, struct hello *hello)
{
	unsigned types[EXTENSIONS_MAX];
	size_t count = 0;
	while (list.left > 0) {
		unsigned type = integer(&list, 2);
		struct span body = vector(&list, 2);
		if (body.bad || count == EXTENSIONS_MAX || seen_before(types, count, type))
			return HELLO_MALFORMED;
		types[count++] = type;
		enum hello_result result = read_extension(type, body, hello);
		if (result != HELLO_OK)
			return result;
	}
	return seen_before(types, count, EXTENSION_SERVER_NAME) ? HELLO_OK : HELLO_NO_NAME;
}

static enum hello_result read_body(struct span body, struct hello *hello)
{
	note_version(hello, integer(&body, 2));
	cut(&body, 32); /* random */
	struct span session = vector(&body, 1);
	struct span suites = vector(&body, 2);
	struct span compressions = vector(&body, 1);
	if (body.bad || session.left > 32 || suites.left < 2 || suites.left % 2 != 0 || compressions.left == 0)
		return HELLO_MALFORMED;
	if (body.left == 0)
		return HELLO_NO_NAME;
	struct span extensions = vector(&body, 2);
	if (extensions.bad || body.left > 0)
		return HELLO_MALFORMED;
	enum hello_result result = read_extensions(extensions, hello);
	if (result == HELLO_OK && !hello->tls12 && !hello->tls13)
		return HELLO_OLD;
	return result;
}

static enum hello_result check_start(const uint8_t *data, size_t size)
{
	if (size >= 3 && (data[0] & 0x80) && data[2] == MESSAGE_CLIENT_HELLO)
		return HELLO_SSL2;
	if (size >= 1 && data[0] != RECORD_HANDSHAKE)
		return data[0] & 0x80 && size < 3 ? HELLO_MORE : HELLO_NOT_TLS;
	return size >= 2 && data[1] != 3 ? HELLO_NOT_TLS : HELLO_OK;
}

/* The message's size with its header, as far as its first four bytes are there; 0 before that. */
static size_t message_size(const uint8_t *message, size_t have)
{
	if (have < MESSAGE_HEADER)
		return 0;
	return MESSAGE_HEADER + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
}

/* Put the fragments of whole records together. `message` has room for HELLO_MESSAGE_MAX_BYTES. */
static enum hello_result join_records(struct span input, uint8_t *message, size_t *size)
{
	size_t have = 0;
	for (int records = 0; records < HELLO_RECORDS_MAX; records++) {
		if (input.left < RECORD_HEADER)
			return HELLO_MORE;
		unsigned type = integer(&input, 1), major = integer(&input, 1);
		(void)integer(&input, 1); /* minor: RFC 8446 section 5.1 says to ignore it */
		size_t length = integer(&input, 2);
		if (type != RECORD_HANDSHAKE || major != 3 || length == 0)
			return HELLO_MALFORMED;
		if (length > HELLO_MESSAGE_MAX_BYTES - have)
			return HELLO_TOO_LARGE;
		size_t got = length < input.left ? length : input.left;
		memcpy(message + have, input.at, got);
		if (have + got > 0 && message[0] != MESSAGE_CLIENT_HELLO)
			return HELLO_MALFORMED;
		size_t wanted = message_size(message, have + got);
		if (wanted > HELLO_MESSAGE_MAX_BYTES)
			return HELLO_TOO_LARGE;
		if (wanted > 0 && have + length > wanted)
			return HELLO_MALFORMED;
		if (got < length)
			return HELLO_MORE;
		cut(&input, length);
		have += length;
		if (have == wanted) {
			*size = have;
			return HELLO_OK;
		}
	}
	return HELLO_TOO_LARGE;
}

enum hello_result hello_parse(const uint8_t *data, size_t size, struct hello *hello)
{
	uint8_t message[HELLO_MESSAGE_MAX_BYTES];
	size_t message_bytes = 0;
	struct hello read = {0};

	*hello = read;
	enum hello_result result = check_start(data, size);
	if (result == HELLO_OK)
		result = join_records((struct span){.at = data, .left = size}, message, &message_bytes);
	if (result == HELLO_OK)
		result = read_body(
		    (struct span){.at = message + MESSAGE_HEADER, .left = message_bytes - MESSAGE_HEADER}, &read);
	if (result == HELLO_OK)
		*hello = read;
	return result;
}

const char *hello_text(enum hello_result result)
{
	static const char *const texts[HELLO_RESULT_COUNT] = {
	    [HELLO_OK] = "good",
	    [HELLO_MORE] = "cut short",
	    [HELLO_NOT_TLS] = "not TLS",
	    [HELLO_SSL2] = "an SSL 2.0 hello",
	    [HELLO_TOO_LARGE] = "a ClientHello too large to be a browser's",
	    [HELLO_MALFORMED] = "a malformed ClientHello",
	    [HELLO_OLD] = "neither TLS 1.2 nor TLS 1.3 offered",
	    [HELLO_NO_NAME] = "no server name in the ClientHello",
	    [HELLO_SEVERAL_NAMES] = "several server names in one ClientHello",
	    [HELLO_BAD_NAME] = "a server name that is not a host name",
	    [HELLO_ADDRESS] = "an IP address for a server name",
	    [HELLO_BAD_PROTOCOLS] = "an ALPN list that cannot be offered on",
	};
	return (unsigned)result < HELLO_RESULT_COUNT ? texts[result] : "unknown";
}
