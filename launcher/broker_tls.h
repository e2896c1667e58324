/*
 * broker_tls - the two ends of a connection: to the bank as a client, to the browser as a server, both by mbedTLS over
 * non-blocking sockets.
 *
 * TLS 1.2 and 1.3 to the bank, TLS 1.3 to the browser; ECDHE and AEAD only, X25519 and P-256. The bank's certificate
 * must lead to the host's own anchors, be for the host and carry a pin (broker_cert.h); the protocols offered to it are
 * the browser's. The browser is offered the one protocol that the bank chose, and tickets to come back with.
 */
#ifndef LAUNCHER_BROKER_TLS_H
#define LAUNCHER_BROKER_TLS_H

#include <mbedtls/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware/lib/buf.h"
#include "launcher/broker_cert.h"
#include "launcher/broker_client.h"
#include "launcher/broker_hello.h"
#include "launcher/broker_policy.h"

#define TLS_RECORD_MAX_BYTES 16384

struct tls_end {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	int fd;           /* the caller's; -1 before it is opened */
	uint32_t wants;   /* EPOLLIN, EPOLLOUT: what the last calls waited for; the caller clears it */
	struct buf early; /* bytes read from fd before TLS began or behind a record, to be read first */
	bool drained;     /* fd had no more: not asked again before the caller, told of new bytes, clears it */
	bool hung_up;     /* the caller's word that nobody will tell: fd is asked until it has no more */
	int waits_for;    /* so many bytes make fd worth telling of: the rest of a record, or any (0 and 1) */
	const char *protocols[HELLO_PROTOCOLS_MAX + 1];
	struct chain_check check;     /* bank's end */
	struct bank_host *host;       /* bank's end: where new sessions are kept; the caller's reference */
	bool resuming;                /* then `check` has the dates of the certificates that were judged for it */
	bool downgraded;              /* bank's end: it speaks TLS 1.3, by its own word, and was made to speak 1.2 */
	struct client_record *client; /* bank's end: its handshake may prove the customer's certificate; NULL */
	bool asked_in_vain;           /* bank's end: for the customer's certificate, which it is not named for */
	int error;                    /* mbedTLS' own, after TLS_FAILED */
};

enum tls_result {
	TLS_DONE = 0,
	TLS_WAIT = -1,   /* see `wants` */
	TLS_CLOSED = -2, /* close_notify came: a good end */
	TLS_CUT = -3,    /* the connection ended without it */
	TLS_FAILED = -4, /* see `error` */
};

/* Once, after psa_crypto_init(). 0 or an mbedTLS error. */
int tls_start(void);

void tls_init(struct tls_end *end);
void tls_free(struct tls_end *end);

/* `hello`, `protocol` and `host` outlive the end. 0 or an mbedTLS error. `protocol` NULL: none was chosen. */
int tls_open_bank(struct tls_end *end, int fd, struct bank_host *host, const struct hello *hello);
int tls_open_browser(struct tls_end *end, int fd, struct bank_host *host, const char *protocol);

enum tls_result tls_handshake(struct tls_end *end);
/* Bytes moved (> 0) or an enum tls_result. A write that waits is called again with the same bytes. */
int tls_read(struct tls_end *end, void *data, size_t size);
int tls_write(struct tls_end *end, const void *data, size_t size);
enum tls_result tls_close(struct tls_end *end); /* send close_notify */

/* Why the bank's handshake failed, with a sentence for the desk in `detail`. */
enum refusal tls_bank_refusal(const struct tls_end *end, char *detail, size_t capacity);

/* True, once for a host: it signed as mbedTLS cannot read in TLS 1.2; a new connection that offers less may succeed. */
bool tls_try_without_pss(struct tls_end *end);

/* A fatal alert (RFC 8446 section 6) in the clear, to a browser that waits for the ServerHello. Best effort. */
void tls_send_plain_alert(int fd, uint8_t description);

#endif
