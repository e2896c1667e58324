/*
 * broker_host - the one notion of a host name that the broker's parsers share: SNI, DNS questions, certificates.
 *
 * Letters, digits and hyphens in labels of 1 to 63 bytes, none with a hyphen at either end, 253 bytes in all, no dot at
 * the end (RFC 1123 section 2.1, RFC 6066 section 3). Lower case after reading; names in other scripts come as
 * A-labels.
 */
#ifndef LAUNCHER_BROKER_HOST_H
#define LAUNCHER_BROKER_HOST_H

#include <stddef.h>

#define HOST_MAX_BYTES 253

enum host_kind { HOST_NAME, HOST_ADDRESS, HOST_MALFORMED };

/*
 * Read `size` bytes as a host name into `out`, lower-cased. HOST_ADDRESS: an IPv4 or IPv6 literal, or what a URL parser
 * could take for one (a last label of digits only). `out` is "" unless HOST_NAME.
 */
enum host_kind host_read(const void *bytes, size_t size, char out[HOST_MAX_BYTES + 1]);

#endif
