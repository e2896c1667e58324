/* The PIN's key, and what somebody has who has the stick, the gateway's database, or both (vpn/admission/README.md). */
#include "tests/unit/unit.h"

#include <psa/crypto.h>
#include <string.h>

#include "firmware/lib/base64.h"
#include "vpn/admission/pin.h"

static const uint8_t secret[PIN_SECRET_BYTES] = "the secret of a stick, 32 bytes";

static int start(void **state)
{
	(void)state;
	return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static void a_pin_and_a_secret_make_one_key(void **state)
{
	(void)state;
	uint8_t key[STATEMENT_PRIVATE_BYTES], again[STATEMENT_PRIVATE_BYTES];
	uint8_t other_secret[PIN_SECRET_BYTES];
	char text[BASE64_ENCODED_SIZE(STATEMENT_PRIVATE_BYTES)];
	assert_int_equal(pin_derive("493017", secret, key), 0);
	assert_int_equal(pin_derive("493017", secret, again), 0);
	assert_memory_equal(key, again, sizeof key);
	/* the format: another value here is another key for every stick there is */
	base64_encode(key, sizeof key, text);
	assert_string_equal(text, "IXOXwujBqvycnpWKfDkghTrpYrIVahefRF/bjQEF2kM=");
	assert_int_equal(pin_derive("493018", secret, again), 0);
	assert_memory_not_equal(key, again, sizeof key);
	memcpy(other_secret, secret, sizeof secret);
	other_secret[31] ^= 1;
	assert_int_equal(pin_derive("493017", other_secret, again), 0);
	assert_memory_not_equal(key, again, sizeof key);
}

static void only_digits_are_a_pin(void **state)
{
	(void)state;
	uint8_t key[STATEMENT_PRIVATE_BYTES];
	static const char *const bad[] = {"", "123", "1234567890123", "12a4", " 1234", "1234 ", "-1234", "１２３４"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_not_equal(pin_derive(bad[i], secret, key), 0);
	assert_true(pin_is_good("0000"));
	char pin[PIN_DIGITS_LETTER + 1];
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(pin_new(pin), 0);
		assert_true(pin_is_good(pin) && strlen(pin) == PIN_DIGITS_LETTER);
	}
}

/*
 * The stick alone: every PIN makes a key, and each of these keys signs; nothing there is says which is the one. The
 * database alone: the public key, and every PIN with another secret makes another one. Both: guessing is a matter of
 * trying them. Two PINs stand for a million.
 */
static void what_each_half_gives_away(void **state)
{
	(void)state;
	static const char *const guesses[] = {"5810", "7777"};
	enum { RIGHT = 1, GUESSES = 2 };
	uint8_t key[STATEMENT_PRIVATE_BYTES], registered[STATEMENT_PUBLIC_BYTES], guessed[STATEMENT_PUBLIC_BYTES];
	uint8_t signature[STATEMENT_SIGNATURE_BYTES], unknown[PIN_SECRET_BYTES] = {1};
	struct statement statement = {.gateway = "gw1", .device = "ST-1", .boot = "b"};
	assert_int_equal(pin_derive(guesses[RIGHT], secret, key), 0);
	assert_int_equal(statement_public(key, registered), 0);
	for (int i = 0; i < GUESSES; i++) {
		/* with the stick: one as good as the other */
		assert_int_equal(pin_derive(guesses[i], secret, key), 0);
		assert_int_equal(statement_sign(&statement, SIGNER_PIN, key, signature), 0);
		/* with stick and database: found */
		assert_int_equal(statement_public(key, guessed), 0);
		assert_int_equal(memcmp(guessed, registered, sizeof guessed) == 0, i == RIGHT);
		/* with the database: nothing is found, whatever is tried */
		assert_int_equal(pin_derive(guesses[i], unknown, key), 0);
		assert_int_equal(statement_public(key, guessed), 0);
		assert_memory_not_equal(guessed, registered, sizeof guessed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_pin_and_a_secret_make_one_key),
	    cmocka_unit_test(only_digits_are_a_pin),
	    cmocka_unit_test(what_each_half_gives_away),
	};
	return cmocka_run_group_tests_name("pin", tests, start, NULL);
}
