/*
 * provision - what the device record holds, in pieces. The record process has checked it member by member; here the
 * pieces are taken apart for their holders, and the mutable half is put together again for storing. Pure; the formats
 * are record(5)'s.
 */
#ifndef LAUNCHER_PROVISION_H
#define LAUNCHER_PROVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/wifi.h"

#define PROVISION_TOKEN_BYTES 128 /* of its JSON, with the NUL */
#define PROVISION_CLIENTS_MAX 8

/* What the customer proves himself to a bank with. */
struct provision_client {
	char bank[33];
	char *certificates, *key; /* PEM */
};

struct provision {
	char device[33];
	char tenant[33];
	uint8_t wireguard_key[32];
	char address[64]; /* inside the tunnel, with its prefix length */
	uint8_t identity_key[32], pin_secret[32];
	bool has_identity, has_pin;
	struct provision_client clients[PROVISION_CLIENTS_MAX];
	size_t client_count;
	char *gateways; /* envelope of first contact */

	/* the mutable half; all empty on a stick that has never met its gateway */
	char *kept_policy; /* envelope last accepted, NULL */
	uint64_t kept_policy_version;
	char *kept_gateways; /* NULL */
	uint64_t kept_gateways_version;
	uint64_t time_floor; /* of the times the gateway confirmed; never below it */
	uint64_t time_last;  /* the last of them: where the clock starts from, and no more */
	uint64_t image_floor;
	struct wifi_kept wifi; /* networks that the customer chose and that let us in */
	uint8_t token[32];     /* for the next admission; all zero before the first */
	bool token_apart;      /* it lies in a place of its own, and no more in the mutable half */
};

/* `changing` is the mutable half, of size 0 if there is none. 0, -EINVAL or -ENOMEM; then nothing is held. */
int provision_parse(const char *immutable, size_t immutable_size, const char *changing, size_t changing_size,
		    struct provision *provision);

/* The mutable half as JSON, the caller's to free; NULL if there is no memory. */
char *provision_changing(const struct provision *provision);

/* The token's own place: what lies there, 0 or -EINVAL; and what is to lie there, the caller's, as above. */
int provision_take_token(struct provision *provision, const char *json, size_t size);
char *provision_token(const uint8_t token[32]);

/* Replace a text with a copy of `size` bytes. 0 or -ENOMEM. */
int provision_keep(char **text, const void *data, size_t size);

/* Take out of a JSON text, in place, what is not in a string and means nothing: a signed envelope stays what it is, and
 * cannot take more room than its content does. */
void provision_squeeze(char *json);

/* Wipes. */
void provision_free(struct provision *provision);

#endif
