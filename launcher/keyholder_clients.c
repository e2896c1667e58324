#include "launcher/keyholder_clients.h"

#include <errno.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/pkcs11uri.h"
#include "launcher/keyholder_token.h"
#include "launcher/keyholder_transcript.h"
#include "launcher/messages.h"
#include "whitelist/names.h"
#include "whitelist/whitelist.h"

enum { RSA_LEAST_BITS = 2048, RSA_MOST_BITS = 4096, CHILD_FD = 3 };

struct client {
	char bank[WHITELIST_ID_BYTES]; /* "" free */
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;      /* or: */
	char token[TOKEN_URI_BYTES]; /* where the key is, "" here */
};

struct client_session {
	uint32_t id; /* 0: free */
	const struct client *client;
	struct channel channel;
	char hosts[CLIENT_HOSTS_MAX][WHITELIST_HOST_BYTES];
	size_t host_count;
};

static struct client clients[CLIENTS_MAX];
static struct client_session sessions[CLIENT_SESSIONS_MAX];

/* --- certificates --- */

static bool key_is_good(const mbedtls_pk_context *key)
{
	const size_t bits = mbedtls_pk_get_bitlen(key);
	if (mbedtls_pk_can_do(key, MBEDTLS_PK_RSA))
		return bits >= RSA_LEAST_BITS && bits <= RSA_MOST_BITS;
	return mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA) && (bits == 256 || bits == 384);
}

/* A key in a token: whether it is the certificate's is seen by what it signs. */
static const char *load_token(struct client *client, const char *uri)
{
	struct pkcs11_uri parts;
	const char *wrong;
	size_t wrong_size;
	if (strlen(uri) >= sizeof client->token || pkcs11_uri_read(uri, &parts, &wrong, &wrong_size) != PKCS11_GOOD)
		return "its key's name in the token cannot be read (pkcs11:token=NAME;object=NAME)";
	if (!key_is_good(&client->chain.pk))
		return "its key is neither RSA of 2048 to 4096 bits nor P-256 nor P-384";
	memcpy(client->token, uri, strlen(uri) + 1);
	return NULL;
}

/* What is wrong with it, NULL nothing. */
static const char *load(struct client *client, const uint8_t *chain, size_t chain_size, const uint8_t *key,
			size_t key_size)
{
	size_t count = 0;
	/* each text's NUL is the next field's size or the payload's own end: parsed from copies that have one */
	if (mbedtls_x509_crt_parse(&client->chain, chain, chain_size) != 0)
		return "its certificate cannot be read";
	for (const mbedtls_x509_crt *c = &client->chain; c; c = c->next)
		count++;
	if (count > CLIENT_CHAIN_MAX)
		return "its chain is longer than four certificates";
	if (pkcs11_is_uri((const char *)key))
		return load_token(client, (const char *)key);
	if (mbedtls_pk_parse_key(&client->key, key, key_size, NULL, 0, mbedtls_psa_get_random,
				 MBEDTLS_PSA_RANDOM_STATE) != 0)
		return "its key cannot be read";
	if (!key_is_good(&client->key))
		return "its key is neither RSA of 2048 to 4096 bits nor P-256 nor P-384";
	if (mbedtls_pk_check_pair(&client->chain.pk, &client->key, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE))
		return "its key is another certificate's";
	return NULL;
}

static const struct client *find_client(const char *bank)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].bank[0] && strcmp(clients[i].bank, bank) == 0)
			return &clients[i];
	return NULL;
}

/* The common name as it is written there, Japanese too; without one the whole subject, in ASCII. */
static void name_of(const mbedtls_x509_crt *certificate, char *name, size_t capacity)
{
	for (const mbedtls_x509_name *part = &certificate->subject; part; part = part->next) {
		const mbedtls_asn1_buf *value = &part->val;
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) != 0 || value->len == 0 || value->len >= capacity ||
		    (value->tag != MBEDTLS_ASN1_UTF8_STRING && value->tag != MBEDTLS_ASN1_PRINTABLE_STRING))
			continue;
		for (size_t i = 0; i < value->len; i++)
			name[i] = (char)(value->p[i] < ' ' || value->p[i] == 0x7f ? '?' : value->p[i]);
		name[value->len] = '\0';
		return;
	}
	if (mbedtls_x509_dn_gets(name, capacity, &certificate->subject) < 0)
		name[0] = '\0';
}

