#include "launcher/broker_client.h"

#include <errno.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/msg.h"
#include "launcher/broker_tls.h"
#include "launcher/keyholder_clients.h"
#include "launcher/keyholder_transcript.h"
#include "launcher/messages.h"
#include "whitelist/names.h"
#include "whitelist/whitelist.h"

enum { RECORD_HEADER = 5, RECORD_HANDSHAKE = 22, MESSAGE_HEADER = 4 };
enum { FIRST_SECRET = 8 /* EncryptedExtensions */, CERTIFICATE_REQUEST = 13, SERVER_HELLO_DONE = 14 };

/* One direction's records, taken apart as they come. */
struct deframer {
	uint8_t header[RECORD_HEADER];
	size_t have, left;
};

struct client_record {
	bool named; /* the host may have the certificate; else it is only seen whether it asks */
	struct buf messages;
	struct deframer ways[2];
	struct {
		uint8_t header[MESSAGE_HEADER];
		size_t have, left;
		bool asked, over;
	} seen;
};

static struct {
	int channel;
	bool known;
	mbedtls_x509_crt chain;
	char hosts[CLIENT_HOSTS_MAX][WHITELIST_HOST_BYTES];
	size_t host_count;
	struct tls_end *turn;
	uint32_t questions;
} client = {.channel = -1};

/* --- what the key holder has --- */

static int read_offer(const struct msg *m)
{
	struct reader r = reader_over(m->payload, m->size);
	size_t count = read_u8(&r);
	for (size_t i = 0; i < count; i++) {
		size_t size;
		const uint8_t *der = read_blob(&r, &size);
		if (i >= CLIENT_CHAIN_MAX || !der || mbedtls_x509_crt_parse_der(&client.chain, der, size))
			return -EBADMSG;
	}
	size_t hosts = read_u8(&r);
	for (size_t i = 0; i < hosts && i < CLIENT_HOSTS_MAX; i++)
		read_str(&r, client.hosts[client.host_count++], WHITELIST_HOST_BYTES);
	return reader_done(&r) && count > 0 && hosts <= CLIENT_HOSTS_MAX ? 0 : -EBADMSG;
}

void client_use(int channel)
{
	struct msg m = {0};
	mbedtls_x509_crt_init(&client.chain);
	client.channel = channel;
	int got = msg_wait(channel, &m, CLIENT_WAIT_MS);
	client.known = got == 1 && m.type == MSG_CLIENT_CERTIFICATE && read_offer(&m) == 0;
	if (!client.known)
		log_warn("the key holder has no certificate for this session");
	msg_free(&m);
}

/* --- a connection --- */

void client_offer(struct tls_end *end)
{
	bool named = false;
	for (size_t i = 0; client.known && i < client.host_count; i++)
		named |= name_matches(client.hosts[i], end->host->name);
	if (!client.known)
		return;
	end->client = calloc(1, sizeof *end->client);
	if (!end->client || !named)
		return;
	end->client->named = true;
	/* the public key stands where the private one is looked for; see the wraps below */
	if (mbedtls_ssl_conf_own_cert(&end->config, &client.chain, &client.chain.pk) != 0)
		log_warn("the customer's certificate cannot be offered");
}

void client_turn(struct tls_end *end) { client.turn = end; }

void client_record_free(struct client_record *record)
{
	if (!record)
		return;
	buf_free(&record->messages);
	free(record);
}

static void keep(struct client_record *record, const void *data, size_t size)
{
	/* One that grows too large is signed by nobody. */
	(void)buf_append(&record->messages, data, size, TRANSCRIPT_MAX_BYTES);
}

/* Of a host that is to have none: whether it asks, up to ServerHelloDone; what is encrypted behind that is no message.
 */
