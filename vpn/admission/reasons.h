/*
 * reasons - why a stick is not admitted: the words both ends use. The gateway sends the code, the stick shows the
 * sentence that launcher/kiosk/strings.c has for it, in Japanese and English.
 */
#ifndef VPN_ADMISSION_REASONS_H
#define VPN_ADMISSION_REASONS_H

enum admission_reason {
	REASON_NONE,            /* admitted */
	REASON_NOT_REGISTERED,  /* no stick has this address */
	REASON_REVOKED,         /* cut off for good */
	REASON_DEVICE_MISMATCH, /* the statement is another stick's, or for another gateway */
	REASON_NO_IDENTITY,     /* registered without an identity key */
	REASON_NO_STATEMENT,    /* nothing stands: make one */
	REASON_NONCE,           /* not the nonce that was given out last, or it was used: replayed, or just late */
	REASON_SIGNATURE,       /* not signed by this stick's identity key, or not a statement */
	REASON_IMAGE_OLD,
	REASON_IMAGE_UNKNOWN,
	REASON_COPIED,     /* a token that was used before: two hold this stick's keys, and neither gets in */
	REASON_PIN_WANTED, /* the policy asks for a PIN and none was given */
	REASON_PIN_NONE,   /* the policy asks for a PIN and this stick has none registered */
	REASON_PIN_WRONG,
	REASON_PIN_LOCKED, /* too many wrong ones */
	REASON_TRY_AGAIN,  /* the gateway could not remember it, or is asked too often */
	REASON_COUNT
};

/* "copied", "pin_wrong", ...; "" for REASON_NONE. */
const char *admission_reason_code(enum admission_reason reason);
/* REASON_COUNT if it is none of them. */
enum admission_reason admission_reason_from(const char *code);

#endif
