#include <stdlib.h>
#include <string.h>

#include "launcher/keyholder_transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the key holder takes for a handshake names a host and a certificate, both inside it, and its digest fits. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t schemes[] = {0x0403, 0x0503, 0x0603, 0x0401, 0x0501, 0x0804, 0x0805, 0x0806, 0};
	struct transcript transcript;
	struct transcript_digest digest;
	if (transcript_read(data, size, &transcript))
		return 0;
	if (!transcript.host[0] || transcript.certificate < data ||
	    transcript.certificate + transcript.certificate_size > data + size)
		abort();
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (transcript_digest(&transcript, schemes[i], &digest) == 0 &&
		    (digest.size < 32 || digest.size > sizeof digest.bytes ||
		     (!transcript.tls13 && digest.kind == MBEDTLS_PK_RSASSA_PSS)))
			abort();
	return 0;
}
