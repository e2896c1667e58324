/*
 * broker_client - the customer's certificate towards the bank: offered to the hosts that the key holder names and to no
 * other, and proved by the key holder. The broker has the certificate and never its key.
 *
 * While such a connection shakes hands its messages are kept (the plain ones as they pass the socket, those of TLS 1.3
 * as mbedTLS hashes them), because the key holder signs a whole handshake and no hash. It is asked and waited for
 * inside mbedTLS' call, CLIENT_WAIT_MS at most.
 *
 * Programs that link this take the linker's options in CLIENT_WRAPS (broker.mk): mbedTLS asks nobody but itself to sign
 * for a client.
 */
#ifndef LAUNCHER_BROKER_CLIENT_H
#define LAUNCHER_BROKER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_WAIT_MS 3000

struct tls_end;
struct client_record;

/* The session's channel to the key holder, ours from now on. It says there what it has; nothing is offered without. */
void client_use(int channel);

/* At the bank's end, set up and not yet begun: offer the certificate if this host is one to be offered it. */
void client_offer(struct tls_end *end);
/* Before each call of mbedtls_ssl_handshake(). */
void client_turn(struct tls_end *end);
/* Bytes of the bank's end as they pass the socket. */
void client_passed(struct tls_end *end, int outgoing, const uint8_t *data, size_t size);
/* Whether the host asked for a certificate in the handshake under way, and is none that may have it. */
bool client_asked_in_vain(const struct tls_end *end);
/* The handshake is over, or the connection; NULL is fine. */
void client_record_free(struct client_record *record);

#endif
