/*
 * base64 - RFC 4648 section 4, strictly: no white space, no missing or superfluous padding, unused bits zero, so that
 * every value has one spelling only.
 */
#ifndef FIRMWARE_LIB_BASE64_H
#define FIRMWARE_LIB_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Decoded size at most; encoded size with the NUL. */
#define BASE64_DECODED_MAX(text_size) ((text_size) / 4 * 3)
#define BASE64_ENCODED_SIZE(size)     (((size) + 2) / 3 * 4 + 1)

/* Decode `text` into at most `capacity` bytes. 0 and *size, or -EINVAL (not base64), -EMSGSIZE (more than capacity). */
int base64_decode(const char *text, size_t text_size, uint8_t *out, size_t capacity, size_t *size);

/* Encode into `out`, which has room for BASE64_ENCODED_SIZE(size) characters; ends with NUL. */
void base64_encode(const uint8_t *data, size_t size, char *out);

#endif