/* To the launcher, for the screen: whose it is. */
static int tell_launcher(const struct client *client)
{
	uint8_t payload[512];
	char name[CLIENT_NAME_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	name_of(&client->chain, name, sizeof name);
	write_str(&w, client->bank);
	write_str(&w, name[0] ? name : client->bank);
	return w.failed ? -EMSGSIZE : msg_send(CHILD_FD, MSG_KEY_CLIENT_KNOWN, 0, payload, w.size);
}

int clients_take(struct msg *m)
{
	char bank[WHITELIST_ID_BYTES];
	size_t chain_size, key_size;
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, bank, sizeof bank);
	const uint8_t *chain = read_blob(&r, &chain_size), *key = read_blob(&r, &key_size);
	if (!reader_done(&r) || !bank[0] || chain_size == 0 || key_size == 0 || chain[chain_size - 1] != '\0' ||
	    key[key_size - 1] != '\0')
		return -EBADMSG;
	struct client *client = NULL;
	for (size_t i = 0; i < CLIENTS_MAX && !client; i++)
		client = clients[i].bank[0] ? NULL : &clients[i];
	if (!client || find_client(bank)) {
		log_error("the certificate for %s is passed over: there are too many, or two for one bank", bank);
		return 0;
	}
	mbedtls_x509_crt_init(&client->chain);
	mbedtls_pk_init(&client->key);
	client->token[0] = '\0';
	const char *wrong = load(client, chain, chain_size, key, key_size);
	if (!wrong) {
		memcpy(client->bank, bank, sizeof bank);
		return tell_launcher(client);
	}
	log_error("the certificate for %s is passed over: %s; put a good one into the device record", bank, wrong);
	mbedtls_x509_crt_free(&client->chain);
	mbedtls_pk_free(&client->key);
	return 0;
}

int clients_token(struct msg *m)
{
	int channel = msg_take_fd(m, 0);
	if (channel < 0)
		return -EBADMSG;
	token_use(channel);
	return 0;
}

/* --- sessions --- */

static void end_session(struct client_session *session)
{
	channel_unwatch(&session->channel);
	close(session->channel.fd);
	session->id = 0;
}

static void on_ended(int error, void *context)
{
	(void)error;
	end_session(context);
}

static bool is_named(const struct client_session *session, const char *host)
{
	for (size_t i = 0; i < session->host_count; i++)
		if (name_matches(session->hosts[i], host))
			return true;
	return false;
}

/* What is wrong with the token and only seen here the launcher is told, for the customer. */
static size_t sign_in_token(const struct client_session *session, uint16_t scheme,
			    const struct transcript_digest *digest, uint8_t signature[CLIENT_SIGNATURE_MAX])
{
	const struct client *client = session->client;
	enum token_state state;
	size_t size =
	    token_sign(client->token, scheme, digest, &client->chain.pk, signature, CLIENT_SIGNATURE_MAX, &state);
	const uint8_t payload[] = {(uint8_t)state};
	if (state != TOKEN_OPEN)
		(void)msg_send(CHILD_FD, MSG_KEY_TOKEN_STATE, session->id, payload, sizeof payload);
	return size;
}

