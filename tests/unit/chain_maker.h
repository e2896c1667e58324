/*
 * chain_maker - certificates for tests, right or wrong in any way: DER written by hand, signed with keys made at the
 * start of the test. Nothing is kept in the tree.
 */
#ifndef TESTS_UNIT_CHAIN_MAKER_H
#define TESTS_UNIT_CHAIN_MAKER_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum maker_key {
	MAKER_ROOT,
	MAKER_ISSUER,
	MAKER_LEAF,
	MAKER_OTHER,
	MAKER_SIGNERS, /* those below sign nothing */
	MAKER_RSA_1024 = MAKER_SIGNERS,
	MAKER_RSA_2047,
	MAKER_X25519,
};

enum maker_hash { MAKER_SHA256, MAKER_SHA1 };
enum maker_use { MAKER_SERVER = 1, MAKER_EMAIL = 2, MAKER_ANY = 4 };
enum maker_usage { MAKER_DIGITAL_SIGNATURE = 0x80, MAKER_KEY_ENCIPHERMENT = 0x20, MAKER_CERT_SIGN = 0x04 };
enum maker_twist { MAKER_PLAIN, MAKER_ODD_BOOLEAN, MAKER_TWICE };

/* An extension of which only the value's first byte can be told: what it means is not looked at. */
struct maker_extra {
	const char *oid; /* content octets */
	size_t oid_size;
	const char *value;
	size_t value_size;
	bool critical;
};

struct recipe {
	const char *subject, *issuer; /* common names; "" an empty name */
	enum maker_key key, signer;
	int version;
	uint8_t serial[24];
	size_t serial_size;
	const char *from, *until; /* YYYYMMDDHHMMSSZ */
	enum maker_hash hash;
	bool broken; /* the signature */
	bool constraints, constraints_critical, authority;
	int path_length; /* -1: none */
	unsigned usage;  /* 0: no keyUsage */
	unsigned uses;   /* 0: no extendedKeyUsage */
	bool uses_critical;
	bool ski, ski_critical, aki, aki_critical, no_v3;
	enum maker_key ski_of, aki_of;
	bool san_critical;
	const char *names[3]; /* DNS names of the SAN; none: no SAN unless `email` */
	const char *email;
	struct maker_extra extra; /* oid NULL: none */
	enum maker_twist twist;
};

/* Keys; -1 if the machine does not make any. */
int maker_start(void);
void maker_end(void);

/* A good chain's three, for www.bank.example from 2025 to 2045. */
struct recipe maker_root(void);
struct recipe maker_issuer(void);
struct recipe maker_leaf(void);

/* Returns the DER's size, 0 on failure. */
size_t maker_der(const struct recipe *recipe, uint8_t *der, size_t capacity);

/* Append to the list at `chain`; mbedTLS' result. */
int maker_add(mbedtls_x509_crt *chain, const struct recipe *recipe);

#endif
