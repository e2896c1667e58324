#include "firmware/lib/bundle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The private halves of these signed the good inputs of the corpus and were then destroyed. */
static const char roots_json[] = "{\"threshold\": 2, \"keys\": [\"-----BEGIN PUBLIC KEY-----\\n"
				 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmlJHoaLCiVeL9uVOZdqV+rd0u5x9\\n"
				 "zVbZ3bpB/kZI419dOFhpf1JBGEZZHIwnoj2+vcoRT7kbWVtrUxj9Bq+tlQ==\\n"
				 "-----END PUBLIC KEY-----\\n"
				 "\", \"-----BEGIN PUBLIC KEY-----\\n"
				 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9jI5Gf6ojcMlTgcPtYA2BAbGiegJ\\n"
				 "5bNy0S42tILOmLAfT0nSrWvRscN9xhqrTk7NudxUke55DD3xA60tre3Mkw==\\n"
				 "-----END PUBLIC KEY-----\\n"
				 "\", \"-----BEGIN PUBLIC KEY-----\\n"
				 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiH5fPKoQHbbEk/5ToTM70ttkRcbh\\n"
				 "sknumhPyw+XBcXR/ilhk4Yye2ZaYfa9eMD2OAsj04zazwfMSqYIBVu5Pxg==\\n"
				 "-----END PUBLIC KEY-----\\n"
				 "\"]}";

/* The only content they ever signed two together: whatever else comes out as verified is a forgery. */
static const char signed_content[] = "{\"format\": 1, \"content\": \"of the corpus\"}\n";

static void check_accepted(const uint8_t *payload, size_t size)
{
	if (size != strlen(signed_content) || memcmp(payload, signed_content, size) != 0 || payload[size] != '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope_roots roots;
	struct envelope_roots other;
	struct envelope envelope;
	uint8_t *payload;
	size_t payload_size;
	if (!roots.key_count && envelope_roots_parse(roots_json, strlen(roots_json), &roots))
		abort();
	if (!envelope_verify((const char *)data, size, ENVELOPE_TYPE_POLICY, &roots, &payload, &payload_size))
		check_accepted(payload, payload_size);
	else if (payload)
		abort();
	free(payload);
	/* the same behind a chain: none of the corpus' keys ever signed roots, so that nobody else comes to count */
	struct envelope_roots reached = roots;
	char *inner;
	if (!bundle_verify((const char *)data, size, ENVELOPE_TYPE_POLICY, &reached, &payload, &payload_size))
		check_accepted(payload, payload_size);
	if (memcmp(&reached, &roots, sizeof roots) != 0)
		abort();
	free(payload);
	(void)bundle_open((const char *)data, size, &inner);
	free(inner);
	if (!envelope_open((const char *)data, size, &envelope))
		for (size_t i = 0; i < envelope.signature_count; i++)
			(void)envelope_check_signature(&envelope, i, &roots.keys[i % roots.key_count]);
	envelope_close(&envelope);
	if (!envelope_roots_parse((const char *)data, size, &other) && other.threshold < 2)
		abort();
	return 0;
}
