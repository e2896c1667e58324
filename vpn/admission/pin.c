#include "vpn/admission/pin.h"

#include <argon2.h>
#include <errno.h>
#include <mbedtls/bignum.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "firmware/lib/buf.h"

enum { SEED_BYTES = 48 };

bool pin_is_good(const char *pin)
{
	size_t digits = strspn(pin, "0123456789");
	return pin[digits] == '\0' && digits >= PIN_DIGITS_MIN && digits <= PIN_DIGITS_MAX;
}

/* seed mod (n - 1) + 1 */
static int key_of_seed(const uint8_t seed[SEED_BYTES], uint8_t private_key[STATEMENT_PRIVATE_BYTES])
{
	static const char order_less_one[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
	mbedtls_mpi number, modulus;
	mbedtls_mpi_init(&number);
	mbedtls_mpi_init(&modulus);
	int error = mbedtls_mpi_read_binary(&number, seed, SEED_BYTES);
	if (!error)
		error = mbedtls_mpi_read_string(&modulus, 16, order_less_one);
	if (!error)
		error = mbedtls_mpi_mod_mpi(&number, &number, &modulus);
	if (!error)
		error = mbedtls_mpi_add_int(&number, &number, 1);
	if (!error)
		error = mbedtls_mpi_write_binary(&number, private_key, STATEMENT_PRIVATE_BYTES);
	mbedtls_mpi_free(&number); /* wipes */
	mbedtls_mpi_free(&modulus);
	return error ? -EIO : 0;
}

int pin_derive(const char *pin, const uint8_t secret[PIN_SECRET_BYTES], uint8_t private_key[STATEMENT_PRIVATE_BYTES])
{
	uint8_t seed[SEED_BYTES];
	if (!pin_is_good(pin))
		return -EINVAL;
	int error = argon2id_hash_raw(PIN_PASSES, PIN_MEMORY_KIB, 1, pin, strlen(pin), secret, PIN_SECRET_BYTES, seed,
				      sizeof seed);
	if (error == ARGON2_MEMORY_ALLOCATION_ERROR)
		return -ENOMEM;
	error = error == ARGON2_OK ? key_of_seed(seed, private_key) : -EIO;
	wipe(seed, sizeof seed);
	return error;
}

int pin_new(char pin[PIN_DIGITS_LETTER + 1])
{
	uint32_t number;
	do /* every PIN is as likely as any other: what is left of 2^32 above the last whole million is drawn again */
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			return -EIO;
	while (number >= 4294000000U);
	for (int i = PIN_DIGITS_LETTER - 1; i >= 0; i--, number /= 10)
		pin[i] = (char)('0' + number % 10);
	pin[PIN_DIGITS_LETTER] = '\0';
	return 0;
}
