/*
 * keys - what a gateway needs of its own before it can start: the WireGuard key, TLS keys with self-signed
 * certificates for the control API, the console and the banks' questions, the token for /metrics, the key of the audit
 * log. What is there already stays.
 */
#ifndef VPN_GATEWAY_KEYS_H
#define VPN_GATEWAY_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "vpn/gateway/config.h"

/* The control certificate's only name, which sticks ask for. */
#define KEYS_CONTROL_NAME "%s.gateway.sekisho"
/* A name of the certificate that banks' systems see; the others are the addresses it listens at. */
#define KEYS_LOOKUP_NAME "%s.lookup.sekisho"

/* Make what is missing. 0, or -errno with the file and the reason in `why`. */
int keys_ensure(const struct config *config, char *why, size_t why_size);

/* The entry of this gateway for the signed list of gateways: `addresses` are "ADDRESS:PORT" of its outside. *json is a
 * new text, the caller's. 0, or -errno with the reason in `why`. */
int keys_entry(const struct config *config, const char *const *addresses, size_t count, char **json, char *why,
	       size_t why_size);

/* A WireGuard key file's bytes (base64 and a new line). 0 or -errno. */
int keys_read_wireguard(int fd, uint8_t key[WG_KEY_BYTES]);

#endif
