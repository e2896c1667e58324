#include "vpn/admission/reasons.h"

#include <string.h>

static const char *const codes[REASON_COUNT] = {
    [REASON_NONE] = "",
    [REASON_NOT_REGISTERED] = "not_registered",
    [REASON_REVOKED] = "revoked",
    [REASON_DEVICE_MISMATCH] = "device_mismatch",
    [REASON_NO_IDENTITY] = "no_identity",
    [REASON_NO_STATEMENT] = "no_statement",
    [REASON_NONCE] = "nonce",
    [REASON_SIGNATURE] = "signature",
    [REASON_IMAGE_OLD] = "image_old",
    [REASON_IMAGE_UNKNOWN] = "image_unknown",
    [REASON_COPIED] = "copied",
    [REASON_PIN_WANTED] = "pin_wanted",
    [REASON_PIN_NONE] = "pin_none",
    [REASON_PIN_WRONG] = "pin_wrong",
    [REASON_PIN_LOCKED] = "pin_locked",
    [REASON_TRY_AGAIN] = "try_again",
};

const char *admission_reason_code(enum admission_reason reason) { return codes[reason]; }

enum admission_reason admission_reason_from(const char *code)
{
	int i = 0;
	while (i < REASON_COUNT && strcmp(codes[i], code) != 0)
		i++;
	return (enum admission_reason)i;
}
