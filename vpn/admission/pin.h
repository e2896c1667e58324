/*
 * pin - from a PIN to the key that proves it (README.md here has the argument). Pure.
 *
 * 48 bytes = Argon2id version 19 (RFC 9106), password the PIN's digits, salt the stick's secret, 64 MiB, 3 passes, one
 * lane. The private key is those bytes, read as one big-endian number, modulo (n - 1), plus 1, n being the order of
 * P-256 (FIPS 186-5, A.2.1: the 128 bits too many leave no bias). The same PIN and secret always make the same key;
 * nothing is stored that could tell a right PIN from a wrong one. These numbers are the format: another cost is another
 * key, and a new PIN letter for every stick.
 */
#ifndef VPN_ADMISSION_PIN_H
#define VPN_ADMISSION_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "vpn/admission/statement.h"

enum {
	PIN_DIGITS_MIN = 4,
	PIN_DIGITS_MAX = 12,
	PIN_DIGITS_LETTER = 6, /* what a letter has */
	PIN_SECRET_BYTES = 32,
	PIN_MEMORY_KIB = 65536,
	PIN_PASSES = 3,
	PIN_TRIES = 5, /* wrong ones at the gateway; then it is locked */
};

bool pin_is_good(const char *pin); /* digits only, as many as there may be */

/* 0, -EINVAL, -ENOMEM or -EIO. It takes about a second on a slow PC, and 64 MiB that are wiped. */
int pin_derive(const char *pin, const uint8_t secret[PIN_SECRET_BYTES], uint8_t private_key[STATEMENT_PRIVATE_BYTES]);

/* A random PIN of PIN_DIGITS_LETTER digits and its NUL. 0 or -EIO. */
int pin_new(char pin[PIN_DIGITS_LETTER + 1]);

#endif
