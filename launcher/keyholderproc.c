#include <errno.h>
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
#include "vpn/admission/pin.h"
#include "vpn/admission/statement.h"

static const struct self self = {
    .name = "keyholder",
    .holds = "the device's identity key, the PIN's secret and key, the keys of the customer's certificates",
    .reads = "handshakes of TLS that a broker wants proved, message by message",
    .speaks_to = "launcher; brokers of banks that take a certificate; token",
    .promises = PROMISE_BASE | PROMISE_SEND,
    .open_files_max = 16,
    .memory_max_bytes = 256 << 20,
    .locked = true,
};

struct keyholder {
	struct loop *loop;
	bool loaded; /* asked once, also where there is no key */
	bool has_identity, has_secret, has_pin;
	uint8_t identity[STATEMENT_PRIVATE_BYTES], secret[PIN_SECRET_BYTES];
	uint8_t pin[STATEMENT_PRIVATE_BYTES]; /* the PIN's key, until the power goes off */
};

static int read_secret(struct reader *r, uint8_t *out, size_t wanted, bool *there)
{
	size_t size = 0;
	const uint8_t *data = read_blob(r, &size);
	*there = data && size == wanted;
	if (*there)
		memcpy(out, data, wanted);
	return data && (size == 0 || size == wanted) ? 0 : -EBADMSG;
}

/* Once, and never out again. */
static int take_keys(struct msg *m, void *context)
{
	struct keyholder *k = context;
	struct reader r = reader_over(m->payload, m->size);
	int error = read_secret(&r, k->identity, sizeof k->identity, &k->has_identity);
	if (!error)
		error = read_secret(&r, k->secret, sizeof k->secret, &k->has_secret);
	wipe(m->payload, m->size);
	if (error || !reader_done(&r) || k->loaded)
		return -EBADMSG;
	k->loaded = true;
	return 0;
}

/* A question is a statement, to the last byte, or it is not answered. */
static int take_question(struct msg *m, void *context)
{
	struct keyholder *k = context;
	struct statement statement;
	size_t size = 0;
	uint8_t identity[STATEMENT_SIGNATURE_BYTES], pin[STATEMENT_SIGNATURE_BYTES], payload[2 * sizeof pin + 16];
	struct reader r = reader_over(m->payload, m->size);
	const uint8_t *bytes = read_blob(&r, &size);
	if (!bytes || !reader_done(&r) || !k->loaded || statement_decode(bytes, size, &statement) < 0)
		return -EBADMSG;
	bool by_identity = k->has_identity && !statement_sign(&statement, SIGNER_IDENTITY, k->identity, identity);
	bool by_pin = k->has_pin && !statement_sign(&statement, SIGNER_PIN, k->pin, pin);
	if ((k->has_identity && !by_identity) || (k->has_pin && !by_pin))
		log_error("the statement could not be signed: is the record's key one of P-256?");
	wipe(&statement, sizeof statement); /* the token is in it */
	struct writer w = writer_over(payload, sizeof payload);
	write_blob(&w, identity, by_identity ? sizeof identity : 0);
	write_blob(&w, pin, by_pin ? sizeof pin : 0);
	return msg_send(CHILD_CHANNEL_FD, MSG_KEY_SIGNATURE, m->id, payload, w.size);
}

static int take_client(struct msg *m, void *context)
{
	(void)context;
	return clients_take(m);
}

static int take_token(struct msg *m, void *context)
{
	(void)context;
	return clients_token(m);
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

/* The PIN makes a key, the right one the right key: which it is only the gateway knows. */
static int take_pin(struct msg *m, void *context)
{
	struct keyholder *k = context;
	char pin[PIN_DIGITS_MAX + 1];
	uint8_t payload[1];
	struct reader r = reader_over(m->payload, m->size);
	read_str(&r, pin, sizeof pin);
	wipe(m->payload, m->size);
	bool good = reader_done(&r);
	wipe(k->pin, sizeof k->pin);
	k->has_pin = false;
	if (good && pin[0] == '\0')
		return 0;
	int error = good && k->has_secret ? pin_derive(pin, k->secret, k->pin) : -EINVAL;
	wipe(pin, sizeof pin);
	if (error)
		log_error("the PIN's key could not be made: %s", strerror(-error));
	k->has_pin = !error;
	struct writer w = writer_over(payload, sizeof payload);
	write_u8(&w, k->has_pin);
	return good ? msg_send(CHILD_CHANNEL_FD, MSG_KEY_PIN_DONE, 0, payload, w.size) : -EBADMSG;
}

static const struct channel_row orders[] = {
    {MSG_KEY_CLIENT, 1, CHANNEL_ANY_BYTES, take_client},
    {MSG_KEY_SESSION, 1, CHANNEL_ANY_BYTES, take_session},
    {MSG_KEY_SESSION_END, 0, 0, take_session_end},
    {MSG_KEY_LOAD, 8, 8 + STATEMENT_PRIVATE_BYTES + PIN_SECRET_BYTES, take_keys},
    {MSG_KEY_SIGN, 4, 4 + STATEMENT_MAX_BYTES, take_question},
    {MSG_KEY_PIN, 4, 4 + PIN_DIGITS_MAX, take_pin},
    {MSG_KEY_TOKEN, 0, 0, take_token},
};

static struct channel launcher = CHANNEL("the launcher", orders);

int keyholder_main(void)
{
	static struct keyholder k;
	close_above(CHILD_CHANNEL_FD);
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
	wipe(&k, sizeof k);
	clients_free();
	channel_unwatch(&launcher);
	return error || launcher.error ? 1 : 0;
}
