/*
 * pkcs11uri - the name of a key in a PKCS#11 token (RFC 7512), as far as we use it:
 *
 *   pkcs11:token=bank;object=aoki?pin-source=file:/run/user/1000/pin
 *
 * `token` and `object` (or `id`) name the key. A PIN has no place in it. Pure.
 */
#ifndef FIRMWARE_LIB_PKCS11URI_H
#define FIRMWARE_LIB_PKCS11URI_H

#include <stdbool.h>
#include <stddef.h>

enum { PKCS11_FIELD_BYTES = 256, PKCS11_LABEL_BYTES = 32 };

struct pkcs11_uri {
	char token[PKCS11_FIELD_BYTES], object[PKCS11_FIELD_BYTES], id[PKCS11_FIELD_BYTES];
	char pin_source[PKCS11_FIELD_BYTES], module[PKCS11_FIELD_BYTES]; /* pin-source, module-path; "" none */
	size_t id_size;                                                  /* `id` is bytes */
};

enum pkcs11_fault {
	PKCS11_GOOD,
	PKCS11_TOO_LONG,   /* an attribute longer than such a name is */
	PKCS11_PIN_INSIDE, /* pin-value */
	PKCS11_UNKNOWN,    /* an attribute that is none of these */
	PKCS11_INCOMPLETE, /* the token, or the key in it, is not named */
};

bool pkcs11_is_uri(const char *text); /* "pkcs11:..." */

/* `wrong` gets the attribute that a fault is about, inside `text`, of `wrong_size` bytes. */
enum pkcs11_fault pkcs11_uri_read(const char *text, struct pkcs11_uri *uri, const char **wrong, size_t *wrong_size);

/* Whether this is the label of a token: PKCS#11 pads with blanks. */
bool pkcs11_is_label(const unsigned char label[PKCS11_LABEL_BYTES], const char *name);

#endif