static void see(struct client_record *record, const uint8_t *data, size_t size)
{
	while (size > 0 && !record->seen.over) {
		const size_t take = size < record->seen.left ? size : record->seen.left;
		record->seen.left -= take;
		data += take;
		size -= take;
		if (size == 0)
			return;
		record->seen.header[record->seen.have++] = *data++;
		size--;
		if (record->seen.have < MESSAGE_HEADER)
			continue;
		const uint8_t *header = record->seen.header;
		record->seen.have = 0;
		record->seen.left = (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
		record->seen.asked |= header[0] == CERTIFICATE_REQUEST;
		record->seen.over = header[0] == SERVER_HELLO_DONE;
	}
}

bool client_asked_in_vain(const struct tls_end *end)
{
	return end->client && !end->client->named && end->client->seen.asked;
}

static void take_some(struct client_record *record, struct deframer *way, const uint8_t **data, size_t *size)
{
	if (way->left == 0) {
		const size_t wanted = RECORD_HEADER - way->have, take = *size < wanted ? *size : wanted;
		memcpy(way->header + way->have, *data, take);
		way->have += take;
		*data += take;
		*size -= take;
		if (way->have < RECORD_HEADER)
			return;
		way->have = 0;
		way->left = (size_t)way->header[3] << 8 | way->header[4];
		return;
	}
	const size_t take = *size < way->left ? *size : way->left;
	if (way->header[0] == RECORD_HANDSHAKE && record->named)
		keep(record, *data, take);
	else if (way->header[0] == RECORD_HANDSHAKE && way == &record->ways[0])
		see(record, *data, take);
	way->left -= take;
	*data += take;
	*size -= take;
}

void client_passed(struct tls_end *end, int outgoing, const uint8_t *data, size_t size)
{
	while (end->client && size > 0)
		take_some(end->client, &end->client->ways[outgoing != 0], &data, &size);
}

/* --- signing --- */

static int ask(const struct client_record *record, uint16_t scheme, unsigned char *signature, size_t capacity,
	       size_t *size)
{
	const size_t payload_max = record->messages.size + 16;
	uint8_t *payload = malloc(payload_max);
	if (!payload)
		return -ENOMEM;
	struct msg m = {0};
	struct writer w = writer_over(payload, payload_max);
	write_u16(&w, scheme);
	write_blob(&w, record->messages.data, record->messages.size);
	const uint32_t id = ++client.questions;
	int got = w.failed ? -EMSGSIZE : msg_send(client.channel, MSG_CLIENT_SIGN, id, payload, w.size);
	free(payload);
	do /* an answer that came after its time is passed over */
		got = got < 0 ? got : msg_wait(client.channel, &m, CLIENT_WAIT_MS);
	while (got == 1 && m.type == MSG_CLIENT_SIGNATURE && m.id != id);
	struct reader r = reader_over(m.payload, got == 1 ? m.size : 0);
	const uint8_t *bytes = got == 1 && m.type == MSG_CLIENT_SIGNATURE ? read_blob(&r, size) : NULL;
	int error = bytes && reader_done(&r) && *size > 0 && *size <= capacity ? 0 : -EACCES;
	if (!error)
		memcpy(signature, bytes, *size);
	msg_free(&m);
	return error;
}

/* SignatureScheme (RFC 8446 section 4.2.3) of what mbedTLS asks for; 0: there is none. */
static uint16_t scheme_of(mbedtls_pk_type_t kind, mbedtls_md_type_t hash)
{
	const uint16_t size = hash == MBEDTLS_MD_SHA256 ? 4 : hash == MBEDTLS_MD_SHA384 ? 5 : 6;
	if (hash != MBEDTLS_MD_SHA256 && hash != MBEDTLS_MD_SHA384 && hash != MBEDTLS_MD_SHA512)
		return 0;
	if (kind == MBEDTLS_PK_RSASSA_PSS)
		return (uint16_t)(0x0800 | size);
	return (uint16_t)(size << 8 | (kind == MBEDTLS_PK_RSA ? 1 : 3));
}

static bool is_ours(const mbedtls_pk_context *key) { return client.known && key == &client.chain.pk; }

static int sign(mbedtls_pk_type_t kind, mbedtls_md_type_t hash, unsigned char *signature, size_t capacity, size_t *size)
{
	const struct tls_end *end = client.turn;
	const uint16_t scheme = scheme_of(kind, hash);
	if (!end || !end->client || scheme == 0 || ask(end->client, scheme, signature, capacity, size))
		return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
	return 0;
}

/* mbedTLS' own names, which the linker leads here and the rest of the program to them: mbedtls/pk.h. */
int __real_mbedtls_pk_sign_ext(mbedtls_pk_type_t type, mbedtls_pk_context *key, mbedtls_md_type_t hash,
			       const unsigned char *digest, size_t digest_size, unsigned char *signature,
			       size_t capacity, size_t *size, int (*random)(void *, unsigned char *, size_t),
			       void *random_context);
int __wrap_mbedtls_pk_sign_ext(mbedtls_pk_type_t type, mbedtls_pk_context *key, mbedtls_md_type_t hash,
			       const unsigned char *digest, size_t digest_size, unsigned char *signature,
			       size_t capacity, size_t *size, int (*random)(void *, unsigned char *, size_t),
			       void *random_context);
int __real_mbedtls_pk_sign_restartable(mbedtls_pk_context *key, mbedtls_md_type_t hash, const unsigned char *digest,
				       size_t digest_size, unsigned char *signature, size_t capacity, size_t *size,
				       int (*random)(void *, unsigned char *, size_t), void *random_context,
				       mbedtls_pk_restart_ctx *restart);
int __wrap_mbedtls_pk_sign_restartable(mbedtls_pk_context *key, mbedtls_md_type_t hash, const unsigned char *digest,
				       size_t digest_size, unsigned char *signature, size_t capacity, size_t *size,
				       int (*random)(void *, unsigned char *, size_t), void *random_context,
				       mbedtls_pk_restart_ctx *restart);
int __real_mbedtls_ssl_add_hs_msg_to_checksum(mbedtls_ssl_context *ssl, unsigned type, const unsigned char *message,
					      size_t size);
int __wrap_mbedtls_ssl_add_hs_msg_to_checksum(mbedtls_ssl_context *ssl, unsigned type, const unsigned char *message,
					      size_t size);

/* TLS 1.3 */
int __wrap_mbedtls_pk_sign_ext(mbedtls_pk_type_t type, mbedtls_pk_context *key, mbedtls_md_type_t hash,
			       const unsigned char *digest, size_t digest_size, unsigned char *signature,
			       size_t capacity, size_t *size, int (*random)(void *, unsigned char *, size_t),
			       void *random_context)
{
	/* PSA writes over all the room behind a signature: a record's buffer, four pages of each connection */
	const size_t room = capacity < MBEDTLS_PK_SIGNATURE_MAX_SIZE ? capacity : MBEDTLS_PK_SIGNATURE_MAX_SIZE;
	return is_ours(key) ? sign(type, hash, signature, capacity, size)
			    : __real_mbedtls_pk_sign_ext(type, key, hash, digest, digest_size, signature, room, size,
							 random, random_context);
}

/* TLS 1.2 */
int __wrap_mbedtls_pk_sign_restartable(mbedtls_pk_context *key, mbedtls_md_type_t hash, const unsigned char *digest,
				       size_t digest_size, unsigned char *signature, size_t capacity, size_t *size,
				       int (*random)(void *, unsigned char *, size_t), void *random_context,
				       mbedtls_pk_restart_ctx *restart)
{
	if (!is_ours(key))
		return __real_mbedtls_pk_sign_restartable(key, hash, digest, digest_size, signature, capacity, size,
							  random, random_context, restart);
	return sign(mbedtls_pk_can_do(key, MBEDTLS_PK_RSA) ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECDSA, hash, signature,
		    capacity, size);
}

/* The messages of TLS 1.3 that no socket shows in the clear. */
int __wrap_mbedtls_ssl_add_hs_msg_to_checksum(mbedtls_ssl_context *ssl, unsigned type, const unsigned char *message,
					      size_t size)
{
	struct tls_end *end = client.turn;
	if (client.known && end && &end->ssl == ssl && end->client && !end->client->named)
		end->client->seen.asked |= type == CERTIFICATE_REQUEST;
	else if (client.known && end && &end->ssl == ssl && end->client && type >= FIRST_SECRET) {
		const uint8_t header[] = {(uint8_t)type, (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
		keep(end->client, header, sizeof header);
		keep(end->client, message, size);
	}
	return __real_mbedtls_ssl_add_hs_msg_to_checksum(ssl, type, message, size);
}
