#include "launcher/keyholder_token.h"

#include <errno.h>
#include <mbedtls/psa_util.h>
#include <string.h>
#include <unistd.h>

#include "firmware/lib/buf.h"
#include "firmware/lib/log.h"
#include "firmware/lib/loop.h"
#include "firmware/lib/msg.h"
#include "launcher/messages.h"

static int token = -1;
static uint32_t questions;

void token_use(int channel)
{
	if (token >= 0)
		close(token);
	token = channel;
}

/* The answer to that question, in `m`: 1, or why there is none. What is said besides takes none of our time: answers to
 * earlier questions, which came too late, are passed over until the time is up. */
static int wait_for(uint32_t id, struct msg *m)
{
	const int64_t end = now_ms() + TOKEN_WAIT_MS;
	for (int64_t left = TOKEN_WAIT_MS; left > 0; left = end - now_ms()) {
		int got = msg_wait(token, m, (int)left);
		if (got != 1)
			return got;
		if (m->type != MSG_TOKEN_SIGNATURE)
			return -EBADMSG;
		if (m->id == id)
			return 1;
	}
	return -ETIMEDOUT;
}

/* What the token made; 0: nothing. `*state` is TOKEN_OPEN, or what is wrong between us and its process. */
static size_t ask(const char *uri, uint16_t scheme, const struct transcript_digest *digest, uint8_t *made,
		  size_t capacity, enum token_state *state)
{
	uint8_t payload[TOKEN_URI_BYTES + sizeof digest->bytes + 16];
	struct msg m = {0};
	size_t size = 0;
	struct writer w = writer_over(payload, sizeof payload);
	write_str(&w, uri);
	write_u16(&w, scheme);
	write_blob(&w, digest->bytes, digest->size);
	const uint32_t id = ++questions;
	int got = token < 0 || w.failed ? -ESRCH : msg_send(token, MSG_TOKEN_SIGN, id, payload, w.size);
	const bool asked = got == 0;
	if (asked)
		got = wait_for(id, &m);
	struct reader r = reader_over(m.payload, got == 1 ? m.size : 0);
	const uint8_t *bytes = got == 1 ? read_blob(&r, &size) : NULL;
	if (got == 1 && (!bytes || !reader_done(&r) || size > capacity))
		got = -EBADMSG;
	if (got == 1)
		memcpy(made, bytes, size);
	msg_free(&m);
	/* One that is only slow may have its answer next time. */
	if (got != 1 && !(asked && got == -ETIMEDOUT))
		token_use(-1);
	*state = got == 1 ? TOKEN_OPEN : token < 0 ? TOKEN_NONE : TOKEN_SILENT;
	return got == 1 ? size : 0;
}

static bool is_right(const struct transcript_digest *digest, const mbedtls_pk_context *public, const uint8_t *signature,
		     size_t size)
{
	const mbedtls_pk_rsassa_pss_options pss = {digest->hash, MBEDTLS_RSA_SALT_LEN_ANY};
	return mbedtls_pk_verify_ext(digest->kind, digest->kind == MBEDTLS_PK_RSASSA_PSS ? &pss : NULL,
				     (mbedtls_pk_context *)(uintptr_t)public, digest->hash, digest->bytes, digest->size,
				     signature, size) == 0;
}

size_t token_sign(const char *uri, uint16_t scheme, const struct transcript_digest *digest,
		  const mbedtls_pk_context *public, uint8_t *signature, size_t capacity, enum token_state *state)
{
	uint8_t made[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	size_t size = ask(uri, scheme, digest, made, sizeof made, state);
	if (size == 0)
		return 0;
	*state = TOKEN_OTHER_KEY;
	if (digest->kind == MBEDTLS_PK_ECDSA) {
		if (mbedtls_ecdsa_raw_to_der(mbedtls_pk_get_bitlen(public), made, size, signature, capacity, &size))
			return 0;
	} else if (size <= capacity) {
		memcpy(signature, made, size);
	} else {
		return 0;
	}
	if (is_right(digest, public, signature, size)) {
		*state = TOKEN_OPEN;
		return size;
	}
	log_error("the token's signature is not of the certificate's key: it is another token, or names another key");
	return 0;
}
