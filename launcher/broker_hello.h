/*
 * broker_hello - what the broker must know of a browser's first flight before it speaks TLS itself: the one host name
 * asked for, the protocols offered, the TLS versions.
 *
 * Reads TLS records holding one ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), which may be split over
 * records and over reads. Strict where a lenient reading could differ from the TLS library's: one name, no extension
 * twice, no byte left over in any list, nothing behind the message in its last record. Pure: no allocation, no I/O.
 */
#ifndef LAUNCHER_BROKER_HELLO_H
#define LAUNCHER_BROKER_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/broker_host.h"

#define HELLO_MESSAGE_MAX_BYTES 16384 /* the handshake message, its header included; browsers send 0.3 to 2 kB */
#define HELLO_RECORDS_MAX       32
#define HELLO_MAX_BYTES         (HELLO_MESSAGE_MAX_BYTES + HELLO_RECORDS_MAX * 5) /* a caller never needs to hold more */
#define HELLO_PROTOCOLS_MAX     8
#define HELLO_PROTOCOL_MAX      32

enum hello_result {
	HELLO_OK,
	HELLO_MORE,          /* good so far; come again with more bytes */
	HELLO_NOT_TLS,       /* the first byte is not a handshake record's */
	HELLO_SSL2,          /* an SSL 2.0 compatible hello */
	HELLO_TOO_LARGE,     /* larger than the limits above, or in too many records */
	HELLO_MALFORMED,     /* another message, or lengths that contradict each other */
	HELLO_OLD,           /* neither TLS 1.2 nor 1.3 is offered */
	HELLO_NO_NAME,       /* no server_name extension */
	HELLO_SEVERAL_NAMES, /* more than one name, or one of another type */
	HELLO_BAD_NAME,      /* not a host name */
	HELLO_ADDRESS,       /* an IP address where a host name should be */
	HELLO_BAD_PROTOCOLS, /* an ALPN list that cannot be offered on: too long, or with an empty or NUL-holding name
			      */
	HELLO_RESULT_COUNT
};

struct hello {
	char host[HOST_MAX_BYTES + 1];                               /* lower case */
	char protocols[HELLO_PROTOCOLS_MAX][HELLO_PROTOCOL_MAX + 1]; /* ALPN, in the browser's order */
	size_t protocol_count;                                       /* 0: no ALPN extension */
	bool tls12, tls13;
};

/* `hello` is filled only on HELLO_OK. Bytes behind the ClientHello's last record are not looked at. */
enum hello_result hello_parse(const uint8_t *data, size_t size, struct hello *hello);

/* English, for the desk: "no server name", ... */
const char *hello_text(enum hello_result result);

#endif
