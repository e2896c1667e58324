/* pem - one certificate between DER and PEM (RFC 7468). Only for what our own processes verified or made. Pure. */
#ifndef LAUNCHER_PEM_H
#define LAUNCHER_PEM_H

#include <stddef.h>
#include <stdint.h>

/* The first certificate of the text. 0, -EINVAL or -EMSGSIZE (more than `capacity` bytes). */
int pem_decode(const char *pem, size_t size, uint8_t *der, size_t capacity, size_t *der_size);

/* NUL-terminated, the caller's; NULL if there is no memory. */
char *pem_encode(const uint8_t *der, size_t size);

#endif
