#include <psa/crypto.h>
#include <stdlib.h>

#include "launcher/broker_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A bank's certificate as a stranger sends it: what is not refused as a leaf names the host, and a pin is of its key.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char host[] = "www.bank-a.example";
	static const struct pin no_pin;
	mbedtls_x509_crt certificate;
	const char *detail = NULL;
	if (psa_crypto_init() != PSA_SUCCESS)
		abort();
	mbedtls_x509_crt_init(&certificate);
	if (mbedtls_x509_crt_parse_der(&certificate, data, size) == 0) {
		enum refusal refusal = certificate_check_leaf(&certificate, host, &detail);
		if ((refusal == REFUSAL_NONE) == (detail != NULL) || certificate_pinned(&certificate, &no_pin, 1))
			abort();
		uint32_t flags = 0;
		struct chain_check check = {.host = host, .pins = &no_pin, .pin_count = 1};
		if (chain_check_certificate(&check, &certificate, 0, &flags) != 0 || !check.judged ||
		    check.refusal == REFUSAL_NONE)
			abort();
	}
	mbedtls_x509_crt_free(&certificate);
	(void)certificate_name_matches(data, size, host);
	return 0;
}
