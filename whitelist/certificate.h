/* certificate - one X.509 certificate in PEM, as the signed objects carry it. */
#ifndef WHITELIST_CERTIFICATE_H
#define WHITELIST_CERTIFICATE_H

#include "whitelist/place.h"

struct certificate {
	uint8_t *der;
	size_t der_size;
	uint8_t spki_sha256[32];
	int64_t not_after;
	bool authority; /* v3, basicConstraints CA, keyCertSign */
};

/*
 * Exactly one certificate and nothing around it; RSA of 2048 bits or more, or P-256, P-384 or P-521. 0, or -EINVAL
 * with the fault told. The caller frees certificate->der.
 */
int certificate_parse(const struct place *at, struct certificate *certificate);

#endif
