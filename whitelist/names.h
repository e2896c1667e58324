/*
 * names - host names as the policy spells them: lower-case A-labels (RFC 5890), letters, digits and hyphens, two labels
 * or more, no dot at the end, nothing that a resolver or a browser could take for an address.
 */
#ifndef WHITELIST_NAMES_H
#define WHITELIST_NAMES_H

#include <stdbool.h>
#include <stdint.h>

bool name_is_host(const char *name);

/* An IPv4 or IPv6 address in any spelling a browser accepts (WHATWG URL: a last label that is a number). */
bool name_is_address(const char *name);

/* "*." and a host name; the rest may be a public suffix (suffix.h). */
bool name_is_wildcard(const char *pattern);

/* `pattern` exact, or a wildcard that stands for exactly one label. Both in the policy's spelling. */
bool name_matches(const char *pattern, const char *name);

/*
 * The host and port of an https URL in plain ASCII, without user, fragment, or a path that does not start with a
 * slash. False if it is none. `host` has room for WHITELIST_HOST_BYTES.
 */
bool url_split(const char *url, char *host, uint16_t *port);

#endif
