#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "whitelist/chain.h"
#include "whitelist/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOST "www.bank.example"
enum { NOW = 1800000000 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* One certificate behind the other: DER tells its own length. Returns how many bytes are the first's, 0 if none. */
static size_t first(const uint8_t *data, size_t size)
{
	if (size < 4 || data[0] != 0x30 || data[1] != 0x82)
		return 0;
	size_t length = 4 + (size_t)(data[2] << 8 | data[3]);
	return length <= size ? length : 0;
}

static void must_be_bounded(const struct chain_answer *answer)
{
	must(answer->signatures <= CHAIN_SIGNATURES_MAX && answer->count <= CHAIN_PATH_MAX);
	must(answer->fault >= 0 && answer->fault < CHAIN_FAULT_COUNT);
}

/* What a stranger sends is never good without an anchor, and with each of his own believed is good only as a path from
 * the first to one of them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mbedtls_x509_crt sent, anchors;
	struct chain_answer answer;
	size_t length;
	must(psa_crypto_init() == PSA_SUCCESS);
	mbedtls_x509_crt_init(&sent);
	mbedtls_x509_crt_init(&anchors);
	for (unsigned i = 0; i <= CHAIN_SENT_MAX && (length = first(data, size)) > 0; i++) {
		(void)mbedtls_x509_crt_parse_der(&sent, data, length);
		(void)mbedtls_x509_crt_parse_der(&anchors, data, length);
		data += length;
		size -= length;
	}
	struct chain_question question = {
	    .sent = sent.raw.p ? &sent : NULL, .host = HOST, .now = NOW, .unpinned = true};
	chain_verify(&question, &answer);
	must_be_bounded(&answer);
	must(answer.fault != CHAIN_GOOD);
	question.anchors = anchors.raw.p ? &anchors : NULL;
	chain_verify(&question, &answer);
	must_be_bounded(&answer);
	if (answer.fault == CHAIN_GOOD) {
		must(answer.count >= 2 && answer.path[0] == &sent && answer.from <= NOW && answer.until >= NOW);
		question.unpinned = false;
		chain_verify(&question, &answer);
		must(answer.fault == CHAIN_PIN);
	}
	mbedtls_x509_crt_free(&sent);
	mbedtls_x509_crt_free(&anchors);
	return 0;
}
