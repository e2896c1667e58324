/*
 * cdn - names under which many unrelated sites share one address (cdn.def). The gateway looks at the name in the
 * ClientHello, but not into TLS: at such an address a taken-over browser can be shown a neighbour by domain fronting.
 */
#ifndef WHITELIST_CDN_H
#define WHITELIST_CDN_H

/* Whose network a host, a wildcard or the end of an alias lies in; NULL if in none that is known. */
const char *cdn_of(const char *name);

#endif
