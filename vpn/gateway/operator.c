#include "vpn/gateway/operator.h"

#include <argon2.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "firmware/lib/buf.h"

/* RFC 9106 section 4 leaves the cost to the place: this is OWASP's floor, 20 to 40 ms here, because a log-in is
 * answered by the process that also takes the beacons. The passwords we make ourselves do not depend on it. */
enum { COST_PASSES = 2, COST_MEMORY_KIB = 19456, LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };

int operator_hash(const char *password, char out[OPERATOR_HASH_SIZE])
{
	uint8_t salt[SALT_BYTES];
	if (getrandom(salt, sizeof salt, 0) != sizeof salt)
		return -EIO;
	int error = argon2id_hash_encoded(COST_PASSES, COST_MEMORY_KIB, LANES, password, strlen(password), salt,
					  sizeof salt, HASH_BYTES, out, OPERATOR_HASH_SIZE);
	return error == ARGON2_OK ? 0 : error == ARGON2_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -EINVAL;
}

bool operator_verify(const char *hash, const char *password)
{
	/* Of no password; only its cost matters. */
	static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
				     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	bool good = argon2id_verify(hash ? hash : nobody, password, strlen(password)) == ARGON2_OK;
	return hash && good;
}

int operator_new_password(char out[OPERATOR_PASSWORD_SIZE + 4])
{
	/* 32 signs without those that look alike: 24 of them are 120 bits. */
	static const char signs[] = "abcdefghjkmnpqrstuvwxyz023456789";
	uint8_t random[24];
	_Static_assert(sizeof signs == 33, "five bits each");
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return -EIO;
	char *at = out;
	for (size_t i = 0; i < sizeof random; i++) {
		if (i > 0 && i % 6 == 0)
			*at++ = '-';
		*at++ = signs[random[i] & 31];
	}
	*at = '\0';
	wipe(random, sizeof random);
	return 0;
}
