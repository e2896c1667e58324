#include "vpn/gateway/totp.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "firmware/lib/buf.h"

static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 section 6 */

int totp_new_secret(char out[TOTP_SECRET_TEXT_SIZE])
{
	uint8_t random[TOTP_SECRET_BYTES];
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return -EIO;
	for (size_t i = 0; i < TOTP_SECRET_TEXT_SIZE - 1; i++) {
		size_t bit = i * 5, byte = bit / 8;
		unsigned pair = (unsigned)random[byte] << 8 | (byte + 1 < sizeof random ? random[byte + 1] : 0);
		out[i] = signs[pair >> (11 - bit % 8) & 31];
	}
	out[TOTP_SECRET_TEXT_SIZE - 1] = '\0';
	wipe(random, sizeof random);
	return 0;
}

static bool read_secret(const char *text, uint8_t secret[TOTP_SECRET_BYTES])
{
	if (strlen(text) != TOTP_SECRET_TEXT_SIZE - 1)
		return false;
	memset(secret, 0, TOTP_SECRET_BYTES);
	for (size_t i = 0; i < TOTP_SECRET_TEXT_SIZE - 1; i++) {
		const char *sign = strchr(signs, text[i]);
		if (!sign)
			return false;
		unsigned value = (unsigned)(sign - signs);
		for (size_t bit = 0; bit < 5; bit++)
			if (value >> (4 - bit) & 1)
				secret[(i * 5 + bit) / 8] |= (uint8_t)(0x80 >> (i * 5 + bit) % 8);
	}
	return true;
}

int totp_code(const char *secret, int64_t step, char out[TOTP_CODE_SIZE])
{
	uint8_t key[TOTP_SECRET_BYTES], counter[8], mac[20];
	if (step < 0 || !read_secret(secret, key))
		return -EINVAL;
	for (int i = 0; i < 8; i++)
		counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	int error =
	    mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), key, sizeof key, counter, sizeof counter, mac);
	wipe(key, sizeof key);
	if (error)
		return -EINVAL;
	/* RFC 4226 section 5.3 */
	const uint8_t *at = mac + (mac[19] & 15);
	uint32_t number = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	snprintf(out, TOTP_CODE_SIZE, "%06u", number % 1000000);
	wipe(mac, sizeof mac);
	return 0;
}

static bool is_same(const char a[TOTP_CODE_SIZE], const char *b)
{
	uint8_t difference = strlen(b) != TOTP_CODE_SIZE - 1;
	for (int i = 0; i < TOTP_CODE_SIZE - 1 && !difference; i++)
		difference |= (uint8_t)(a[i] ^ b[i]);
	return !difference;
}

bool totp_verify(const char *secret, const char *code, int64_t now_s, int64_t *used)
{
	char right[TOTP_CODE_SIZE];
	int64_t now = now_s / TOTP_STEP_S;
	bool good = false;
	for (int64_t step = now - TOTP_DRIFT_STEPS; step <= now + TOTP_DRIFT_STEPS; step++) {
		if (step <= *used || totp_code(secret, step, right) || !is_same(right, code))
			continue;
		*used = step;
		good = true;
		break;
	}
	wipe(right, sizeof right);
	return good;
}

int totp_uri(const char *secret, const char *gateway, const char *name, char *out, size_t size)
{
	int length = snprintf(out, size, "otpauth://totp/Sekisho%%20%s:%s?secret=%s&issuer=Sekisho%%20%s", gateway,
			      name, secret, gateway);
	return length < 0 || (size_t)length >= size ? -EMSGSIZE : 0;
}
