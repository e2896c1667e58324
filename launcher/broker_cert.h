/*
 * broker_cert - the certificates that a bank sent, judged (whitelist/chain.h) and the good answer kept: the same ones
 * need not be verified again while they are valid and the policy says the same of the host.
 */
#ifndef LAUNCHER_BROKER_CERT_H
#define LAUNCHER_BROKER_CERT_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/messages.h"
#include "whitelist/chain.h"

#define PINS_MAX    16
#define REVOKED_MAX 64
#define CHAINS_KEPT 4

/* Zero-initialised, for one host under one set of anchors, pins and revoked keys. */
struct chain_memory {
	struct {
		struct pin digest;
		int64_t from, until;
	} good[CHAINS_KEPT];
	size_t next, count;
};

/* Of one connection. */
struct chain_check {
	bool judged;
	enum refusal refusal;
	struct pin keys[CHAIN_PATH_MAX]; /* that were presented, the server's own first; where it was refused */
	size_t key_count;
	int64_t from, until; /* where it was not refused: the path's certificates are valid, both included */
};

/* Sets `check`. The memory may be NULL. */
void certificate_judge(const struct chain_question *question, struct chain_memory *memory, struct chain_check *check);

/* A refusal by which somebody could be in between, which the desk is told of with the keys. */
bool refusal_is_attack(enum refusal refusal);

#endif
