#include <errno.h>
#include <mbedtls/pk.h>
#include <psa/crypto.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/channel.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "firmware/lib/proc.h"
#include "firmware/lib/sandbox.h"
#include "launcher/children.h"
#include "launcher/keyholder_clients.h"
#include "launcher/messages.h"
#include "launcher/statement.h"

static const struct self self = {
    .name = "keyholder",
    .holds = "the device's identity key, the keys of the customer's certificates",
    .reads = "handshakes of TLS that a broker wants proved, message by message",
    .speaks_to = "launcher; brokers of banks that take a certificate",
    .promises = PROMISE_BASE | PROMISE_SEND,
    .open_files_max = 16,
    .memory_max_bytes = 256 << 20,
    .locked = true,
};

struct keyholder {
	struct loop *loop;
	mbedtls_pk_context key;
	bool loaded; /* asked once, also where there is no key */
	bool has_key;
};

static int random_bytes(void *unused, unsigned char *out, size_t size)
{
	(void)unused;
	return psa_generate_random(out, size) == PSA_SUCCESS ? 0 : -1;
}

/* Once, and never out again. */
static int take_key(struct msg *m, void *context)
{
	struct keyholder *k = context;
	size_t size = 0;
	struct reader r = reader_over(m->payload, m->size);
	const uint8_t *pem = read_blob(&r, &size);
	if (!reader_done(&r) || k->loaded)
		return -EBADMSG;
	k->loaded = true;
	if (size == 0)
		return 0;
	/* the payload's own NUL, which msg.h promises, ends the text */
	if (mbedtls_pk_parse_key(&k->key, pem, size + 1, NULL, 0, random_bytes, NULL) != 0 ||
	    !mbedtls_pk_can_do(&k->key, MBEDTLS_PK_ECDSA) || mbedtls_pk_get_bitlen(&k->key) != 256) {
		log_error("the record's identity key is not a P-256 key: statements go out unsigned");
		return 0;
	}
	k->has_key = true;
	return 0;
}

static int sign(struct keyholder *k, const struct statement *statement, uint8_t *signature, size_t capacity,
		size_t *size)
{
	uint8_t bytes[STATEMENT_MAX_BYTES], digest[32];
	size_t digest_size = 0;
	int count = statement_encode(statement, bytes);
	if (count < 0)
		return count;
	if (psa_hash_compute(PSA_ALG_SHA_256, bytes, (size_t)count, digest, sizeof digest, &digest_size) != PSA_SUCCESS)
		return -EIO;
	if (mbedtls_pk_sign(&k->key, MBEDTLS_MD_SHA256, digest, digest_size, signature, capacity, size, random_bytes,
			    NULL) != 0)
		return -EIO;
	return 0;
}

static int take_question(struct msg *m, void *context)
{
	struct keyholder *k = context;
	struct statement statement;
	uint8_t signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE], payload[MBEDTLS_PK_SIGNATURE_MAX_SIZE + 8];
	size_t size = 0;
	if (!k->loaded || statement_read(m->payload, m->size, &statement) < 0)
		return -EBADMSG;
	if (k->has_key && sign(k, &statement, signature, sizeof signature, &size) < 0) {
		log_error("the statement could not be signed");
		size = 0;
	}
	struct writer w = writer_over(payload, sizeof payload);
	write_blob(&w, signature, size);
	return msg_send(CHILD_CHANNEL_FD, MSG_KEY_SIGNATURE, m->id, payload, w.size);
}

static int take_client(struct msg *m, void *context)
{
	(void)context;
	return clients_take(m);
}

static int take_session(struct msg *m, void *context)
{
	const struct keyholder *k = context;
	return clients_begin(k->loop, m);
}

static int take_session_end(struct msg *m, void *context)
{
	(void)context;
	return clients_end(m);
}

static const struct channel_row orders[] = {
    {MSG_KEY_CLIENT, 1, CHANNEL_ANY_BYTES, take_client}, {MSG_KEY_SESSION, 1, CHANNEL_ANY_BYTES, take_session},
    {MSG_KEY_SESSION_END, 0, 0, take_session_end},       {MSG_KEY_LOAD, 4, CHANNEL_ANY_BYTES, take_key},
    {MSG_KEY_SIGN, 1, CHANNEL_ANY_BYTES, take_question},
};

static struct channel launcher = CHANNEL("the launcher", orders);

int keyholder_main(void)
{
	static struct keyholder k;
	close_above(CHILD_CHANNEL_FD);
	mbedtls_pk_init(&k.key);
	if (psa_crypto_init() != PSA_SUCCESS)
		fatal("the crypto library does not start");
	k.loop = loop_new();
	if (!k.loop || channel_watch(k.loop, CHILD_CHANNEL_FD, &launcher, &k))
		fatal("no event loop: %s", strerror(errno));
	if (sandbox_enter(&self) < 0)
		return 1;
	int error = msg_send(CHILD_CHANNEL_FD, MSG_READY, 0, NULL, 0);
	if (!error)
		error = loop_run(k.loop);
	mbedtls_pk_free(&k.key);
	clients_free();
	channel_unwatch(&launcher);
	return error || launcher.error ? 1 : 0;
}
