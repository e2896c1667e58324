#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

/* the sessions whole: what a broker asks is read by a function of its own */
#include "launcher/keyholder_clients.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The key holder's clients, between a launcher and brokers that say what they like. Whatever was said, a signature is
 * only made over a handshake with a host that the session names, with the certificate that it has.
 */

enum { LAUNCHERS = 3, BROKERS = CLIENT_SESSIONS_MAX };

static struct {
	struct channel *channels[BROKERS];
	void *contexts[BROKERS];
	const struct msg *asked; /* by a broker, now */
	const struct client_session *by;
} world;

int channel_watch(struct loop *loop, int fd, struct channel *channel, void *context)
{
	(void)loop;
	channel->fd = fd;
	channel->context = context;
	for (size_t i = 0; i < BROKERS; i++)
		if (!world.channels[i]) {
			world.channels[i] = channel;
			return 0;
		}
	abort(); /* more sessions than there are places */
}

/* no token here */
void token_use(int channel) { (void)channel; }

size_t token_sign(const char *uri, uint16_t scheme, const struct transcript_digest *digest,
		  const mbedtls_pk_context *public, uint8_t *signature, size_t capacity, enum token_state *state)
{
	(void)uri, (void)scheme, (void)digest, (void)public, (void)signature, (void)capacity;
	*state = TOKEN_NONE;
	return 0;
}

void channel_unwatch(struct channel *channel)
{
	for (size_t i = 0; i < BROKERS; i++)
		if (world.channels[i] == channel)
			world.channels[i] = NULL;
}

int msg_take_fd(struct msg *m, size_t nth)
{
	if (nth >= m->fd_count)
		return -1;
	int fd = m->fds[nth];
	m->fds[nth] = -1;
	return fd;
}

static void check_signature(const uint8_t *payload, size_t size)
{
	struct transcript transcript;
	size_t signature_size, transcript_size;
	struct reader answer = reader_over(payload, size);
	if (!world.asked || (read_blob(&answer, &signature_size), !reader_done(&answer)))
		abort();
	if (signature_size == 0)
		return;
	struct reader question = reader_over(world.asked->payload, world.asked->size);
	(void)read_u16(&question);
	const uint8_t *messages = read_blob(&question, &transcript_size);
	const mbedtls_x509_buf *own = &world.by->client->chain.raw;
	if (transcript_read(messages, transcript_size, &transcript) || transcript.certificate_size != own->len ||
	    memcmp(transcript.certificate, own->p, own->len) != 0)
		abort();
	for (size_t i = 0; i < world.by->host_count; i++)
		if (name_matches(world.by->hosts[i], transcript.host))
			return;
	abort();
}

int msg_send(int fd, uint16_t type, uint32_t id, const void *payload, size_t size)
{
	(void)fd, (void)id;
	if (size > MSG_PAYLOAD_MAX_BYTES)
		abort();
	if (type == MSG_CLIENT_SIGNATURE)
		check_signature(payload, size);
	return 0;
}

/* A bank's certificate and a key: here the certificate is whatever the corpus' handshake shows. */
static void have_client(void)
{
	static uint8_t messages[TRANSCRIPT_MAX_BYTES];
	static mbedtls_pk_context key;
	static struct transcript transcript;
	if (!transcript.certificate) {
		FILE *file = fopen("tests/fuzz/corpus/transcript/tls13", "rb");
		size_t size = file ? fread(messages, 1, sizeof messages, file) : 0;
		mbedtls_pk_init(&key);
		if (!file || psa_crypto_init() != PSA_SUCCESS || transcript_read(messages, size, &transcript) ||
		    mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) ||
		    mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), mbedtls_psa_get_random,
					MBEDTLS_PSA_RANDOM_STATE))
			abort();
		fclose(file);
	}
	memcpy(clients[0].bank, "alpha", sizeof "alpha");
	mbedtls_x509_crt_init(&clients[0].chain);
	clients[0].chain.raw.p = (unsigned char *)(uintptr_t)transcript.certificate;
	clients[0].chain.raw.len = transcript.certificate_size;
	clients[0].key = key;
}

/* The key is kept for the next input. */
static void forget_all(void)
{
	mbedtls_pk_init(&clients[0].key);
	clients_free();
}

static int launcher_says(unsigned row, struct msg *m)
{
	if (row == 0)
		return clients_take(m);
	if (row == 1)
		return clients_begin(NULL, m);
	return clients_end(m);
}

static void broker_says(size_t which, struct msg *m)
{
	struct channel *channel = world.channels[which];
	if (!channel || m->size < channel->rows[0].least_bytes)
		return;
	world.asked = m;
	world.by = channel->context;
	int error = channel->rows[0].take(m, channel->context);
	world.asked = NULL;
	if (error && world.channels[which] == channel)
		channel->ended(error, channel->context);
}

/* Again and again: a byte of who speaks, a byte of the message's number, two bytes of its size, itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	have_client();
	for (int broken = 0; size >= 4 && !broken;) {
		unsigned who = data[0] % (LAUNCHERS + BROKERS);
		size_t wanted = (size_t)data[2] << 8 | data[3], given = wanted < size - 4 ? wanted : size - 4;
		/* the NUL behind a payload is msg.h's promise */
		struct msg m = {.id = data[1], .size = given, .payload = calloc(1, given + 1), .fds = {-1}};
		if (!m.payload)
			abort();
		memcpy(m.payload, data + 4, given);
		if (who == 1) {
			m.fds[0] = eventfd(0, EFD_CLOEXEC);
			m.fd_count = 1;
		}
		if (who < LAUNCHERS)
			broken = launcher_says(who, &m);
		else
			broker_says(who - LAUNCHERS, &m);
		if (m.fds[0] >= 0)
			close(m.fds[0]);
		free(m.payload);
		data += 4 + given;
		size -= 4 + given;
	}
	forget_all();
	return 0;
}
