/*
 * broker_host - the one way in which bytes from outside become a host name in the broker: SNI, DNS questions and
 * certificates alike. What a host name is, whitelist/names.h says: it must be the same thing as in the policy.
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
