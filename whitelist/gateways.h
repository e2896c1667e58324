/*
 * gateways - the signed list of gateways: where the tunnel goes. An object of its own without expiry, so that a stick
 * left in a drawer still finds the way to newer ones.
 *
 * The payload of an envelope of ENVELOPE_TYPE_GATEWAYS, whitelist(5); verified before it is parsed, strict as
 * whitelist.h is, with the same faults.
 */
#ifndef WHITELIST_GATEWAYS_H
#define WHITELIST_GATEWAYS_H

#include "whitelist/whitelist.h"

#define GATEWAYS_MAX          16
#define GATEWAY_ADDRESSES_MAX 8
#define GATEWAY_KEY_BYTES     32
#define GATEWAY_ADDRESS_BYTES 46 /* text of an address with NUL */

struct gateway_address {
	char text[GATEWAY_ADDRESS_BYTES]; /* without the port, canonical (RFC 5952) */
	uint8_t family;                   /* 4 or 6 */
	uint8_t bytes[16];                /* the first 4 if family is 4; network order */
	uint16_t port;                    /* UDP, of WireGuard */
};

struct gateway {
	char id[WHITELIST_ID_BYTES];
	struct gateway_address addresses[GATEWAY_ADDRESSES_MAX];
	size_t address_count;
	uint8_t key[GATEWAY_KEY_BYTES];    /* WireGuard public key */
	char inner[GATEWAY_ADDRESS_BYTES]; /* its address inside the tunnel */
	uint16_t control_port;
	char control_name[WHITELIST_HOST_BYTES];
	uint8_t *control_der; /* certificate that the control API's chain ends in */
	size_t control_der_size;
	uint8_t control_pin[WHITELIST_PIN_BYTES]; /* SHA-256 of the SPKI of the API's own key */
};

struct gateways {
	uint64_t version;
	struct gateway *list;
	size_t count;
};

/* As whitelist_parse(). */
int gateways_parse(const uint8_t *payload, size_t size, struct gateways **out, struct whitelist_fault *fault);
void gateways_free(struct gateways *gateways);
/* As whitelist_check(). */
int gateways_check(const uint8_t *payload, size_t size, struct whitelist_faults *faults);

#endif
