/*
 * operator - operators' passwords: Argon2id (RFC 9106), encoded with its parameters and salt.
 */
#ifndef VPN_GATEWAY_OPERATOR_H
#define VPN_GATEWAY_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>

enum { OPERATOR_HASH_SIZE = 160, OPERATOR_PASSWORD_SIZE = 25, OPERATOR_PASSWORD_MAX_BYTES = 256 };

/* 0 or -errno. */
int operator_hash(const char *password, char out[OPERATOR_HASH_SIZE]);
/* Takes the same time for a wrong password as for a right one. `hash` NULL: no such operator; as slow, never true. */
bool operator_verify(const char *hash, const char *password);
/* A new password of 120 random bits, in groups that can be read aloud. 0 or -errno. */
int operator_new_password(char out[OPERATOR_PASSWORD_SIZE + 4]);

#endif
