/*
 * totp - the second factor of a log-in: time-based one-time passwords, RFC 6238 with HMAC-SHA-1, 30 s and six digits,
 * which is what every authenticator takes. Pure: time comes in.
 */
#ifndef VPN_GATEWAY_TOTP_H
#define VPN_GATEWAY_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TOTP_SECRET_BYTES = 20,     /* RFC 4226 section 4, R6 */
	TOTP_SECRET_TEXT_SIZE = 33, /* base32 without padding, with the NUL */
	TOTP_CODE_SIZE = 7,         /* with the NUL */
	TOTP_STEP_S = 30,
	TOTP_DRIFT_STEPS = 1, /* RFC 6238 section 5.2: one step back and one ahead */
};

/* A new secret. 0 or -EIO. */
int totp_new_secret(char out[TOTP_SECRET_TEXT_SIZE]);

/* The code of a step (unix seconds / 30). 0; -EINVAL: the text is no secret. */
int totp_code(const char *secret, int64_t step, char out[TOTP_CODE_SIZE]);

/* Is `code` one of about now, and of a later step than the last that was used? Then *used is its step: keep it, so that
 * a code seen over somebody's shoulder is worth nothing. */
bool totp_verify(const char *secret, const char *code, int64_t now_s, int64_t *used);

/* otpauth://totp/... for an authenticator. -EMSGSIZE if it does not fit; the names need no quoting (names.h). */
int totp_uri(const char *secret, const char *gateway, const char *name, char *out, size_t size);

#endif