/* The signature's size, 0: refused. */
static size_t sign(struct client_session *session, uint16_t scheme, const uint8_t *messages, size_t size,
		   uint8_t signature[CLIENT_SIGNATURE_MAX])
{
	struct transcript transcript;
	struct transcript_digest digest;
	const struct client *client = session->client;
	size_t signature_size = 0;
	if (transcript_read(messages, size, &transcript) || transcript_digest(&transcript, scheme, &digest)) {
		log_error("session %u asked for a signature over what is no handshake: refused", session->id);
		return 0;
	}
	if (!is_named(session, transcript.host)) {
		log_error("session %u asked for a signature for %s, which the policy does not name: refused",
			  session->id, transcript.host);
		return 0;
	}
	if (transcript.certificate_size != client->chain.raw.len ||
	    memcmp(transcript.certificate, client->chain.raw.p, client->chain.raw.len) != 0) {
		log_error("session %u asked for a signature with another certificate: refused", session->id);
		return 0;
	}
	if (client->token[0])
		return sign_in_token(session, scheme, &digest, signature);
	int error = mbedtls_pk_sign_ext(digest.kind, (mbedtls_pk_context *)&client->key, digest.hash, digest.bytes,
					digest.size, signature, CLIENT_SIGNATURE_MAX, &signature_size,
					mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	return error ? 0 : signature_size;
}

static int take_question(struct msg *m, void *context)
{
	struct client_session *session = context;
	uint8_t signature[CLIENT_SIGNATURE_MAX], payload[CLIENT_SIGNATURE_MAX + 8];
	size_t size;
	struct reader r = reader_over(m->payload, m->size);
	uint16_t scheme = read_u16(&r);
	const uint8_t *messages = read_blob(&r, &size);
	if (!reader_done(&r))
		return -EBADMSG;
	size = sign(session, scheme, messages, size, signature);
	struct writer w = writer_over(payload, sizeof payload);
	write_blob(&w, signature, size);
	return msg_send(session->channel.fd, MSG_CLIENT_SIGNATURE, m->id, payload, w.size);
}

static const struct channel_row questions[] = {{MSG_CLIENT_SIGN, 6, CHANNEL_ANY_BYTES, take_question}};

/* What the broker offers: the chain, and to whom. */
static int tell_broker(const struct client_session *session)
{
	static uint8_t payload[MSG_PAYLOAD_MAX_BYTES];
	struct writer w = writer_over(payload, sizeof payload);
	uint8_t count = 0;
	for (const mbedtls_x509_crt *c = &session->client->chain; c; c = c->next)
		count++;
	write_u8(&w, count);
	for (const mbedtls_x509_crt *c = &session->client->chain; c; c = c->next)
		write_blob(&w, c->raw.p, c->raw.len);
	write_u8(&w, (uint8_t)session->host_count);
	for (size_t i = 0; i < session->host_count; i++)
		write_str(&w, session->hosts[i]);
	return w.failed ? -EMSGSIZE
			: msg_send(session->channel.fd, MSG_CLIENT_CERTIFICATE, session->id, payload, w.size);
}

static int read_session(struct client_session *session, const struct msg *m, char bank[WHITELIST_ID_BYTES])
{
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, bank, WHITELIST_ID_BYTES);
	size_t count = read_u8(&r);
	for (size_t i = 0; i < count && i < CLIENT_HOSTS_MAX; i++)
		read_str(&r, session->hosts[session->host_count++], WHITELIST_HOST_BYTES);
	return reader_done(&r) && m->id != 0 && count <= CLIENT_HOSTS_MAX ? 0 : -EBADMSG;
}

/* A session that cannot begin is a channel that closes: the broker then offers no certificate. */
int clients_begin(struct loop *loop, struct msg *m)
{
	char bank[WHITELIST_ID_BYTES];
	struct client_session *session = NULL;
	int fd = msg_take_fd(m, 0);
	for (size_t i = 0; i < CLIENT_SESSIONS_MAX && !session; i++)
		session = sessions[i].id ? NULL : &sessions[i];
	if (fd < 0 || !session) {
		if (fd >= 0)
			close(fd);
		return fd < 0 ? -EBADMSG : 0;
	}
	*session = (struct client_session){.channel = CHANNEL("a broker", questions)};
	int error = read_session(session, m, bank);
	session->client = error ? NULL : find_client(bank);
	session->channel.ended = on_ended;
	if (error || !session->client || channel_watch(loop, fd, &session->channel, session)) {
		close(fd);
		return error;
	}
	session->id = m->id;
	if (tell_broker(session))
		end_session(session);
	return 0;
}

int clients_end(const struct msg *m)
{
	for (size_t i = 0; i < CLIENT_SESSIONS_MAX; i++)
		if (m->id != 0 && sessions[i].id == m->id)
			end_session(&sessions[i]);
	return m->size == 0 ? 0 : -EBADMSG;
}

void clients_free(void)
{
	token_use(-1);
	for (size_t i = 0; i < CLIENT_SESSIONS_MAX; i++)
		if (sessions[i].id)
			end_session(&sessions[i]);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (!clients[i].bank[0])
			continue;
		mbedtls_x509_crt_free(&clients[i].chain);
		mbedtls_pk_free(&clients[i].key);
		clients[i].bank[0] = '\0';
	}
}
